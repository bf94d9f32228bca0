"""What was last seen of the machines, for answers that contact none."""

from sshfleet.cli.context import Context, now
from sshfleet.model.observed import Observed


def last_look(context: Context) -> Observed:
    """Return the last report of each machine; tell on stderr how old they are."""
    from sshfleet.journal.cache import load_seen

    seen = load_seen(context.journal_path)
    if seen:
        oldest = min(at for at, _ in seen.values())
        age = int((now() - oldest).total_seconds())
        context.note(f"as last seen, up to {age} s ago; nothing was contacted")
    else:
        context.note("nothing was seen yet: sshfleet list-machines has a look")
    return Observed({name: report for name, (_, report) in seen.items()})
