"""known_hosts lines as OpenSSH reads them, checked against ssh-keygen."""

import subprocess
from pathlib import Path

import pytest

from sshfleet.transport.known_hosts import (
    Facts,
    HostKey,
    KnownHosts,
    Standing,
    hashed_name,
    lookup_name,
    matches,
    parse,
    parse_key,
)
from tests.transport.conftest import generate
from tests.transport.server import public


def key_line() -> str:
    return " ".join(public(generate()).split()[:2])


ONE, TWO = key_line(), key_line()


def key(line: str) -> HostKey:
    found = parse_key(line)
    assert found
    return found


def facts(text: str, host: str, port: int = 22, alias: str = "") -> Facts:
    return KnownHosts(parse(text, "kh")).facts(host, port, alias)


def standing(text: str, line: str, host: str = "web", port: int = 22) -> Standing:
    return facts(text, host, port).judge(key(line))


def test_a_listed_key_is_known_another_has_changed_and_no_line_is_unknown() -> None:
    assert standing(f"web {ONE}\n", ONE) is Standing.KNOWN
    assert standing(f"web {ONE}\n", TWO) is Standing.CHANGED
    assert standing(f"other {ONE}\n", ONE) is Standing.UNKNOWN


def test_a_key_of_another_type_than_those_known_has_changed() -> None:
    ecdsa = HostKey(kind="ecdsa-sha2-nistp256", blob=b"x")
    assert facts(f"web {ONE}", "web").judge(ecdsa) is Standing.CHANGED


@pytest.mark.parametrize(
    ("names", "name", "means"),
    [
        ("web", "web", True),
        ("WEB", "web", True),
        ("web", "webx", False),
        ("a,web,b", "web", True),
        ("web?", "web1", True),
        ("web?", "web", False),
        ("*.example.org", "a.b.example.org", True),
        ("*.example.org", "example.org", False),
        ("*,!web", "web", False),
        ("!web,*", "web", False),
        ("!web", "other", False),
        ("[web]:2222", "[web]:2222", True),
        ("[web]:2222", "web", False),
        ("[*]:2222", "[web]:2222", True),
        ("w[e]b", "web", False),
        ("web.org", "webxorg", False),
        ("|1|broken", "web", False),
        ("|1|!!|!!", "web", False),
    ],
)
def test_the_first_field_means_names(names: str, name: str, means: bool) -> None:
    assert matches(names, name) is means


def test_hashed_names_are_those_of_ssh_keygen(tmp_path: Path) -> None:
    file = tmp_path / "kh"
    file.write_text(f"[web]:2222 {ONE}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    text = file.read_text()
    assert "web" not in text
    assert standing(text, ONE, "web", 2222) is Standing.KNOWN
    assert standing(text, ONE, "web", 2223) is Standing.UNKNOWN


def test_ssh_keygen_finds_the_names_we_hash(tmp_path: Path) -> None:
    file = tmp_path / "kh"
    file.write_text(f"{hashed_name('[web]:2222', b'0123456789abcdefghij')} {ONE}\n")
    argv = ["ssh-keygen", "-F", "[web]:2222", "-f", str(file)]
    assert ONE.split()[1] in subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_a_fingerprint_is_that_of_ssh_keygen(tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_text(f"{ONE} comment\n")
    argv = ["ssh-keygen", "-l", "-f", str(file)]
    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    assert key(ONE).fingerprint in said.split()
    assert key(ONE).line == ONE


def test_at_a_port_of_its_own_the_plain_name_speaks_for_a_key_never_against_it() -> None:
    assert standing(f"web {ONE}", ONE, port=2222) is Standing.KNOWN
    assert standing(f"web {ONE}", TWO, port=2222) is Standing.UNKNOWN
    assert standing(f"[web]:2222 {ONE}\nweb {TWO}", TWO, port=2222) is Standing.CHANGED
    assert standing(f"[web]:2222 {ONE}", ONE, port=22) is Standing.UNKNOWN


@pytest.mark.parametrize("names", ["web", "[web]:2222", "*"])
def test_a_revoked_key_stays_revoked_under_either_name(names: str) -> None:
    text = f"[web]:2222 {ONE}\n@revoked {names} {ONE}\n"
    assert standing(text, ONE, port=2222) is Standing.REVOKED


def test_a_revocation_alone_does_not_make_other_keys_look_changed() -> None:
    assert standing(f"@revoked * {ONE}\n", TWO) is Standing.UNKNOWN


def test_authorities_are_no_host_keys() -> None:
    found = facts(f"@cert-authority *.org {ONE}\n", "web.org")
    assert [entry.key for entry in found.authorities] == [key(ONE)]
    assert found.judge(key(ONE)) is Standing.UNKNOWN


def test_an_alias_is_looked_up_without_host_and_port() -> None:
    text = f"alias {ONE}\nweb {TWO}\n"
    assert facts(text, "web", 2222, "alias").judge(key(ONE)) is Standing.KNOWN
    assert facts(text, "web", 2222, "alias").judge(key(TWO)) is Standing.CHANGED


def test_each_entry_knows_its_line() -> None:
    entries = list(parse(f"# comment\n\nweb {ONE}\n  @revoked\t* {TWO} why\n", "/etc/kh"))
    assert [entry.place for entry in entries] == ["/etc/kh:3", "/etc/kh:4"]
    assert [entry.marker for entry in entries] == ["", "@revoked"]


@pytest.mark.parametrize(
    "line",
    [
        "web",
        "@revoked",
        "@revoked web",
        "@unheard-of web " + ONE,
        "web ssh-ed25519 not-base64!",
        "web ssh-rsa " + ONE.split()[1],
        "web ssh-ed25519",
        "#web " + ONE,
        "\x00\x1b[2J",
    ],
    # Keys are made anew each time, and names must not be: tests run in several processes.
    ids=range(9),
)
def test_a_line_that_makes_no_sense_is_passed_over(line: str) -> None:
    assert [entry.key.line for entry in parse(f"{line}\nweb {TWO}", "kh")] == [TWO]


def test_lookup_names_carry_a_port_only_when_it_is_not_22() -> None:
    assert lookup_name("Web", 22) == "web"
    assert lookup_name("fe80::1", 2222) == "[fe80::1]:2222"
