"""Reads a request: the caller, the body, the query parameters, and the network that it came from."""

import hashlib
import ipaddress
import math
import re
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from chalice.app import Request

from .. import contract, ids
from ..errors import InvalidRequestError, TooLargeError, UnauthenticatedError, UnauthenticatedReason
from ..logs.request_facts import request_facts
from ..models.accounts import Caller
from ..providers.administrators import Administrators
from ..providers.id_tokens import TokenVerifier
from ..settings.schema import Settings
from .invalid_input import invalid_request

MAX_JSON_BYTES = 512 * 1024
IPV6_CUSTOMER_BITS = 64
IDEMPOTENCY_KEY_CHARACTERS = 255
# Half a pair of surrogates as an escape of JSON, or (kept) all else, with whole pairs and other escapes.
SURROGATE_ESCAPES = (
    rb"((?:[^\\]++|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(?!u[dD][89a-fA-F]).)++)"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
# A number that may be out of range, without its sign, or (kept) all else: texts, whose end may lack, and numbers with
# few digits and no exponent. What is kept is never given back, so that this takes linear time for any bytes.
LARGE_NUMBERS = (
    rb'((?:"(?:[^"\\]++|\\.)*+"?|[^"\d]++|(?!\d{300}|\d++(?:\.\d++)?+[eE])\d++(?:\.\d++)?+)++)'
    rb"|\d++(?:\.\d++)?+(?:[eE][+-]?\d++)?+"
)
LARGEST_NUMBER = b"1e308"
NUMBER_OUT_OF_RANGE = "Number out of range"

Shape = TypeVar("Shape")


def caller(request: Request, verifier: TokenVerifier) -> Caller:
    """The user of the ID token. Raises UnauthenticatedError, or UnavailableError if the token cannot be checked."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        reason: UnauthenticatedReason = "malformed" if scheme else "missing"
        raise UnauthenticatedError("Send your ID token: Authorization: Bearer <token>.", reason)
    user = verifier.caller(token.strip())
    request_facts().user = hashlib.sha256(user.user_id.encode()).hexdigest()[:12]
    return user


def admin(request: Request, verifier: TokenVerifier, administrators: Administrators) -> Caller:
    """The user of the ID token, who must be an administrator. Raises as `caller` does, and ForbiddenError."""
    user = caller(request, verifier)
    administrators.check(user)
    return user


def body(request: Request, shape: Any, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """The JSON body as `shape`. Raises InvalidRequestError with the path of the invalid field, or TooLargeError."""
    raw = bytes(request.raw_body or b"")
    if len(raw) > max_bytes:
        raise TooLargeError(f"This JSON body may have at most {max_bytes:,} bytes.", max_bytes=max_bytes)
    if not raw.strip() and shape is contract.EmptyBody:
        return contract.EmptyBody()
    try:
        return _decode(raw, shape)
    except RecursionError as error:
        raise InvalidRequestError("The JSON is nested too deeply. Send it as the contract shows.", "body") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise invalid_request(error, shape) from error


def _decode(raw: bytes, shape: Any) -> Any:
    """The JSON as `shape`. Half a pair of surrogates is read as U+FFFD: JavaScript sends it for a text that it cut.

    A number that no float holds is read as one beyond every bound, where a float is accepted.
    """
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        if NUMBER_OUT_OF_RANGE not in str(error):
            raise
        repaired = _replace_all(LARGE_NUMBERS, _bound_number, raw)
        if repaired == raw:
            raise
        try:
            return _decode(repaired, shape)
        except msgspec.ValidationError as other:
            if _path(other) == _path(error):
                raise error from None  # A whole number belongs there.
            raise
    except msgspec.DecodeError:
        repaired = _replace_all(SURROGATE_ESCAPES, lambda _: rb"\ufffd", raw)
        if repaired == raw:
            raise
        return _decode(repaired, shape)


def _replace_all(pattern: bytes, replace: Callable[[bytes], bytes], raw: bytes) -> bytes:
    """What the pattern finds, replaced where that is not its group, which is kept.

    Unlike `re.sub`, it keeps no object in memory for each place: a body may have a million of them.
    """
    result, end = bytearray(), 0
    for found in re.finditer(pattern, raw):
        if found.lastindex is None:
            result += raw[end : found.start()]
            result += replace(found[0])
            end = found.end()
    result += raw[end:]
    return bytes(result)


def _bound_number(number: bytes) -> bytes:
    return LARGEST_NUMBER if math.isinf(float(number)) else number


def _path(error: msgspec.ValidationError) -> str:
    return str(error).rpartition(" - at ")[2]


def query(request: Request, shape: type[Shape]) -> Shape:
    """The query parameters as `shape`. Raises InvalidRequestError, also for one of them that is sent twice.

    A shape that takes any parameters is that of an address which others decorate: the first value counts there.
    """
    takes_any = not shape.__struct_config__.forbid_unknown_fields  # type: ignore[attr-defined]
    names = {field.encode_name for field in msgspec.structs.fields(shape)}  # type: ignore[arg-type]
    parameters: dict[str, str] = {}
    for name in request.query_params or {}:
        values = request.query_params.getlist(name)
        if len(values) != 1 and name in names and not takes_any:
            raise InvalidRequestError("This parameter was sent more than once. Send it once.", name[:100])
        parameters[_whole_letters(name)] = _whole_letters(values[0])
    try:
        return msgspec.convert(parameters, shape, strict=False)
    except msgspec.ValidationError as error:
        raise invalid_request(error, shape, "parameter") from error


def _whole_letters(text: str) -> str:
    """The text with U+FFFD for each half of a pair of surrogates, as a body is read: no answer could repeat it."""
    return text if text.isascii() else re.sub("[\ud800-\udfff]", "\ufffd", text)


def header(request: Request, name: str) -> str:
    """A header, empty if it was not sent."""
    return str(request.headers.get(name.lower(), ""))


def network(request: Request) -> str:
    """The client's IPv4 address, or the /64 of its IPv6 address, which is what one customer gets; empty if unknown.

    It is read from the gateway's context, because a client can write any header.
    """
    address = str(request.context.get("identity", {}).get("sourceIp", ""))
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, IPV6_CUSTOMER_BITS), strict=False))
    return str(parsed)


def public_url(request: Request, settings: Settings) -> str:
    """The public address of this API: the setting, or the address that this request was sent to."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    return f"https://{request.context.get('domainName', '')}{base_path(request)}"


def base_path(request: Request) -> str:
    """The path of this API on its host, such as `/api`; empty at the root."""
    path, route = (str(each).rstrip("/").split("/") for each in (request.context.get("path", ""), request.path))
    own = len(path) - len(route) + 1
    is_match = all(part == given or part.startswith("{") for part, given in zip(route[1:], path[own:], strict=False))
    return "/".join(path[:own]) if own > 0 and is_match else ""


def raw_body(request: Request, max_bytes: int) -> bytes:
    """The raw bytes of the body. Raises TooLargeError."""
    raw = bytes(request.raw_body or b"")
    if len(raw) > max_bytes:
        raise TooLargeError(f"The body may have at most {max_bytes:,} bytes.", max_bytes=max_bytes)
    return raw


def content_type(request: Request) -> str:
    """The media type of the body with its parameters; empty if none was sent."""
    return str(request.headers.get("content-type", ""))


def identifier(value: str, field: str) -> str:
    """An id from the path. Raises InvalidRequestError if it cannot be one."""
    try:
        return msgspec.convert(value, contract.Identifier)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(contract.ID_SENTENCE, field) from error


class IdempotencyKey(msgspec.Struct, frozen=True):
    """The Idempotency-Key of a request, None if it has none, and the SHA-256 of its body in hexadecimal."""

    key: str | None
    body_hash: str

    def derived_id(self, caller: Caller, route: str) -> str:
        """The id that the key names for this user and route; empty without a key."""
        return ids.id_for_key(caller.user_id, route, self.key) if self.key else ""

    def id(self, caller: Caller, route: str) -> str:
        """The id that the key names for this user and route; a new one without a key."""
        return self.derived_id(caller, route) or str(uuid.uuid4())


def idempotency_key(request: Request) -> IdempotencyKey:
    """The key and the body's hash. Raises InvalidRequestError for a key that is too long or not printable."""
    key = request.headers.get("idempotency-key")
    if key is not None and (
        not 1 <= len(key) <= IDEMPOTENCY_KEY_CHARACTERS or not key.isascii() or not key.isprintable()
    ):
        raise InvalidRequestError(
            "An Idempotency-Key has 1 to 255 printable ASCII characters. Send another one.", "Idempotency-Key"
        )
    return IdempotencyKey(key, hashlib.sha256(bytes(request.raw_body or b"")).hexdigest())
