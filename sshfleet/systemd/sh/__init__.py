"""The script of a transaction in parts: POSIX sh with `local` and `test -ef`, as dash has them.

Rule 1: coreutils and systemctl, nothing else; each fork counts, so work on many units at once.
Rule 2: unit names are words: they have neither blanks nor globs (`set -f` besides), so lists of
names are plain variables, left unquoted where a list is meant. They go to programs after `--`.
Rule 3: an operation ends by saying `outcome`, once; a name that failed is left out of what follows.
Rule 4: it may be killed at any moment. The record of a unit is there only while its file, its links
and systemd's view of them are what the record says.
Rule 5: comments and indentation are dropped before the script travels, for it has to fit into a
round trip: no text between quotes has a line that is indented or empty, or ` # `.
"""

from sshfleet.systemd.sh import (
    boot,
    change,
    claim,
    dropins,
    frame,
    guard,
    hidden,
    install,
    lease,
    links,
    look,
    outcome,
    owner,
    records,
    remove,
    renew,
    start,
    stop,
    texts,
    watch,
)
from sshfleet.systemd.sh.bare import bare

_LOOKING = (frame, look, hidden, watch)
_ACTING = (
    outcome,
    claim,
    owner,
    change,
    stop,
    remove,
    boot,
    texts,
    dropins,
    links,
    install,
    records,
    lease,
    start,
)


def _joined(*parts: str) -> str:
    return "\n".join((*parts, "main\n"))


# As they were written, for shellcheck.
FULL_TEXT = _joined(*(part.SCRIPT for part in (*_LOOKING, *_ACTING, guard)))
RENEW_TEXT = _joined(renew.SCRIPT)

LOOK_SCRIPT = bare(_joined(*(part.SCRIPT for part in _LOOKING)))
ACT_SCRIPT = bare(_joined(*(part.SCRIPT for part in (*_LOOKING, *_ACTING))))
# For transactions that install units which run only under a lease.
GUARD_SCRIPT = bare(FULL_TEXT)
RENEW_SCRIPT = bare(RENEW_TEXT)
