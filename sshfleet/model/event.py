"""The journal's vocabulary: what was wanted, decided and confirmed, never what was measured.

Rule 1: events are facts that stay true; what a unit does right now is observed, not recorded.
Rule 2: fields are text, numbers, and mappings of text: every event is one line of JSON.
Rule 3: an event type, once released, keeps its name and its fields for ever; new ones may come. A
field that comes later has a default, and is written only when it says something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName


class TargetState(StrEnum):
    """What the user wants of a unit; `absent` is the tombstone that `destroy` leaves."""

    INACTIVE = "inactive"
    LOADED = "loaded"
    LAUNCHED = "launched"
    ABSENT = "absent"

    @property
    def on_machine(self) -> bool:
        """Tell whether a unit with this target belongs on a machine."""
        return self in (TargetState.LOADED, TargetState.LAUNCHED)


@dataclass(frozen=True, slots=True)
class JournalStarted:
    """The first event: a fresh lineage (UUID) that tells this journal from every other."""

    lineage: str


@dataclass(frozen=True, slots=True)
class TextStored:
    """The text of a unit file or drop-in, once; units refer to it by the SHA-256 of its bytes."""

    sha256: str
    text: str


@dataclass(frozen=True, slots=True)
class UnitSubmitted:
    """A unit is registered with this text and these drop-ins; a known unit gets new ones.

    `dropins` maps their file names to the SHA-256 of their texts.
    """

    unit: UnitName
    sha256: str
    dropins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TargetSet:
    """The user wants this state of the unit; inactive and absent also end its placements."""

    unit: UnitName
    target: TargetState


@dataclass(frozen=True, slots=True)
class UnitPlaced:
    """The scheduler gave the unit to a machine; from here on that machine may hold a copy.

    `failover` is the FailoverMode under which it goes there, empty for manual.
    """

    unit: UnitName
    machine: MachineId
    generation: int
    reason: str
    failover: str = ""


@dataclass(frozen=True, slots=True)
class UnitUnplaced:
    """The scheduler took the unit from a machine, which may still hold a copy."""

    unit: UnitName
    machine: MachineId
    reason: str


@dataclass(frozen=True, slots=True)
class UnitRemoved:
    """It was seen that the machine holds no copy of the unit any more."""

    unit: UnitName
    machine: MachineId


@dataclass(frozen=True, slots=True)
class CopyGivenUp:
    """The unit may be started elsewhere, though the machine may still hold a copy of it.

    `reason` says what that rests on: a lease that is over, the admin's word, or Failover=eager.
    """

    unit: UnitName
    machine: MachineId
    reason: str


@dataclass(frozen=True, slots=True)
class CopyFound:
    """A machine that was given up is back with its copy, which counts again."""

    unit: UnitName
    machine: MachineId


@dataclass(frozen=True, slots=True)
class CopyGuarded:
    """It was seen that the copy there runs only under a lease."""

    unit: UnitName
    machine: MachineId


@dataclass(frozen=True, slots=True)
class CopyUnguarded:
    """A copy that needs no lease is about to be put there."""

    unit: UnitName
    machine: MachineId


@dataclass(frozen=True, slots=True)
class LeasesPromised:
    """Leases are about to be sent to machines, which may then run leased units for a while.

    At `until` they have surely ended if no other lease follows: CLOCK_BOOTTIME (ms) of the computer
    that promises, in its boot of the ID `boot`. That is `seconds` from now; `number` is higher than
    that of any lease these machines had before.
    """

    machines: tuple[MachineId, ...]
    boot: str
    until: int
    seconds: int
    number: int


@dataclass(frozen=True, slots=True)
class RestartAsked:
    """The user wants new processes: done once a machine's InvocationID is not this one."""

    unit: UnitName
    invocations: Mapping[MachineId, str]


@dataclass(frozen=True, slots=True)
class MachineSeen:
    """An inventory name was found to be this machine."""

    machine: MachineId
    name: MachineName
    address: str


@dataclass(frozen=True, slots=True)
class MachineMarked:
    """This run is about to leave its mark on a machine, where it has just seen the mark `seen`."""

    machine: MachineId
    mark: str
    seen: str


@dataclass(frozen=True, slots=True)
class MachineCordoned:
    """The user wants the machine of this inventory name to be given no more units."""

    name: MachineName


@dataclass(frozen=True, slots=True)
class MachineDraining:
    """The user wants the machine to be given no more units, and those it has to move away."""

    name: MachineName


@dataclass(frozen=True, slots=True)
class MachineUncordoned:
    """The machine may be given units again, and keeps those it has."""

    name: MachineName


@dataclass(frozen=True, slots=True)
class ActionEnded:
    """What came of an action, as observed afterwards; for `history`, changes no state.

    `was` and `became` are the unit's ActiveState there before and after, empty when there was no
    such unit or nobody knows; `ms` are milliseconds from sending to knowing, 0 when not measured.
    """

    unit: UnitName
    machine: MachineId
    verb: str
    reason: str
    result: str
    was: str = ""
    became: str = ""
    ms: int = 0


Event = (
    JournalStarted
    | TextStored
    | UnitSubmitted
    | TargetSet
    | UnitPlaced
    | UnitUnplaced
    | UnitRemoved
    | CopyGivenUp
    | CopyFound
    | CopyGuarded
    | CopyUnguarded
    | LeasesPromised
    | RestartAsked
    | MachineSeen
    | MachineMarked
    | MachineCordoned
    | MachineDraining
    | MachineUncordoned
    | ActionEnded
)
