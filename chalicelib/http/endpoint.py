"""Makes Chalice's views out of ours: who calls, then the limit, then what else the signature names, then the view."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalice import Response
from chalice.app import Request

from ..errors import AppError
from ..logs import log
from ..models.rate_limits import GROUPS, UNCOUNTED
from ..providers.id_tokens import TokenVerifier
from ..repositories.rate_limits import Count
from . import request as web
from .parameters import Facts, Part, Raw, Takes, facts_from
from .rate_limiter import RateLimiter
from .responses import STATUS, error_response, response


@dataclass(frozen=True)
class Views:
    """Makes Chalice's views out of ours."""

    request: Callable[[], Request]
    verifier: Callable[[], TokenVerifier]
    limiter: Callable[[], RateLimiter]

    def answers(
        self, status: int = 200, *, limit: str, errors: tuple[str, ...] = ()
    ) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
        """Give a view what its signature names, who calls first; turn its value into JSON with `status`, its AppError
        into an error. `limit` names the group of limits.py that its calls are counted in, `errors` the codes that are
        this route's own. Raises ValueError, when the route is made, for a group that does not fit it or no such code.
        """
        if unknown := set(errors) - set(STATUS):
            raise ValueError(f"no such codes: {unknown}")

        def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
            facts = facts_from(view, status, limit, errors)
            _check_group(facts)

            @functools.wraps(view)
            def answering(**path: str) -> Response:
                try:
                    return self._answered(view, facts, path)
                except AppError as error:
                    return error_response(error)
                except Exception as error:  # noqa: BLE001 - whatever it is, the client gets our shape and we a log line
                    log.failure("a view failed", error)
                    return error_response(AppError("Something went wrong on our side."))

            answering.facts = facts  # type: ignore[attr-defined]
            return answering

        return decorate

    def _answered(self, view: Callable[..., Any], facts: Facts, path: dict[str, str]) -> Response:
        """Who calls, then the limit, then everything else."""
        request = self.request()
        known = {name: self._read(request, name, takes, path) for name, takes in facts.callers.items()}

        def rest() -> Response:
            others = {name: self._read(request, name, takes, path) for name, takes in facts.others.items()}
            return response(view(**known, **others), facts.status)

        if facts.limit in UNCOUNTED:
            return rest()
        who = next((caller.user_id for caller in known.values()), web.network(request))
        count = self.limiter().count(facts.limit, who)
        try:
            with self.limiter().counting(facts.limit, count):
                answer = rest()
        except AppError as error:
            answer = error_response(error)
        answer.headers |= _limit_headers(count)
        return answer

    def _read(self, request: Request, name: str, takes: Takes, path: dict[str, str]) -> Any:
        match takes.part:
            case Part.CALLER:
                return web.caller(request, self.verifier())
            case Part.ADMIN:
                return web.admin(request, self.verifier())
            case Part.PATH:
                return path[name]
            case Part.ID:
                return web.identifier(path[name], name)
            case Part.QUERY:
                return web.query(request, takes.shape)
            case Part.BODY if isinstance(takes.shape, Raw):
                return web.raw_body(request, takes.shape.max_bytes)
            case Part.BODY:
                return web.body(request, takes.shape)
            case Part.ONCE:
                return web.once(request)
            case Part.HEADER:
                return web.header(request, takes.shape.name)


def facts_of(view: Any) -> Facts:
    """What `Views.answers` knows of a view. Raises AttributeError for a view it did not make."""
    known: Facts = view.facts
    return known


def _check_group(facts: Facts) -> None:
    if facts.limit not in UNCOUNTED and facts.limit not in GROUPS:
        raise ValueError(f"there is no group of limits named {facts.limit}")
    by = GROUPS[facts.limit].by if facts.limit in GROUPS else "network"
    if (by == "user") != bool(facts.callers):
        raise ValueError(f"{facts.limit} counts by {by}: does the route know its caller?")


def _limit_headers(count: Count) -> dict[str, str]:
    """How the caller stands with the limit, if that is known; others of the caller's requests may be on their way."""
    if not count.is_known:
        return {}
    full_after_us = max(0, count.tat_us - count.now_us)
    return {
        "RateLimit-Limit": str(count.limit.requests),
        "RateLimit-Remaining": str(count.limit.remaining(count.tat_us, count.now_us)),
        "RateLimit-Reset": str(-(-full_after_us // 1_000_000)),
    }
