"""What this computer can carry."""

import pytest

from sshfleet.transport.options import (
    CONNECTION,
    MOST_FILES,
    SPARE_FILES,
    open_at_once,
    raise_file_limit,
)


def test_connections_stay_below_what_files_and_memory_allow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def allowed(soft: int, memory: int) -> int:
        monkeypatch.setattr("resource.getrlimit", lambda _: (soft, soft))
        monkeypatch.setattr("os.sysconf", {"SC_PHYS_PAGES": memory, "SC_PAGE_SIZE": 1}.get)
        return open_at_once()

    assert allowed(1024, 10**12) == 1024 - SPARE_FILES
    assert allowed(-1, 10**9) == 10**9 // 2 // CONNECTION
    assert allowed(10, 10**12) == 1
    assert allowed(1024, 1) == 1


def test_the_limit_on_files_is_raised_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def raised(soft: int, hard: int) -> list[tuple[int, int]]:
        said: list[tuple[int, int]] = []
        monkeypatch.setattr("resource.getrlimit", lambda _: (soft, hard))
        monkeypatch.setattr("resource.setrlimit", lambda _, limit: said.append(limit))
        raise_file_limit()
        return said

    assert raised(1024, 4096) == [(4096, 4096)]
    assert raised(1024, 1 << 30) == [(MOST_FILES, 1 << 30)]
    assert raised(1024, -1) == [(MOST_FILES, -1)]
    assert raised(1 << 20, 1 << 30) == raised(-1, -1) == raised(4096, 4096) == []
