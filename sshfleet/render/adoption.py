"""What `adopt` found: machines with whose they are so far, and units."""

from collections.abc import Iterable, Iterator, Mapping

from sshfleet.model.adopted import Adopted
from sshfleet.model.event import TargetState
from sshfleet.model.machine import MachineName
from sshfleet.model.owner import Owner
from sshfleet.render.document import VERSION, Document
from sshfleet.render.tables import Row, table

Owners = Mapping[MachineName, Owner | None]


def machines_table(owners: Owners) -> str:
    """Lay out the machines and who changed each last."""
    rows = [_machine(name, owner) for name, owner in sorted(owners.items())]
    return table(rows, ["machine", "changed by", "at", "journal"])


def _machine(name: MachineName, owner: Owner | None) -> Row:
    if owner is None:
        return {"machine": name}
    return {
        "machine": name,
        "changed by": owner.by,
        "at": owner.at,
        "journal": owner.journal,
    }


def units_table(units: Iterable[Adopted]) -> str:
    """Lay out the units: what is wanted of each, where it belongs, and what is odd about it."""
    rows = [
        {
            "unit": one.unit,
            "target": one.target,
            "machine": ",".join(one.machines),
            "note": "; ".join(_remarks(one)),
        }
        for one in units
    ]
    return table(rows, ["unit", "target", "machine", "note"])


def _remarks(one: Adopted) -> Iterator[str]:
    if one.why_not:
        yield f"not adopted: {one.why_not}"
    elif one.target is TargetState.INACTIVE:
        yield "is on no machine any more"
    elif not one.machines:
        yield "stays where this journal placed it since"
    if one.left:
        yield f"reconcile removes an older copy from {', '.join(one.left)}"


def adoption_document(
    owners: Owners,
    units: Iterable[Adopted],
    silent: Mapping[MachineName, str],
    *,
    written: bool,
) -> Document:
    """Tell all of it; `silent` says of machines why they could not be asked or marked."""
    return {
        "version": VERSION,
        "written": written,
        "taken": [
            {
                "machine": name,
                "by": owner.by if owner else None,
                "at": owner.at if owner else None,
                "journal": owner.journal if owner else None,
                "lineage": owner.lineage if owner else None,
            }
            for name, owner in sorted(owners.items())
        ],
        "adopted": [
            {
                "unit": one.unit,
                "target": one.target,
                "machines": list(one.machines),
                "left": list(one.left),
                "error": one.why_not or None,
            }
            for one in units
        ],
        "missed": [{"machine": name, "why": why} for name, why in sorted(silent.items())],
    }
