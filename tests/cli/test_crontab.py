"""One line of ours in a crontab: cron and the shell read in it what was meant."""

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sshfleet.cli.crontab import edited, line_for, quoted, schedule
from sshfleet.errors import UsageError

OTHERS = b"# mine\nMAILTO=me\n\n5 4 * * 7 backup 100\\%\n# sshfleet install-timer demo\n"
LINE = line_for("demo", ["/usr/bin/sshfleet", "reconcile"], "/run/agent", 60)
PLAIN = st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"])
WORDS = st.lists(st.text(st.one_of(st.sampled_from("\\%'\" $"), PLAIN)), min_size=1)


def cron_reads(command: str, *, halves: bool) -> str:
    """Do as cron(8) does with a command; some `halves` also take \\\\ for one backslash."""
    out, escaped = "", False
    for one in command:
        if escaped:
            out = out[:-1] + one if one == "%" or (halves and one == "\\") else out + one
            escaped = False
            continue
        assert one != "%", "the command ends here"
        escaped = one == "\\"
        out += one
    return out


@settings(max_examples=60)
@given(WORDS)
@example(["\\%", "a\\\\b", "\\'%\\", "\\\\\\%%"])
def test_the_shell_gets_every_word_as_it_went_in(words: list[str]) -> None:
    command = " ".join(map(quoted, words))
    for halves in (False, True):
        script = f"printf '%s\\0' {cron_reads(command, halves=halves)}"
        done = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
        assert done.stdout.decode().split("\0")[:-1] == words


def test_a_line_has_its_schedule_the_agent_the_command_and_its_mark() -> None:
    assert LINE == (
        b"* * * * * SSH_AUTH_SOCK='/run/agent' '/usr/bin/sshfleet' 'reconcile' "
        b"# sshfleet install-timer demo\n"
    )


@pytest.mark.parametrize("word", ["a\nb", "a\rb", "\x1b"])
def test_what_no_crontab_can_hold_is_refused(word: str) -> None:
    with pytest.raises(UsageError):
        quoted(word)


@pytest.mark.parametrize(
    ("every", "fields"),
    [
        (60, "* * * * *"), (300, "*/5 * * * *"), (1800, "*/30 * * * *"), (3600, "0 * * * *"),
        (7200, "0 */2 * * *"), (86400, "0 0 * * *"),
    ],
)  # fmt: skip
def test_what_a_crontab_can_say(every: int, fields: str) -> None:
    assert schedule(every) == fields


@pytest.mark.parametrize("every", [1, 30, 90, 420, 5400, 18000, 172800])
def test_what_a_crontab_cannot_say_is_refused(every: int) -> None:
    with pytest.raises(UsageError):
        schedule(every)


@pytest.mark.parametrize("before", [b"", b"# mine\n", OTHERS])
def test_a_line_is_added_once_and_taken_away_again(before: bytes) -> None:
    after = edited(before, "demo", LINE)
    assert after == before + LINE
    assert edited(after, "demo", LINE) == after
    assert edited(after, "demo", b"") == before


def test_a_line_that_changed_replaces_the_old_one_and_no_other() -> None:
    other = line_for("other", ["/usr/bin/sshfleet"], "/run/agent", 60)
    mine = line_for("demo", ["/new"], "/run/agent", 300)
    assert edited(OTHERS + LINE + other, "demo", mine) == OTHERS + other + mine


def test_a_last_line_without_its_end_stays_a_line() -> None:
    assert edited(b"@daily x", "demo", LINE) == b"@daily x\n" + LINE


def test_nothing_is_removed_where_nothing_is() -> None:
    assert edited(OTHERS, "demo", b"") == OTHERS


def test_a_name_that_begins_as_another_is_another() -> None:
    assert edited(LINE, "dem", b"") == LINE
    assert edited(LINE, "emo", b"") == LINE
