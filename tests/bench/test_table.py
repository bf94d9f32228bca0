from bench.table import tables
from bench.timing import Result, Row

ROW = Row(10, "20 ms", "status")
FOUND = {
    ROW: {
        "sshfleet": Result(3, 2, 0),
        "floor": Result(2, 2, 0),
        "clush": Result(6, 2, 1),
        "pyinfra": Result(None, 2, 2),
    }
}
NAMES = ["floor", "sshfleet", "clush", "pyinfra", "ansible"]


def test_ratios_stand_in_the_order_of_the_names() -> None:
    told = tables(FOUND, NAMES, {})
    assert "| task | condition | floor | sshfleet | clush | pyinfra | ansible |" in told
    assert "| status | 20 ms | 1.00 | 1.50 | 3.00 (1 of 2 failed) | failed | – |" in told


def test_the_second_table_says_how_far_each_peer_is_from_sshfleet() -> None:
    second = tables(FOUND, NAMES, {}).partition("times sshfleet")[2]
    assert "| task | condition | floor | clush | pyinfra | ansible |" in second
    assert "| status | 20 ms | 0.67 | 2.00 (1 of 2 failed) | failed | – |" in second


def test_each_number_of_machines_has_tables_of_its_own() -> None:
    more = {**FOUND, Row(50, "20 ms", "status"): FOUND[ROW]}
    headings = [line for line in tables(more, NAMES, {}).splitlines() if line.startswith("#")]
    assert [line.split()[1] for line in headings] == ["10", "10", "50", "50"]


def test_without_the_floor_there_is_no_ratio_to_it() -> None:
    told = tables({ROW: {"clush": Result(1, 1, 0)}}, ["clush"], {})
    assert "| status | 20 ms | – |" in told


def test_why_somebody_is_missing_is_told() -> None:
    assert tables(FOUND, NAMES, {"ansible": "no Python"}).endswith("\nansible: no Python\n")
