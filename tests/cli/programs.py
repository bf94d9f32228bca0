"""Small programs in processes of their own, to send signals to."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

HEAD = """
import asyncio, sys, time
from sshfleet.cli import signals
from sshfleet.cli.signals import Interrupted, Signals
from sshfleet.stop import Stop

def ready():
    print("ready", flush=True)

async def wait():
    ready()
    try:
        await asyncio.Event().wait()
    finally:
        print("closed", flush=True)

async def stubborn():
    while True:
        try:
            await wait()
        except asyncio.CancelledError:
            pass

def run(work, stop=None, note=lambda words: print(words, flush=True)):
    ours = Signals()
    try:
        with ours:
            print(ours.run(work, stop, note))
    except Interrupted:
        print("interrupted", flush=True)
    sys.exit(ours.code)
"""
PATIENCE = 60  # seconds that a busy computer may take for anything


@contextmanager
def program(text: str, **how: object) -> Iterator["subprocess.Popen[str]"]:
    """Run a program that begins with HEAD; it is over, by force if need be, at the end."""
    process = subprocess.Popen(  # type: ignore[call-overload]
        [sys.executable, "-c", HEAD + text], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, **how,
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.kill()


def is_ready(process: "subprocess.Popen[str]") -> None:
    assert process.stdout
    assert process.stdout.readline() == "ready\n"


def end(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err
