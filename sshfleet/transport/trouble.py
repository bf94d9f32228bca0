"""From an exception of a login to what it means for the machine: a class, a line, a thing to do.

Rule 1: only what nobody answered is silence. Whatever proves a living kernel, or a fault of our
own, is something else: silence can in the end move units to another machine.
"""

import errno
import re
import socket
from dataclasses import dataclass
from enum import IntEnum

import asyncssh

from sshfleet.model.observed import Trouble
from sshfleet.transport.agent import AgentRefused
from sshfleet.transport.base import TransportError
from sshfleet.transport.resolve import Route
from sshfleet.transport.wording import one_line

LIMITED = "its sshd limits new connections (MaxStartups, PerSourcePenalties): wait a minute"
LOOK_AT_AGENT = "`ssh-add -l` shows its keys; one may have expired or wait for a confirmation"
LOOK_AT_KEYS = "`ssh-add -l` shows the agent's keys; one must be in the machine's authorized_keys"
CHECK_ADDRESS = "check DNS here, and `address:` in the inventory"
ONE_KEY = "name its key in ssh_config: IdentityFile and IdentitiesOnly yes"

SILENT = frozenset({errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.EHOSTDOWN})
OURS = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EACCES}
    | {errno.EPERM, errno.ENETUNREACH, errno.ENETDOWN, errno.EAFNOSUPPORT, errno.EINVAL}
)


class Stage(IntEnum):
    """How far a login has come."""

    LOOKING_UP = 0
    DIALING = 1
    GREETING = 2  # TCP is up
    AUTHENTICATING = 3  # the host key is believed
    SIGNING = 4  # the agent has been asked for a signature


@dataclass(slots=True, kw_only=True)
class Progress:
    """Where a login stands: `offered` of the `held` keys of the agent have been tried."""

    route: Route
    seconds: float
    held: int
    offered: int = 0
    stage: Stage = Stage.LOOKING_UP


def login_trouble(error: BaseException, at: Progress) -> TransportError:
    """Return what the failure of a login means."""
    if isinstance(error, TransportError):
        return error
    if isinstance(error, TimeoutError) and not error.errno:
        return _out_of_time(at)
    if isinstance(error, AgentRefused):
        message = f"the ssh-agent did not sign the login on {at.route.name}"
        return TransportError(Trouble.FAULT_HERE, message, hint=LOOK_AT_AGENT)
    if isinstance(error, asyncssh.ChannelOpenError):
        return _beyond_the_hop(error, at)
    if isinstance(error, OSError):
        return _no_connection(error, at)
    return _refused_by_ssh(error, at)


def _out_of_time(at: Progress) -> TransportError:
    within = f"within {at.seconds:g} s"
    match at.stage:
        case Stage.LOOKING_UP:
            message = f"no address for {at.route.host!r} {within}: the resolver does not answer"
            return TransportError(Trouble.FAULT_HERE, message, hint=CHECK_ADDRESS)
        case Stage.DIALING:
            return TransportError(Trouble.SILENT, f"no answer {within}")
        case Stage.GREETING:
            message = f"port {at.route.port} is open, but no SSH server answers {within}"
        case Stage.AUTHENTICATING:
            message = f"the login was not finished {within}"
        case Stage.SIGNING:
            message = f"the ssh-agent did not sign the login on {at.route.name} {within}"
            return TransportError(Trouble.FAULT_HERE, message, hint=LOOK_AT_AGENT)
    return TransportError(Trouble.HUNG, message)


def _no_connection(error: OSError, at: Progress) -> TransportError:
    route = at.route
    if isinstance(error, socket.gaierror):
        message = f"no address for {route.host!r}: {error.strerror}"
        return TransportError(Trouble.FAULT_HERE, message, hint=CHECK_ADDRESS)
    if at.stage > Stage.DIALING and error.errno in SILENT:
        message = f"{route.name} fell silent before the login was finished"
        return TransportError(Trouble.HUNG, message)
    if at.stage > Stage.DIALING:
        return TransportError(Trouble.THROTTLED, _closed(at), hint=LIMITED)
    if error.errno == errno.ECONNREFUSED:
        message = f"connection refused: no sshd on port {route.port}"
        return TransportError(Trouble.NO_SSHD, message)
    if error.errno == errno.ECONNRESET:
        return TransportError(Trouble.THROTTLED, _closed(at), hint=LIMITED)
    if error.errno in SILENT:
        return TransportError(Trouble.SILENT, f"no route to {route.host}")
    why = error.strerror or one_line(str(error))
    hint = "raise the limit on open files: ulimit -n" if error.errno == errno.EMFILE else ""
    trouble = Trouble.FAULT_HERE if error.errno in OURS else Trouble.UNMANAGEABLE
    return TransportError(trouble, f"cannot connect to {route.host}: {why}", hint=hint)


def _refused_by_ssh(error: BaseException, at: Progress) -> TransportError:
    route, said = at.route, one_line(str(error))
    if isinstance(error, asyncssh.ConnectionLost):
        return TransportError(Trouble.THROTTLED, _closed(at), hint=LIMITED)
    if isinstance(error, asyncssh.PermissionDenied):
        return TransportError(Trouble.AUTH, _not_accepted(at), hint=_which_key(at))
    if "Too many authentication failures" in said:
        message = f"{route.name} gave up after {at.offered} keys of the agent"
        return TransportError(Trouble.AUTH, message, hint=ONE_KEY)
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return TransportError(Trouble.UNMANAGEABLE, f"no SSH algorithm in common: {said}")
    if at.stage is Stage.GREETING:
        kind = said or type(error).__name__
        return TransportError(Trouble.NO_SSHD, f"port {route.port} does not speak SSH: {kind}")
    kind = type(error).__name__
    return TransportError(Trouble.UNMANAGEABLE, f"the login failed: {kind}: {said}")


def _beyond_the_hop(error: asyncssh.ChannelOpenError, at: Progress) -> TransportError:
    """Read what a jump host says of the machine behind it."""
    hop, said = at.route.jump[-1], one_line(error.reason)
    message = f"{at.route.host} through {hop}: {said}"
    if re.search("refused", said, re.IGNORECASE):
        return TransportError(Trouble.NO_SSHD, message)
    if re.search("timed out|no route", said, re.IGNORECASE):
        return TransportError(Trouble.SILENT, message)
    hint = "the jump host must allow TCP forwarding and know that name"
    return TransportError(Trouble.UNMANAGEABLE, message, hint=hint)


def _closed(at: Progress) -> str:
    done = "the login was finished" if at.stage > Stage.GREETING else "the key exchange"
    return f"{at.route.name} closed the connection before {done}"


def _not_accepted(at: Progress) -> str:
    keys = "the agent's key is not" if at.held == 1 else f"none of the agent's {at.held} keys is"
    if at.offered < at.held:
        keys = f"none of the {at.offered} keys offered is"
    return f"{keys} accepted for {at.route.user} on {at.route.name}"


def _which_key(at: Progress) -> str:
    return ONE_KEY if at.offered < at.held else LOOK_AT_KEYS
