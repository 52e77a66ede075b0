#!/bin/sh
# Print the path of the newest Python that this project works with. `make` and `.ci/run` use it to make `.venv`, the
# packager to compile for Lambda's version (`sh scripts/find_python.sh 3.13`: that version only).
#
# PYTHON, a path or a command, is taken or refused; nothing else is tried then. Otherwise: what is on PATH, pyenv's
# versions, and uv's. What was skipped and why goes to stderr: where one was found, only what is newer than it. Exit 1:
# none was found.
set -u
oldest=11 newest=14
wanted="3.$oldest to 3.$newest" chosen=${PYTHON:-}
case "${1:-}" in
  3.*) oldest=${1#3.} newest=${1#3.} wanted="$1" chosen='' ;;
esac

# Prints "minor<TAB>path<TAB>version" of one that works, or "-minor<TAB>why not". It must run on every Python.
probe='
import sys
version = ".".join(str(part) for part in sys.version_info[:3])
oldest, newest, wanted = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
def refuse(reason):
    sys.stdout.write("-" + str(sys.version_info[1]) + "\t" + reason + "\n")
    sys.exit(0)
if sys.version_info[:2] < (3, oldest):
    refuse("Python " + version + " is too old (" + wanted + ")")
if sys.version_info[:2] > (3, newest):
    refuse("Python " + version + " is too new (" + wanted + ")")
if sys.implementation.name != "cpython":
    refuse("it is " + sys.implementation.name + ", not CPython")
if sys.version_info[3] != "final":
    refuse("Python " + version + " " + sys.version_info[3] + " is a pre-release")
import sysconfig
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    refuse("Python " + version + " is a free-threaded build, which few packages have wheels for")
for module in ("venv", "ensurepip", "ssl"):
    try:
        __import__(module)
    except ImportError:
        hint = ""
        if module in ("venv", "ensurepip"):
            hint = " (Debian: apt-get install python3." + str(sys.version_info[1]) + "-venv)"
        refuse("Python " + version + " has no " + module + " module" + hint)
sys.stdout.write(str(sys.version_info[1]) + "\t" + sys.executable + "\t" + version + "\n")
'

tab=$(printf '\t')
newline='
'
best_minor=0 best_path='' tried=' ' skipped=''

# Judge one candidate: `$1`, where it was found. A newer one is kept; an equally new one is kept if it was first.
consider() {
  case "$tried" in *" $1 "*) return ;; esac
  tried="$tried$1 "
  if answer=$("$1" -c "$probe" "$oldest" "$newest" "$wanted" 2>&1); then
    answer=${answer##*"$newline"}
  else
    name=${1##*/python3.}
    case "$name" in '' | *[!0-9]*) name=0 ;; esac
    answer="-$name${tab}it does not run ($(printf '%.100s' "${answer%%"$newline"*}"))"
  fi
  first=${answer%%"$tab"*}
  case "$first" in
    '' | *[!0-9]*) skipped="$skipped${first#-}$tab$1: ${answer#*"$tab"}$newline"; return ;;
  esac
  if [ "$first" -gt "$best_minor" ]; then
    rest=${answer#*"$tab"}
    best_minor=$first best_path=${rest%%"$tab"*}
  fi
}

# Name what was skipped and is newer than Python 3.`$1`: an older one would not have been taken anyway.
report_skipped() {
  printf '%s' "$skipped" | while IFS="$tab" read -r minor line; do
    [ "${minor:-0}" -le "$1" ] || printf '%s\n' "  skipped $line" >&2
  done
}

consider_command() {
  path=$(command -v "$1" 2>/dev/null) && [ -n "$path" ] && consider "$path"
}

if [ -n "$chosen" ]; then
  if command -v "$chosen" >/dev/null 2>&1; then
    consider_command "$chosen"
  else
    echo "  skipped $chosen: there is no such command" >&2
  fi
  if [ -z "$best_path" ]; then
    report_skipped -1
    echo "PYTHON=$chosen cannot be used; the line above says why. Set it to a Python $wanted, or unset it." >&2
    exit 1
  fi
else
  minor=$newest
  while [ "$minor" -ge "$oldest" ]; do
    consider_command "python3.$minor"
    minor=$((minor - 1))
  done
  consider_command python3
  consider_command python
  pyenv_root=${PYENV_ROOT:-}
  [ -n "$pyenv_root" ] || pyenv_root=$(pyenv root 2>/dev/null) || pyenv_root="${HOME:-}/.pyenv"
  for path in "$pyenv_root"/versions/*/bin/python; do
    [ -e "$path" ] && consider "$path"
  done
  minor=$newest
  while [ "$minor" -ge "$oldest" ] && [ "$best_minor" -lt "$minor" ] && command -v uv >/dev/null 2>&1; do
    path=$(uv python find --system --no-project --no-python-downloads "3.$minor" 2>/dev/null) && consider "$path"
    minor=$((minor - 1))
  done
fi

if [ -z "$best_path" ]; then
  report_skipped -1
  echo "No Python $wanted was found. Install one:" >&2
  echo "  Debian, Ubuntu: apt-get install python3 python3-venv python3-dev     macOS: brew install python@3.13" >&2
  echo "  anywhere:       uv python install 3.13, or pyenv install 3.13" >&2
  echo "or set its path: make PYTHON=/path/to/python3.13 ..." >&2
  exit 1
fi
report_skipped "$best_minor"
echo "$best_path"
