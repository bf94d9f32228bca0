"""What pyinfra is to do: the unit file, and the unit that runs."""

from pathlib import Path

from pyinfra.operations import files, systemd

file = files.put(
    name="unit file",
    src=str(Path(__file__).with_name("bench.service")),
    dest="/etc/systemd/system/bench.service",
    mode="644",
    _sudo=True,
)
systemd.service(
    name="unit runs",
    service="bench.service",
    running=True,
    restarted=file.will_change,
    daemon_reload=file.will_change,
    _sudo=True,
)
