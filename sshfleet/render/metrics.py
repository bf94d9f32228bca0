"""Metrics of one run, as text that Prometheus reads (exposition format 0.0.4).

Rule 1: docs/cron.md names each metric; what is not known has no line, it is never told as 0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Labels = tuple[tuple[str, str], ...]
Samples = Mapping[Labels, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run: when it ended (seconds since 1970), how long it took, and what it knew of the fleet.

    `machines` counts them by status, `units` by target and whether they are as wanted (yes, no,
    unknown), `actions` by verb and result; `silent` tells since when machines are.
    """

    fleet: str
    ended: float
    seconds: float
    code: int
    machines: Mapping[str, int] = field(default_factory=dict)
    units: Mapping[tuple[str, str], int] = field(default_factory=dict)
    actions: Mapping[tuple[str, str], int] = field(default_factory=dict)
    silent: Mapping[str, float] = field(default_factory=dict)


def metrics_text(run: Measured) -> str:
    """Return the text of a metrics file."""
    return "".join(
        line
        for name, (help_text, samples) in _families(run).items()
        if samples
        for line in _family(name, help_text, run.fleet, samples)
    )


def _families(run: Measured) -> dict[str, tuple[str, Samples]]:
    return {
        "sshfleet_last_run_timestamp_seconds": ("When the last run ended.", {(): run.ended}),
        "sshfleet_last_run_duration_seconds": ("How long the last run took.", {(): run.seconds}),
        "sshfleet_last_run_exit_code": (
            "How the last run ended: 0 when all is as wanted.",
            {(): run.code},
        ),
        "sshfleet_last_run_actions": (
            "What the last run did on machines, by verb and result.",
            {(("verb", v), ("result", r)): count for (v, r), count in run.actions.items()},
        ),
        "sshfleet_machines": (
            "Machines of the inventory, by status.",
            {(("status", status),): count for status, count in run.machines.items()},
        ),
        "sshfleet_machine_silent_since_timestamp_seconds": (
            "Since when a machine is silent.",
            {(("machine", name),): since for name, since in run.silent.items()},
        ),
        "sshfleet_units": (
            "Registered units, by target state and whether they are as wanted.",
            {(("target", t), ("as_wanted", w)): count for (t, w), count in run.units.items()},
        ),
    }


def _family(name: str, help_text: str, fleet: str, samples: Samples) -> Iterator[str]:
    yield f"# HELP {name} {help_text}\n"
    yield f"# TYPE {name} gauge\n"
    for labels, value in sorted(samples.items()):
        pairs = ",".join(f'{key}="{_escaped(text)}"' for key, text in (("fleet", fleet), *labels))
        yield f"{name}{{{pairs}}} {_number(value)}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
