"""Turns a view of app.py into a Chalice view: checks the caller, then the limit, reads the rest, calls the view."""

import functools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chalice import Response
from chalice.app import Request

from .. import contract
from ..errors import REASON_CODES, AppError, InsufficientCreditsError, RateLimitedError, UnavailableError
from ..logs import log
from ..logs.request_facts import request_facts
from ..models.rate_limits import GROUPS, UNCOUNTED
from ..providers.administrators import Administrators
from ..providers.id_tokens import TokenVerifier
from ..repositories.rate_limits import RequestCount
from . import request as web
from .parameters import Parameter, RawBody, RouteSpec, Source, read_route_spec
from .rate_limiter import RateLimiter
from .responses import (
    INTERNAL_ERROR_MESSAGE,
    STATUS,
    RepeatedResponse,
    error_page_response,
    error_response,
    to_response,
)


@dataclass(frozen=True)
class EndpointDecorator:
    """`@endpoint(...)` of app.py, with what every endpoint needs."""

    request: Callable[[], Request]
    verifier: Callable[[], TokenVerifier]
    limiter: Callable[[], RateLimiter]
    administrators: Callable[[], Administrators]
    explain_refusal: Callable[[str, InsufficientCreditsError], InsufficientCreditsError] = lambda _, refusal: refusal

    def __call__(
        self,
        status: int = 200,
        *,
        limit: str,
        errors: tuple[str, ...] = (),
        reasons: tuple[str, ...] = (),
        keep_seconds: int = 0,
        errors_as_pages: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
        """Pass a view what its signature names; answer its value as JSON with `status`, its AppError as an error.

        `limit`: the group of models/rate_limits.py. `keep_seconds`: for how long browsers may keep the response of a
        public route; an error is never kept. The others are as in RouteSpec. Raises ValueError, when the route is
        defined, for an unknown code or reason, or a group or time that does not suit the route.
        """
        if unknown := set(errors) - set(STATUS) | set(reasons) - set(REASON_CODES):
            raise ValueError(f"unknown error codes or reasons: {unknown}")
        if unreasoned := set(errors) & set(REASON_CODES.values()):
            raise ValueError(f"these codes are declared by their reasons: {unreasoned}")

        def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
            spec = read_route_spec(view, status, limit, errors, reasons, errors_as_pages)
            answer = error_page_response if errors_as_pages else error_response
            _check_group(spec)
            if keep_seconds and spec.callers:
                raise ValueError("what a caller sees may not be kept")

            @functools.wraps(view)
            def endpoint(**path: str) -> Response:
                try:
                    response = self._handle(view, spec, path)
                    if keep_seconds:
                        response.headers["Cache-Control"] = f"public, max-age={keep_seconds}"
                    return response
                except AppError as error:
                    return answer(error)
                except Exception as error:  # noqa: BLE001 - any bug is logged, and answered in the shape of all errors
                    log.failure("a view failed", error)
                    return answer(AppError(INTERNAL_ERROR_MESSAGE))

            endpoint.spec = spec  # type: ignore[attr-defined]
            return endpoint

        return decorate

    def _handle(self, view: Callable[..., Any], spec: RouteSpec, path: dict[str, str]) -> Response:
        request = self.request()
        callers = {name: self._read(request, name, parameter, path) for name, parameter in spec.callers.items()}

        def call_view(sent_today: int = 0) -> Any:
            if spec.shape_of(Source.QUERY) is None:
                web.query(request, contract.NoQuery)
            others = {
                name: sent_today
                if parameter.source is Source.BYTES_SENT_TODAY
                else self._read(request, name, parameter, path)
                for name, parameter in spec.other_parameters.items()
            }
            return view(**callers, **others)

        if spec.limit in UNCOUNTED:
            return to_response(call_view(), spec.status)
        identity = next((caller.user_id for caller in callers.values()), None) or web.network(request)
        limiter = self.limiter()
        count = limiter.new_count(spec.limit, identity)
        if GROUPS[spec.limit].counts_bytes:
            sent = len(request.raw_body or b"")
            count.body_bytes = sent if sent <= spec.max_body_bytes else 0  # A larger one is refused.
        try:
            with limiter.counting(spec.limit, count):
                value = call_view(count.day_bytes - (count.body_bytes or 0))
                count.is_exempt = not isinstance(value, RepeatedResponse)
                response = to_response(value, spec.status)
        except InsufficientCreditsError as error:
            refusal = error
            with suppress(UnavailableError):
                refusal = self.explain_refusal(identity, error)
            response = error_response(refusal)
        except AppError as error:
            if isinstance(error, RateLimitedError):
                request_facts().notes["limit"] = spec.limit
            response = (error_page_response if spec.errors_as_pages else error_response)(error)
        response.headers |= _limit_headers(count)
        return response

    def _read(self, request: Request, name: str, parameter: Parameter, path: dict[str, str]) -> Any:
        match parameter.source:
            case Source.CALLER:
                return web.caller(request, self.verifier())
            case Source.ADMIN:
                return web.admin(request, self.verifier(), self.administrators())
            case Source.PATH:
                return path[name]
            case Source.ID:
                return web.identifier(path[name], name)
            case Source.QUERY:
                return web.query(request, parameter.shape)
            case Source.BODY if isinstance(parameter.shape, RawBody):
                return web.raw_body(request, parameter.max_bytes)
            case Source.BODY:
                return web.body(request, parameter.shape, parameter.max_bytes)
            case Source.IDEMPOTENCY_KEY:
                return web.idempotency_key(request)
            case Source.HEADER:
                return web.header(request, parameter.shape.name)


def route_spec(view: Any) -> RouteSpec:
    """What the route of a view declares. Raises AttributeError for a view without `@endpoint`."""
    spec: RouteSpec = view.spec
    return spec


def _check_group(spec: RouteSpec) -> None:
    if spec.limit not in UNCOUNTED and spec.limit not in GROUPS:
        raise ValueError(f"there is no group of limits named {spec.limit}")
    counted_by = GROUPS[spec.limit].by if spec.limit in GROUPS else "network"
    if (counted_by == "user") != bool(spec.callers):
        raise ValueError(f"{spec.limit} counts by {counted_by}: does the route know its caller?")
    if spec.shape_of(Source.BYTES_SENT_TODAY) and not GROUPS[spec.limit].counts_bytes:
        raise ValueError(f"{spec.limit} does not count bytes")


def _limit_headers(count: RequestCount) -> dict[str, str]:
    """How the caller stands with the limit, if the table was read; concurrent requests may change it."""
    if not count.is_current:
        return {}
    full_after_us = max(0, count.tat_us - count.now_us)
    return {
        "RateLimit-Limit": str(count.limit.requests),
        "RateLimit-Remaining": str(count.limit.remaining(count.tat_us, count.now_us)),
        "RateLimit-Reset": str(-(-full_after_us // 1_000_000)),
    }
