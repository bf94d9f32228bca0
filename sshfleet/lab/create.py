"""`lab up`: make everything a new lab needs and boot it, or bring an existing one back up."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from sshfleet.errors import SshfleetError, UsageError
from sshfleet.lab import agent, cgroup, identity, inventory, machine, needs, network, roots, state
from sshfleet.lab.body import Body
from sshfleet.lab.remove import remove
from sshfleet.lab.spec import LabMachine, LabSpec, metadata_of

Tell = Callable[[str], None]  # one line about what is going on, for a human


def up(spec: LabSpec, tell: Tell) -> state.LabState:
    """Bring up the lab `spec` asks for; return when every sshd answers.

    UsageError when a lab of that name is up with other machines, or the inventory is not ours.
    """
    needs.check()
    needs.raise_settings(tell)
    with state.lock_lab(spec.name):
        known = state.load(spec.name)
        if known is None or not known.complete:
            return _create(spec, tell)
        if not known.spec.same_machines(spec):
            raise UsageError(
                f"lab {spec.name} is up already, with other machines",
                hint=f"sshfleet lab down --name {spec.name}, or choose another --name",
            )
        path = inventory.path_of(spec) if spec.inventory else known.inventory
        inventory.check(path, spec.name)
        return _finish(replace(known, inventory=path), tell)


def _create(spec: LabSpec, tell: Tell) -> state.LabState:
    inventory.check(inventory.path_of(spec), spec.name)
    if remove(spec.name):
        tell(f"removed what an interrupted run left of lab {spec.name}")
    lowers = roots.ensure(sorted(set(spec.suites)), spec.extras, tell)
    try:
        return _finish(_furnish(_reserve(spec, lowers)), tell)
    except BaseException:
        remove(spec.name)
        raise


def _finish(furnished: state.LabState, tell: Tell) -> state.LabState:
    """Start the agent, boot all machines, write the inventory."""
    began = time.monotonic()
    agent.ensure(state.folder(furnished.spec.name), furnished.spec.name)
    bodies = [Body(furnished, each) for each in furnished.machines]
    with ThreadPoolExecutor(max_workers=len(bodies)) as pool:
        list(pool.map(machine.start, bodies))
    inventory.write(furnished.inventory, furnished.spec, furnished.machines)
    complete = replace(furnished, complete=True)
    state.save(complete)
    tell(f"{len(bodies)} machines up in {time.monotonic() - began:.1f} s")
    return complete


def _reserve(spec: LabSpec, lowers: dict[str, str]) -> state.LabState:
    """Write the first state of a lab; from here on its network is nobody else's."""
    with state.lock(state.RUNS / ".networks.lock"):
        fresh = state.LabState(
            spec=spec,
            subnet=network.free_subnet(_reserved()),
            roots=lowers,
            owner=os.getpid(),
            inventory=inventory.path_of(spec),
        )
        state.save(fresh)
    return fresh


def _reserved() -> set[int]:
    """Return the networks of all labs, up or not."""
    subnets = set()
    for name in state.names():
        # The damaged state of one lab is no reason for another not to boot.
        with suppress(SshfleetError):
            if known := state.load(name):
                subnets.add(known.subnet)
    return subnets


def _furnish(fresh: state.LabState) -> state.LabState:
    """Make bridge, cgroup, client key and a disk with an identity for each machine."""
    lab = fresh.spec.name
    network.create(lab, fresh.subnet, fresh.spec.count)
    cgroup.create(lab)
    keys = [agent.create_key(state.folder(lab), lab), *agent.callers_keys()]

    def one(number: int) -> LabMachine:
        return _machine(fresh, number, keys)

    with ThreadPoolExecutor(max_workers=8) as pool:
        machines = tuple(pool.map(one, range(1, fresh.spec.count + 1)))
    furnished = replace(fresh, machines=machines)
    state.save(furnished)
    return furnished


def _machine(fresh: state.LabState, number: int, keys: list[str]) -> LabMachine:
    spec = fresh.spec
    name = f"core-{number:02d}"
    suite = spec.suites[(number - 1) % len(spec.suites)]
    upper = machine.create_disk(spec.name, name)
    machine_id, host_key = identity.create(upper, name, keys)
    return LabMachine(
        name=name,
        number=number,
        address=network.address(fresh.subnet, number),
        suite=suite,
        machine_id=machine_id,
        host_key=host_key,
        metadata=metadata_of(number, suite),
    )
