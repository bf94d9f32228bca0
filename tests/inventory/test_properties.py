import ipaddress
import string
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sshfleet.errors import InventoryError
from sshfleet.inventory import load_inventory
from sshfleet.model.machine import (
    Become,
    DriftPolicy,
    FailoverMode,
    FailoverPolicy,
    Fleet,
    Machine,
    MachineName,
)

LETTERS = string.ascii_letters
NAME_TAIL = LETTERS + string.digits + "._-"
# What a YAML loader that guesses types would change, beside text of all kinds.
TRAPS = [
    "no",
    "0123",
    "1.10",
    "12:30:00",
    "null",
    "~",
    "2001-01-01",
    "0x1F",
    "1e3",
    "[a]",
    "&a",
    "*a",
]
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINxQQd17N6figbn8x9eU+3bAGb+k8qCQ5kgAnVZ6DDPh"

names = st.builds(str.__add__, st.sampled_from(LETTERS), st.text(NAME_TAIL, max_size=20))
texts = st.sampled_from(TRAPS) | st.text(
    st.characters(exclude_characters="=").filter(str.isprintable), min_size=1, max_size=20
)
addresses = names | st.ip_addresses().map(str)
machines = st.builds(
    Machine,
    name=names.map(MachineName),
    address=addresses,
    user=st.just("") | st.from_regex(r"[A-Za-z_][A-Za-z0-9._-]{0,10}", fullmatch=True),
    port=st.integers(0, 65535),
    become=st.none() | st.sampled_from(Become),
    metadata=st.dictionaries(texts, texts, max_size=4),
    host_key=st.sampled_from(["", ED25519]),
    proxy_jump=st.sampled_from(["", "none", "bastion", "core@[2001:db8::1]:22,b"]),
    machine_id=st.just("") | st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    fence_command=st.lists(
        st.sampled_from([*TRAPS, "off", "-x"]).filter(str.isprintable).filter(bool), max_size=3
    ).map(tuple),
)


def endpoint(machine: Machine) -> tuple[str, int]:
    try:
        address = str(ipaddress.ip_address(machine.address))
    except ValueError:
        address = machine.address.lower().removesuffix(".")
    return address, machine.port or 22


def unique_id(machine: Machine) -> object:
    return machine.machine_id or object()


fleets = st.builds(
    Fleet,
    name=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,40}", fullmatch=True),
    machines=st.lists(
        machines,
        min_size=1,
        max_size=5,
        unique_by=(lambda machine: machine.name, endpoint, unique_id),
    ).map(tuple),
    failover=st.builds(
        FailoverPolicy,
        mode=st.sampled_from(FailoverMode),
        lease=st.integers(5, 86400).map(float),
        lost_after=st.integers(1, 30 * 86400).map(float),
    ),
    drift=st.sampled_from(DriftPolicy),
)


def as_yaml(fleet: Fleet, *, flow: bool) -> str:
    """Write a fleet with PyYAML's own dumper, which quotes what a guessing loader would change."""
    keys = ("address", "user", "port", "become", "metadata", "host_key", "proxy_jump", "machine_id")
    said: dict[str, Any] = {}
    for machine in fleet.machines:
        fields = {key: getattr(machine, key) for key in keys if getattr(machine, key)}
        if machine.become:
            fields["become"] = machine.become.value
        if machine.fence_command:
            fields["fence_command"] = list(machine.fence_command)
        said[machine.name] = fields
    failover = {
        "mode": fleet.failover.mode.value,
        "lease": f"{fleet.failover.lease:.0f}s",
        "lost_after": int(fleet.failover.lost_after),
    }
    document = {
        "fleet": {"name": fleet.name},
        "machines": said,
        "drift": fleet.drift.value,
        "failover": failover,
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=flow)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inventory") / "inventory.yaml"


@given(fleet=fleets, flow=st.booleans())
def test_a_fleet_written_as_yaml_is_read_back_the_same(
    path: Path, fleet: Fleet, flow: bool
) -> None:
    path.write_text(as_yaml(fleet, flow=flow), encoding="utf-8")
    assert load_inventory(path) == fleet


@given(value=texts.filter(lambda text: text.isascii() and set(text) <= set(NAME_TAIL + ":+")))
def test_an_unquoted_value_stays_as_written(path: Path, value: str) -> None:
    # Only a colon at the end and the words for nothing mean something to YAML itself.
    if value.endswith(":") or value.startswith((":", "-")) or value.lower() == "null":
        return
    path.write_text(f"machines:\n  a:\n    metadata:\n      k: {value}\n", encoding="utf-8")
    assert load_inventory(path).machines[0].metadata == {"k": value}


SNIPPETS = st.sampled_from(
    [
        *("machines:", "\n", "  ", "a:", "{", "}", "[", "]", "&x ", "*x", "!t ", "---\n", '"', "'"),
        *("port: 22", "metadata: ", "k: v", "? ", "- ", "|", ">", "%YAML 1.1\n", "#", ",", "\t"),
    ]
)


def complaint(path: Path) -> InventoryError | None:
    try:
        load_inventory(path)
    except InventoryError as error:
        return error
    return None


@settings(max_examples=300)
@given(data=st.binary(max_size=200) | st.lists(SNIPPETS, max_size=40).map("".join).map(str.encode))
def test_any_bytes_are_a_fleet_or_one_line_with_a_place_and_a_hint(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    if error := complaint(path):
        assert f"{error}{error.hint}".isprintable()
        assert error.hint
        assert error.place.startswith(f"{path}:")
