"""What fleetctl had and sshfleet has not, and what to do instead (docs/from-fleet.md)."""

import re

_SERVER = "there is no server to ask: name the machines in inventory.yaml and leave it out"
_KEYS = "there is no API and no etcd: SSH keys come from your agent; leave it out"
_SIGNED = "fleet itself had given up signing: leave it out"

OPTIONS = {
    "--driver": _SERVER,
    "--endpoint": _SERVER,
    "--experimental-api": _SERVER,
    "--etcd-key-prefix": _SERVER,
    "--request-timeout": "--ssh-timeout is for connections, --timeout for units",
    "--key-file": _KEYS,
    "--cert-file": _KEYS,
    "--ca-file": _KEYS,
    "--etcd-keyfile": _KEYS,
    "--etcd-certfile": _KEYS,
    "--etcd-cafile": _KEYS,
    "--tunnel": "say proxy_jump in inventory.yaml, or ProxyJump in ssh_config",
    "--ssh-port": "say port in inventory.yaml, or Port in ssh_config",
    "--sign": _SIGNED,
}
VERBS = {
    "fd-forward": "it belonged to --tunnel: say proxy_jump in inventory.yaml instead",
}


def instead(message: str) -> str:
    """Return what to do instead, given how typer complains; nothing when fleet had no such word."""
    found = re.search(r"No such (?:option|command):? '?([a-z-]+)", message)
    return (OPTIONS | VERBS).get(found[1], "") if found else ""
