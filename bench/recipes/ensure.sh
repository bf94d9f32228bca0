# shellcheck shell=sh
# What the shell contestants run on each machine: the unit file comes on stdin, or is where $1 says.
# Nothing is done that is done already, so it also serves for runs with nothing to do.
set -eu
unit=bench.service
target=/etc/systemd/system/$unit
new=${1:-$(mktemp)}
[ $# -gt 0 ] || cat >"$new"
if ! cmp -s "$new" "$target"; then
    sudo install -m 0644 "$new" "$target"
    sudo systemctl daemon-reload
    sudo systemctl restart "$unit"
fi
rm -f "$new"
systemctl --quiet is-active "$unit" || sudo systemctl start "$unit"
