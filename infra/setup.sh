#!/usr/bin/env bash
# Makes the one environment: python3 and a folder in, everything of requirements.lock out.
set -euo pipefail
python=$1
venv=$2

"$python" - <<'PY' || { echo "Python 3.11 or newer is needed; name it: make setup PYTHON=python3.12" >&2; exit 1; }
import sys
sys.exit(sys.version_info < (3, 11))
PY

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    # Debian keeps it in a package of its own
    version=$("$python" -c 'import sys; print(f"{sys.version_info[0]}.{sys.version_info[1]}")')
    sudo=""; [ "$(id -u)" = 0 ] || sudo="sudo -n"
    echo "installing python$version-venv (needs root)"
    $sudo apt-get install -y -q "python$version-venv" >/dev/null || {
      echo "Python's venv module is missing. As root: apt-get install python$version-venv" >&2; exit 3; }
  fi
  "$python" -m venv "$venv"
fi
"$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements-uv.lock
"$venv/bin/uv" pip sync -q --compile-bytecode --python "$venv/bin/python" --require-hashes requirements.lock
touch "$venv/.ready"
