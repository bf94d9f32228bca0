"""The verbs of `sshfleet lab`: thin, `sshfleet.lab` does the work."""

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Disposable systemd machines on this computer.",
)


class Suite(StrEnum):
    """Debian releases a machine can be."""

    BOOKWORM = "bookworm"
    TRIXIE = "trixie"


class With(StrEnum):
    """What machines can have besides systemd and sshd."""

    DOCKER = "docker"
    PODMAN = "podman"


class User(StrEnum):
    """Whom the inventory tells to log in as."""

    CORE = "core"
    ROOT = "root"


Name = Annotated[str, typer.Option("--name", help="Which lab, when there are several.")]
Machine = Annotated[str, typer.Argument(metavar="MACHINE", help="As in core-01.")]


def register(root: typer.Typer) -> None:
    """Add the verbs of this module."""
    root.add_typer(app, name="lab")


@app.command()
def up(
    count: Annotated[int, typer.Argument(metavar="[N]", help="How many machines.")] = 3,
    suite: Annotated[
        list[Suite] | None,
        typer.Option("--suite", help="Debian release; given twice, machines alternate. [bookworm]"),
    ] = None,
    extras: Annotated[
        list[With] | None,
        typer.Option("--with", help="docker or podman, with the image busybox; may be repeated."),
    ] = None,
    inventory: Annotated[
        Path | None,
        typer.Option("-i", "--inventory", help="Where to write it. [./inventory.yaml]"),
    ] = None,
    user: Annotated[User, typer.Option("--user", help="Whom to log in as.")] = User.CORE,
    name: Name = "lab",
) -> None:
    """Boot machines and print what a shell needs to reach them: eval "$(sshfleet lab up)"."""
    from sshfleet.lab.lab import Lab
    from sshfleet.lab.spec import LabSpec

    spec = LabSpec(
        name=name,
        count=count,
        suites=tuple(each.value for each in suite or [Suite.BOOKWORM]),
        extras=tuple(each.value for each in extras or []),
        user=user.value,
        inventory=inventory,
    )
    lab = Lab.up(spec, _tell)
    named = "" if name == "lab" else f" --name {name}"
    _tell(f"go on with: sshfleet list-machines    take down with: sshfleet lab down{named}")
    sys.stdout.write(
        f"export SSH_AUTH_SOCK={shlex.quote(str(lab.agent_socket))}"
        f" SSHFLEET_INVENTORY={shlex.quote(str(lab.inventory))}\n"
    )


@app.command()
def down(
    name: Name = "lab",
    every: Annotated[bool, typer.Option("--all", help="Every lab on this computer.")] = False,
) -> None:
    """Remove a lab completely; fine when there is none."""
    from sshfleet.lab import needs, remove

    needs.check_root()
    for each in remove.every_name() if every else [name]:
        gone = remove.down(each)
        _tell(f"lab {each} is gone" if gone else f"there was no lab {each}")


@app.command()
def status(name: Name = "lab") -> None:
    """Show the machines of a lab: running, off, partitioned or frozen."""
    from sshfleet.lab.lab import Lab

    lab = Lab.find(name)
    sys.stdout.write(f"{'MACHINE':<10}{'ADDRESS':<16}{'SUITE':<10}CONDITION\n")
    conditions = lab.status()
    for each in lab.machines:
        line = f"{each.name:<10}{each.address:<16}{each.suite:<10}{conditions[each.name]}\n"
        sys.stdout.write(line)


@app.command()
def partition(machine: Machine, name: Name = "lab") -> None:
    """Cut the machine off the network; it goes on running."""
    from sshfleet.lab.lab import Lab

    Lab.find(name).partition(machine)


@app.command()
def heal(machine: Machine, name: Name = "lab") -> None:
    """End a partition."""
    from sshfleet.lab.lab import Lab

    Lab.find(name).heal(machine)


@app.command()
def kill(machine: Machine, name: Name = "lab") -> None:
    """Cut the power of the machine."""
    from sshfleet.lab.lab import Lab

    Lab.find(name).kill(machine)


@app.command()
def boot(machine: Machine, name: Name = "lab") -> None:
    """Boot the machine again, with the disk it had."""
    from sshfleet.lab.lab import Lab

    Lab.find(name).boot(machine)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
