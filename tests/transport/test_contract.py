"""What every transport keeps of `base.Transport`, on a machine that can be reached.

Another transport keeps it too if these pass with its own fixtures `transport` and `machine`.
"""

import asyncio

import pytest

from sshfleet.model.machine import Machine
from sshfleet.model.observed import Trouble
from sshfleet.model.step import Completed, Run
from sshfleet.transport.base import Transport, TransportError
from tests.transport.delivering import put
from tests.transport.waiting import eventually

MEBIBYTE = 1024 * 1024
IS_ALIVE = 'read -r pid; kill -0 "$pid"'


async def test_a_script_gets_its_data_and_gives_status_and_both_outputs(
    transport: Transport, machine: Machine
) -> None:
    run = Run(script="cat; echo wrong >&2; exit 3\n", data=b"in\n\0\xff")
    done = await transport.run(machine, run)
    assert done == Completed(status=3, stdout=b"in\n\0\xff", stderr=b"wrong\n")


async def test_a_script_may_be_long_and_hold_any_text(
    transport: Transport, machine: Machine
) -> None:
    text = 'it\'s "$HOME" `id` \\n !! é 100% #\n'
    script = f"cat <<'END'\n{text * 3000}END\ncat\n\n"
    done = await transport.run(machine, Run(script=script, data=b"data"))
    assert done == Completed(status=0, stdout=(text * 3000).encode() + b"data", stderr=b"")


async def test_a_script_without_data_sees_the_end_of_its_input_at_once(
    transport: Transport, machine: Machine
) -> None:
    assert (await transport.run(machine, Run(script="cat"))).stdout == b""


async def test_output_that_is_no_text_arrives_as_it_was_written(
    transport: Transport, machine: Machine
) -> None:
    done = await transport.run(machine, Run(script=r"printf 'a\377\000\033[2J'"))
    assert done == Completed(status=0, stdout=b"a\xff\x00\x1b[2J", stderr=b"")


async def test_the_environment_has_system_folders_and_a_plain_locale(
    transport: Transport, machine: Machine
) -> None:
    done = await transport.run(machine, Run(script='echo "$PATH $LC_ALL"'))
    path, locale = done.stdout.decode().split()
    assert {"/usr/sbin", "/usr/bin", "/sbin", "/bin"} <= set(path.split(":"))
    assert locale == "C"


async def test_a_script_that_does_not_end_is_ended_on_the_machine(
    transport: Transport, machine: Machine
) -> None:
    run = Run(script="echo $$; exec sleep 1000", seconds=1)
    done = await transport.run(machine, run)
    assert done.status == 124
    alive = await transport.run(machine, Run(script=IS_ALIVE, data=done.stdout))
    assert alive.status != 0


async def test_more_output_than_is_kept_is_an_error_of_that_machine(
    transport: Transport, machine: Machine
) -> None:
    with pytest.raises(TransportError, match="8192 KiB") as caught:
        await transport.run(machine, Run(script="cat /dev/zero"))
    assert caught.value.trouble is Trouble.UNMANAGEABLE
    assert (await transport.run(machine, Run(script="echo still here"))).status == 0


async def test_as_much_output_as_is_kept_arrives_whole(
    transport: Transport, machine: Machine
) -> None:
    done = await transport.run(machine, Run(script="head -c 8388608 /dev/zero"))
    assert len(done.stdout) == 8 * MEBIBYTE


async def test_more_errors_than_are_kept_are_an_error_of_that_machine(
    transport: Transport, machine: Machine
) -> None:
    with pytest.raises(TransportError, match="64 KiB"):
        await transport.run(machine, Run(script="cat /dev/zero >&2"))


async def test_many_runs_at_once_all_get_their_own_answer(
    transport: Transport, machine: Machine
) -> None:
    runs = (transport.run(machine, Run(script="cat", data=b"%d" % n)) for n in range(30))
    assert [done.stdout for done in await asyncio.gather(*runs)] == [b"%d" % n for n in range(30)]


async def test_put_writes_the_files_exactly_and_says_where(
    transport: Transport, machine: Machine
) -> None:
    files = {"aa": b"\0\xff\n", "bb": b"", "cc": bytes(range(256)) * 1000}
    folder = await put(transport, machine, files)
    assert folder.startswith("/")
    for name, data in files.items():
        where = f"{folder}/{name}\n".encode()
        done = await transport.run(machine, Run(script='read -r f; cat "$f"', data=where))
        assert done == Completed(status=0, stdout=data, stderr=b"")


async def test_put_replaces_what_has_the_same_name(transport: Transport, machine: Machine) -> None:
    await put(transport, machine, {"aa": b"long and old"})
    folder = await put(transport, machine, {"aa": b"new"})
    data = f"{folder}/aa\n".encode()
    done = await transport.run(machine, Run(script='read -r f; cat "$f"', data=data))
    assert done.stdout == b"new"


async def test_put_leaves_nothing_but_the_files_in_a_folder_for_its_owner(
    transport: Transport, machine: Machine
) -> None:
    folder = await put(transport, machine, {f"put-{n}": b"x" for n in range(40)})
    script = (
        'read -r d; cd "$d"; ls -A | grep -c "^put-"; ls -A | grep -c "^[.]"; stat -c %a . put-0'
    )
    done = await transport.run(machine, Run(script=script, data=f"{folder}\n".encode()))
    assert done.stdout.split() == [b"40", b"0", b"700", b"600"]


@pytest.mark.parametrize("name", ["../aa", "a/b", ".aa", "", "a\n", "/etc/passwd", "-rf"])
async def test_put_takes_only_plain_names(
    transport: Transport, machine: Machine, name: str
) -> None:
    with pytest.raises(TransportError):
        await put(transport, machine, {name: b"x"})


async def test_a_stream_hands_on_output_as_it_comes_and_ends_with_the_status(
    transport: Transport, machine: Machine
) -> None:
    seen: dict[bool, bytes] = {False: b"", True: b""}

    def take(data: bytes, is_error: bool) -> None:
        seen[is_error] += data

    script = "cat; echo wrong >&2; exit 7"
    assert await transport.stream(machine, Run(script=script, data=b"in"), take) == 7
    assert seen == {False: b"in", True: b"wrong\n"}


async def test_a_stream_that_is_cancelled_ends_on_the_machine(
    transport: Transport, machine: Machine
) -> None:
    first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    run = Run(script="echo $$; sleep 1000; echo late")
    task = asyncio.create_task(
        transport.stream(machine, run, lambda data, _: first.set_result(data))
    )
    pid = await asyncio.wait_for(first, 10)
    assert (await transport.run(machine, Run(script=IS_ALIVE, data=pid))).status == 0
    task.cancel()

    async def ended() -> bool:
        return (await transport.run(machine, Run(script=IS_ALIVE, data=pid))).status != 0

    await eventually(ended)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_stream_outlasts_the_seconds_of_its_run(
    transport: Transport, machine: Machine
) -> None:
    seen: list[bytes] = []
    run = Run(script="sleep 1.2; echo end", seconds=0.1)
    assert await transport.stream(machine, run, lambda data, _: seen.append(data)) == 0
    assert seen == [b"end\n"]
