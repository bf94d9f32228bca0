import subprocess
from pathlib import Path

import pytest

from sshfleet.errors import UnitFileError
from sshfleet.model.step import Run
from sshfleet.systemd.files import file_run

ODD = r"dev-disk\x2dby.mount"


def read(run: Run, folder: Path) -> tuple[bytes, int]:
    """Run the script that reads a file, with `folder` in place of the machine's root."""
    script = run.script.replace(" /etc/", f" {folder}/etc/").replace(" /run/", f" {folder}/run/")
    done = subprocess.run(["sh", "-uc", script], input=run.data, capture_output=True, check=False)
    return done.stdout, done.returncode


def test_a_file_is_read_from_our_folders_up_to_a_size(tmp_path: Path) -> None:
    folder = tmp_path / "etc/sshfleet/units"
    (folder / "web.service.d").mkdir(parents=True)
    (folder / ODD).write_bytes(b"0123\xff56789")
    (folder / "web.service.d/10-more.conf").write_bytes(b"more")
    run = file_run(ODD, 5)
    assert not run.root
    assert read(run, tmp_path) == (b"0123\xff", 0)
    assert read(file_run("web.service.d/10-more.conf", 5), tmp_path) == (b"more", 0)
    assert read(file_run("gone.service", 5), tmp_path) == (b"", 1)


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "run/sshfleet/units"
    folder.mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (folder / "link.service").symlink_to(tmp_path / "secret")
    (folder / "folder.service").mkdir()
    assert read(file_run("link.service", 9), tmp_path) == (b"", 1)
    assert read(file_run("folder.service", 9), tmp_path) == (b"", 1)


@pytest.mark.parametrize(
    "name", ["../passwd", "web.service.d/../x.conf", "web.service.d/x\n.conf", "web.service.d/"]
)
def test_no_other_name_is_asked_for(name: str) -> None:
    with pytest.raises((ValueError, UnitFileError)):
        file_run(name, 5)
