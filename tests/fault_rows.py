"""The rows of docs/faults.md: what can go wrong, and what must happen then.

A test shows a row by its marker: `@pytest.mark.row("A1")`, several rows in one marker or in many.
Rule 1: a row of `NOT_SHOWN_YET` has no test; who writes one takes it out.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, what must happen, and how the test brings it about where that is not plain."""

    name: str
    fault: str
    demand: str
    how: str = ""


NETWORK = (
    Row(
        "A1",
        "A machine is silent: every packet is lost",
        "It is called silent in time; the others work on; its units stay where they are",
    ),
    Row(
        "A2",
        "sshd is stopped, the machine is alive",
        "It is told from a silent one, and its units stay where they are",
    ),
    Row(
        "A4",
        "Packets arrive, the answers are lost",
        "As A1; what was asked in vain is looked for again, not done twice",
        "iptables on the machine drops what its sshd says",
    ),
    Row(
        "A5",
        "The network is cut in the middle of a command",
        "The outcome is unknown, it is looked for again, and the next run goes on from there",
    ),
    Row(
        "A6",
        "A bad line: half a second of delay, one packet in ten lost, some twice or out of order",
        "Commands take longer and succeed; no machine passes for silent",
        "a relay of packets in the machine's wire, tests/lab/bad_wire.py; not netem, which the "
        "kernel of our tests does not have (CONFIG_NET_SCH_NETEM)",
    ),
    Row(
        "A9",
        "A link goes up and down every few seconds",
        "Nothing moves, and nothing is announced time and again",
    ),
    Row(
        "A10",
        "All machines are silent",
        "The fault is here: exit code 75, nothing is decided and nothing done",
    ),
    Row(
        "A11",
        "Many machines, not all, are silent at once",
        "No unit is moved unless a human insists",
    ),
    Row(
        "A13",
        "A machine was installed anew at the same address",
        "It is refused, with the fingerprints of both keys, and nothing is sent to it",
    ),
    Row(
        "A14",
        "Two machines of the inventory changed addresses",
        "Both are refused: a key counts for its own machine only",
    ),
    Row(
        "A15",
        "A jump host dies; it has many machines behind it",
        "Only these are affected; one connection to the jump host serves all of them",
        "its logins are counted on an SSH server of the test's own",
    ),
)

MACHINE = (
    Row(
        "C1",
        "A command on a machine never returns",
        "It ends at its deadline, on the machine as well; the others work on",
        "systemctl there is one that sleeps",
    ),
    Row(
        "C2",
        "A machine answers with gigabytes",
        "What is read is bounded, and the command on the machine ends",
        "systemctl there is one that never stops to talk",
    ),
    Row(
        "C3",
        "Output is no text, or made to play with a terminal",
        "Exit codes and states are right, and no control character reaches the terminal",
    ),
    Row(
        "C4",
        "The login shell talks, or refuses to be one",
        "Noise is passed over; a shell that refuses is a clear error",
    ),
    Row(
        "C5",
        "sudo wants a password",
        "The machine is told as unmanageable at once, and nobody is asked for a password",
    ),
    Row(
        "C8",
        "A unit dies as it starts",
        "systemctl calls that a success; sshfleet looks again and tells the failure",
    ),
    Row(
        "C12",
        "A unit ignores SIGTERM while it is moved",
        "It starts elsewhere only when it was seen to have ended",
    ),
    Row(
        "C14",
        "Somebody else reloads systemd all the time",
        "Starts and stops are seen as they are",
    ),
    Row(
        "C17",
        "A unit is called as one of the operating system",
        "It is refused, and the other is left alone",
    ),
    Row(
        "C18",
        "Somebody edits, deletes or masks a unit of ours on its machine",
        "It is shown and mended; what was masked is not unmasked in silence",
    ),
    Row(
        "C21",
        "A machine loses power and comes back",
        "As A1 while it is away; when it is back nothing runs twice",
    ),
    Row(
        "C22",
        "A machine reboots between the look and the start",
        "What was planned upon the older boot is not repeated blindly",
        "the command pauses before its first change (tests/lab/paused.py)",
    ),
)

FAILOVER = (
    Row(
        "G1",
        "A machine is cut off for longer than its lease",
        "The leased unit ends there by itself before it starts elsewhere",
    ),
    Row(
        "G2",
        "It is back shortly before or after the deadline",
        "The unit stays or moves, and never runs twice",
    ),
    Row(
        "G3",
        "A machine is cut off, its unit has Failover=manual",
        "The unit stays; it moves on the word of a human only (evict)",
    ),
    Row(
        "G5",
        "A renewal of a lease arrives late",
        "The deadline is a point in time: no delay moves it",
    ),
    Row(
        "G6",
        "systemd is reloaded all the time while the machine is cut off",
        "The lease ends when it would have ended anyway",
    ),
    Row(
        "G8",
        "The machine reboots while it is cut off",
        "The leased unit does not start at boot",
    ),
    Row(
        "G9",
        "The guard is deleted or damaged",
        "Leased units are stopped and cannot be started",
    ),
    Row(
        "G11",
        "Somebody starts a unit by hand whose lease is over",
        "systemd refuses",
    ),
    Row(
        "G15",
        "A leased unit ignores SIGTERM",
        "The wait before a start elsewhere has room for its end by SIGKILL",
    ),
    Row(
        "G20",
        "A machine comes back while its unit is being moved",
        "One copy survives, and it is in the journal which",
    ),
)

SCALE = (
    Row(
        "J1",
        "Of 200 machines 20 are dead, and 5 accept and say nothing or next to nothing",
        "Each costs its own time and nobody else's: the command takes as long as the slowest "
        "machine may, and a tenth more",
        "SSH servers of the test's own, and a listener whose queue is full, so that Linux drops "
        "every SYN",
    ),
)

ROWS = (*NETWORK, *MACHINE, *FAILOVER, *SCALE)

NOT_SHOWN_YET: frozenset[str] = frozenset()
