"""Bytes of the inventory file become text, or the error that says why not."""

import re
from pathlib import Path

from sshfleet.errors import InventoryError
from sshfleet.inventory.finding import HOW_TO_GET_ONE
from sshfleet.inventory.problems import Place, Problems, one_line

LARGEST_FILE = 1024 * 1024
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LINE_END = re.compile(r"\r\n|\r|\n")
# What YAML does not print, the three breaks (NEL, LS, PS) that editors and YAML count differently,
# and the byte order mark. A list of what is forbidden compiles in no time; its inverse takes 7 ms.
NOT_ALLOWED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def read_text(path: Path, problems: Problems) -> str:
    """Read a file as text; raises InventoryError when it cannot be, or is no text."""
    return decode(read_bytes(path), problems)


def read_bytes(path: Path) -> bytes:
    """Read a file, one byte past the largest allowed at most."""
    shown = one_line(str(path))
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise InventoryError(f"there is no inventory {shown}", hint=HOW_TO_GET_ONE) from None
    except IsADirectoryError:
        hint = f"name the file, perhaps {one_line(str(path / 'inventory.yaml'))}"
        raise InventoryError(f"the inventory {shown} is a folder", hint=hint) from None
    except PermissionError:
        hint = "make it readable for the user who runs sshfleet"
        raise InventoryError(f"the inventory {shown} may not be read", hint=hint) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"the inventory {shown} cannot be read: {reason}"
        raise InventoryError(message, hint=HOW_TO_GET_ONE) from error


def decode(data: bytes, problems: Problems) -> str:
    """Turn bytes into text that has only characters a person can have meant."""
    if len(data) > LARGEST_FILE:
        hint = "check that this is an inventory; pins with ssh-ed25519 keys are the short ones"
        problems.stop(Place(1, 1), "the file is larger than 1 MiB", hint)
    data = data.removeprefix(BYTE_ORDER_MARK)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        at = place_after(data[: error.start].decode())
        problems.stop(at, f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8")
    if bad := NOT_ALLOWED.search(text):
        at = place_after(text[: bad.start()])
        message = f"character U+{ord(bad[0]):04X} is not allowed"
        problems.stop(at, message, "remove it; an editor may not show it")
    return text


def place_after(text: str) -> Place:
    """Return the place of whatever follows `text`."""
    lines = LINE_END.split(text)
    return Place(len(lines), len(lines[-1]) + 1)
