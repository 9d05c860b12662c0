#!/usr/bin/env bash
# Create the environment: a Python from 3.11 to 3.13, hash-checked packages from the lock file, bytecode compiled once.
set -euo pipefail
venv=${1:-.venv}
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
works() { "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; }
if ! works "$venv/bin/python"; then
  for python in "${PYTHON:-python3}" python3 python3.13 python3.12 python3.11; do
    if works "$python"; then found=$python; break; fi
  done
  [ -n "${found:-}" ] || { echo "No Python from 3.11 to 3.13 with venv was found; set PYTHON=/path/to/python3." >&2; exit 1; }
  echo "Creating $venv with $($found --version)"
  rm -rf "$venv"
  "$found" -m venv "$venv"
fi
echo "Installing the locked packages (a few minutes on the first run)"
lock_of_installer=$(mktemp)
trap 'rm -f "$lock_of_installer"' EXIT
awk '/^[a-zA-Z0-9]/{keep=/^uv==/} keep' requirements.lock > "$lock_of_installer"
if "$venv/bin/python" -m pip install --quiet --require-hashes -r "$lock_of_installer" \
   && "$venv/bin/uv" pip sync --quiet --python "$venv/bin/python" --require-hashes --compile-bytecode requirements.lock; then :; else
  echo "The fast installer did not get through; using pip"
  "$venv/bin/python" -m pip install --quiet --require-hashes -r requirements.lock
fi
log=$(mktemp)
trap 'rm -f "$lock_of_installer" "$log"' EXIT
"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable . > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
"$venv/bin/python" -m compileall -q hcc_assets || true
