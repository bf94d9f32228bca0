#!/usr/bin/env bash
# Give shells and cron one ssh-agent, at a socket whose path never changes, with a key in it.
#
# Rule 1: stdout is only what a shell may eval; everything said to a person goes to stderr.
# Rule 2: run it as often as you like: a live agent is kept, a loaded key is not loaded again.
# Rule 3: whoever owns the socket's folder owns the keys; what is not this user's is refused.
# Works with the bash 3.2 of macOS, too.
set -euo pipefail
umask 077

readonly me=ssh-agent-setup service=ssh-agent.service
readonly mark="# Written by sshfleet's $me.sh, which may replace it."
key='' action=run quiet=no

usage() {
  cat <<'END'
Usage: eval "$(ssh-agent-setup.sh [--key FILE] [--quiet])"
       ssh-agent-setup.sh --install [--key FILE] | --status | --stop

Find an ssh-agent or start one, load a key into it, and print the line that tells a shell about it.
The agent at SSH_AUTH_SOCK is used if it answers, else the one at the fixed socket:
$XDG_RUNTIME_DIR/ssh-agent.socket, or ~/.ssh/agent.socket where that is not set.

  --key FILE   the private key to load (default: the first of ~/.ssh/id_ed25519, id_ecdsa, id_rsa)
  --install    start the agent at each login through a systemd user service, always at the fixed
               socket, and show the lines for a shell profile and for a crontab
  --status     show which agents answer and what keys they hold; 1 if none does
  --stop       end the agent at the fixed socket that this script or its service started
  --quiet      say nothing unless something changed or failed
  -h, --help   this text

Exit codes: 0 done, 1 it failed, 2 wrong usage.
END
}

say() { printf '%s: %s\n' "$me" "$*" >&2; }
whisper() { [ "$quiet" = yes ] || say "$@"; }
die() {
  say "error: $1"
  [ $# -lt 2 ] || say "hint: $2"
  exit 1
}
wrong_usage() {
  say "error: $1"
  say "hint: $me.sh --help"
  exit 2
}
quoted() { printf "'%s'\n" "$(printf '%s\n' "$1" | sed "s/'/'\\\\''/g")"; }

# --- The fixed socket --------------------------------------------------------------------------

# Refuse a folder or a socket through which somebody else could offer us an agent, or use ours.
check_owner() {
  local folder=${socket%/*}
  [ -e "$folder" ] || mkdir -m 700 -- "$folder" || die "cannot make the folder $folder"
  [ -d "$folder" ] || die "not a folder: $folder"
  [ -O "$folder" ] || die "$folder belongs to another user" "unset XDG_RUNTIME_DIR, or log in as this user"
  [ -z "$(find "$folder/." -prune \( -perm -020 -o -perm -002 \))" ] ||
    die "other users may write to $folder" "chmod 700 $(quoted "$folder")"
  [ ! -L "$socket" ] || die "$socket is a symbolic link" "look where it leads, then remove it"
  [ ! -e "$socket" ] || [ -S "$socket" ] || die "$socket is there and is not a socket" "move it away"
  [ ! -e "$socket" ] || [ -O "$socket" ] || die "$socket belongs to another user"
}

# --- The agent -----------------------------------------------------------------------------------

with_limit() { if command -v timeout >/dev/null; then timeout 10 "$@"; else "$@"; fi; }
list_keys() { SSH_AUTH_SOCK=$1 with_limit ssh-add -l 2>/dev/null; }

# An agent without keys is alive: ssh-add answers 1. One that is gone or hangs makes it 2 or 124.
answers() {
  local status=0
  list_keys "$1" >/dev/null || status=$?
  [ "$status" -le 1 ]
}

is_silent() { ! answers "$1"; }

inherited_agent() {
  local inherited=${SSH_AUTH_SOCK:-}
  [ -n "$inherited" ] && [ "$inherited" != "$socket" ] && [ -S "$inherited" ] || return 1
  if [ ! -O "$inherited" ]; then
    say "SSH_AUTH_SOCK=$inherited belongs to another user: not used"
    return 1
  fi
  answers "$inherited"
}

# Start one unless another shell did so since we looked. The lock must not live on in the agent.
start_agent() {
  (
    exec 9>"$socket.lock"
    if command -v flock >/dev/null; then flock 9; fi
    answers "$socket" && exit
    rm -f -- "$socket"
    if service_is enabled && systemctl --user restart "$service" 9>&-; then
      wait_until answers "$socket"
    else
      ssh-agent -s -a "$socket" 9>&- | sed -n 's/^SSH_AGENT_PID=\([0-9]*\);.*/\1/p' >"$socket.pid"
    fi || exit 1
    say "started an agent at $socket"
  ) || die "could not start ssh-agent at $socket"
}

# Look again until a condition holds; fail after five seconds.
wait_until() {
  local left=50
  until "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.1
  done
}

# Print the process that this script started for the fixed socket, if it is still that.
own_pid() {
  local pid=''
  [ -e "$socket.pid" ] && read -r pid <"$socket.pid" && [ -n "$pid" ] || return 1
  case $(ps -o args= -p "$pid" 2>/dev/null) in
    *ssh-agent*" $socket") printf '%s\n' "$pid" ;;
    *) return 1 ;; # the number now belongs to another process
  esac
}

# --- The key -----------------------------------------------------------------------------------

find_key() {
  local name
  if [ -n "$key" ]; then
    [ -f "$key" ] || die "no such key file: $key" "ssh-keygen -t ed25519 -f $(quoted "$key")"
    return
  fi
  for name in id_ed25519 id_ecdsa id_rsa; do
    if [ -f "$HOME/.ssh/$name" ]; then
      key=$HOME/.ssh/$name
      return
    fi
  done
}

fingerprint() { ssh-keygen -l -f "$1" 2>/dev/null </dev/null | cut -d ' ' -f 2; }

load_key() {
  local agent=$1 print
  if [ -z "$key" ]; then
    whisper "no key file; the agent holds keys already"
    return
  fi
  print=$(fingerprint "$key") || print=''
  if [ -n "$print" ] && list_keys "$agent" | grep -qF -- " $print "; then
    whisper "key $key is in the agent ($print)"
    return
  fi
  # Its "Identity added" is for us to say, its questions and complaints go to the terminal.
  SSH_AUTH_SOCK=$agent ssh-add -q -- "$key" >&2 ||
    die "ssh-add could not load $key" "run it once in a terminal, where it can ask for the passphrase"
  say "loaded $key (${print:-fingerprint unknown})"
}

# Without a key file an agent may still be what is wanted: one that a token or a desktop fills.
need_key() {
  [ -n "$key" ] || list_keys "$1" >/dev/null ||
    die "no key: none of id_ed25519, id_ecdsa, id_rsa is in $HOME/.ssh" "ssh-keygen -t ed25519"
}

# --- The service ---------------------------------------------------------------------------------

service_file() { printf '%s\n' "${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/$service"; }
service_is() { systemctl --user "is-$1" --quiet "$service" 2>/dev/null && [ -e "$(service_file)" ]; }

service_text() {
  local at='%h/.ssh/agent.socket'
  [ -z "${XDG_RUNTIME_DIR:-}" ] || at='%t/ssh-agent.socket'
  cat <<END
$mark
[Unit]
Description=OpenSSH agent at a fixed socket
Documentation=man:ssh-agent(1)

[Service]
# An agent that was killed leaves its socket behind and could not bind it again.
ExecStartPre=/bin/rm -f $at
ExecStart=$(command -v ssh-agent) -D -a $at
# ssh-agent ends with 2 when it is told to.
SuccessExitStatus=2
Restart=on-failure

[Install]
WantedBy=default.target
END
}

write_service() {
  local file
  file=$(service_file)
  if [ -e "$file" ] && ! grep -qxF -- "$mark" "$file"; then
    die "$file is there and was not written by this script" "move it away, then run this again"
  fi
  mkdir -p -- "$(dirname -- "$file")"
  if [ "$(service_text)" = "$(cat -- "$file" 2>/dev/null)" ]; then return; fi
  service_text >"$file.new" && mv -f -- "$file.new" "$file"
  say "wrote $file"
}

enable_service() {
  if ! systemctl --user daemon-reload 2>/dev/null; then
    say "systemd does not answer for this user: the service is written, not enabled"
    say "hint: in a login session: systemctl --user enable --now $service"
    return
  fi
  systemctl --user enable --quiet "$service" || die "systemctl --user could not enable $service"
  if ! service_is active && answers "$socket"; then
    say "an agent already answers at $socket: the service takes over at the next login"
  fi
  say "so that the agent lives without a login: loginctl enable-linger"
}

# --- What can be asked for -----------------------------------------------------------------------

run() {
  local agent=$socket
  find_key
  if inherited_agent; then agent=$SSH_AUTH_SOCK; else check_owner; fi
  use_agent "$agent"
  printf 'export SSH_AUTH_SOCK=%s\n' "$(quoted "$agent")"
}

use_agent() {
  need_key "$1"
  if answers "$1"; then whisper "using the agent at $1"; else start_agent; fi
  load_key "$1"
}

install() {
  find_key
  check_owner
  need_key "$socket"
  write_service
  enable_service
  use_agent "$socket"
  cat >&2 <<END

For a shell, in ~/.profile or ~/.bashrc:
  export SSH_AUTH_SOCK=$(quoted "$socket")
For cron, which knows nothing of your login, on a line of its own above the jobs (crontab -e):
  SSH_AUTH_SOCK=$socket
END
}

show_agent() {
  local keys
  if ! answers "$1"; then
    printf 'no agent at %s\n' "$1"
    return 1
  fi
  keys=$(list_keys "$1") || keys='no keys'
  printf 'agent at %s\n%s\n' "$1" "$keys"
}

status() {
  local found=1
  if [ "${SSH_AUTH_SOCK:-$socket}" != "$socket" ] && show_agent "$SSH_AUTH_SOCK"; then found=0; fi
  if show_agent "$socket"; then found=0; fi
  return "$found"
}

stop() {
  local pid
  if service_is active; then
    systemctl --user stop "$service" || die "systemctl --user could not stop $service"
    say "stopped $service until the next login"
  elif pid=$(own_pid); then
    kill "$pid" || die "could not end process $pid"
    wait_until is_silent "$socket" || die "process $pid does not end"
    say "ended the agent at $socket"
  elif answers "$socket"; then
    die "the agent at $socket was not started by this script" "end it the way it was started"
  else
    say "no agent at $socket"
  fi
  rm -f -- "$socket.pid"
  [ "${SSH_AUTH_SOCK:-}" != "$socket" ] || printf 'unset SSH_AUTH_SOCK\n'
}

while [ $# -gt 0 ]; do
  case $1 in
    --key)
      [ $# -ge 2 ] && [ -n "$2" ] || wrong_usage "--key wants a file"
      key=$2
      shift
      ;;
    --key=?*) key=${1#--key=} ;;
    --install | --status | --stop)
      [ "$action" = run ] || wrong_usage "--$action and $1 exclude each other"
      action=${1#--}
      ;;
    -q | --quiet) quiet=yes ;;
    -h | --help)
      usage
      exit
      ;;
    *) wrong_usage "unknown argument: $1" ;;
  esac
  shift
done

[ -n "${HOME:-}" ] || die "HOME is not set"
for tool in ssh-agent ssh-add ssh-keygen; do
  command -v "$tool" >/dev/null || die "$tool is missing" "apt-get install openssh-client"
done
if [ -n "${XDG_RUNTIME_DIR:-}" ]; then
  socket=$XDG_RUNTIME_DIR/ssh-agent.socket
else
  socket=$HOME/.ssh/agent.socket
fi
"$action"
