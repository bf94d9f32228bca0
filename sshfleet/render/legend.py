"""How machines are named in tables and lines: `3547a4df.../172.17.8.103`."""


def short(machine: str, *, full: bool = False) -> str:
    """Return the ID, or its first 8 characters and dots; nothing for a machine never seen."""
    return machine if full or not machine else f"{machine[:8]}..."


def legend(machine: str, address: str, *, full: bool = False) -> str:
    """Return the ID legend with the address behind it, where one is known."""
    name = short(machine, full=full)
    return f"{name}/{address}" if name and address else name
