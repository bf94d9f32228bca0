"""The machines for pyinfra, from the environment; all as docs.pyinfra.com has it."""

import os

_FACTS = {
    "ssh_user": "core",
    "ssh_config_file": os.environ["BENCH_SSH_CONFIG"],
    "ssh_known_hosts_file": os.environ["BENCH_KNOWN_HOSTS"],
    "ssh_strict_host_key_checking": "yes",
    "ssh_look_for_keys": False,
}
machines = [(host, _FACTS) for host in os.environ["BENCH_HOSTS"].split()]
