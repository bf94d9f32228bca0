"""The global options, as types of what the root of the command line takes."""

from typing import Annotated

import typer

from sshfleet.cli import settings


def _option(*names: str, env: str, text: str, metavar: str | None = None) -> object:
    return typer.Option(
        *names,
        envvar=f"SSHFLEET_{env}",
        help=text,
        show_envvar=False,
        show_default=False,
        metavar=metavar,
    )


Inventory = Annotated[
    str,
    _option(
        "-i",
        "--inventory",
        env="INVENTORY",
        metavar="PATH",
        text="The machines. [./inventory.yaml]",
    ),
]
Journal = Annotated[
    str, _option("--journal", env="JOURNAL", metavar="PATH", text="The controller's memory.")
]
Output = Annotated[
    settings.Output, _option("-o", "--output", env="OUTPUT", text="How lists are printed. [table]")
]
KnownHostsFile = Annotated[
    str,
    _option(
        "--known-hosts-file", env="KNOWN_HOSTS_FILE", metavar="PATH", text="Host keys to trust."
    ),
]
Strict = Annotated[
    settings.Strict | None,
    _option("--strict-host-key-checking", env="STRICT_HOST_KEY_CHECKING", text="As in OpenSSH."),
]
SshConfig = Annotated[
    str,
    _option(
        "-F", "--ssh-config", env="SSH_CONFIG", metavar="PATH", text="Instead of ~/.ssh/config."
    ),
]
SshUsername = Annotated[
    str, _option("--ssh-username", env="SSH_USERNAME", metavar="NAME", text="Log in as this user.")
]
SshTimeout = Annotated[
    float,
    _option(
        "--ssh-timeout",
        env="SSH_TIMEOUT",
        metavar="SECONDS",
        text="To be connected and logged in. [10]",
    ),
]
Timeout = Annotated[
    float,
    _option(
        "--timeout", env="TIMEOUT", metavar="SECONDS", text="For a unit to reach its state. [90]"
    ),
]
Forks = Annotated[
    int,
    _option(
        "--forks", env="FORKS", metavar="N", text="Connections at once. [chosen by the program]"
    ),
]
LockWait = Annotated[
    float,
    _option(
        "--lock-wait",
        env="LOCK_WAIT",
        metavar="SECONDS",
        text="For another sshfleet to end its work. [0]",
    ),
]
AllowNetworkFs = Annotated[
    bool,
    _option(
        "--allow-network-fs",
        env="ALLOW_NETWORK_FS",
        text="Let the journal lie on a network file system.",
    ),
]
KeepHistory = Annotated[
    float,
    _option(
        "--keep-history",
        env="KEEP_HISTORY",
        metavar="DAYS",
        text="How long history reaches back. [90]",
    ),
]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colour on a terminal.")]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", envvar="SSHFLEET_DEBUG", show_envvar=False, help="Tell what happens, on stderr."
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", envvar="SSHFLEET_QUIET", show_envvar=False, help="No progress and no notes."
    ),
]
