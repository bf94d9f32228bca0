"""The results as Markdown tables of ratios."""

from collections.abc import Mapping, Sequence

from bench.timing import Result, Results, by_task

MISSING = "–"


def tables(results: Results, names: Sequence[str], notes: Mapping[str, str]) -> str:
    """Return two tables for each number of machines: to the floor, and to sshfleet.

    `notes` says why somebody could not take part, or is to be doubted.
    """
    parts = []
    for machines in sorted({row.machines for row in results}):
        rows = {row: results[row] for row in results if row.machines == machines}
        parts += [
            f"### {machines} machines: times the floor",
            _table(rows, names, "floor"),
            f"### {machines} machines: times sshfleet",
            _table(rows, [name for name in names if name != "sshfleet"], "sshfleet"),
        ]
    parts += [f"{what}: {why}" for what, why in notes.items()]
    return "\n\n".join(parts) + "\n"


def _table(results: Results, names: Sequence[str], base: str) -> str:
    lines = [["task", "condition", *names], ["---"] * (2 + len(names))]
    for row in by_task(results):
        found = results[row]
        cells = (_cell(found.get(name), found.get(base)) for name in names)
        lines.append([row.task, row.condition, *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(result: Result | None, base: Result | None) -> str:
    if result is None:
        return MISSING
    ratio = result.ratio(base)
    if result.seconds is None:
        return "failed"
    shown = MISSING if ratio is None else f"{ratio:.2f}"
    return f"{shown} ({result.failures} of {result.tries} failed)" if result.failures else shown
