from collections.abc import Callable

import pytest

from sshfleet.errors import InventoryError
from sshfleet.model.machine import (
    Become,
    DriftPolicy,
    FailoverMode,
    FailoverPolicy,
    Fleet,
    Machine,
    MachineName,
)

Load = Callable[[str | bytes], Fleet]
Refused = Callable[[str | bytes], InventoryError]


def machine_of(name: str, **said: object) -> Machine:
    return Machine(**{"name": MachineName(name), "address": name, **said})  # type: ignore[arg-type]


@pytest.mark.parametrize("nothing", ["", "~", "null", "{}"])
def test_a_name_alone_is_a_machine(load: Load, nothing: str) -> None:
    fleet = load(f"machines:\n  core-01: {nothing}\n")
    assert fleet == Fleet(name="default", machines=(machine_of("core-01"),))


def test_machines_keep_the_order_of_the_file(load: Load) -> None:
    fleet = load("machines: {b: , c: , a: }\n")
    assert [machine.name for machine in fleet.machines] == ["b", "c", "a"]


def test_empty_sections_say_nothing(load: Load) -> None:
    text = "fleet:\ndefaults:\n  metadata:\nfailover:\nmachines:\n  a:\n    metadata:\n"
    assert load(text) == Fleet(name="default", machines=(machine_of("a"),))


def test_defaults_are_for_those_that_do_not_say_otherwise(load: Load) -> None:
    fleet = load(
        "machines:\n"
        "  a: {user: root, port: 2222, become: none, proxy_jump: none}\n"
        "  b:\n"
        "defaults: {user: core, port: 22, become: sudo, proxy_jump: bastion}\n"
    )
    assert fleet.machines == (
        machine_of("a", user="root", port=2222, become=Become.NONE, proxy_jump="none"),
        machine_of("b", user="core", port=22, become=Become.SUDO, proxy_jump="bastion"),
    )


def test_metadata_merges_and_the_machines_own_value_wins(load: Load) -> None:
    fleet = load(
        "defaults: {metadata: {region: east, disk: ssd}}\n"
        "machines: {a: {metadata: {region: west, rack: 4}}, b: , c: {metadata: }}\n"
    )
    assert [machine.metadata for machine in fleet.machines] == [
        {"region": "west", "disk": "ssd", "rack": "4"},
        {"region": "east", "disk": "ssd"},
        {"region": "east", "disk": "ssd"},
    ]


def test_failover_is_read_in_seconds(load: Load) -> None:
    fleet = load("machines: {a: }\nfailover: {mode: lease, lease: 2m, lost_after: 1h}\n")
    assert fleet.failover == FailoverPolicy(mode=FailoverMode.LEASE, lease=120, lost_after=3600)
    assert load("machines: {a: }\nfailover: {lease: 5}\n").failover == FailoverPolicy(lease=5.0)


def test_drift_is_one_value_beside_the_sections(load: Load) -> None:
    assert load("machines: {a: }\n").drift is DriftPolicy.ENFORCE
    assert load("drift: report\nmachines: {a: }\n").drift is DriftPolicy.REPORT


def test_a_fence_command_is_a_list_of_words_and_defaults_may_have_one(load: Load) -> None:
    fleet = load(
        "defaults: {fence_command: [off, 'a b; c']}\n"
        "machines:\n  a:\n  b:\n    fence_command:\n    - /bin/off\n    - no\n    - $HOME\n"
    )
    assert [machine.fence_command for machine in fleet.machines] == [
        ("off", "a b; c"),
        ("/bin/off", "no", "$HOME"),
    ]


def test_one_address_with_two_ports_is_two_machines(load: Load) -> None:
    fleet = load("defaults: {address: nat}\nmachines: {a: {port: 2201}, b: {port: 2202}, c: }\n")
    assert [(machine.address, machine.port) for machine in fleet.machines] == [
        ("nat", 2201),
        ("nat", 2202),
        ("nat", 0),
    ]


ID = "3547a4df1ac04c92a8f5d4d0b0b2c9e1"


@pytest.mark.parametrize(
    ("machines", "place", "message"),
    [
        ("a: {address: h}\n  b: {address: h}", "3:16", "b has the address of a, line 2"),
        ("a: {address: Host.}\n  b: {address: hOST}", "3:16", "b has the address of a, line 2"),
        ("a: {address: '::1'}\n  b: {address: 0:0::1}", "3:16", "b has the address of a, line 2"),
        ("a: {address: h}\n  b: {address: h, port: 22}", "3:16", "b has the address of a, line 2"),
        ("a: {port: 5}\n  b: {address: a, port: 5}", "3:16", "b has the address of a, line 2"),
        ("a: {address: b}\n  c:\n  b:", "4:3", "b has the address of a, line 2"),
        (f"a: {{machine_id: {ID}}}\n  b:\n    machine_id: {ID.upper()}", "4:17", "machine_id"),
    ],
)
def test_two_names_for_one_machine_are_refused_at_the_second(
    refused: Refused, machines: str, place: str, message: str
) -> None:
    error = refused(f"machines:\n  {machines}\n")
    assert error.place == f"inventory.yaml:{place}"
    assert message in error.message


def test_an_inherited_address_is_blamed_on_the_name_of_the_second(refused: Refused) -> None:
    error = refused("defaults:\n  address: nat\nmachines:\n  a:\n  b:\n  c:\n")
    assert error.place == "inventory.yaml:5:3"
    assert error.message == "b has the address of a, line 4 (and 1 more)"


@pytest.mark.parametrize(
    ("text", "place"),
    [("fleet: {name: a}\n", "1:1"), ("machines:\n", "1:1"), ("\n\nmachines: {}\n", "3:1")],
)
def test_an_inventory_without_machines_is_refused(refused: Refused, text: str, place: str) -> None:
    error = refused(text)
    assert (error.place, error.message) == (
        f"inventory.yaml:{place}",
        "the inventory has no machines",
    )


def test_the_first_problem_in_the_file_is_told_and_the_others_counted(refused: Refused) -> None:
    error = refused("machines:\n  a: {port: 0}\n  a:\n  b: {usr: x}\nfleet: {name: '/'}\n")
    assert str(error) == "inventory.yaml:2:13: '0' is not a port (and 3 more)"
