"""Which addresses of recordings we pass on to a provider. Nothing of ours ever fetches them. Pure rules."""

import re
from urllib.parse import urlsplit

from ..errors import InvalidRequestError

MAX_CHARACTERS = 2_000
HTTPS_PORT = 443
LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Names that never lead to the public internet (RFC 6761, RFC 8375, RFC 9476, ICANN's .internal).
PRIVATE_ENDINGS = {
    "localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "test", "invalid",
    "example", "onion", "alt", "arpa",
}  # fmt: skip


def check_public_https(url: str, field: str) -> str:
    """The address, if it is public https: a name with a dot, no password, no odd port, no number for a host.

    Raises InvalidRequestError naming `field` and saying what is wrong.
    """
    if len(url) > MAX_CHARACTERS:
        raise InvalidRequestError(f"An address may have {MAX_CHARACTERS} characters at most.", field)
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise InvalidRequestError("An address has printable ASCII characters only.", field)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidRequestError("This is not an address.", field) from error
    if parts.scheme != "https":
        raise InvalidRequestError("Only https addresses are taken.", field)
    if parts.username is not None or parts.password is not None:
        raise InvalidRequestError("An address must not hold a name or password.", field)
    if port not in (None, HTTPS_PORT) or parts.netloc.endswith(":"):
        raise InvalidRequestError("Only the usual https port is taken.", field)
    if "[" in parts.netloc:  # urlsplit takes what stands in brackets for the host, whatever stands before them.
        raise InvalidRequestError("The address must name its host, not give its number.", field)
    _check_host(host, field)
    return url


def _check_host(host: str, field: str) -> None:
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or len(labels) < 2 or not all(LABEL.fullmatch(label) for label in labels):
        raise InvalidRequestError("The address must name a public host.", field)
    if NUMERIC.fullmatch(labels[-1]):
        raise InvalidRequestError("The address must name its host, not give its number.", field)
    if labels[-1] in PRIVATE_ENDINGS:
        raise InvalidRequestError("The address must name a public host.", field)
