import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sshfleet.model.action import Verb
from sshfleet.model.observed import Record, UnitState
from sshfleet.model.step import Completed
from sshfleet.model.unit import UnitName
from sshfleet.systemd.reply import Reply, ReplyError, parse_reply
from sshfleet.systemd.sh.watchman import DROPIN_NAME, GUARD_FILES, GUARD_VERSION, lease_dropin
from sshfleet.systemd.show import hashes, record_in, sums_by_path
from tests.builders import LINEAGE, sha256

RECORDINGS = Path(__file__).with_name("recordings")
NONCE = "0123456789abcdef"
VERSIONS = (252, 257)
ACTING = (RECORDINGS / "systemd-252-acting.txt").read_bytes()
LOOKING = (RECORDINGS / "systemd-252-looking.txt").read_bytes()


def parsed(
    stdout: bytes, *, status: int | None = 0, stderr: bytes = b"", nonce: str = NONCE
) -> Reply:
    return parse_reply(Completed(status=status, stdout=stdout, stderr=stderr), nonce)


def recorded(version: int, what: str) -> Reply:
    return parsed((RECORDINGS / f"systemd-{version}-{what}.txt").read_bytes())


def shown(reply: Reply, name: str) -> UnitState:
    return reply.report.units[UnitName(name)]


def states(reply: Reply) -> dict[str, tuple[str, str, str]]:
    return {name: (s.load, s.active, s.sub) for name, s in reply.report.units.items()}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_machine_is_told_as_it_is(version: int) -> None:
    report = recorded(version, "looking").report
    assert report.systemd == version
    assert report.os.startswith("Debian GNU/Linux 1")
    assert len(report.machine) == 32
    assert len(report.boot_id) == 36
    assert report.uptime > 0
    assert (report.arch, report.cpus, report.memory) == ("x86_64", 2, 24684096 * 1024)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_unit_is_told_as_it_is(version: int) -> None:
    assert states(recorded(version, "looking")) == {
        "a\\x2db.service": ("loaded", "active", "running"),
        "bad.service": ("bad-setting", "inactive", "dead"),
        "c.service": ("loaded", "activating", "auto-restart"),
        "dbus.service": ("loaded", "active", "running"),
        "f.service": ("loaded", "failed", "failed"),
        "late.service": ("loaded", "active", "running"),
        "nope.service": ("not-found", "inactive", "dead"),
        "o.service": ("loaded", "inactive", "dead"),
        "q.service": ("loaded", "failed", "failed"),
        "s.service": ("loaded", "inactive", "dead"),
        "s.socket": ("loaded", "active", "listening"),
        "slow.service": ("loaded", "activating", "start"),
        "web@1.service": ("loaded", "active", "running"),
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_particulars_of_units_are_read(version: int) -> None:
    reply = recorded(version, "acting")
    escaped = shown(reply, "a\\x2db.service")
    assert escaped.record is not None
    assert escaped.sha256 == escaped.record.sha256 != ""
    assert (escaped.boot, escaped.kind, len(escaped.invocation)) == (True, "simple", 32)
    assert escaped.fragment == "/etc/systemd/system/a\\x2db.service"
    failed = shown(reply, "f.service")
    assert (failed.result, failed.status) == ("exit-code", 203)
    assert shown(reply, "slow.service").job.isdigit()
    socket = shown(reply, "s.socket")
    assert (socket.kind, socket.restarts, socket.settled) == ("", 0, True)
    loaded = shown(reply, "s.service")
    assert loaded.record == Record(
        lineage=LINEAGE, generation=4, sha256=loaded.sha256, target="loaded"
    )
    assert (loaded.boot, loaded.file_state, loaded.invocation) == (False, "linked", "")
    foreign = shown(reply, "dbus.service")
    assert (foreign.sha256, foreign.record, foreign.boot) == ("", None, False)


@pytest.mark.parametrize("version", VERSIONS)
def test_only_what_was_watched_and_stayed_up_has_settled(version: int) -> None:
    acting, looking = recorded(version, "acting"), recorded(version, "looking")
    settled = {str(name): state.settled for name, state in acting.report.units.items()}
    assert settled["web@1.service"] is True
    assert settled["q.service"] is False  # it was active when the settle time began
    assert settled["slow.service"] is False
    assert settled["s.service"] is None  # not watched
    assert {state.settled for state in looking.report.units.values()} == {None}


@pytest.mark.parametrize("version", VERSIONS)
def test_each_order_has_its_outcome_with_the_words_of_systemctl(version: int) -> None:
    outcomes = recorded(version, "acting").outcomes
    bad = {(each.verb, each.unit): each.detail for each in outcomes if not each.ok}
    folder = {252: "/lib", 257: "/usr/lib"}[version]
    assert bad == {
        (Verb.STOP, "dbus.service"): f"the name is taken by {folder}/systemd/system/dbus.service",
        (Verb.INSTALL, "mm.service"): (
            "the name is taken by /etc/systemd/system/mm.service, which masks it"
        ),
        (Verb.START, "bad.service"): (
            "Failed to start bad.service: Unit bad.service has a bad unit file setting."
        ),
    }
    assert len(outcomes) == 23
    assert list(outcomes) == sorted(outcomes, key=lambda each: (each.verb, each.unit))


def test_a_restart_during_the_settle_time_is_seen() -> None:
    # The first time an InvocationID stands there is at the start of the settle time.
    web = shown(parsed(ACTING), "web@1.service")
    again = ACTING.replace(web.invocation.encode(), b"0" * 32, 1)
    assert web.settled is True
    assert shown(parsed(again), "web@1.service").settled is False


def test_only_a_stop_that_takes_its_time_is_postponed() -> None:
    words = b"the name is taken by /lib/systemd/system/dbus.service"
    later = parsed(ACTING.replace(words, b"still stopping")).outcomes[0]
    assert (later.verb, later.ok, later.postponed) == (Verb.STOP, False, True)
    assert not parsed(ACTING).outcomes[0].postponed


def test_noise_of_login_shells_is_ignored() -> None:
    noisy = b"Welcome to core-01!\nlast login: never\n" + LOOKING + b"logout\n"
    assert parsed(noisy) == parsed(LOOKING)


def test_an_alias_is_told_under_the_name_that_was_asked_for() -> None:
    alias = LOOKING.replace(b"Id=nope.service", b"Id=dbus.service")
    assert shown(parsed(alias), "nope.service").load == "not-found"


def test_a_missing_block_does_not_shift_the_others() -> None:
    blocks = LOOKING.partition(b" show\n")[2].split(b"\n\n")
    short = LOOKING.replace(blocks[0] + b"\n\n", b"")
    with pytest.raises(ReplyError, match=r"systemd says nothing about bad\.service"):
        parsed(short)
    # As when systemctl refuses a name.
    unnamed = short.replace(b"unit\tbad.service", b"note\tbad.service")
    assert shown(parsed(unnamed), "c.service").sub == "auto-restart"


def test_properties_that_an_old_systemd_lacks_are_empty() -> None:
    old = LOOKING.replace(b"NRestarts=0\n", b"").replace(b"UnitFileState=enabled\n", b"")
    failed = shown(parsed(old), "f.service")
    assert (failed.restarts, failed.file_state, failed.active) == (0, "", "failed")


def test_of_units_that_simply_run_the_little_that_matters_is_told() -> None:
    web = shown(parsed(LOOKING), "web@1.service")
    assert b"Id=web@1.service" not in LOOKING
    assert (web.load, web.active, web.sub) == ("loaded", "active", "running")
    assert (len(web.invocation), web.fragment) == (32, "/etc/systemd/system/web@1.service")
    assert (web.kind, web.result, web.file_state, web.job) == ("", "", "", "")


def test_what_was_seen_of_the_same_run_when_settling_began_still_holds() -> None:
    web = shown(parsed(ACTING), "web@1.service")
    assert ACTING.count(b"Id=web@1.service") == 1
    assert (web.kind, web.result, web.file_state) == ("simple", "success", "enabled")


BROKEN = [
    (b"", None, b"", "the connection broke off before the machine had answered"),
    (
        LOOKING[:-20],
        124,
        b"",
        "the machine did not answer in time: systemd or a disk of it may hang",
    ),
    (LOOKING[:900], 0, b"", "no answer from the machine, only status 0:"),
    (b"", 127, b"sh: not found\nx", "no answer from the machine, only status 127: sh: not found"),
    (
        f"{NONCE} begin\n{NONCE} refused\tsystemd does not answer: \x1b[31mno\nx".encode(),
        69,
        b"",
        "systemd does not answer: \x1b[31mno",
    ),
]


@pytest.mark.parametrize(("stdout", "status", "stderr", "words"), BROKEN)
def test_an_answer_that_is_none_says_why(
    stdout: bytes, status: int | None, stderr: bytes, words: str
) -> None:
    with pytest.raises(ReplyError) as caught:
        parsed(stdout, status=status, stderr=stderr)
    assert caught.value.message == words


def test_another_nonce_is_not_answered() -> None:
    with pytest.raises(ReplyError):
        parsed(LOOKING, nonce="fedcba9876543210")


HOSTILE = [
    (b"machine\tc7", b"machine\tX7"),
    (b"machine\t", b"other\t"),
    (b"boot\t", b"boot\tx"),
    (b"uptime\t", b"uptime\tnan"),
    (b"cpus\t2", b"cpus\t-2"),
    (b"memory\t24684096", b"memory\t" + b"9" * 5000),
    (b"systemd\t252", b"systemd\tx"),
    (b"unit\tdbus.service", b"unit\t../dbus.service"),
    (b"NRestarts=0", b"NRestarts=many"),
    (b"ExecMainStatus=0", b"ExecMainStatus=" + b"1" * 5000),
    (b"LoadState=loaded", b"Loaded=loaded"),
    (b"outcome\tstop\t", b"outcome\tfly\t"),
    (b"outcome\tstop\tdbus.service\t", b"outcome\tstop\t-rf\t"),
    (b"outcome\tstop\tdbus.service\tfailed\t", b"outcome\tstop "),
]


@pytest.mark.parametrize(("truth", "lie"), HOSTILE)
def test_nonsense_is_refused(truth: bytes, lie: bytes) -> None:
    assert truth in ACTING
    with pytest.raises(ReplyError, match="makes no sense"):
        parsed(ACTING.replace(truth, lie))


RECORDS = [
    b"",
    b"[]",
    b"null",
    b"{}",
    b'{"lineage":1,"generation":1,"sha256":"","target":"x"}',
    b'{"lineage":"\\ud800","generation":1,"sha256":"","target":"x"}',
    b'{"lineage":"a","generation":true,"sha256":"","target":"x"}',
    b'{"lineage":"a","generation":-1,"sha256":"","target":"x"}',
    b'{"lineage":"a","generation":1,"sha256":"","target":"x","more":1}',
    b'{"lineage":"' + b"a" * 65 + b'","generation":1,"sha256":"","target":"x"}',
    b"[" * 5000,
]


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_that_is_none_is_no_record(record: bytes) -> None:
    line = next(line for line in LOOKING.splitlines() if line.startswith(b"unit\tweb@1"))
    other = b"\t".join([*line.split(b"\t")[:3], record])
    assert shown(parsed(LOOKING), "web@1.service").record is not None
    assert shown(parsed(LOOKING.replace(line, other)), "web@1.service").record is None


def test_texts_are_bounded_and_bytes_made_text() -> None:
    long = LOOKING.replace(b"SubState=listening", b"SubState=\xff" + b"x" * 9000)
    long = long.replace(b"\trunning\t", b"\t\xff" + b"x" * 9000 + b"\t")
    for name in ("s.socket", "web@1.service"):
        sub = shown(parsed(long), name).sub
        assert len(sub) == 500
        assert sub.startswith("\\xffx")
    detail = ACTING.replace(b"the name is taken by", b"\xff" * 9000)
    assert parsed(detail).outcomes[0].detail == "\\xff" * 200


@given(st.binary(), st.one_of(st.none(), st.integers(0, 255)))
@example(f"{NONCE} begin\n{NONCE} sums\n{NONCE} show\n{NONCE} end\n".encode(), 0)
def test_no_bytes_cause_another_error(stdout: bytes, status: int | None) -> None:
    with pytest.raises(ReplyError):
        parsed(stdout, status=status)


@given(
    st.sampled_from([ACTING, LOOKING]),
    st.lists(st.tuples(st.integers(0, 8400), st.integers(0, 40), st.binary(max_size=8))),
)
def test_no_damage_causes_another_error(
    recording: bytes, damage: list[tuple[int, int, bytes]]
) -> None:
    for start, length, put in damage:
        recording = recording[:start] + put + recording[start + length :]
    with suppress(ReplyError):
        parsed(recording)


def test_drop_ins_are_told_by_their_units() -> None:
    one, two = "1" * 64, "2" * 64
    said = "\n".join(
        [
            f"{one}  /etc/sshfleet/units/web.service",
            f"{two}  /etc/systemd/system/web.service.d/10-x.conf",
            f"\\{one}  /etc/systemd/system/a\\\\x2db.service.d/20.conf",
            f"{one}  /etc/systemd/system/web.service.d/over ride.conf",
            f"{one}  /etc/systemd/system/web.service.d/",
            f"{one[1:]}  /etc/systemd/system/web.service.d/30.conf",
            f"{one}  .d/40.conf",
        ]
    )
    assert hashes(sums_by_path(said)) == {
        "web.service": {"": one, "10-x.conf": two},
        "a\\x2db.service": {"20.conf": one},
        "40.conf": {"": one},
    }


@pytest.mark.parametrize("was", ["0" * 32, ""])
def test_a_record_may_tell_of_an_older_process(was: str) -> None:
    told = {"lineage": "l", "generation": 1, "sha256": "s", "target": "loaded"}
    record = record_in(json.dumps({**told, "was": was} if was else told))
    assert record == Record(lineage="l", generation=1, sha256="s", target="loaded", was=was)


@pytest.mark.parametrize(
    "line",
    [
        '{"lineage":"l","sha256":"-","was":""}',
        '{"generation":1,"lineage":"l","sha256":"s","target":"loaded","was":1}',
        '{"generation":1,"lineage":"l","sha256":"s","target":"loaded","was":"\\u001b[2J"}',
        '{"generation":1,"lineage":"l","sha256":"s","target":"loaded","then":"x"}',
    ],
)
def test_a_record_that_is_not_finished_or_not_ours_is_none(line: str) -> None:
    assert record_in(line) is None


RECORD = '{"generation":3,"guard":"15","lineage":"l","sha256":"s","target":"launched"}'


def leased(record: str = RECORD, place: str = "leased", guard: str = "guard\tyes\n") -> UnitState:
    """Let the recorded web@1.service be one with a lease."""
    text = LOOKING.decode()
    line = next(line for line in text.split("\n") if line.startswith("unit\tweb@1"))
    text = text.replace(line, f"{guard}unit\tweb@1.service\tno\t{record}\t{place}")
    files = dict(GUARD_FILES)
    files[f"/run/systemd/system/web@1.service.d/{DROPIN_NAME}"] = lease_dropin(3, "15")
    sums = "".join(f"{sha256(one)}  {path}\n" for path, one in files.items())
    return shown(parsed(text.replace("sums\n", f"sums\n{sums}").encode()), "web@1.service")


def test_a_unit_is_guarded_when_guard_mark_and_drop_in_are_as_they_should_be() -> None:
    good = leased()
    assert (good.runtime, good.guarded, good.dropins) == (True, True, {})
    assert good.record is not None
    assert good.record.guard == "15"
    assert not leased(place="run").guarded
    assert leased(place="run").runtime
    assert not leased(place="elsewhere").runtime
    assert not leased(guard="").guarded
    assert not leased(record=RECORD.replace("3", "4", 1)).guarded
    assert not leased(record=RECORD.replace("15", "-", 1)).guarded
    assert not leased(record=RECORD.replace('"guard":"15",', "")).guarded
    assert not leased(record="-").guarded


def test_the_clock_the_guard_and_flock_are_told() -> None:
    plain = parsed(LOOKING).report
    assert (plain.wall, plain.guard, plain.flock) == (0, "", False)
    told = b"wall\t1700000000\nflock\tyes\nguard\tyes\nmachine\t"
    sums = "".join(f"{sha256(one)}  {path}\n" for path, one in GUARD_FILES.items()).encode()
    there = LOOKING.replace(b"machine\t", told).replace(b"sums\n", b"sums\n" + sums)
    assert parsed(LOOKING.replace(b"machine\t", told)).report.guard == ""
    report = parsed(there).report
    assert (report.wall, report.guard, report.flock) == (1700000000, GUARD_VERSION, True)
