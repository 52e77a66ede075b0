"""Addresses of this machine: the only ones that the sandbox sends requests to."""

import ipaddress
from urllib.parse import urlsplit, urlunsplit

from starlette.requests import Request


class NotLoopbackError(Exception):
    """The URL is invalid or leads to another machine."""


def resolve(url: str) -> tuple[str, dict[str, str]]:
    """The URL to request in netloc of `url`, and the headers to send. Raises NotLoopbackError.

    `localhost` and its subdomains resolve to 127.0.0.1 regardless of the machine's resolver, and keep their name in the
    Host header: the signatures of pre-signed URLs and the local API gateway depend on it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise NotLoopbackError("invalid URL") from error
    if parts.scheme not in ("http", "https") or parts.username is not None:
        raise NotLoopbackError("only http and https URLs without credentials are requested")
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        address = "127.0.0.1"
    else:
        try:
            address = name if ipaddress.ip_address(name).is_loopback else ""
        except ValueError:
            address = ""
    if not address:
        raise NotLoopbackError("the sandbox sends requests to this machine only")
    # Built from its parts, so that another parser cannot read a different host from the same text.
    host_in_url = f"[{address}]" if ":" in address else address
    netloc = host_in_url if port is None else f"{host_in_url}:{port}"
    headers = {"Host": host if port is None else f"{host}:{port}"} if ":" not in host else {}
    return urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, "")), headers


def base_url(request: Request) -> str:
    """The address under which the client reached the sandbox, without a path."""
    return f"{request.url.scheme}://{request.url.netloc}"
