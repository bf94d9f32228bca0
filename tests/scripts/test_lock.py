"""uv.lock belongs to this pyproject.toml and to no particular machine."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "uv.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def canonical(requirement: str) -> str:
    match = re.fullmatch(r"([\w.-]+)(.*)", requirement.replace(" ", ""))
    assert match, requirement
    return re.sub(r"[-_.]+", "-", match[1]).lower() + ",".join(sorted(match[2].split(",")))


def locked(entries: list[dict[str, str]]) -> set[str]:
    return {canonical(entry["name"] + entry.get("specifier", "")) for entry in entries}


def test_the_lock_was_made_from_this_pyproject() -> None:
    packages = {one["name"]: one for one in tomllib.loads(LOCK)["package"]}
    wanted = {canonical(one) for one in PROJECT["project"]["dependencies"]}
    assert locked(packages["sshfleet"]["metadata"]["requires-dist"]) == wanted
    for group in ("test", "lint"):
        wanted = {canonical(one) for one in PROJECT["dependency-groups"][group]}
        assert locked(packages["sshfleet"]["metadata"]["requires-dev"][group]) == wanted


def test_the_lock_names_public_hosts_only() -> None:
    hosts = set(re.findall(r"\w+://([^/\"]*)", LOCK))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}
    assert not re.search(r'"(/|\.\./|file:)', LOCK)
