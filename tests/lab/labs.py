"""Names and types that the tests of this folder share."""

import os
import sys
from collections.abc import Callable

from sshfleet.lab.lab import Lab

BootLab = Callable[..., Lab]  # the fixture `boot_lab`


def lab_name(number: int | str) -> str:
    """Name a lab that a later run recognises as an orphan once this process is gone."""
    return f"pytest-{os.getpid()}-{number}"


def tell(line: str) -> None:
    """Show what `Lab.up` does, should the test fail."""
    sys.stderr.write(f"{line}\n")
