"""Findings as people and programs see them."""

from sshfleet.errors import ExitCode
from sshfleet.model.finding import Finding, gravest, note, problem, well
from sshfleet.render.findings import findings_document, findings_text

FINDINGS = [
    well("agent", "key ssh-ed25519"),
    note("journal", "is not there yet"),
    problem("core-01", "silent: \x1b[2J why", "sshfleet evict core-01", ExitCode.UNREACHABLE),
]


def test_findings_are_aligned_and_what_mends_them_stands_below() -> None:
    assert findings_text(FINDINGS) == (
        "agent    ok     key ssh-ed25519\n"
        "journal  note   is not there yet\n"
        "core-01  wrong  silent: \\x1b[2J why\n"
        "                mend: sshfleet evict core-01\n"
        "1 problem\n"
    )


def test_notes_are_no_problems() -> None:
    assert findings_text(FINDINGS[:2]).endswith("\nall well\n")
    assert findings_text([FINDINGS[2]] * 2).endswith("\n2 problems\n")


def test_colour_is_only_added() -> None:
    shown = findings_text(FINDINGS, colour=True)
    for code in ("32", "33", "31", "0"):
        shown = shown.replace(f"\x1b[{code}m", "")
    assert shown == findings_text(FINDINGS)


def test_the_document_has_all_findings_as_they_are() -> None:
    document = findings_document(FINDINGS)
    assert (document["well"], document["problems"]) == (False, 1)
    assert document["findings"] == [
        {"about": "agent", "level": "ok", "what": "key ssh-ed25519", "mend": None},
        {"about": "journal", "level": "note", "what": "is not there yet", "mend": None},
        {
            "about": "core-01",
            "level": "problem",
            "what": "silent: \x1b[2J why",
            "mend": "sshfleet evict core-01",
        },
    ]


def of(code: ExitCode) -> Finding:
    return problem("x", "y", "z", code)


def test_the_gravest_problem_decides_the_exit_code_and_what_is_no_problem_does_not() -> None:
    assert gravest(FINDINGS[:2]) is ExitCode.DONE
    codes = [ExitCode.NOT_SO, ExitCode.UNREACHABLE, ExitCode.TRY_LATER, ExitCode.USAGE]
    codes += [ExitCode.JOURNAL, ExitCode.HOST_KEY, ExitCode.NO_KEY]
    for upto in range(1, len(codes) + 1):
        assert gravest([of(code) for code in codes[:upto]]) is codes[upto - 1]
