from collections.abc import Callable

import pytest
import yaml

from sshfleet.errors import InventoryError
from sshfleet.model.machine import Fleet

Load = Callable[[str | bytes], Fleet]
Refused = Callable[[str | bytes], InventoryError]


@pytest.fixture(params=["C", "Python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "Python":
        monkeypatch.delattr(yaml, "CBaseLoader")


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("machines:\n  a:\n  b:\n  a:\n", "4:3", "duplicate key 'a', first on line 2"),
        (
            "fleet:\nmachines: {a: , a: }\nfleet:\n",
            "2:17",
            "duplicate key 'a', first on line 2 (and 1 more)",
        ),
        ("defaults: &d {user: core}\nmachines: {a: }\n", "1:11", "an anchor (&) is not allowed"),
        ("machines:\n  a: *d\n", "2:6", "an alias (*) is not allowed"),
        ("machines:\n  *d : {user: core}\n", "2:3", "an alias (*) is not allowed"),
        ("a: &a [*a]\n", "1:1", "unknown key 'a' in the inventory (and 2 more)"),
        ("machines: !!python/object:os.system {a: }\n", "1:11", "a tag (!) is not allowed"),
        ("machines:\n  a:\n    user: !!str core\n", "3:11", "a tag (!) is not allowed"),
        ("machines: {a: }\n---\nmachines: {b: }\n", "2:1", "a second document begins here"),
        ("machines:\n  ? [a]\n  : {}\n", "2:5", "a key must be one text"),
        ("machines:\n  <<: {user: core}\n", "2:3", "'<<' is not a machine name"),
        ("", "1:1", "the inventory is empty"),
        ("# nothing yet\n", "1:1", "the inventory is empty"),
        ("machines:\n  a: 'b\n", "3:1", "not valid YAML: while scanning a quoted scalar: found"),
        ("machines:\n\ta:\n", "2:1", "not valid YAML: while scanning for the next token: found"),
        ("machines: {a: }\n b: c\n", "2:2", "not valid YAML:"),
        ("fleet: {name: a: b}\n", "1:16", "not valid YAML:"),
        ("fleet: {" * 21, "1:160", "nested deeper than 20 levels"),
        ("[" * 20_000, "1:21", "nested deeper than 20 levels"),
        ("- " * 20_000, "1:41", "nested deeper than 20 levels"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_where_it_stands(
    refused: Refused, text: str, place: str, message: str
) -> None:
    error = refused(text)
    assert error.place == f"inventory.yaml:{place}"
    assert error.message.startswith(message)


def test_an_alias_bomb_is_refused_before_anything_grows(refused: Refused) -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    assert "and 430 more" in refused("\n".join(lines)).message


def test_a_tab_in_the_indentation_is_named(refused: Refused) -> None:
    assert "tabs" in refused("machines:\n\ta:\n").hint
    assert "tabs" in refused("machines:\n  a:\n  \tuser: core\n").hint
    assert "tabs" not in refused("machines:\n  a: 'b\n").hint


def test_columns_count_characters_and_not_bytes(refused: Refused) -> None:
    error = refused("machines: {a: {metadata: {ä€: b}, prt: 1}}\n")
    assert error.place == "inventory.yaml:1:35"


def test_twenty_levels_are_read_and_then_judged(refused: Refused) -> None:
    text = "machines: {a: " + "{x: " * 18 + "}" * 19
    assert refused(text).message == "unknown key 'x' in machine 'a'"


@pytest.mark.parametrize("escape", [r"\ud800", r"\UFFFFFFFF", r"\0", r"\x1b[2J", r"\N"])
def test_escapes_for_what_is_no_text_are_refused(refused: Refused, escape: str) -> None:
    assert refused(f'machines: {{a: {{metadata: {{b: "{escape}"}}}}}}\n').exit_code == 2


def test_an_absurd_yaml_version_is_refused(refused: Refused) -> None:
    assert "not valid YAML" in refused(f"%YAML 1.{'9' * 5000}\n---\nmachines: {{a: }}\n").message


def test_one_document_may_begin_with_its_dashes(load: Load) -> None:
    assert load("%YAML 1.2\n---\nmachines: {a: }\n...\n").machine("a")
