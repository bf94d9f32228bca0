"""What a long run shows on a terminal: one line on stderr, drawn by rich, gone at the end.

Rule 1: nothing is drawn, and rich is not imported, unless the run goes on beyond its first turn.
"""

from typing import TYPE_CHECKING

from sshfleet.model.action import Plan
from sshfleet.render.safe import safe_line

if TYPE_CHECKING:
    from rich.status import Status


class Progress:
    """Called with each plan of a run, and with None when the run has ended."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._status: Status | None = None

    def __call__(self, plan: Plan | None) -> None:
        """Show what a plan does or waits for; clear the line for None or a plan without either."""
        if plan is None or not (plan.actions or plan.waiting):
            if self._status:
                self._status.stop()
                self._status = None
        elif self._shown:
            self._draw(words(plan))

    def _draw(self, text: str) -> None:
        from rich.console import Console
        from rich.status import Status
        from rich.text import Text

        if self._status is None:
            console = Console(stderr=True, markup=False, highlight=False, emoji=False)
            self._status = Status(Text(text), console=console)
            self._status.start()
        self._status.update(Text(text))


def words(plan: Plan) -> str:
    """Say in one line what a plan does, or else what it waits for."""
    if plan.actions:
        first = plan.actions[0]
        text = f"{first.verb.name.lower()} {first.unit} on {first.machine}"
        count = len(plan.actions)
    else:
        waiting = plan.waiting[0]
        text = f"{waiting.unit} on {waiting.machine}: {waiting.why}"
        count = len(plan.waiting)
    return safe_line(text + (f", and {count - 1} more" if count > 1 else ""), 120)
