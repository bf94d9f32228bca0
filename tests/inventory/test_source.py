import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sshfleet.errors import InventoryError
from sshfleet.inventory import load_inventory
from sshfleet.model.machine import Fleet

Load = Callable[[str | bytes], Fleet]
Refused = Callable[[str | bytes], InventoryError]
NOBODY = 65534


@pytest.mark.parametrize(
    ("data", "place", "message"),
    [
        (b"machines:\n  a\xff:\n", "2:4", "byte 0xff is not UTF-8"),
        ("fleet: # ä ".encode() + b"\xc3", "1:12", "byte 0xc3 is not UTF-8"),
        (b"\xff\xfef\x00", "1:1", "byte 0xff is not UTF-8"),
        (b"machines:\r\n  a:\r\n  b\x00:\r\n", "3:4", "character U+0000 is not allowed"),
        (b"machines:\r  a\x00:\r", "2:4", "character U+0000 is not allowed"),
        (b"machines:\n  a: # \x1b[2J\n", "2:8", "character U+001B is not allowed"),
        ("machines:\n  a: # \u2028\n".encode(), "2:8", "character U+2028 is not allowed"),
        ("machines:\n  a: # \ufeff\n".encode(), "2:8", "character U+FEFF is not allowed"),
        (b"machines:\n  a:\n" + b"#" * 1024 * 1024, "1:1", "the file is larger than 1 MiB"),
    ],
)
def test_bytes_that_are_no_text_are_refused_where_they_stand(
    refused: Refused, data: bytes, place: str, message: str
) -> None:
    error = refused(data)
    assert (error.place, error.message) == (f"inventory.yaml:{place}", message)


def test_a_file_of_exactly_one_mib_is_read(load: Load) -> None:
    text = b"machines:\n  core-01:\n"
    assert load(text + b"#" * (1024 * 1024 - len(text))).machine("core-01")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(load: Load, refused: Refused) -> None:
    assert load(b"\xef\xbb\xbfmachines:\r\n  core-01:\r\n").machine("core-01")
    error = refused(b"\xef\xbb\xbfmachines:\r\n  core-01:\r\n    prt: 1\r\n")
    assert error.place == "inventory.yaml:3:5"


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(InventoryError, match="larger than 1 MiB"):
        load_inventory(Path("/dev/zero"))


def test_a_missing_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as raised:
        load_inventory(tmp_path / "gone.yaml")
    assert raised.value.message == f"there is no inventory {tmp_path / 'gone.yaml'}"
    assert "inventory.example.yaml" in raised.value.hint


def test_a_folder_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as raised:
        load_inventory(tmp_path)
    assert raised.value.message == f"the inventory {tmp_path} is a folder"
    assert str(tmp_path / "inventory.yaml") in raised.value.hint


@contextmanager
def without_privileges() -> Iterator[None]:
    # Root reads everything, so become somebody else for a while.
    was = os.geteuid()
    if was == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(was)


def test_a_file_that_may_not_be_read_is_told_with_what_to_do(tmp_path: Path) -> None:
    forbidden = tmp_path / "inventory.yaml"
    forbidden.touch(mode=0o000)
    with without_privileges(), pytest.raises(InventoryError) as raised:
        load_inventory(forbidden)
    assert raised.value.message == f"the inventory {forbidden} may not be read"
    assert "readable" in raised.value.hint


def test_a_path_through_a_file_and_one_that_cannot_be_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InventoryError, match="cannot be read: Not a directory"):
        load_inventory(tmp_path / "file/inventory.yaml")
    with pytest.raises(InventoryError, match="cannot be read: embedded null byte"):
        load_inventory(Path("\0"))


def test_a_path_with_a_line_end_still_makes_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a\nb.yaml"
    with pytest.raises(InventoryError) as missing:
        load_inventory(path)
    path.write_text("machines:\n", encoding="utf-8")
    with pytest.raises(InventoryError) as wrong:
        load_inventory(path)
    assert "\n" not in f"{missing.value}{wrong.value}"
