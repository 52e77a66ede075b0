#!/bin/sh
# Install requirements into a virtual environment, in one line that counts the seconds:
#
#   sh scripts/install.sh .venv "requirements.lock requirements-deploy.lock" requirements-dev.txt
#
# The first list is of files with hashes, installed before the file without them (which may be left out): what is
# installed already and fits is kept, so tests run what is shipped. uv installs several times faster than pip, but does
# not read pip's settings: where those name an index or a proxy, and where uv fails, pip installs. What both say goes to
# a log, which is shown if they fail.
set -u
venv=$1 hashed=$2 unhashed=${3:-}
python=$venv/bin/python log=$venv/install.log
uv=${UV:?}

install_with() {
  arguments=''
  for file in $hashed; do arguments="$arguments -r $file"; done
  # shellcheck disable=SC2086
  "$@" --require-hashes $arguments && { [ -z "$unhashed" ] || "$@" -r "$unhashed"; }
}

install() {
  { ! "$python" -m pip config list | grep -Eq '\.(index-url|no-index|proxy)=' &&
    "$python" -m pip install --quiet --only-binary :all: "$uv" &&
    install_with "$venv/bin/uv" pip install --quiet --python "$python"; } ||
    install_with "$python" -m pip install
}

line="installing ${unhashed:-$hashed} into $venv (a minute or two)"
started=$(date +%s)
printf '%s' "$line"
install >"$log" 2>&1 &
installer=$!
trap 'kill "$installer" 2>/dev/null; echo; exit 130' INT TERM
if [ -t 1 ]; then
  while kill -0 "$installer" 2>/dev/null; do
    printf '\r%s: %s s' "$line" "$(($(date +%s) - started))"
    sleep 1
  done
fi
if wait "$installer"; then
  [ -t 1 ] && printf '\r%s' "$line"
  printf ': done in %s s\n' "$(($(date +%s) - started))"
  exit 0
fi
printf '\n\n'
cat "$log" >&2
cat >&2 <<HELP

Installing ${unhashed:-$hashed} failed; see the error above. If it is about
  a connection or a host name: check the network and the proxy, then run make again;
  no matching distribution: there is no wheel for this platform or Python; use Python 3.13;
  gcc, cc or a missing header: install a compiler (Debian: apt-get install build-essential python3-dev;
  macOS: xcode-select --install), then run make again.
HELP
exit 1
