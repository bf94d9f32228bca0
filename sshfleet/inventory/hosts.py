"""What ssh is told about a machine: address, port, user, host key, jump hosts.

Rule 1: nothing passes that ssh, ssh_config or a shell could take for an option or a command,
though we never put any of it into a command line ourselves (CVE-2023-51385 shows why).
"""

import base64
import binascii
import re

from sshfleet.inventory.problems import Refused, quoted

HOST_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = re.compile(rf"{OCTET}(?:\.{OCTET}){{3}}")
IPV6 = re.compile(r"[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]{1,15})?")
USER = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,31}\$?")
PORT = re.compile(r"[1-9][0-9]{0,4}")
JUMP = re.compile(r"(?:([^@]*)@)?(\[[^\[\]]*\]|[^:\[\]]*)(?::(.*))?")
HOST_KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
JUMP_HINT = "[user@]host[:port], commas between several, IPv6 in brackets; or none"
HOST_KEY_HINT = "two words from /etc/ssh/ssh_host_ed25519_key.pub: ssh-ed25519 AAAA..."


def address(text: str) -> str:
    """Check a host name, an alias of ssh_config, or an IP address without brackets."""
    if is_host(text):
        return text
    hint = "a host name, an alias of ssh_config, or an IPv4 or IPv6 address without brackets"
    raise Refused(f"{quoted(text)} is not an address", hint)


def is_host(text: str) -> bool:
    """Tell whether ssh can be asked to go there."""
    if ":" in text:
        return shortest_ipv6(text) is not None
    # Only digits and dots: the C library would take `10.1` for 10.0.0.1 and `010.` for octal.
    if not text.strip("0123456789."):
        return bool(IPV4.fullmatch(text))
    return bool(HOST_NAME.fullmatch(text))


def same_address(text: str) -> str:
    """Return a spelling that is equal for addresses that are the same."""
    if ":" in text:
        return shortest_ipv6(text) or text
    return text.lower().removesuffix(".")


def shortest_ipv6(text: str) -> str | None:
    """Return the one short spelling of an IPv6 address, None when it is not one."""
    import ipaddress

    if not IPV6.fullmatch(text):
        return None
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        return None


def user(text: str) -> str:
    """Check a login name."""
    if USER.fullmatch(text):
        return text
    hint = "letters, digits, dot, dash and underscore; 32 at most; a letter or underscore first"
    raise Refused(f"{quoted(text)} is not a user name", hint)


def port(text: str) -> int:
    """Read a TCP port."""
    if is_port(text):
        return int(text)
    raise Refused(f"{quoted(text)} is not a port", "a number from 1 to 65535, only digits")


def is_port(text: str) -> bool:
    """Tell whether this is a TCP port, written as plainly as can be."""
    return bool(PORT.fullmatch(text)) and int(text) <= 65535


def proxy_jump(text: str) -> str:
    """Check `[user@]host[:port]`, several joined by commas, or `none`; ssh_config(5) ProxyJump."""
    if text == "none":
        return text
    for hop in text.split(","):
        if not is_hop(hop):
            raise Refused(f"{quoted(hop)} is not a jump host", JUMP_HINT)
    return text


def is_hop(text: str) -> bool:
    """Tell whether this is one host of a ProxyJump; brackets are for IPv6 and only for it."""
    match = JUMP.fullmatch(text)
    if not match or text == "none":
        return False
    name, host, number = match.groups()
    if (":" in host) != host.startswith("[") or not is_host(host.strip("[]")):
        return False
    return (name is None or bool(USER.fullmatch(name))) and (number is None or is_port(number))


def host_key(text: str) -> str:
    """Check a public host key; returned as `type base64`, without a comment behind it."""
    words = text.split()
    is_one_line = text.strip().isprintable()
    if not is_one_line or len(words) < 2 or words[0] not in HOST_KEY_TYPES:
        raise Refused(f"{quoted(text)} is not a host key", HOST_KEY_HINT)
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        raise Refused("the host key is not base64", HOST_KEY_HINT) from None
    if not is_key_blob(blob, words[0].encode()):
        raise Refused(f"the host key is cut short or not {words[0]}", HOST_KEY_HINT)
    return " ".join(words[:2])


def is_key_blob(blob: bytes, kind: bytes) -> bool:
    """Tell whether a blob is whole: length-prefixed fields, the first its type; RFC 4253 6.6."""
    fields = []
    while len(blob) >= 4:
        end = 4 + int.from_bytes(blob[:4])
        if end > len(blob):
            return False
        fields.append(blob[4:end])
        blob = blob[end:]
    return not blob and len(fields) >= 2 and fields[0] == kind
