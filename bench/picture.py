"""The results as a picture: each row a line, each contestant a dot on a logarithmic scale.

Plain SVG that browsers show in light and dark alike, and that fetches nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil, log10
from xml.sax.saxutils import escape, quoteattr

from bench.timing import Result, Results, Row, by_task

LINE, TOP, LEFT, WIDTH, MARGIN = 22, 76, 250, 560, 24  # in pixels
COLOURS = {
    "floor": "#8c8c8c",
    "sshfleet": "#d62728",
    "ansible": "#1f77b4",
    "ansible+mitogen": "#17a2b8",
    "pyinfra": "#e0a100",
    "clush": "#2ca02c",
    "parallel-ssh": "#9467bd",
    "ssh+xargs": "#8c564b",
}
OTHER = "#555555"
STYLE = "text{font:13px sans-serif;fill:#777}.line{stroke:#8886;stroke-width:1}.t{font-weight:bold}"


def picture(results: Results, names: Sequence[str]) -> str:
    """Draw the rows with the most machines, in units of the floor."""
    most = max((row.machines for row in results), default=0)
    rows = [*by_task(row for row in results if row.machines == most)]
    ratios = {row: _ratios(results[row]) for row in rows}
    decades = _decades(ratio for found in ratios.values() for ratio in found.values())
    height = TOP + LINE * len(rows) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 2 * MARGIN}" '
        f'height="{height}" role="img" aria-label="Times the floor, {most} machines">',
        f"<style>{STYLE}</style>",
        _text(MARGIN, 20, f"{most} machines: time in units of a bare asyncssh loop", "t"),
        *_legend(names),
        *_scale(decades, height),
        *(part for n, row in enumerate(rows) for part in _row(n, row, ratios[row], decades)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _ratios(found: Mapping[str, Result]) -> dict[str, float]:
    """Return the ratios to the floor of all who have one."""
    ratios = {name: result.ratio(found.get("floor")) for name, result in found.items()}
    return {name: ratio for name, ratio in ratios.items() if ratio}


def _decades(ratios: Iterable[float]) -> int:
    """Return how many powers of ten the scale needs, from one on."""
    return max(1, ceil(log10(max(ratios, default=1.0))))


def _x(ratio: float, decades: int) -> float:
    """Return where a ratio is; what is less than the floor stands a little before it."""
    return LEFT + WIDTH * max(-0.02, log10(ratio) / decades)


def _legend(names: Sequence[str]) -> Iterator[str]:
    x = float(MARGIN)
    for name in names:
        yield f'<circle cx="{x + 5:.0f}" cy="40" r="5" fill="{COLOURS.get(name, OTHER)}"/>'
        yield _text(x + 15, 44, name)
        x += 32 + 7.2 * len(name)


def _scale(decades: int, height: int) -> Iterator[str]:
    steps = [step * 10**decade for decade in range(decades) for step in (1, 2, 5)]
    for step in [*steps, 10**decades]:
        x = _x(step, decades)
        yield f'<path class="line" d="M{x:.0f} {TOP - 6}V{height - MARGIN}"/>'
        yield _text(x - 4 * len(str(step)), TOP - 12, f"×{step}")


def _row(number: int, row: Row, ratios: Mapping[str, float], decades: int) -> Iterator[str]:
    y = TOP + LINE * number + LINE // 2
    yield _text(MARGIN, y + 4, f"{row.task}, {row.condition}")
    yield f'<path class="line" d="M{LEFT} {y}H{LEFT + WIDTH}"/>'
    for name in sorted(ratios, key=lambda name: name == "sshfleet"):  # ours on top
        hint = escape(f"{name}: ×{ratios[name]:.2f}")
        colour = COLOURS.get(name, OTHER)
        yield (
            f'<circle cx="{_x(ratios[name], decades):.1f}" cy="{y}" r="5" fill="{colour}">'
            f"<title>{hint}</title></circle>"
        )


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class={quoteattr(kind)}>{escape(words)}</text>'
