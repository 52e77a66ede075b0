"""The part of Stripe's API that one-off purchases use.

Source: stripe-python 16.1.0 (API version 2026-10-28.endive); docs.stripe.com/api, read 2026-11.
"""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.loopback import base_url
from sandbox.stripe import lists, session_parameters
from sandbox.stripe.checkout import Checkout
from sandbox.stripe.errors import ParamError, StripeApiError, missing
from sandbox.stripe.events import Events
from sandbox.stripe.objects import Json
from sandbox.stripe.parameters import Schema, boolean, choice, integer, metadata, text
from sandbox.stripe.refunds_and_disputes import REASONS, RefundsAndDisputes
from sandbox.stripe.request_handler import RequestHandler
from sandbox.stripe.store import Store

POINTS = {
    name: f"stripe.{name}"
    for name in (
        *("sessions_create", "sessions_retrieve", "sessions_list", "sessions_expire", "sessions_line_items"),
        *("payment_intents_retrieve", "charges_retrieve"),
        *("refunds_create", "refunds_retrieve", "refunds_list", "disputes_retrieve", "disputes_list"),
        *("events_retrieve", "events_list"),
    )
}
PAGE_PATH = "/stripe/pay"
MAX_TYPES = 20
EXPAND: Schema = {"expand": [text]}
EXPANDABLE = ("payment_intent", "latest_charge", "charge")
SESSIONS, REFUNDS, DISPUTES, EVENTS = "/v1/checkout/sessions", "/v1/refunds", "/v1/disputes", "/v1/events"


class ApiRoutes:
    """The routes under `/stripe/v1`."""

    def __init__(
        self, handler: RequestHandler, store: Store, checkout: Checkout, refunds: RefundsAndDisputes, events: Events
    ):
        self._handler, self._store = handler, store
        self._checkout, self._refunds, self._events = checkout, refunds, events

    async def create_session(self, request: Request) -> Response:
        page_url = f"{base_url(request)}{PAGE_PATH}"
        return await self._answer(
            "sessions_create",
            request,
            session_parameters.PARAMETERS,
            lambda params: self._expand(self._checkout.create(params, page_url), params),
        )

    async def retrieve_session(self, request: Request) -> Response:
        return await self._retrieve("sessions_retrieve", request, self._store.get_session)

    async def list_sessions(self, request: Request) -> Response:
        schema = lists.PAGE | {"payment_intent": text, "status": choice("open", "complete", "expired")}
        return await self._list("sessions_list", request, schema, SESSIONS, "checkout.session", self._store.sessions)

    async def expire_session(self, request: Request) -> Response:
        return await self._answer(
            "sessions_expire",
            request,
            EXPAND,
            lambda params: self._expand(self._checkout.expire(self._store.get_session(_id(request))), params),
        )

    async def list_line_items(self, request: Request) -> Response:
        def work(params: Json) -> Json:
            session = self._store.get_session(_id(request))
            return self._line_items(session, params.get("limit", lists.DEFAULT_LIMIT))

        return await self._answer("sessions_line_items", request, {"limit": lists.PAGE["limit"]}, work)

    async def retrieve_intent(self, request: Request) -> Response:
        return await self._retrieve("payment_intents_retrieve", request, self._store.get_intent)

    async def retrieve_charge(self, request: Request) -> Response:
        return await self._retrieve("charges_retrieve", request, self._store.get_charge)

    async def create_refund(self, request: Request) -> Response:
        schema = EXPAND | {
            "payment_intent": text,
            "charge": text,
            "amount": integer(1),
            "reason": choice(*REASONS),
            "metadata": metadata,
        }
        return await self._answer(
            "refunds_create",
            request,
            schema,
            lambda params: self._expand(self._refunds.create_refund(params), params),
        )

    async def retrieve_refund(self, request: Request) -> Response:
        return await self._retrieve("refunds_retrieve", request, self._store.get_refund)

    async def list_refunds(self, request: Request) -> Response:
        schema = lists.PAGE | {"payment_intent": text, "charge": text}
        return await self._list("refunds_list", request, schema, REFUNDS, "refund", self._store.refunds)

    async def retrieve_dispute(self, request: Request) -> Response:
        return await self._retrieve("disputes_retrieve", request, self._store.get_dispute)

    async def list_disputes(self, request: Request) -> Response:
        schema = lists.PAGE | {"payment_intent": text, "charge": text}
        return await self._list("disputes_list", request, schema, DISPUTES, "dispute", self._store.disputes)

    async def retrieve_event(self, request: Request) -> Response:
        def work(_: Json) -> Json:
            event = self._events.find(_id(request))
            if event is None:
                raise missing("event", _id(request))
            return event

        return await self._answer("events_retrieve", request, {}, work)

    async def list_events(self, request: Request) -> Response:
        schema = lists.PAGE | {"type": text, "types": [text], "delivery_success": boolean}

        def work(params: Json) -> Json:
            types = params.get("types")
            if types is not None and ("type" in params or len(types) > MAX_TYPES):
                raise ParamError(f"You may pass type or up to {MAX_TYPES} types.", param="types")
            if "type" in params:
                types = [params["type"]]
            return lists.build_page(
                EVENTS, params, "event", self._events.list_events(types, params.get("delivery_success"))
            )

        return await self._answer("events_list", request, schema, work)

    async def unknown(self, request: Request) -> Response:
        """Every other path or method."""
        path = request.url.path.removeprefix("/stripe")

        def work(_: Json) -> Json:
            message = (
                f"Unrecognized request URL ({request.method}: {path}). The sandbox supports one-off purchases only."
            )
            raise StripeApiError(404, message)

        return await self._handler.handle("stripe.unknown", request, None, work)

    async def _answer(self, point: str, request: Request, schema: Schema, work: Callable[[Json], Json]) -> Response:
        self._checkout.expire_due_sessions()
        return await self._handler.handle(POINTS[point], request, schema, work)

    async def _retrieve(self, point: str, request: Request, find: Callable[[str], Json]) -> Response:
        def work(params: Json) -> Json:
            return self._expand(find(_id(request)), params)

        return await self._answer(point, request, EXPAND, work)

    async def _list(
        self, point: str, request: Request, schema: Schema, path: str, kind: str, objects: dict[str, Json]
    ) -> Response:
        def work(params: Json) -> Json:
            filters = {name: params[name] for name in ("payment_intent", "charge", "status") if name in params}
            matching = [
                item for item in objects.values() if all(item[name] == value for name, value in filters.items())
            ]
            return lists.build_page(path, params, kind, matching)

        return await self._answer(point, request, schema, work)

    def _expand(self, expanded: Json, params: Json) -> Json:
        """A copy with the requested objects in place of their ids. Raises ParamError."""
        expanded = dict(expanded)
        for name in params.get("expand", ()):
            if name == "line_items" and expanded["object"] == "checkout.session":
                expanded[name] = self._line_items(expanded, lists.DEFAULT_LIMIT)
            elif name in EXPANDABLE and name in expanded:
                find: Any = self._store.intents if name == "payment_intent" else self._store.charges
                expanded[name] = find.get(expanded[name])
            else:
                raise ParamError(f"This property cannot be expanded ({name}).", "property_expansion", "expand[]")
        return expanded

    def _line_items(self, session: Json, limit: int) -> Json:
        items = self._store.line_items[session["id"]]
        path = f"{SESSIONS}/{session['id']}/line_items"
        return {"object": "list", "data": items[:limit], "has_more": len(items) > limit, "url": path}


def _id(request: Request) -> str:
    return str(request.path_params["id"])
