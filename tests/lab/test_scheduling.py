"""Units that move, give way, follow and multiply, on three real machines."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from sshfleet.lab.lab import Lab
from sshfleet.lab.waiting import until
from tests.lab.user import User, by_id, is_active, legend_of, shown, visiting

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"
SOON = 60  # seconds, on a busy computer


class Admin:
    """A user with an inventory of their own, to change metadata and leave machines out."""

    def __init__(self, lab: Lab, user: User) -> None:
        self.lab, self.user = lab, user
        user.variables["SSHFLEET_INVENTORY"] = str(user.folder / "inventory.yaml")

    def writes(self, name: str, *rules: str, text: str = SLEEP) -> None:
        """Write a unit file with these lines in [X-Fleet]."""
        self.user.writes(name, text + "[X-Fleet]\n" + "".join(f"{rule}\n" for rule in rules))

    def has(self, metadata: Mapping[str, str], *, without: str = "") -> None:
        """Give machines their `role`, and leave one out of the inventory."""
        inventory = yaml.safe_load(self.lab.inventory.read_text())
        for name, role in metadata.items():
            inventory["machines"][name]["metadata"]["role"] = role
        inventory["machines"].pop(without, None)
        self.user.writes("inventory.yaml", yaml.safe_dump(inventory))

    def where(self) -> dict[str, str]:
        """Return the machine of each unit that runs, by asking the machines; none runs twice."""
        rows = self.user.rows("list-units", "--fields", "unit,name,active")
        active = [row for row in rows if row["active"] == "active"]
        assert len({row["unit"] for row in active}) == len(active), active
        return {row["unit"]: row["name"] for row in active}


@pytest.fixture
def admin(lab3: Lab, tmp_path: Path) -> Iterator[Admin]:
    with visiting(lab3, tmp_path) as user:
        admin = Admin(lab3, user)
        admin.has({})
        yield admin
        admin.has({})


def names(lab: Lab) -> list[str]:
    """Return the names of the machines in the order in which an empty fleet fills."""
    return [machine.name for machine in by_id(lab)]


def test_what_belongs_together_follows_when_one_of_it_moves(lab3: Lab, admin: Admin) -> None:
    first, second, third = names(lab3)
    admin.has({first: "app", second: "db"})
    admin.writes("app.service", "MachineMetadata=role=app")
    admin.writes("app-log.service", "MachineOf=app.service")
    admin.writes("app-log-watch.service", "MachineOf=app-log.service")
    admin.writes("stays.service")
    admin.user.gets("start", "app", "app-log", "app-log-watch")
    assert set(admin.where().values()) == {first}

    admin.has({third: "app", first: "db"})
    reconciled = admin.user.runs("reconcile")

    assert reconciled.code == 0, reconciled
    together = ("app.service", "app-log.service", "app-log-watch.service")
    assert admin.where() == dict.fromkeys(together, third)
    assert [shown(lab3, first, unit, "LoadState") for unit in together] == ["not-found"] * 3
    assert admin.user.gets("reconcile") == ""


def test_a_conflict_that_one_side_declares_ends_with_the_other(lab3: Lab, admin: Admin) -> None:
    admin.writes("crowd@.service", "Conflicts=crowd@*.service")
    admin.writes("alone.service", "Conflicts=crowd@*.service")
    admin.user.gets("start", "crowd@1", "crowd@2", "crowd@3")
    home = admin.where()["crowd@2.service"]
    assert admin.user.runs("start", "alone").code == 1
    assert "alone.service" not in admin.where()

    admin.user.gets("destroy", "crowd@2")
    assert admin.user.runs("reconcile").code == 0

    assert admin.where()["alone.service"] == home
    refused = admin.user.runs("start", "crowd@2")
    assert (refused.code, refused.stdout) == (1, "Unit crowd@2.service inactive\n")
    assert f"{home}  conflicts with alone.service there" in refused.stderr


def test_replaces_pushes_a_unit_to_where_its_own_rules_let_it_run(lab3: Lab, admin: Admin) -> None:
    first, _, third = names(lab3)
    admin.has({first: "work", third: "work"})
    admin.writes("batch.service", "MachineMetadata=role=work")
    admin.writes("busy.service", f"MachineID={by_id(lab3)[2].machine_id}")
    admin.writes("urgent.service", "MachineMetadata=role=work", "Replaces=batch*.service")
    admin.user.gets("start", "busy")
    admin.user.gets("start", "batch")
    assert admin.where() == {"busy.service": third, "batch.service": first}
    # Now the first and the third machine have one unit each, and the first comes first.

    started = admin.user.runs("start", "urgent")

    assert (started.code, started.stderr) == (
        0,
        f"batch.service moves from {first} to {third}: "
        "replaced there by urgent.service (Replaces=batch*.service of urgent.service)\n",
    )
    # The second machine is empty, but may not have it.
    assert admin.where() == {
        "busy.service": third,
        "batch.service": third,
        "urgent.service": first,
    }
    assert shown(lab3, first, "batch.service", "LoadState") == "not-found"
    assert admin.user.gets("reconcile") == ""


def test_values_of_a_key_are_alternatives_and_all_keys_are_needed(lab3: Lab, admin: Admin) -> None:
    roles = {"core-01": "a", "core-02": "b", "core-03": "c"}
    admin.has(roles)
    either = 'MachineMetadata="role=b" "role=c"'
    east = "MachineMetadata=region=us-east-1"  # core-01 and core-03
    admin.writes("either@.service", either, "Conflicts=either@*.service")
    admin.writes("both.service", either, east)
    admin.writes("none.service", east, "MachineMetadata=role=b")

    admin.user.gets("start", "either@1", "either@2", "both")

    where = admin.where()
    assert sorted((where["either@1.service"], where["either@2.service"])) == ["core-02", "core-03"]
    assert where["both.service"] == "core-03"
    refused = admin.user.runs("start", "either@3", "none")
    assert refused.code == 1
    assert "  core-01  role is a, not b or c\n" in refused.stderr
    assert "  core-02  region is us-west-1, not us-east-1\n" in refused.stderr


def test_global_units_reach_a_machine_that_joins_and_keep_off_conflicts(
    lab3: Lab, admin: Admin
) -> None:
    first, second, third = names(lab3)
    admin.has({}, without=third)
    admin.writes("every.service", "Global=true")
    admin.writes("shy.service", "Global=true", "Conflicts=solo.service")
    admin.writes("solo.service")
    admin.user.gets("start", "solo")
    admin.user.gets("start", "every", "shy")

    def active(unit: str) -> set[str]:
        return {name for name, said in is_active(lab3, unit).items() if said == "active"}

    assert (active("every.service"), active("shy.service")) == ({first, second}, {second})

    admin.has({})
    assert admin.user.runs("reconcile").code == 0

    assert active("every.service") == {first, second, third}
    assert active("shy.service") == {second, third}
    assert active("solo.service") == {first}
    admin.user.gets("destroy", "solo")
    assert admin.user.runs("reconcile").code == 0
    assert active("shy.service") == {first, second, third}


def test_the_name_of_an_instance_says_where_it_runs(lab3: Lab, admin: Admin) -> None:
    admin.has({"core-01": "red", "core-02": "green", "core-03": "blue"})
    admin.writes("lamp@.service", "MachineMetadata=role=%i")

    started = admin.user.runs("start", "lamp@blue", "lamp@green", "lamp@pink")

    assert started.code == 1
    assert "lamp@pink.service cannot run on any of 3 machines" in started.stderr
    assert admin.where() == {"lamp@blue.service": "core-03", "lamp@green.service": "core-02"}


def test_a_unit_wanted_by_another_starts_with_it(lab3: Lab, admin: Admin) -> None:
    home = names(lab3)[0]
    admin.writes("main.service")
    wanted = SLEEP + "[Install]\nWantedBy=main.service\n"
    admin.writes("helper.service", "MachineOf=main.service", text=wanted)
    admin.user.gets("load", "main", "helper")
    assert is_active(lab3, "helper.service")[home] == "inactive"

    admin.user.gets("start", "main")

    until(lambda: is_active(lab3, "helper.service")[home] == "active", SOON, "helper.service")
    assert admin.user.gets("reconcile") == ""
    assert admin.where() == {"main.service": home, "helper.service": home}
    files = admin.user.rows("list-unit-files", "--fields", "unit,dstate,state")
    assert [row["dstate"] for row in files] == ["loaded", "launched"]
    assert admin.user.gets("stop", "helper") == (
        f"Unit helper.service loaded on {legend_of(by_id(lab3)[0])}\n"
    )
    assert is_active(lab3, "helper.service")[home] == "inactive"


def test_twenty_instances_twice_over(lab3: Lab, admin: Admin) -> None:
    admin.writes("job@.service")
    jobs = [f"job@{number}.service" for number in range(1, 21)]

    def seen() -> list[tuple[str, str]]:
        rows = admin.user.rows("list-units", "--fields", "unit,active,name")
        machines = [row["name"] for row in rows]
        assert sorted(machines.count(name) for name in names(lab3)) in ([6, 7, 7], [0, 0, 0])
        return [(row["unit"], row["active"]) for row in rows]

    for _ in range(2):
        for verb, words in (
            ("submit", "inactive"),
            ("load", "loaded on"),
            ("start", "launched on"),
        ):
            done = admin.user.gets(verb, *jobs)
            assert [f"Unit {job} {words}" in done for job in jobs] == [True] * 20
        assert seen() == [(job, "active") for job in sorted(jobs)]
        admin.user.gets("stop", *jobs)
        assert seen() == [(job, "inactive") for job in sorted(jobs)]
        done = admin.user.gets("destroy", *jobs)
        assert done == "".join(f"Destroyed {job}\n" for job in sorted(jobs))
        assert seen() == []
