"""Turns at logging in: who keeps us waiting holds nobody up."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sshfleet.transport import turns
from sshfleet.transport.resolve import Route
from sshfleet.transport.trouble import Progress, Stage
from sshfleet.transport.turns import Turns, in_turn


@pytest.fixture(autouse=True)
def short_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "ROUND", 0.02)


@pytest.fixture
async def crew() -> AsyncIterator["Crew"]:
    crew = Crew()
    yield crew
    await crew.go_home()


class Crew:
    """Logins that go on until they are told to end."""

    def __init__(self) -> None:
        self.in_turn: list[str] = []
        self.when: dict[str, float] = {}
        self._over: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begins(self, name: str, queues: list[Turns], stage: Stage) -> Progress:
        route = Route(name=name, host="h", port=22, user="core", user_files=(Path("x"),))
        progress = Progress(route=route, seconds=10, held=1, stage=stage)
        self._over[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._logs_in(name, queues, progress))
        return progress

    async def _logs_in(self, name: str, queues: list[Turns], progress: Progress) -> None:
        async with in_turn(queues, progress):
            self.in_turn.append(name)
            self.when[name] = asyncio.get_running_loop().time()
            await self._over[name].wait()

    async def ends(self, name: str) -> None:
        self._over[name].set()
        await self._tasks[name]

    async def gives_up(self, name: str) -> None:
        self._tasks[name].cancel()
        await asyncio.gather(self._tasks[name], return_exceptions=True)

    async def has(self, *names: str) -> None:
        """Wait until these have had their turn, in this order."""
        async with asyncio.timeout(30):
            while self.in_turn != list(names):  # noqa: ASYNC110 - what is awaited has no event
                await asyncio.sleep(0)

    async def go_home(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


async def rounds(many: float) -> None:
    """Let some rounds go by."""
    await asyncio.sleep(many * turns.ROUND)


@pytest.mark.parametrize("stage", Stage)
async def test_who_is_kept_waiting_lets_the_next_go_ahead(crew: Crew, stage: Stage) -> None:
    one = [Turns(1)]
    crew.begins("dead", one, stage)
    crew.begins("good", one, Stage.LOOKING_UP)
    await crew.has("dead", "good")
    assert crew.when["good"] - crew.when["dead"] >= (turns.PATIENCE - 1) * turns.ROUND


async def test_who_gets_on_keeps_the_turn(crew: Crew) -> None:
    one = [Turns(1)]
    progress = crew.begins("good", one, Stage.LOOKING_UP)
    crew.begins("next", one, Stage.LOOKING_UP)
    for number in range(3 * turns.PATIENCE):
        progress.stage = Stage(number % 2)
        await rounds(0.9)
        assert crew.in_turn == ["good"]
    await crew.ends("good")
    await crew.has("good", "next")


async def test_a_turn_that_was_passed_is_not_passed_again_at_the_end(crew: Crew) -> None:
    one = [Turns(1)]
    crew.begins("dead", one, Stage.DIALING)
    second = crew.begins("good", one, Stage.DIALING)
    crew.begins("next", one, Stage.DIALING)
    await crew.has("dead", "good")
    await crew.ends("dead")
    for number in range(2 * turns.PATIENCE):
        second.stage = Stage(number % 2)
        await rounds(0.9)
        assert crew.in_turn == ["dead", "good"]


async def test_of_those_that_took_our_tcp_one_a_round_is_passed(crew: Crew) -> None:
    three = [Turns(3)]
    slow, good = ["a", "b", "c"], ["d", "e", "f"]
    for name in slow:
        crew.begins(name, three, Stage.GREETING)
    for name in good:
        crew.begins(name, three, Stage.DIALING)
    await crew.has(*slow, *good)
    first, second, third = (crew.when[name] for name in good)
    assert min(second - first, third - second) >= turns.ROUND * 0.9


async def test_silent_ones_are_passed_all_at_once(crew: Crew) -> None:
    three = [Turns(3)]
    for name in ("a", "b", "c", "d", "e", "f"):
        crew.begins(name, three, Stage.DIALING)
    await crew.has(*"abcdef")
    assert crew.when["f"] - crew.when["d"] < turns.ROUND


async def test_a_turn_in_two_queues_is_passed_in_both(crew: Crew) -> None:
    hop, here = Turns(1), Turns(1)
    crew.begins("dead", [hop, here], Stage.DIALING)
    crew.begins("behind", [hop, here], Stage.DIALING)
    crew.begins("beside", [here], Stage.DIALING)
    async with asyncio.timeout(30):
        while len(crew.in_turn) < 3:  # noqa: ASYNC110 - what is awaited has no event
            await asyncio.sleep(0)


async def test_who_gives_up_in_the_queue_takes_no_turn(crew: Crew) -> None:
    one = Turns(1)
    crew.begins("good", [one], Stage.DIALING)
    await crew.has("good")
    crew.begins("hasty", [one], Stage.DIALING)
    await rounds(1)
    await crew.gives_up("hasty")
    await crew.ends("good")
    crew.begins("next", [one], Stage.DIALING)
    await crew.has("good", "next")
