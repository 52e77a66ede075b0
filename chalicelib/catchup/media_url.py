"""Which addresses of recordings are passed to a provider. Our own servers never fetch them. Pure rules."""

import re
from urllib.parse import urlsplit

from ..errors import InvalidRequestError

MAX_CHARACTERS = 2_000
HTTPS_PORT = 443
LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Names that are never public (RFC 6761, RFC 8375, RFC 9476, ICANN's .internal).
PRIVATE_ENDINGS = {
    "localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "test", "invalid",
    "example", "onion", "alt", "arpa",
}  # fmt: skip


def check_public_https(url: str, field: str) -> str:
    """The address, if it is public https: a host name with a dot, no password, no other port, no IP address.

    Raises InvalidRequestError that names `field` and says what is wrong.
    """
    if len(url) > MAX_CHARACTERS:
        raise InvalidRequestError(f"The address may have at most {MAX_CHARACTERS:,} characters.", field)
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise InvalidRequestError(
            "The address may contain only printable ASCII characters. Percent-encode all others.", field
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidRequestError(
            "This is not a valid address. Send one such as https://example.com/talk.mp3.", field
        ) from error
    if parts.scheme != "https":
        raise InvalidRequestError("The address must start with https://.", field)
    if parts.username is not None or parts.password is not None:
        raise InvalidRequestError("The address must not contain a user name or a password.", field)
    if port not in (None, HTTPS_PORT) or parts.netloc.endswith(":"):
        raise InvalidRequestError("The address must use the default https port, 443.", field)
    if "[" in parts.netloc:  # urlsplit reads what is in brackets as the host, even with text before them.
        raise InvalidRequestError("The address must use a host name, not an IP address.", field)
    _check_host(host, field)
    return url


def _check_host(host: str, field: str) -> None:
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or len(labels) < 2 or not all(LABEL.fullmatch(label) for label in labels):
        raise InvalidRequestError("The address must use a public host name.", field)
    if NUMERIC.fullmatch(labels[-1]):
        raise InvalidRequestError("The address must use a host name, not an IP address.", field)
    if labels[-1] in PRIVATE_ENDINGS:
        raise InvalidRequestError("The address must use a public host name.", field)
