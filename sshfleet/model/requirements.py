"""What an [X-Fleet] section asks for, after specifiers are replaced."""

from dataclasses import dataclass

from sshfleet.model.machine import DriftPolicy, FailoverMode, HandOver


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """The rules of one unit; the meaning of each key is in docs/unit-files.md.

    `metadata` holds every `key=value` asked for: values of one key are alternatives, keys are all
    needed. `conflicts` and `replaces` are globs over whole unit names (`unitfile.glob`).
    `failover` and `drift` are None when the unit leaves them to the inventory.
    """

    machine_id: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    machine_of: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    is_global: bool = False
    failover: FailoverMode | None = None
    drift: DriftPolicy | None = None
    hand_over: HandOver = HandOver.STOP_FIRST
