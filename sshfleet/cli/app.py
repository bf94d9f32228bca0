"""The root of the command line: global options, verbs, and how errors end."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from sshfleet import __version__
from sshfleet.cli import errors, options
from sshfleet.cli.argv import hoisted, verb_of
from sshfleet.cli.context import Context
from sshfleet.cli.instead import instead
from sshfleet.cli.settings import Output, Settings
from sshfleet.cli.signals import Interrupted, Signals, say
from sshfleet.cli.verbs import VERBS, register
from sshfleet.errors import ExitCode, SshfleetError


def command_line(verb: str = "") -> typer.Typer:
    """Return the command line with the verbs that `verb` is among, or else with all of them."""
    app = typer.Typer(
        name="sshfleet",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        epilog="Options of this list may stand before or after the command.",
    )
    app.callback()(root)
    register(app, verb)
    app.command("version")(version_verb)
    app.command("help")(help_verb)
    return app


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"sshfleet version {__version__}\n")
        raise typer.Exit


def root(
    ctx: typer.Context,
    inventory: options.Inventory = "",
    journal: options.Journal = "",
    output: options.Output = Output.TABLE,
    known_hosts_file: options.KnownHostsFile = "",
    strict: options.Strict = None,
    ssh_config: options.SshConfig = "",
    ssh_username: options.SshUsername = "",
    ssh_timeout: options.SshTimeout = 10.0,
    timeout: options.Timeout = 90.0,
    forks: options.Forks = 0,
    lock_wait: options.LockWait = 0.0,
    allow_network_fs: options.AllowNetworkFs = False,
    keep_history: options.KeepHistory = 90.0,
    no_color: options.NoColor = False,
    debug: options.Debug = False,
    quiet: options.Quiet = False,
    _asked_version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_version,
        help="Print the version.")] = False,
) -> None:  # fmt: skip
    """Run systemd units on many machines as if they were one: no agent, no server, only SSH."""
    ctx.obj = Context(
        Settings(
            inventory=inventory,
            journal=journal,
            output=output,
            known_hosts_file=known_hosts_file,
            strict=strict,
            ssh_config=ssh_config,
            ssh_username=ssh_username,
            ssh_timeout=_amount("--ssh-timeout", ssh_timeout),
            timeout=_amount("--timeout", timeout),
            forks=forks,
            lock_wait=_amount("--lock-wait", lock_wait, zero=True),
            allow_network_fs=allow_network_fs,
            keep_history=_amount("--keep-history", keep_history, of="days", zero=True),
            no_color=no_color or bool(os.environ.get("NO_COLOR")),
            debug=debug,
            quiet=quiet,
            words=tuple(sys.argv[1:]),
        ),
        ctx.obj,
    )
    ctx.call_on_close(ctx.obj.keep_names)


def _amount(option: str, value: float, *, of: str = "seconds", zero: bool = False) -> float:
    if 0 < value < 1e9 or (zero and value == 0):
        return value
    least = "from 0 on" if zero else "above 0"
    raise typer.BadParameter(f"{value} is not a number of {of} {least}", param_hint=option)


def version_verb() -> None:
    """Print the version."""
    _version(True)


def help_verb(verb: Annotated[str, typer.Argument(metavar="[VERB]")] = "") -> int:
    """Show help for sshfleet or for one verb."""
    return run([*([verb] if verb else []), "--help"])


_SAID = {
    None: "",
    False: ": nothing was done",
    True: "; the journal is sound, sshfleet reconcile goes on",
}


def run(words: Sequence[str]) -> int:
    """Run one command line; every way it can end becomes an exit code here."""
    signals = Signals()
    try:
        with signals:
            return _ended(words, signals)
    except Interrupted as end:
        say(f"{signals.word}{_SAID[end.wrote]}\n")
        return signals.code or ExitCode.INTERRUPTED


def _ended(words: Sequence[str], signals: Signals) -> int:
    """Run one command line; only Interrupted is raised."""
    try:
        code = _run(hoisted(words, VERBS) or ["--help"], signals)
    except SshfleetError as error:
        return errors.tell(error)
    except BrokenPipeError:
        # Whoever read us has gone (`| head`): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.NOT_SO
    except Exception as error:
        return errors.report_bug(error, list(words))
    return signals.code or code


def _run(words: list[str], signals: Signals) -> int:
    usage_error = typer.BadParameter.__base__
    assert usage_error is not None  # noqa: S101 - typer's own class of wrong command lines
    try:
        app = command_line(verb_of(words))
        code = app(words, prog_name="sshfleet", standalone_mode=False, obj=signals)
        sys.stdout.flush()
    except typer.Abort:
        raise Interrupted from None
    except Exception as error:
        if not isinstance(error, usage_error):
            raise
        return _wrong_usage(error)
    return code if isinstance(code, int) else ExitCode.DONE


def _wrong_usage(error: Exception) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":  # a group of verbs, named without a verb
        sys.stdout.write(f"{error}\n")
        return ExitCode.DONE
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "sshfleet"
    message = getattr(error, "format_message", error.__str__)()
    words = " ".join(str(message).split()).rstrip(".")
    words = words.replace("Missing argument 'UNIT...'", "No units given")  # as fleetctl says it
    errors.say_error(words, instead(words) or f"see {path} --help")
    return ExitCode.USAGE
