"""The root file systems that machines share, built once by debootstrap and kept in a cache.

    CACHE/roots/bookworm-<recipe>          the base
    CACHE/roots/bookworm-docker-<recipe>   what docker adds to it: a layer for an overlay
    CACHE/roots/bookworm-docker-podman-…   what podman adds to both; bookworm-podman-… to the base
    CACHE/machines/LAB/MACHINE             a machine's own layer (machine.py)

Rule 1: a root gets its name, by rename, when it is complete. Anything else is swept away.
Rule 2: a root is never changed: running machines stand on it. A changed recipe has another name.
"""

import hashlib
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from sshfleet.errors import SshfleetError
from sshfleet.lab import mirror, state
from sshfleet.lab.spec import EXTRAS

BUILD_SCRIPT = Path(__file__).with_name("build.sh")
# Root's own whoever calls: under sudo, XDG_CACHE_HOME may be a folder in which others plant files.
CACHE = Path("/var/cache/sshfleet/lab")
KEEP_UNUSED = 14 * 24 * 3600  # seconds

Make = Callable[[Sequence[Path], Path], None]  # the roots below, topmost first; where to make it


def ensure(
    suites: Iterable[str],
    extras: Collection[str],
    tell: Callable[[str], None],
    cache: Path = CACHE,
) -> dict[str, str]:
    """Return for each suite the overlay `lowerdir`, relative to `cache`; build what is missing."""
    return {suite: _lower(suite, extras, tell, cache) for suite in suites}


def _lower(suite: str, extras: Collection[str], tell: Callable[[str], None], cache: Path) -> str:
    stack = _stack(suite, extras, cache)
    with state.lock(cache / f"{suite}.lock"):
        if not all(root.exists() for root, _ in stack):
            _sweep(cache, suite)
        for height, (root, make) in enumerate(stack):
            if not root.exists():
                _build(root, tell, partial(make, [below for below, _ in reversed(stack[:height])]))
        for root, _ in stack:
            os.utime(root)  # it was used: `_sweep` goes by this
    return ":".join(str(root.relative_to(cache)) for root, _ in reversed(stack))


def _stack(suite: str, extras: Collection[str], cache: Path) -> list[tuple[Path, Make]]:
    """Return the roots from the lowest to the topmost, and how each is made."""
    recipe = hashlib.sha256(BUILD_SCRIPT.read_bytes()).hexdigest()[:10]
    base = cache / "roots" / f"{suite}-{recipe}"
    stack: list[tuple[Path, Make]] = [(base, partial(_build_base, suite))]
    name = suite
    for extra in EXTRAS:
        if extra in extras:
            name = f"{name}-{extra}"
            stack.append((cache / "roots" / f"{name}-{recipe}", partial(_build_layer, extra)))
    return stack


def _build(root: Path, tell: Callable[[str], None], make: Callable[[Path], None]) -> None:
    tell(f"building the root {root.name}, once (it is kept in {root.parent})")
    began = time.monotonic()
    temporary = root.with_name(f".{root.name}.{secrets.token_hex(4)}")
    temporary.mkdir(parents=True)
    try:
        make(temporary / "done")
        (temporary / "done").rename(root)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    tell(f"built {root.name} in {time.monotonic() - began:.0f} s")


def _build_base(suite: str, _below: Sequence[Path], temporary: Path) -> None:
    temporary.mkdir()
    source = mirror.find()
    _run_build("base", suite, *([source] if source else []), root=temporary)


def _build_layer(extra: str, below: Sequence[Path], temporary: Path) -> None:
    for part in (temporary, temporary.with_name("work"), temporary.with_name("root")):
        part.mkdir()
    _run_build(extra, str(temporary), *map(str, below), root=temporary.with_name("root"))


def _run_build(*argv: str, root: Path) -> None:
    """Run build.sh so that it, and each mount of it, ends with this process however that ends."""
    log = root.parent.with_name(f"{root.parent.name}.log")
    alone = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork")
    with log.open("wb") as output:
        done = subprocess.run(
            [*alone, "--kill-child", "sh", str(BUILD_SCRIPT), *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "ROOT": str(root)},
            check=False,
        )
    if done.returncode != 0:
        last = log.read_text(errors="backslashreplace").strip().splitlines()[-1:]
        raise SshfleetError(
            f"building a root failed: {' '.join(last)}",
            hint=f"is the package mirror reachable? All of it is in {log}",
        )
    log.unlink()


def _sweep(cache: Path, suite: str) -> None:
    """Remove what a build of the suite left half done, and roots nobody used for long."""
    for leftover in (cache / "roots").glob(f".{suite}-*"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink()
    used = ":".join(_used())
    long_ago = time.time() - KEEP_UNUSED
    for root in (cache / "roots").glob(f"{suite}-*"):
        if root.name not in used and root.stat().st_mtime < long_ago:
            shutil.rmtree(root, ignore_errors=True)


def _used() -> Iterable[str]:
    for name in state.names():
        with suppress(SshfleetError):  # the damaged state of another lab
            if known := state.load(name):
                yield from known.roots.values()
