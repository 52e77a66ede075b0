"""Start the sandbox: `python -m sandbox --port 8091`. Port 0 takes a free one; the line printed names it.

Settings from the environment: SANDBOX_ASSEMBLYAI_KEY, SANDBOX_OPENAI_KEY and SANDBOX_STRIPE_KEY, the keys it accepts;
SANDBOX_STRIPE_WEBHOOK_URL, where Stripe's webhooks go on this machine (none: nowhere), and
SANDBOX_STRIPE_WEBHOOK_SECRET, with which they are signed; SANDBOX_TIME_SCALE (1), how many seconds of a live session
pass in a real one: with 30 a cap of 60 s ends after 2 s, tokens expire and silent sessions end as much sooner, and
audio may come 30 times as fast.
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
from sandbox.loopback import ElsewhereError, target

# A request told to hang must not keep the sandbox from ending.
SHUTDOWN_SECONDS = 1


class Server(uvicorn.Server):
    """A uvicorn server that says where it listens once it does, and ends without a fuss."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        scheme = "https" if self.config.is_ssl else "http"
        print(f"sandbox: listening on {scheme}://{f'[{host}]' if ':' in host else host}:{port}", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Ending cancels requests that were told to hang; their tracebacks would look like errors.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)


def loopback(host: str) -> str:
    """`host` as an address that only this machine can reach: the sandbox bills nobody and must serve nobody else."""
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
    parser.add_argument("--host", type=loopback, default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--certificate", metavar="PEM", help="a certificate with its key: serve https and wss with it")
    options = parser.parse_args()
    try:
        clock = Clock(float(os.environ.get("SANDBOX_TIME_SCALE") or 1))
    except ValueError as error:
        parser.error(f"SANDBOX_TIME_SCALE: {error}")
    webhook_url = os.environ.get("SANDBOX_STRIPE_WEBHOOK_URL") or None
    try:
        if webhook_url is not None:
            target(webhook_url)
    except ElsewhereError as error:
        parser.error(f"SANDBOX_STRIPE_WEBHOOK_URL: {error}")

    # uvicorn raises the signal again after its own shutdown; being told to end is no failure. Not sys.exit: the model's
    # native threads may be at work, and abort a process that takes its interpreter down around them.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, lambda *_: os._exit(0))
    keys = app.Keys(
        assemblyai=os.environ.get("SANDBOX_ASSEMBLYAI_KEY") or app.Keys.assemblyai,
        openai=os.environ.get("SANDBOX_OPENAI_KEY") or app.Keys.openai,
        stripe=os.environ.get("SANDBOX_STRIPE_KEY") or app.Keys.stripe,
        stripe_webhooks=os.environ.get("SANDBOX_STRIPE_WEBHOOK_SECRET") or app.Keys.stripe_webhooks,
    )
    config = uvicorn.Config(
        app.create(keys, clock, webhook_url),
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
