"""Load inventories from text, in an empty folder, under the short path a user would see."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sshfleet.errors import InventoryError
from sshfleet.inventory import load_inventory
from sshfleet.model.machine import Fleet

INVENTORY = Path("inventory.yaml")


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], Fleet]:
    monkeypatch.chdir(tmp_path)

    def load_text(text: str | bytes) -> Fleet:
        INVENTORY.write_bytes(text.encode() if isinstance(text, str) else text)
        return load_inventory(INVENTORY)

    return load_text


@pytest.fixture
def refused(load: Callable[[str | bytes], Fleet]) -> Callable[[str | bytes], InventoryError]:
    def load_wrong_text(text: str | bytes) -> InventoryError:
        with pytest.raises(InventoryError) as raised:
            load(text)
        error = raised.value
        assert error.hint
        assert f"{error}{error.hint}".isprintable()
        return error

    return load_wrong_text
