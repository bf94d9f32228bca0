"""parallel-ssh is a library: this is the least that uses it for each task.

python pssh_run.py status|deploy|again
"""

import os
import sys
from pathlib import Path

from gevent import joinall
from pssh.clients import ParallelSSHClient

HERE = Path(__file__).parent
REMOTE = "/tmp/bench-pssh.service"  # noqa: S108 - on machines made for this


def _client() -> ParallelSSHClient:
    hosts = os.environ["BENCH_HOSTS"].split()
    return ParallelSSHClient(
        hosts,
        user="core",
        pool_size=len(hosts),
        timeout=float(os.environ["BENCH_TIMEOUT"]),
        num_retries=1,
        proxy_host=os.environ["BENCH_JUMP"] or None,
        proxy_user="core",
    )


def main() -> int:
    """Do one task on all machines; print what they say."""
    task = sys.argv[1]
    client = _client()
    command = "systemctl is-active bench.service"
    if task != "status":
        command = f"sh -c '{(HERE / 'ensure.sh').read_text()}' sh {REMOTE}"
        joinall(client.copy_file(str(HERE / "bench.service"), REMOTE))
    failed = 0
    for host in client.run_command(command, stop_on_errors=False):
        if host.exception:
            sys.stderr.write(f"{host.host}: {host.exception}\n")
            failed = 1
            continue
        for line in host.stdout:
            sys.stdout.write(f"{host.host}: {line}\n")
        failed = failed or host.exit_code or 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
