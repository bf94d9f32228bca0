from pathlib import Path

import pytest

from sshfleet.errors import UnitFileError
from sshfleet.model.unit import UnitName
from sshfleet.systemd.argv import status_run
from tests.systemd.scripts import ran

ODD = UnitName(r"dev-disk\x2dby.mount")


def test_status_names_the_unit_and_passes_the_code_on(tmp_path: Path) -> None:
    run = status_run(ODD)
    assert run.root
    assert ran(run, tmp_path, "systemctl", 3) == (["status", "-l", "--no-pager", "--", ODD], 3)


def test_a_name_that_is_none_does_not_leave() -> None:
    with pytest.raises(UnitFileError):
        status_run(UnitName("--version"))
