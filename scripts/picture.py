"""Turn what a terminal showed into docs/terminal.svg: `scripts/picture.py <typescript >file.svg`.

The typescript is real output with its colours, as script(1) records it (CONTRIBUTING.md, "The
picture").
"""

import io
import re
import sys

WIDTH = 100


def main() -> None:
    """Read a typescript from stdin, write the picture to stdout."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(sys.stdin.read().replace("\r\n", "\n")), end="")
    picture = console.export_svg(title="sshfleet")
    # The reader's own fonts will do: nothing is to be fetched to look at a README.
    sys.stdout.write(re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL))


if __name__ == "__main__":
    main()
