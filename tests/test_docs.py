"""What users read is what the program does: verbs, options, fields and exit codes."""

import re
from pathlib import Path

import msgspec
import pytest

from sshfleet.cli.argv import FLAGS, WITH_VALUE
from sshfleet.cli.verbs import VERBS
from sshfleet.errors import ExitCode
from sshfleet.render.fields import FIELDS
from tests.listed import ROWS, Result, Status, Target, TroubleWord

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "docs/reference.md").read_text()


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_is_documented(verb: str) -> None:
    assert re.search(rf"^\| `{verb}[ `]|`{verb}[ `]", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("option", sorted(WITH_VALUE | FLAGS))
def test_every_global_option_is_documented(option: str) -> None:
    assert re.search(rf"[`, ]{option}[`, ]", REFERENCE)


def test_the_exit_codes_are_those_of_the_program() -> None:
    documented = re.findall(r"^\| (\d+) \|", REFERENCE, re.MULTILINE)
    assert [int(code) for code in documented] == sorted(ExitCode)


@pytest.mark.parametrize("verb", sorted(FIELDS))
def test_the_fields_of_each_list_are_documented(verb: str) -> None:
    shown, also = FIELDS[verb]
    assert f"| `{verb}` | `{','.join(shown)}` | `{','.join(also)}` |" in REFERENCE


WORDS = {
    str: "text", str | None: "text or null", int | None: "number or null", bool: "boolean",
    dict[str, str]: "object", Status: "text", Target: "text", Target | None: "text or null",
    Result | None: "text or null", TroubleWord | None: "text or null",
}  # fmt: skip


@pytest.mark.parametrize("verb", sorted(ROWS))
def test_the_json_of_each_list_is_documented(verb: str) -> None:
    page = (ROOT / "docs/json.md").read_text()
    section = page.partition(f"### {verb}\n")[2].partition("\n#")[0]
    expected = [
        (field.encode_name, WORDS[field.type]) for field in msgspec.structs.fields(ROWS[verb])
    ]
    assert re.findall(r"^\| `(\w+)` \| ([\w ]+) \|", section, re.MULTILINE) == expected


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []
