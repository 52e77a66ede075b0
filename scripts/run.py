"""The local stack, running until Ctrl-C. PORT in the environment sets the port of the API (default 8000)."""

import os
import signal
import sys
import time
from pathlib import Path

from scripts.local.processes import ChildError, ended_by_signals, is_port_in_use, log_tail
from scripts.local.reloads import RESTARTING, WAITING
from scripts.local.stack import LocalStack, StackError

DEFAULT_PORT = "8000"

READY = """
  API           {api_url}
  AWS           {aws_endpoint_url}
  stand-ins     {sandbox_url}
  dashboard     {api_url}/admin  (sign in as {admin_email}, password in .local/dev.json)
  reference     {api_url}/docs  (every route, with forms to try it)
  logs          .local/*.log

Try it:
  curl -s {api_url}/health
  curl -s {api_url}/auth/register -H 'Content-Type: application/json' \\
       -d '{{"email": "ada@example.com", "password": "correct horse battery"}}'
  make extension  (in another terminal: the browser extension, beside a page that speaks)
  make live       (in another terminal: stream recorded speech, with live captions and the exact bill)
  make catchup    (in another terminal: upload a recording, get its summary, ask a question about it)
  make seed       (in another terminal: a month of generated activity for the dashboard; takes a few minutes)
  make buy        (in another terminal: buy credits on the hosted page, then refund a part)
To buy credits yourself: POST {api_url}/credits/purchase with {{"package_id": "starter"}} and a token, then open the
`checkout_url` of the response in a browser and press Pay.

The API accepts browser requests from its own pages and from {extension_origins} only.
Its answer to any other page is 403.
For your own extension, with the id that chrome://extensions shows (several: comma-separated, such as the store's,
Edge's and an unpacked copy, or http://localhost:3000 for a page):
  EXTENSION_ORIGIN=chrome-extension://<its id> make run

The API restarts when its code changes. Ctrl-C stops everything. Accounts and credits are kept in .local/, where they
are written when the stack stops.
"""


PORT_IN_USE = (
    "Port {port} is already in use. If this stack runs in another terminal, stop it there; "
    "otherwise choose another port: PORT={next_port} make run"
)


def print_reloads(log: Path, start: int) -> int:
    """Print what happened to code changes, from the byte `start` of the API's log; returns the next byte to read."""
    with log.open("rb") as file:
        file.seek(start)
        new = file.read()
    lines = new[: new.rfind(b"\n") + 1]
    for line in lines.decode("utf-8", "replace").splitlines():
        if line.endswith(RESTARTING):
            print(line, flush=True)
        elif line.endswith(WAITING):
            print("\n".join(log_tail(log)), file=sys.stderr, flush=True)
    return start + len(lines)


def main() -> int:
    port = os.environ.get("PORT") or DEFAULT_PORT
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        print(f"PORT must be a number from 1 to 65535, not {port!r}.", file=sys.stderr)
        return 2
    if is_port_in_use(int(port)):
        print(PORT_IN_USE.format(port=port, next_port=int(port) % 65535 + 1), file=sys.stderr)
        return 2
    try:
        with (
            ended_by_signals(signal.SIGTERM, signal.SIGHUP),
            LocalStack(keep_state=True, api_port=int(port), reload=True) as stack,
        ):
            print(READY.format(**stack.dev), flush=True)
            position = 0
            while True:
                stack.check_running()
                position = print_reloads(stack.directory / "api.log", position)
                time.sleep(0.5)
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
        return 0
    except (ChildError, StackError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
