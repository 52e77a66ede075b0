"""What the sandbox fetches and calls: other servers on this machine, and nothing beyond it."""

import ipaddress
from urllib.parse import urlsplit, urlunsplit


class ElsewhereError(Exception):
    """The URL leads beyond this machine, or nowhere."""


def target(url: str) -> tuple[str, dict[str, str]]:
    """The URL to ask for `url`, and the headers it needs. Raises ElsewhereError.

    `localhost` and names below it stand for 127.0.0.1 whatever the machine's resolver says, and keep their name in the
    Host header: signatures of pre-signed URLs and the local API gateway rely on it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ElsewhereError("no URL") from error
    if parts.scheme not in ("http", "https") or parts.username is not None:
        raise ElsewhereError("only http and https without credentials are asked")
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        address = "127.0.0.1"
    else:
        try:
            address = name if ipaddress.ip_address(name).is_loopback else ""
        except ValueError:
            address = ""
    if not address:
        raise ElsewhereError("the sandbox asks servers on this machine only")
    # Put together from its parts, so that no other reading of the text leads anywhere else.
    shown = f"[{address}]" if ":" in address else address
    place = shown if port is None else f"{shown}:{port}"
    headers = {"Host": host if port is None else f"{host}:{port}"} if ":" not in host else {}
    return urlunsplit((parts.scheme, place, parts.path or "/", parts.query, "")), headers
