"""A machine with a small systemd, in memory.

A FakeMachine reads the very input that the real scripts read and answers in their format, so that
everything from `converge` down to `systemd.reply` is the real thing. That it behaves as real
machines do is what tests/lab compares.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from sshfleet.model.owner import number_of, owner_in
from sshfleet.model.unit import content_hash
from sshfleet.systemd.sh.watchman import DROPIN_NAME, GUARD_FILES, lease_dropin
from tests.builders import machine_id
from tests.fake_lease import FakeLease, asked_for
from tests.fake_process import STARTED, Process

ORDERS = ("stop", "remove", "install", "start", "restart")


@dataclass(slots=True)
class FakeMachine:
    """One machine: files, drop-ins and records in our folder, and processes.

    `starts_as` scripts a start, `triggered` are units that systemd starts again as soon as they are
    stopped. `hook` is called before each step of a transaction, and may end it there. While `slow`,
    what is to be stopped is gone only by the next transaction. `owner` is the line that says whose
    machine it is; for so many looks it is `busy` with another run. `hidden` says of a unit what is
    in the way of its file: `KIND` and `PATH` with a tab between. `edited` are the units whose files
    others changed since they were put in place.

    `leases` has the units in /run, each with its `guard` as in Action. Time passes only when a test
    sets `uptime`: the clock is that many seconds after `booted`. Who has no lease then is stopped
    by `sweep`, which comes ahead of each answer, too.
    """

    name: str
    files: dict[str, bytes] = field(default_factory=dict)
    dropins: dict[str, dict[str, bytes]] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    boots: set[str] = field(default_factory=set)
    processes: dict[str, Process] = field(default_factory=dict)
    staging: dict[str, bytes] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    edited: set[str] = field(default_factory=set)
    starts_as: dict[str, str] = field(default_factory=dict)
    triggered: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    reboots: int = 0
    starts: int = 0
    slow: bool = False
    owner: str = ""
    busy: int = 0
    leases: dict[str, str] = field(default_factory=dict)
    lease: FakeLease | None = None
    uptime: float = 12.34
    booted: int = 1_750_000_000
    hook: Callable[[], None] = lambda: None

    def alive(self) -> set[str]:
        """Return the names of the units that have processes, be they about to end."""
        states = ("active", "deactivating")
        return {name for name, process in self.processes.items() if process.active in states}

    def running(self) -> set[str]:
        """Return the names of the units that run."""
        return {name for name, process in self.processes.items() if process.active == "active"}

    def power_cycle(self) -> None:
        """Lose all processes and what is in /run; systemd then starts what is wanted at boot."""
        self.reboots += 1
        self.booted += int(self.uptime)
        self.uptime = 12.34
        self.lease = None
        self.processes.clear()
        for name in self.leases:
            for kept in (self.files, self.dropins, self.records):
                kept.pop(name, None)
        self.leases.clear()
        for name in self.boots:
            self._start(name)

    def boot_id(self) -> str:
        """Return what tells this boot from others."""
        return f"{self.reboots:032x}"

    def covers(self, name: str) -> bool:
        """Tell whether the lease that is there lets a unit run right now."""
        now = int(self.uptime)
        lease = self.lease
        return lease is not None and lease.covers(name, self.boot_id(), now, self.booted + now)

    def sweep(self) -> None:
        """Let what may run only under a lease, and has none, stop."""
        for name in self.running():
            if self.leases.get(name) and not self.covers(name):
                self._stop(name)

    def renew(self, data: bytes) -> bytes:
        """Take a lease, or refuse it, as systemd/sh/renew does."""
        self.hook()
        nonce, asked = asked_for(data)
        why = asked.why_not(self.boot_id(), self.uptime, owner_in(self.owner), self.lease)
        if why:
            return f"{nonce} refused\t{why}\n".encode()
        self.lease = asked
        return f"{nonce} accepted\n".encode()

    def answer(self, data: bytes) -> bytes:
        """Carry out the orders of a transaction and report, as systemd/sh does."""
        self.sweep()
        lines = [line.split("\t") for line in data.decode().splitlines()]
        parts = {line[2]: line[1] for line in lines if line[0] == "part"}
        nonce = next(line[1] for line in lines if line[0] == "nonce")
        lineage = next((line[1] for line in lines if line[0] == "lineage"), "")
        out: list[str] = []
        if claim := next((line for line in lines if line[0] == "claim"), None):
            self.hook()
            if not self._may_claim(claim, lineage):
                return f"{nonce} owned\t{self.owner}\n".encode()
            if self._is_changed(claim):
                lines = _postponed(lines, out)
            else:
                self._take(claim[1], lineage, any(line[0] == "install" for line in lines))
        for name in [
            n for n, p in self.processes.items() if self.slow and p.active == "deactivating"
        ]:
            del self.processes[name]
        for line in lines:
            if line[0] in ORDERS:
                self.hook()
                failed = self._obey(line, lineage, parts)
                self.done.append(f"{line[0]} {line[1]}")
                out.append(
                    f"outcome\t{line[0]}\t{line[1]}\t" + (f"failed\t{failed}" if failed else "ok")
                )
        if claim and not self.files:
            self.owner = ""
            self.lease = None
        watched = [line[1] for line in lines if line[0] == "watch"]
        asked = [line[1] for line in lines if line[0] == "look"]
        return self._report(nonce, out, watched, asked).encode()

    def fetched(self, data: bytes) -> bytes:
        """Answer with files, as systemd/fetch asks for them."""
        texts = {
            f"{self._home(name)}/sshfleet/units/{path}": text
            for name in self.files
            for path, text in self._texts(name).items()
        }
        paths = data.decode().splitlines()
        return b"".join(base64.b64encode(texts.get(path, b"")) + b"\n" for path in paths)

    def _may_claim(self, claim: Sequence[str], lineage: str) -> bool:
        owner = owner_in(self.owner)
        if owner is None or owner.mark in claim[3].split():
            return True
        return owner.lineage == lineage and number_of(owner.mark) < int(claim[2])

    def _is_changed(self, claim: Sequence[str]) -> bool:
        owner = owner_in(self.owner)
        rebooted = claim[5] not in ("-", self.boot_id())
        return rebooted or (owner.change if owner else "-") != claim[4]

    def _take(self, claim: str, lineage: str, installs: bool) -> None:
        for name, record in self.records.items():
            self.records[name] = json.dumps({**json.loads(record), "lineage": lineage})
        if installs or self.files:
            self.owner = claim

    def _obey(self, line: list[str], lineage: str, parts: Mapping[str, str]) -> str:
        verb, name = line[:2]
        if name in self.foreign and verb != "stop":
            return f"the name is taken by {self.foreign[name]}"
        if verb == "install":
            dropins = [f"{name}.d/{file}" for file in line[8].split(",")] if len(line) > 8 else []
            files = {name: parts.get(name, line[2]), **{file: parts[file] for file in dropins}}
            record = {"lineage": lineage, "generation": int(line[3]), "sha256": line[2]}
            guard = {} if line[7] == "no" else {"guard": line[7]}
            there = self._settle(name, line[6], guard.get("guard", ""))
            return self._install(name, files, there, {**record, "target": line[4], **guard})
        if verb in ("stop", "remove") and not self._stop(name):
            return "still stopping"
        if verb == "stop" and name in self.triggered:
            self._start(name)
        if verb == "remove":
            self.boots.discard(name)
            self.records.pop(name, None)
            self.dropins.pop(name, None)
            self.hook()
            self.files.pop(name, None)
            self.leases.pop(name, None)
        if verb in ("start", "restart"):
            return self._start(name)
        return ""

    def _stop(self, name: str) -> bool:
        """Let a unit stop, and tell whether it has."""
        lives = name in self.alive()
        process = self.processes.pop(name, None)
        if process is None or not (self.slow and lives):
            return True
        self.processes[name] = replace(process, active="deactivating")
        return False

    def _home(self, name: str) -> str:
        return "/run" if name in self.leases else "/etc"

    def _settle(self, name: str, home: str, guard: str) -> dict[str, bytes]:
        """Choose a unit's home; return what lies there of it."""
        there = self._texts(name) if self._home(name) == f"/{home}" else {}
        self.leases.pop(name, None)
        if home == "run":
            self.leases[name] = guard
        return there

    def _install(
        self,
        name: str,
        files: Mapping[str, str],
        there: Mapping[str, bytes],
        record: dict[str, object],
    ) -> str:
        missing = [file for file, sum in files.items() if _sum(there.get(file)) != sum]
        if any(files[file] not in self.staging for file in missing):
            return "its text was not uploaded"
        was, is_new = self._mark(name, record, replaces=bool(there and missing))
        self.hook()
        texts = {
            file: self.staging[sum] if file in missing else there[file]
            for file, sum in files.items()
        }
        self.files[name] = texts.pop(name)
        self.hook()
        self.dropins[name] = {file.partition("/")[2]: text for file, text in texts.items()}
        self.edited.discard(name)
        self.hook()
        was = self._invocation(name) if is_new else was
        self.records[name] = json.dumps({**record, **({"was": was} if was else {})})
        boots = record["target"] == "launched" and name not in self.leases
        (self.boots.add if boots else self.boots.discard)(name)
        return ""

    def _mark(self, name: str, record: dict[str, object], *, replaces: bool) -> tuple[str, bool]:
        """Undo the record; keep in it what a run after this one has to know."""
        old = json.loads(self.records.pop(name, "{}"))
        self.boots.discard(name)
        is_new = old["sha256"] != record["sha256"] if "sha256" in old else replaces
        was = "" if is_new else old.get("was", "")
        if is_new or was:
            marked = {"sha256": "-" if is_new else record["sha256"], "was": was}
            self.records[name] = json.dumps({"lineage": record["lineage"], **marked})
        return was, is_new

    def _texts(self, name: str) -> dict[str, bytes]:
        """Return what lies in our folder for a unit, by paths below it."""
        own = {name: self.files[name]} if name in self.files else {}
        return own | {f"{name}.d/{file}": text for file, text in self.dropins.get(name, {}).items()}

    def content(self, name: str) -> str:
        """Return the content hash of a unit's files as they are."""
        sums = {file: sha256(text).hexdigest() for file, text in self.dropins.get(name, {}).items()}
        return content_hash(sha256(self.files[name]).hexdigest(), sums)

    def _meant(self, name: str) -> str:
        record = json.loads(self.records.get(name, "{}")) if name in self.edited else {}
        return str(record.get("sha256", self.content(name)))

    def _start(self, name: str) -> str:
        if name not in self.files:
            return f"Failed to start {name}: Unit {name} not found."
        if self.leases.get(name) and not self.covers(name):
            self.processes[name] = Process(result="exec-condition")
            return ""
        how = self.starts_as.get(name, "active")
        if how == "missing":
            return f"Failed to start {name}: Unit docker.service not found."
        self.starts += 1
        process = replace(STARTED[how], runs=self.starts, content=self.content(name))
        self.processes[name] = replace(process, meant=self._meant(name))
        self.started.append(name)
        return ""

    def _report(self, nonce: str, out: list[str], watched: list[str], asked: list[str]) -> str:
        names = sorted({*self.files, *self.records, *asked})
        facts = {
            "machine": machine_id(self.name), "boot": self.boot_id(),
            "uptime": f"{self.uptime:.2f}", "wall": str(self.booted + int(self.uptime)),
            "os": "Debian", "arch": "x86_64", "systemd": "252", "cpus": "2", "memory": "2048",
            "owner": self.owner or "-", "flock": "yes",
        }  # fmt: skip
        if any(self.leases.values()):
            facts["guard"] = "yes"
        if self.busy:
            self.busy -= 1
            facts["busy"] = "yes"
        out += [f"{key}\t{value}" for key, value in facts.items()]
        boot = {name: "yes" if name in self.boots else "no" for name in names}
        out += [
            f"unit\t{name}\t{boot[name]}\t{self.records.get(name, '-')}{self._place(name)}"
            for name in names
        ]
        out += [f"hidden\t{name}\t{what}" for name, what in self.hidden.items()]
        out += [f"fresh\t{name}" for name, process in self.processes.items() if process.fresh]
        head = f"{nonce} begin\n"
        if watched:
            before = "\n".join(self._block(name) for name in watched)
            head += f"{nonce} before\n{before}\n{nonce} after\n"
        sums = "\n".join(f"{_sum(text)}  {path}" for path, text in self._on_disk().items())
        shown = "\n".join(self._block(name) for name in names)
        body = "".join(line + "\n" for line in out)
        return f"{head}{body}{nonce} sums\n{sums}\n{nonce} show\n{shown}\n{nonce} end\n"

    def _place(self, name: str) -> str:
        if name not in self.leases or name not in self.files:
            return ""
        return "\tleased" if self.leases[name] else "\trun"

    def _on_disk(self) -> dict[str, bytes]:
        """Return the files that a look takes the sums of."""
        found = {}
        for name in self.files:
            home = self._home(name)
            for file, text in self._texts(name).items():
                folder = "systemd/system" if "/" in file else "sshfleet/units"
                found[f"{home}/{folder}/{file}"] = text
            record = json.loads(self.records.get(name, "{}"))
            if self.leases.get(name) and "generation" in record:
                text = lease_dropin(record["generation"], self.leases[name]).encode()
                found[f"/run/systemd/system/{name}.d/{DROPIN_NAME}"] = text
        if any(self.leases.values()):
            found.update({path: text.encode() for path, text in GUARD_FILES.items()})
        return found

    def _block(self, name: str) -> str:
        process = self.processes.get(name, Process())
        here = name in self.files or name in self.foreign
        path = self.foreign.get(name, f"{self._home(name)}/sshfleet/units/{name}" if here else "")
        return (
            f"Id={name}\nLoadState={'loaded' if here else 'not-found'}\n"
            f"ActiveState={process.active}\nSubState={process.sub}\nResult={process.result}\n"
            f"Type={process.kind}\nNRestarts={process.restarts}\n"
            f"ExecMainStatus={int(process.active == 'failed')}\nFragmentPath={path}\n"
            f"InvocationID={self._invocation(name)}\n"
        )

    def _invocation(self, name: str) -> str:
        process = self.processes.get(name, Process())
        return f"{self.reboots:08x}{process.runs:024x}" if process.runs else ""


def _postponed(lines: list[list[str]], out: list[str]) -> list[list[str]]:
    """Answer that nothing was done of what was planned upon an older look."""
    orders = [line for line in lines if line[0] in ORDERS]
    out += [f"outcome\t{line[0]}\t{line[1]}\tfailed\tit was changed meanwhile" for line in orders]
    return [line for line in lines if line not in orders]


def _sum(text: bytes | None) -> str:
    return "" if text is None else sha256(text).hexdigest()
