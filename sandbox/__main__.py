"""Start the sandbox: `python -m sandbox --port 8091`. Port 0 selects a free port; the printed line names it.

Settings from the environment:

SANDBOX_<PROVIDER>_KEY, such as SANDBOX_STRIPE_KEY: the API key that the stand-in accepts.
SANDBOX_STRIPE_WEBHOOK_URL: the endpoint of Stripe's webhooks, on this machine; without it no webhook is sent.
SANDBOX_STRIPE_WEBHOOK_SECRET: the secret that signs Stripe's webhooks.
SANDBOX_RECOGNISED_DIRECTORY: where to remember what was recognised in which audio; without it nothing is remembered.
SANDBOX_LIVE_RECOGNISER (model): with `ruler`, live sessions read coded samples, and `/sandbox/ruler` tells which ones
each socket received.
SANDBOX_TIME_SCALE (1): how many times as fast as real time a live session runs. With 30, a cap of 60 s ends after 2 s,
tokens and inactive sessions expire 30 times as soon, and audio may arrive 30 times as fast.
"""

import argparse
import ipaddress
import logging
import os
import signal
import socket

import uvicorn

from sandbox import app
from sandbox.clock import Clock
from sandbox.loopback import NotLoopbackError, resolve

# A request that hangs because of a fault must not delay the shutdown.
SHUTDOWN_SECONDS = 1


class Server(uvicorn.Server):
    """A uvicorn server that prints its address once it listens, and shuts down without logging errors."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        scheme = "https" if self.config.is_ssl else "http"
        print(f"sandbox: listening on {scheme}://{f'[{host}]' if ':' in host else host}:{port}", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # The shutdown cancels requests that hang because of a fault; their tracebacks would look like errors.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)


def loopback_address(host: str) -> str:
    """`host` as a loopback address: the sandbox must not serve other machines. Raises ArgumentTypeError."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        if ipaddress.ip_address(address).is_loopback:
            return address
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{host!r} is not a loopback address")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", type=loopback_address, default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--certificate", metavar="PEM", help="a certificate with its key; serves https and wss")
    options = parser.parse_args()
    try:
        clock = Clock(float(os.environ.get("SANDBOX_TIME_SCALE") or 1))
    except ValueError as error:
        parser.error(f"SANDBOX_TIME_SCALE: {error}")
    if os.environ.get("SANDBOX_LIVE_RECOGNISER", "model") not in ("model", "ruler"):
        parser.error("SANDBOX_LIVE_RECOGNISER is model or ruler")
    try:
        if webhook_url := os.environ.get("SANDBOX_STRIPE_WEBHOOK_URL"):
            resolve(webhook_url)
    except NotLoopbackError as error:
        parser.error(f"SANDBOX_STRIPE_WEBHOOK_URL: {error}")

    # uvicorn raises the signal again after its own shutdown, but a requested stop is no failure. Not sys.exit: native
    # threads of the model may still run, and they abort a process whose interpreter shuts down.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: os._exit(0))
    config = uvicorn.Config(
        app.create(os.environ, clock),
        host=options.host,
        port=options.port,
        http="h11",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ssl_certfile=options.certificate,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    Server(config).run()


if __name__ == "__main__":
    main()
