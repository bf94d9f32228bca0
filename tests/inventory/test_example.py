"""inventory.example.yaml and docs/inventory.md name every key there is, and no other."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from sshfleet.inventory import load_inventory
from sshfleet.inventory.schema import SECTIONS, SETTINGS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "inventory.example.yaml"
REFERENCE = ROOT / "docs/inventory.md"


def keys_of_the_loader() -> set[tuple[str, str]]:
    in_sections = {(section, key) for section, keys in SECTIONS.items() for key in keys}
    return in_sections | {(name, name) for name in SETTINGS}


def keys_of_the_example() -> Iterator[tuple[str, str]]:
    for section, content in yaml.safe_load(EXAMPLE.read_text()).items():
        if section == "machines":
            for machine in content.values():
                yield from ((section, key) for key in machine or ())
        elif section in SETTINGS:
            yield section, section
        else:
            yield from ((section, key) for key in content)


def test_the_example_loads() -> None:
    fleet = load_inventory(EXAMPLE)
    assert fleet.name == "demo"
    assert [machine.name for machine in fleet.machines] == ["core-01", "core-02", "core-03"]


def test_the_example_has_every_key_and_no_other() -> None:
    shown = set(keys_of_the_example())
    assert shown <= keys_of_the_loader()
    # What defaults show need not be shown again in a machine: their keys are the same.
    assert SECTIONS["defaults"] is SECTIONS["machines"]
    in_defaults = {("machines", key) for section, key in shown if section == "defaults"}
    expected = {(section, key) for section, key in keys_of_the_loader() if section != "defaults"}
    assert expected <= shown | in_defaults


def test_each_key_of_the_example_is_explained_by_a_comment_where_it_first_stands() -> None:
    lines = EXAMPLE.read_text().splitlines()
    for key in {key for _, key in keys_of_the_loader()}:
        first = next(n for n, line in enumerate(lines) if re.match(rf" *{key}:", line))
        assert lines[first - 1].lstrip().startswith("#"), key


def test_the_reference_has_a_row_for_each_key_and_no_other() -> None:
    documented = set()
    for part in re.split(r"^## ", REFERENCE.read_text(), flags=re.MULTILINE):
        rows = re.findall(r"^\| `(\w+)` \|", part, flags=re.MULTILINE)
        sections = re.findall(r"`(\w+):`", part.splitlines()[0])
        documented |= {(section, row) for section in sections for row in rows}
    assert documented == keys_of_the_loader()
