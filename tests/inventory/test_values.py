"""Every value that is refused, at its exact place, through the front door."""

from collections.abc import Callable

import pytest

from sshfleet.errors import InventoryError
from sshfleet.model.machine import Fleet

Load = Callable[[str | bytes], Fleet]
Refused = Callable[[str | bytes], InventoryError]

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINxQQd17N6figbn8x9eU+3bAGb+k8qCQ5kgAnVZ6DDPh"
ECDSA = (
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFs16ckiK4K6tO72"
    "KPjZsaTarhKTU6uqOt4tLFwdcOaE6lVUH6hnEgv63mx4UpqC8aWMDngg1K4ZnFaTgcJrST8="
)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", "1"),
        ("port", "65535"),
        ("user", "_www-data.1$"),
        ("user", "a" * 32),
        ("address", "fe80::1%eth0"),
        ("address", "2001:db8::1"),
        ("address", "web_01.example.net."),
        ("address", "255.255.255.255"),
        ("become", "none"),
        ("host_key", ED25519),
        ("host_key", ECDSA),
        ("proxy_jump", "none"),
        ("proxy_jump", "core@10.0.0.1:2222,[2001:db8::1]:22,bastion"),
        ("machine_id", "0123456789abcdef" * 2),
    ],
)
def test_good_values_are_taken_as_written(load: Load, key: str, value: str) -> None:
    machine = load(f"machines: {{a: {{{key}: '{value}'}}}}\n").machines[0]
    assert str(getattr(machine, key)) == value


def test_a_host_key_loses_its_comment_and_a_machine_id_its_capitals(load: Load) -> None:
    text = f"machines: {{a: {{host_key: '{ED25519}  root@a', machine_id: {'AB' * 16}}}}}\n"
    machine = load(text).machines[0]
    assert (machine.host_key, machine.machine_id) == (ED25519, "ab" * 16)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        *[
            ("port", value, f"{value!r} is not a port")
            for value in (
                "0",
                "65536",
                "22:30",
                "022",
                "-1",
                "+22",
                "2_2",
                "22.0",
                "0x16",
                "٢٢",
                "ssh",
            )
        ],
        *[
            ("user", value, f"{value!r} is not a user name")
            for value in ("-l", "a b", "a;b", "$(id)", "1a", "a@b", "a" * 33, "ü", "a$b", "a\\n")
        ],
        *[
            ("address", value, f"{value!r} is not an address")
            for value in (
                *("-oProxyCommand=x", "a b", "a;b", "`id`", "$HOME", "a/b", "user@host", "a'b"),
                *("host:22", "[::1]", "10.1", "10.0.0.256", "010.0.0.1", "1.2.3.4.5", "..", "7"),
                *(":::", "fe80::1%$(id)", "fe80::1%", "::ffff:1.2.3.400", "münchen", "a\\n"),
            )
        ],
        *[
            ("become", value, f"{value!r} is not a value of become")
            for value in ("yes", "Sudo", "doas", "sudo ")
        ],
        *[
            ("machine_id", value, f"{value!r} is not a machine ID")
            for value in ("ab", "g" * 32, "a" * 33, "12345678-1234-1234-1234-123456789012")
        ],
        *[
            ("proxy_jump", value, f"{hop!r} is not a jump host")
            for value, hop in (
                *(("a,,b", ""), ("a, b", " b"), ("-J", "-J"), ("a,none", "none")),
                *(("-x@a", "-x@a"), ("@a", "@a"), ("a:", "a:"), ("b,a:022", "a:022")),
                *(("::1", "::1"), ("[10.0.0.1]", "[10.0.0.1]"), ("[a", "[a"), ("u@", "u@")),
                *(("ssh://a", "ssh://a"), ("a b", "a b"), ("u@v@w", "u@v@w"), ("[]", "[]")),
            )
        ],
        ("host_key", "AAAA", "'AAAA' is not a host key"),
        ("host_key", "ssh-dss AAAA", "'ssh-dss AAAA' is not a host key"),
        ("host_key", "SHA256:abc def", "'SHA256:abc def' is not a host key"),
        ("host_key", f"{ED25519}\\n{ED25519}", f"{ED25519[:57] + '...'!r} is not a host key"),
        ("host_key", "ssh-ed25519 A*A=", "the host key is not base64"),
        ("host_key", ED25519.replace("IN", "I*N"), "the host key is not base64"),
        ("host_key", "ssh-ed25519 ä", "the host key is not base64"),
        ("host_key", ED25519[:-1], "the host key is not base64"),
        ("host_key", ED25519[:-4], "the host key is cut short or not ssh-ed25519"),
        ("host_key", ED25519 + "AAAA", "the host key is cut short or not ssh-ed25519"),
        ("host_key", "ssh-rsa" + ED25519[11:], "the host key is cut short or not ssh-rsa"),
        ("host_key", ED25519[:32], "the host key is cut short or not ssh-ed25519"),
        ("host_key", "ssh-ed25519 AAAA", "the host key is cut short or not ssh-ed25519"),
    ],
)
def test_odd_values_are_refused_where_they_stand(
    refused: Refused, key: str, value: str, message: str
) -> None:
    for section, line in (("defaults", 3), ("machines:\n  core-01", 4)):
        error = refused(f'# é\n{section}:\n      {key}: "{value}"\n')
        assert error.place == f"inventory.yaml:{line}:{7 + len(key) + 2}"
        assert error.message == message.replace("\\\\n", "\\n")


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        *[
            ("fleet", "name", value, f"{value!r} is not a fleet name")
            for value in ("Demo", "..", "-a", "a/b", "../x", "a b", "a" * 42)
        ],
        ("failover", "mode", "auto", "'auto' is not a value of mode"),
        *[
            ("failover", key, value, f"{value!r} is not a duration")
            for key in ("lease", "lost_after")
            for value in ("1.5m", "90 s", "1d", "090", "-5", "1m30s", "soon", "1e3", "٩s")
        ],
        ("failover", "lease", "4s", "'4s' is too short"),
        ("failover", "lost_after", "0", "'0' is too short"),
        ("failover", "lease", "721h", "'721h' is too long"),
    ],
)
def test_odd_settings_are_refused_where_they_stand(
    refused: Refused, section: str, key: str, value: str, message: str
) -> None:
    error = refused(f"machines: {{a: }}\n{section}:\n  {key}: {value}\n")
    assert error.place == f"inventory.yaml:3:{len(key) + 5}"
    assert error.message == message


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("drift: ignore", "1:8", "'ignore' is not a value of drift"),
        ("drift: ", "1:7", "drift is empty"),
        ("drift: [report]", "1:8", "drift must be one value, not a list"),
        ("drift: {mode: report}", "1:8", "drift must be one value, not a mapping"),
        (
            "defaults: {fence_command: off}",
            "1:27",
            "fence_command must be a list of words, not one",
        ),
        (
            "defaults: {fence_command: []}",
            "1:27",
            "fence_command must be a list of words, not an e",
        ),
        (
            "defaults: {fence_command: {a: b}}",
            "1:27",
            "fence_command must be a list of words, not a",
        ),
        ("defaults: {fence_command: [a, '']}", "1:31", "a word of fence_command is empty"),
        (
            "defaults: {fence_command: [a, [b]]}",
            "1:31",
            "a word of fence_command must be one value",
        ),
        ('defaults: {fence_command: ["a\\0"]}', "1:28", "'a\\x00' is not plain text"),
    ],
)
def test_drift_and_fence_commands_are_read_strictly(
    refused: Refused, text: str, place: str, message: str
) -> None:
    error = refused(f"{text}\nmachines: {{a: }}\n")
    assert error.place == f"inventory.yaml:{place}"
    assert error.message.startswith(message)
    assert error.hint


@pytest.mark.parametrize("name", ["-a", ".a", "a b", "a/b", "ä", "a" * 64, "", "a=b", "~", "a\\n"])
def test_odd_machine_names_are_refused(refused: Refused, name: str) -> None:
    error = refused(f'machines:\n  "{name}":\n    address: a\n')
    assert error.place == "inventory.yaml:2:3"
    assert "is not a machine name" in error.message


@pytest.mark.parametrize("name", ["10.0.0.256", "101", "1.2"])
def test_a_name_that_can_be_no_address_needs_one(refused: Refused, load: Load, name: str) -> None:
    error = refused(f"machines:\n  {name}:\n")
    assert error.place == "inventory.yaml:2:3"
    assert error.message == f"machine {name!r} has no address, and its name is not one"
    assert load(f"machines:\n  {name}: {{address: a}}\n").machines[0].name == name


@pytest.mark.parametrize(
    ("metadata", "place", "message"),
    [
        ("{a: }", "1:30", "a metadata value is empty"),
        ("{a: ''}", "1:30", "a metadata value is empty"),
        ("{a: ~}", "1:30", "a metadata value is empty"),
        ("{a: null}", "1:30", "a metadata value is empty"),
        ("{'': b}", "1:27", "empty metadata matches no unit"),
        ("{a=b: c}", "1:27", "metadata 'a=b' has a `=`, so it matches no unit"),
        ("{a: b=c}", "1:30", "metadata 'b=c' has a `=`, so it matches no unit"),
        ("{a: [b]}", "1:30", "a metadata value must be one value, not a list"),
        ("{a: {b: c}}", "1:30", "a metadata value must be one value, not a mapping"),
        ('{a: "b\\nc"}', "1:30", "metadata 'b\\nc' is not plain text"),
        ("[a, b]", "1:26", "metadata must be a mapping, not a list"),
        ("a=b", "1:26", "metadata must be a mapping, not one value"),
    ],
)
def test_metadata_that_matches_no_unit_is_refused(
    refused: Refused, metadata: str, place: str, message: str
) -> None:
    error = refused(f"machines: {{a: {{metadata: {metadata}}}}}\n")
    assert (error.place, error.message) == (f"inventory.yaml:{place}", message)


def test_metadata_stays_as_written(load: Load) -> None:
    written = {"a": "no", "b": "0123", "c": "1.10", "d": "12:30:00", "e": "0x10", "f": "1e3"}
    text = ", ".join(f"{key}: {value}" for key, value in written.items())
    machine = load(f"machines: {{no: {{metadata: {{{text}, on: 'null', 1.0: a b}}}}}}\n").machines[
        0
    ]
    assert machine.metadata == {**written, "on": "null", "1.0": "a b"}
    assert machine.name == "no"


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("fleet:\nmachine: {a: }\n", "2:1", "'machine' in the inventory", "did you mean machines?"),
        ("machines: {a: }\nfleet: {names: x}\n", "2:9", "'names' in fleet", "did you mean name?"),
        (
            "machines: {a: {meta_data: {}}}\n",
            "1:16",
            "'meta_data' in machine 'a'",
            "mean metadata?",
        ),
        ("defaults: {usr: x}\nmachines: {a: }\n", "1:12", "'usr' in defaults", "mean user?"),
        ("machines: {a: }\nfailover: {x: 1}\n", "2:12", "'x' in failover", "Valid keys: mode, lea"),
        ("machines: {a: {Port: 1}}\n", "1:16", "'Port' in machine 'a'", "did you mean port? Valid"),
    ],
)
def test_unknown_keys_are_refused_with_a_guess_and_the_list(
    refused: Refused, text: str, place: str, message: str, hint: str
) -> None:
    error = refused(text)
    assert (error.place, error.message) == (f"inventory.yaml:{place}", f"unknown key {message}")
    assert hint in error.hint
    assert "Valid keys: " in error.hint


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("machines: [a, b]\n", "1:11", "machines must be a mapping, not a list"),
        ("machines: a\n", "1:11", "machines must be a mapping, not one value"),
        ("machines: ''\n", "1:11", "machines must be a mapping, not one value"),
        ("[a]\n", "1:1", "the inventory must be a mapping, not a list"),
        ("core-01\n", "1:1", "the inventory must be a mapping, not one value"),
        ("machines: {a: 10.0.0.1}\n", "1:15", "machine 'a' must be a mapping, not one value"),
        ("machines: {a: [x]}\n", "1:15", "machine 'a' must be a mapping, not a list"),
        ("fleet: demo\nmachines: {a: }\n", "1:8", "fleet must be a mapping, not one value"),
        ("machines: {a: {port: [22]}}\n", "1:22", "port must be one value, not a list"),
        ("machines: {a: {user: {b: }}}\n", "1:22", "user must be one value, not a mapping"),
        ("machines:\n  a:\n    user:\n", "3:10", "user is empty"),
        ("machines: {a: {user: null}}\n", "1:22", "user is empty"),
        ("machines: {a: {user: ''}}\n", "1:22", "user is empty"),
    ],
)
def test_the_wrong_kind_of_thing_is_refused_where_it_stands(
    refused: Refused, text: str, place: str, message: str
) -> None:
    error = refused(text)
    assert (error.place, error.message) == (f"inventory.yaml:{place}", message)


def test_a_long_odd_value_is_shown_short(refused: Refused) -> None:
    message = refused(f"machines: {{a: {{user: {'x' * 5000}}}}}\n").message
    assert len(message) < 100
