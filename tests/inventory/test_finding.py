from pathlib import Path

import pytest

from sshfleet.errors import InventoryError
from sshfleet.inventory import find_inventory


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_what_was_said_wins_even_when_it_is_not_there(tmp_path: Path) -> None:
    put(tmp_path / "inventory.yaml")
    assert find_inventory("other.yaml", {}, tmp_path) == tmp_path / "other.yaml"
    assert find_inventory("/srv/other.yaml", {}, tmp_path) == Path("/srv/other.yaml")


def test_a_said_path_stays_as_short_as_it_was_written() -> None:
    assert str(find_inventory("./other.yaml", {}, Path())) == "other.yaml"


def test_the_file_in_this_folder_comes_before_the_one_in_the_config(tmp_path: Path) -> None:
    here = put(tmp_path / "here/inventory.yaml")
    put(tmp_path / "config/sshfleet/inventory.yaml")
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert find_inventory(None, environ, here.parent) == here
    assert find_inventory("", environ, here.parent) == here


def test_the_config_folder_is_searched_next(tmp_path: Path) -> None:
    configured = put(tmp_path / "config/sshfleet/inventory.yaml")
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "HOME": "/nowhere"}
    assert find_inventory(None, environ, tmp_path) == configured


@pytest.mark.parametrize("configured", [{}, {"XDG_CONFIG_HOME": ""}, {"XDG_CONFIG_HOME": "here"}])
def test_without_a_usable_config_folder_it_is_in_the_home(
    tmp_path: Path, configured: dict[str, str]
) -> None:
    at_home = put(tmp_path / "home/.config/sshfleet/inventory.yaml")
    environ = {"HOME": str(tmp_path / "home"), **configured}
    assert find_inventory(None, environ, tmp_path) == at_home


def test_a_dangling_link_is_not_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "home/.config/sshfleet/inventory.yaml")
    link = tmp_path / "inventory.yaml"
    link.symlink_to("gone")
    assert find_inventory(None, {"HOME": str(tmp_path / "home")}, tmp_path) == link


def test_none_at_all_names_the_places_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as raised:
        find_inventory(None, {"HOME": "/nowhere"}, tmp_path)
    assert str(tmp_path / "inventory.yaml") in raised.value.message
    assert "/nowhere/.config/sshfleet/inventory.yaml" in raised.value.message
    assert "inventory.example.yaml" in raised.value.hint
    assert "sshfleet lab up" in raised.value.hint


def test_a_user_without_a_home_has_only_this_folder(tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as raised:
        find_inventory(None, {}, tmp_path)
    assert raised.value.message == f"no inventory: looked for {tmp_path / 'inventory.yaml'}"
