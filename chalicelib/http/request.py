"""Reading a request: who calls, what the body and the query say, where it came from."""

import hashlib
import ipaddress
import uuid
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from chalice.app import Request

from .. import contract, ids
from ..errors import ForbiddenError, InvalidRequestError, TooLargeError, UnauthenticatedError, UnauthenticatedReason
from ..logs.request_log import request_log
from ..models.accounts import Caller
from ..providers.id_tokens import TokenVerifier
from ..settings.schema import Settings

ADMINS = "admins"  # the user pool's group
MAX_JSON_BYTES = 512 * 1024
IPV6_CUSTOMER_BITS = 64
IDEMPOTENCY_KEY_CHARACTERS = 255

Shape = TypeVar("Shape")


def caller(request: Request, verifier: TokenVerifier) -> Caller:
    """Who calls, by the ID token. Raises UnauthenticatedError, or UnavailableError when it cannot be checked."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        reason: UnauthenticatedReason = "malformed" if scheme else "missing"
        raise UnauthenticatedError("Send your ID token: Authorization: Bearer <token>.", reason)
    found = verifier.caller(token.strip())
    request_log().user = hashlib.sha256(found.user_id.encode()).hexdigest()[:12]
    return found


def admin(request: Request, verifier: TokenVerifier) -> Caller:
    """Who calls, if it is an administrator. Raises as `caller` does, and ForbiddenError."""
    found = caller(request, verifier)
    if ADMINS not in found.groups:
        raise ForbiddenError("This is for administrators.")
    return found


def body(request: Request, shape: Any) -> Any:
    """The JSON body as `shape`. Raises InvalidRequestError with the path of the first wrong field, or TooLargeError."""
    raw = bytes(request.raw_body or b"")
    if len(raw) > MAX_JSON_BYTES:
        raise TooLargeError(f"A JSON body may have {MAX_JSON_BYTES} bytes at most.", max_bytes=MAX_JSON_BYTES)
    if not raw.strip() and shape is contract.Nothing:
        return contract.Nothing()
    try:
        return msgspec.json.decode(raw, type=shape)
    except RecursionError as error:
        raise InvalidRequestError("The JSON is nested too deeply.", "body") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise _invalid(error) from error


def query(request: Request, shape: type[Shape]) -> Shape:
    """The query parameters as `shape`. Raises InvalidRequestError; a parameter given twice is one error of many."""
    words: dict[str, str] = {}
    for name in request.query_params or {}:
        values = request.query_params.getlist(name)
        if len(values) != 1:
            raise InvalidRequestError("This parameter is given more than once.", name[:100])
        words[name] = values[0]
    try:
        return msgspec.convert(words, shape, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error


def header(request: Request, name: str) -> str:
    """A header, empty if it was not sent."""
    return str(request.headers.get(name.lower(), ""))


def network(request: Request) -> str:
    """Where the request came from: an IPv4 address, or the /64 of an IPv6 one, which is what one customer gets.

    The gateway's word, not a header's: those are the client's to write.
    """
    address = str(request.context.get("identity", {}).get("sourceIp", ""))
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, IPV6_CUSTOMER_BITS), strict=False))
    return str(found)


def public_url(request: Request, used: Settings) -> str:
    """Where the world reaches this API: by setting, or else where this request came."""
    if used.public_url:
        return used.public_url.rstrip("/")
    domain, path = request.context.get("domainName", ""), request.context.get("path", "").rstrip("/")
    stage = path.removesuffix(request.path).rstrip("/") if path.endswith(request.path) else ""
    return f"https://{domain}{stage}"


def raw_body(request: Request, max_bytes: int) -> bytes:
    """The raw bytes of the body. Raises TooLargeError."""
    raw = bytes(request.raw_body or b"")
    if len(raw) > max_bytes:
        raise TooLargeError(f"The body may have {max_bytes} bytes at most.", max_bytes=max_bytes)
    return raw


def content_type(request: Request) -> str:
    """The body's media type with its parameters; empty if none is given."""
    return str(request.headers.get("content-type", ""))


def identifier(value: str, field: str) -> str:
    """An id from the path. Raises InvalidRequestError for one that cannot be ours."""
    try:
        return msgspec.convert(value, contract.Identifier)
    except msgspec.ValidationError as error:
        raise InvalidRequestError("This is not an id.", field) from error


@dataclass(frozen=True)
class IdempotencyKey:
    """What the Idempotency-Key of a request stands for; without a key each request stands for itself.

    `body_hash` is a word for the exact bytes of the body.
    """

    key: str | None
    body_hash: str

    def named(self, caller: Caller, route: str) -> str:
        """The id that the key names for this user and route; empty without a key."""
        return ids.id_for_key(caller.user_id, route, self.key) if self.key else ""

    def id(self, caller: Caller, route: str) -> str:
        """The id that the key names for this user and route; a new one without a key."""
        return self.named(caller, route) or str(uuid.uuid4())


def once(request: Request) -> IdempotencyKey:
    """What is to be done once. Raises InvalidRequestError for an Idempotency-Key that is out of bounds."""
    key = request.headers.get("idempotency-key")
    if key is not None and (
        not 1 <= len(key) <= IDEMPOTENCY_KEY_CHARACTERS or not key.isascii() or not key.isprintable()
    ):
        raise InvalidRequestError("Idempotency-Key takes 1 to 255 printable ASCII characters.", "Idempotency-Key")
    return IdempotencyKey(key, hashlib.sha256(bytes(request.raw_body or b"")).hexdigest())


def _invalid(error: Exception) -> InvalidRequestError:
    """msgspec's `Expected `int`, got `str` - at `$.segments[3].end_ms`` with its path taken out."""
    message, _, path = str(error).partition(" - at `$")
    return InvalidRequestError(message[:300], path.rstrip("`").lstrip(".") or "body")
