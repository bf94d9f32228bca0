"""What is not ours, or not as it should be, is refused, and nothing is changed."""

from sshfleet.model.action import Verb
from tests.lab.host import SLEEPER, STAGING, Host, install, order, refused, shown

HELD_BACK = "not done: what comes before it failed"
EVERYTHING = "find /etc /run/systemd/system -printf '%p %i %l %M\\n' | sort | grep -v /etc/mtab"


def test_names_that_are_taken_are_left_alone(host: Host) -> None:
    folder = host.sh("[ -L /lib ] && [ -e /lib/systemd/system/ssh.service ] && echo yes").strip()
    assert folder == "yes"
    host.stage(SLEEPER)
    before = host.sh(EVERYTHING)

    reply = host.go(
        install("ssh.service", SLEEPER),
        order(Verb.START, "ssh.service"),
        install("getty@tty7.service", SLEEPER),
        order(Verb.STOP, "dbus.socket"),
        order(Verb.REMOVE, "systemd-journald.service"),
    )

    words = {
        key: said.replace("/usr/lib/", "/lib/").removeprefix("the name is taken by /lib/")
        for key, said in refused(reply).items()
    }
    assert words == {
        "STOP dbus.socket": "systemd/system/dbus.socket",
        "REMOVE systemd-journald.service": "systemd/system/systemd-journald.service",
        "INSTALL getty@tty7.service": "systemd/system/getty@.service",
        "INSTALL ssh.service": "systemd/system/ssh.service",
        "START ssh.service": HELD_BACK,
    }
    assert host.sh(EVERYTHING) == before
    assert shown(reply, "dbus.socket").active == "active"


def test_masks_of_the_admin_stay(host: Host) -> None:
    host.stage(SLEEPER)
    host.sh(
        "systemctl mask web.service; mkdir -p /run/systemd/system; : >$1",
        "/etc/systemd/system/db.service",
    )
    try:
        reply = host.go(install("web.service", SLEEPER), install("db.service", SLEEPER))
        assert refused(reply) == {
            f"INSTALL {name}": (f"the name is taken by /etc/systemd/system/{name}, which masks it")
            for name in ("db.service", "web.service")
        }
        assert shown(reply, "web.service").load == "masked"
    finally:
        host.sh("systemctl unmask web.service; rm /etc/systemd/system/db.service")


def test_a_unit_masked_later_can_be_removed_and_stays_masked(host: Host) -> None:
    host.run_units({"web.service": SLEEPER})
    host.sh("systemctl stop web.service; ln -sf /dev/null /etc/systemd/system/web.service")
    try:
        assert (
            "which masks it"
            in refused(host.go(order(Verb.START, "web.service")))["START web.service"]
        )
    finally:
        host.sh("systemctl unmask web.service")


def test_another_journal_is_refused(host: Host) -> None:
    first = host.run_units({"web.service": SLEEPER})
    host.stage(SLEEPER + "# theirs\n")
    before = host.sh(EVERYTHING)
    theirs = install("web.service", SLEEPER + "# theirs\n")
    words = "it belongs to another journal (lineage 11111111-2222-3333-4444-555555555555)"

    for verb in (Verb.STOP, Verb.REMOVE, Verb.START, Verb.RESTART):
        reply = host.go(order(verb, "web.service"), lineage="other")
        assert refused(reply) == {f"{verb.name} web.service": words}
    assert refused(host.go(theirs, lineage="other")) == {"INSTALL web.service": words}

    assert host.sh(EVERYTHING) == before
    assert host.unit("web.service").invocation == shown(first, "web.service").invocation


def test_an_alias_does_not_hide_what_is_not_ours(host: Host) -> None:
    text = SLEEPER + "[Install]\nAlias=dbus.service\nWantedBy=multi-user.target\n"

    for reply in (host.run_units({"web.service": text}), host.load_unit("web.service", text)):
        said = refused(reply)["INSTALL web.service"]
        assert said.startswith("its alias dbus.service is taken by /")
        assert shown(reply, "web.service").record is None
        assert host.sh("find /etc/systemd /run/systemd/system -lname '*web.service'") == ""
    assert host.unit("dbus.service").fragment.endswith("lib/systemd/system/dbus.service")


def test_the_words_of_systemctl_enable_are_told(host: Host) -> None:
    text = SLEEPER + "[Install]\nAlias=web.timer\n"
    reply = host.run_units({"web.service": text, "db.service": SLEEPER})
    assert {key: said.rstrip(".") for key, said in refused(reply).items()} == {
        "INSTALL web.service": "Failed to enable unit: Cannot alias web.service as web.timer",
        "START web.service": HELD_BACK,
    }
    assert shown(reply, "db.service").active == "active"


def test_a_text_must_arrive_whole(host: Host) -> None:
    old = host.run_units({"web.service": SLEEPER})
    texts = {kind: SLEEPER + f"# {kind}\n" for kind in ("absent", "cut", "swapped")}
    orders = {kind: install("web.service", text) for kind, text in texts.items()}
    host.stage(texts["cut"], texts["swapped"])
    host.sh(f"truncate -s -1 {STAGING}/$1", orders["cut"].sha256)
    host.sh(f"ln -sf /etc/shadow {STAGING}/$1", orders["swapped"].sha256)

    for kind, said in {
        "absent": "its text was not uploaded",
        "cut": "its text did not arrive whole",
        "swapped": "its text did not arrive whole",
    }.items():
        reply = host.go(orders[kind], order(Verb.RESTART, "web.service"))
        assert refused(reply)["INSTALL web.service"].startswith(said)
        assert refused(reply)["RESTART web.service"] == HELD_BACK
        was, now = shown(old, "web.service"), shown(reply, "web.service")
        assert (now.sha256, now.record, now.boot) == (was.sha256, was.record, True)
        assert (now.active, now.invocation) == ("active", was.invocation)


def test_an_empty_text_is_refused(host: Host) -> None:
    host.stage("")
    reply = host.go(install("web.service", ""))
    assert refused(reply) == {"INSTALL web.service": "its text is empty"}
    assert host.residue() == []


def test_folders_that_others_can_write_to_are_refused(host: Host) -> None:
    host.stage(SLEEPER)
    for spoil in (
        "mkdir -m 0777 /etc/sshfleet",
        "mkdir /etc/sshfleet; chown core /etc/sshfleet",
        "mkdir -p /etc/sshfleet; ln -s /tmp /etc/sshfleet/units",
    ):
        host.sh(spoil)
        said = refused(host.go(install("web.service", SLEEPER)))["INSTALL web.service"]
        assert said.startswith("only root may be able to write to /etc/sshfleet and below")
        host.sh("rm -rf /etc/sshfleet; [ ! -e /tmp/web.service ]")
