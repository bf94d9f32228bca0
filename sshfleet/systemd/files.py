"""Read a unit's file, or a drop-in of it, as it lies on a machine.

Rule 1: the name travels on standard input; the script is constant, and reads regular files only.
"""

from sshfleet.model.step import Run
from sshfleet.model.unit import checked_name, dropin_problem

_FILE = """\
IFS= read -r file
read -r most
for folder in /etc/sshfleet/units /run/sshfleet/units; do
    if [ -f "$folder/$file" ] && [ ! -L "$folder/$file" ]; then
        exec head -c "$most" -- "$folder/$file"
    fi
done
exit 1
"""


def file_run(file: str, most: int) -> Run:
    """Print the first `most` bytes of a file in our folders; status 1 when it is not there.

    `file` is a unit's name, or `NAME.d/X.conf`. As the login user: our folders are open to all, and
    nobody else's files are to be seen. ValueError when it is neither.
    """
    unit, slash, dropin = file.partition(".d/")
    if slash and dropin_problem(dropin):
        raise ValueError(file)
    checked_name(unit)
    return Run(script=_FILE, data=f"{file}\n{most}\n".encode(), root=False)
