"""What a run that was asked to stop has left undone."""

from sshfleet.cli.signals import say
from sshfleet.command import Result
from sshfleet.render.states import unfinished_lines


def say_unfinished(result: Result) -> None:
    """Print on stderr what a stopped run has left undone, and how to go on."""
    lines = unfinished_lines(result.plan)
    if not lines:
        say("stopped: nothing of what was asked is unfinished\n")
        return
    hint = "sshfleet reconcile finishes it, or the same command once more"
    away = {item.unit for item in result.plan.away}
    if again := sorted(away & result.intent.unheard):
        hint = f"sshfleet reconcile finishes it; then sshfleet restart {' '.join(again)}"
    say("".join(["stopped; unfinished is:\n", *(f"  {line}" for line in lines), f"hint: {hint}\n"]))
