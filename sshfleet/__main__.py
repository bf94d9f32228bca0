"""The console script. `--version` is answered before anything heavy is imported (≤ 25 ms)."""

import sys

from sshfleet import __version__


def main() -> int:
    """Run sshfleet with the words of the command line; return the exit code."""
    if sys.argv[1:] in (["--version"], ["version"]):
        sys.stdout.write(f"sshfleet version {__version__}\n")
        return 0
    from sshfleet.cli.app import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
