#!/usr/bin/env bash
# Run every check that is not a test: one line each, and the whole story of those that fail.
# All are run before the script fails, so that one look is enough.
set -uo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit 1
bin=.venv/bin
failed=0
shopt -s globstar nullglob
scripts=(.ci/run {scripts,sshfleet,tests,bench,examples}/**/*.sh)

check() {
  local name=$1 said status=0
  shift
  said=$("$@" 2>&1 </dev/null) || status=$?
  if [ "$status" = 0 ]; then
    printf 'ok      %s\n' "$name"
  else
    printf 'FAILED  %s (%s)\n%s\n' "$name" "$*" "$said"
    failed=1
  fi
}

check "ruff format --check" "$bin/ruff" format --check .
check "ruff check" "$bin/ruff" check .
check "mypy --strict" "$bin/mypy" --strict sshfleet tests bench
check "codespell" "$bin/codespell"
check "shellcheck" "$bin/shellcheck" "${scripts[@]}"
exit "$failed"
