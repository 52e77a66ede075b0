"""The local stack, kept up until Ctrl-C. PORT in the environment chooses the API's port (8000)."""

import os
import signal
import sys
import time
from pathlib import Path

from scripts.local.processes import ChildError, ended_by_signals, log_tail, port_is_taken
from scripts.local.reloads import CHANGED, WAITING
from scripts.local.stack import LocalStack, StackError

DEFAULT_PORT = "8000"

READY = """
  API           {api_url}
  AWS           {aws_endpoint_url}
  stand-ins     {sandbox_url}
  dashboard     {api_url}/admin  (sign in as {admin_email}, password in .local/dev.json)
  reference     {api_url}/docs  (every route, to read and to try)
  logs          .local/*.log

Try it:
  curl -s {api_url}/health
  curl -s {api_url}/auth/register -H 'Content-Type: application/json' \\
       -d '{{"email": "ada@example.com", "password": "correct horse battery"}}'
  make live     (in another terminal: real speech in, words as they are spoken, the bill to the credit)
  make catchup  (in another terminal: a recording uploaded, summarised, asked about)
  make seed     (in another terminal: a month of made-up activity for the dashboard, some minutes)
  make buy      (in another terminal: credits bought at the hosted page, a part refunded)
To buy by hand: POST {api_url}/credits/purchase with {{"package_id": "starter"}} and a token, then open the
`checkout_url` of its answer in a browser and press Pay.

The API answers the pages of {extension_origin} alone; for your own extension:
  EXTENSION_ORIGIN=chrome-extension://<its id> make run

Code changes are picked up by themselves. Ctrl-C stops everything; accounts and credits stay in .local/, where
they are written when it stops.
"""


TAKEN = (
    "Port {port} is taken, perhaps by this stack in another terminal. If not, choose another: PORT={next_port} make run"
)


def tell_reloads(log: Path, told_until: int) -> int:
    """Shows what became of code changes since that byte of the API's log; returns where the log ends now."""
    with log.open("rb") as file:
        file.seek(told_until)
        new = file.read()
    whole = new[: new.rfind(b"\n") + 1]
    for line in whole.decode("utf-8", "replace").splitlines():
        if line.endswith(CHANGED):
            print(line, flush=True)
        elif line.endswith(WAITING):
            print("\n".join(log_tail(log)), file=sys.stderr, flush=True)
    return told_until + len(whole)


def main() -> int:
    port = os.environ.get("PORT") or DEFAULT_PORT
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        print(f"PORT must be a number from 1 to 65535, not {port!r}.", file=sys.stderr)
        return 2
    if port_is_taken(int(port)):
        print(TAKEN.format(port=port, next_port=int(port) % 65535 + 1), file=sys.stderr)
        return 2
    try:
        with (
            ended_by_signals(signal.SIGTERM, signal.SIGHUP),
            LocalStack(keep_state=True, api_port=int(port), reload=True) as stack,
        ):
            print(READY.format(**stack.dev), flush=True)
            told_until = 0
            while True:
                stack.check_running()
                told_until = tell_reloads(stack.directory / "api.log", told_until)
                time.sleep(0.5)
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
        return 0
    except (ChildError, StackError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
