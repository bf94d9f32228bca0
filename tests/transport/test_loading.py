"""asyncssh is imported without what we never use, and nothing else is different for it."""

import subprocess
import sys
from pathlib import Path

IMPORTED = "from sshfleet.transport.loading import load_asyncssh; load_asyncssh()\n"

STARTED = """
import subprocess, sys
def heard(event, words):
    if event == "subprocess.Popen":
        print("started", words[0])
sys.addaudithook(heard)
"""


def test_no_certificates_of_x509_are_imported_and_python_is_left_as_it_was() -> None:
    assert _said(
        f"import ctypes.util as it, sys; before = it.find_library\n{IMPORTED}"
        "print('cryptography.x509' in sys.modules, 'asyncssh.crypto.x509' in sys.modules)\n"
        "print(it.find_library is before)"
    ).split() == ["False", "False", "True"]


def test_no_compiler_is_started_to_look_for_libraries() -> None:
    started = _said(f"{STARTED}{IMPORTED}").split()
    assert not {"/usr/bin/gcc", "/usr/bin/cc", "gcc", "cc", "ld", "objdump"} & set(started)


def test_a_library_that_the_loader_knows_is_asked_for(tmp_path: Path) -> None:
    known = _cache(tmp_path, b"liboqs.so.5\0/usr/lib/liboqs.so.5\0")
    assert _asked_for(known) == "oqs"


def test_a_library_that_the_loader_does_not_know_is_not_asked_for(tmp_path: Path) -> None:
    assert _asked_for(_cache(tmp_path, b"libz.so.1\0/usr/lib/libz.so.1\0")) == ""


def test_where_the_loader_has_no_list_all_libraries_are_asked_for(tmp_path: Path) -> None:
    assert _asked_for(tmp_path / "none").split() == [
        "oqs",
        "liboqs",
        "nettle",
        "libnettle",
        "libnettle-6",
    ]


def test_where_further_folders_are_named_all_libraries_are_asked_for(tmp_path: Path) -> None:
    words = "import os; os.environ['LD_LIBRARY_PATH'] = '/opt/lib'\n"
    known = _cache(tmp_path, b"libz.so.1\0/usr/lib/libz.so.1\0")
    assert "oqs" in _asked_for(known, words).split()


def _cache(folder: Path, content: bytes) -> Path:
    path = folder / "ld.so.cache"
    path.write_bytes(content)
    return path


def _asked_for(cache: Path, words: str = "") -> str:
    """Return the libraries that were looked for in the whole system."""
    return _said(
        f"{words}import ctypes.util, pathlib\n"
        "ctypes.util.find_library = lambda name: print(name)\n"
        "from sshfleet.transport import loading\n"
        f"loading.LOADER_CACHE = pathlib.Path({str(cache)!r})\n"
        "loading.load_asyncssh()\n"
    )


def _said(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
