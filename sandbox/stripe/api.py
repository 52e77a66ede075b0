"""The part of Stripe's API that one-off purchases need.

Source: stripe-python 16.1.0 (API version 2026-10-28.endive); docs.stripe.com/api, read 2026-11.
"""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.assemblyai.transcript_json import base_url
from sandbox.stripe import lists, session_parameters
from sandbox.stripe.checkout import Checkout
from sandbox.stripe.errors import ParamError, RefusalError, missing
from sandbox.stripe.events import Events
from sandbox.stripe.objects import Json
from sandbox.stripe.parameters import Schema, choice, flag, metadata, text, whole
from sandbox.stripe.refunds_and_disputes import REASONS, Returns
from sandbox.stripe.request_handler import Door
from sandbox.stripe.store import Books

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


class Api:
    """The routes under `/stripe/v1`."""

    def __init__(self, door: Door, books: Books, checkout: Checkout, returns: Returns, events: Events):
        self._door, self._books = door, books
        self._checkout, self._returns, self._events = checkout, returns, events

    async def create_session(self, request: Request) -> Response:
        page_url = f"{base_url(request)}{PAGE_PATH}"
        return await self._answer(
            "sessions_create",
            request,
            session_parameters.PARAMS,
            lambda params: self._expanded(self._checkout.create(params, page_url), params),
        )

    async def retrieve_session(self, request: Request) -> Response:
        return await self._retrieve("sessions_retrieve", request, self._books.session)

    async def list_sessions(self, request: Request) -> Response:
        schema = lists.PAGE | {"payment_intent": text, "status": choice("open", "complete", "expired")}
        return await self._list("sessions_list", request, schema, SESSIONS, "checkout.session", self._books.sessions)

    async def expire_session(self, request: Request) -> Response:
        return await self._answer(
            "sessions_expire",
            request,
            EXPAND,
            lambda params: self._expanded(self._checkout.expire(self._books.session(_id(request))), params),
        )

    async def list_line_items(self, request: Request) -> Response:
        def work(params: Json) -> Json:
            session = self._books.session(_id(request))
            return self._line_items(session, params.get("limit", lists.DEFAULT_LIMIT))

        return await self._answer("sessions_line_items", request, {"limit": lists.PAGE["limit"]}, work)

    async def retrieve_intent(self, request: Request) -> Response:
        return await self._retrieve("payment_intents_retrieve", request, self._books.intent)

    async def retrieve_charge(self, request: Request) -> Response:
        return await self._retrieve("charges_retrieve", request, self._books.charge)

    async def create_refund(self, request: Request) -> Response:
        schema = EXPAND | {
            "payment_intent": text,
            "charge": text,
            "amount": whole(1),
            "reason": choice(*REASONS),
            "metadata": metadata,
        }
        return await self._answer(
            "refunds_create", request, schema, lambda params: self._expanded(self._returns.refund(params), params)
        )

    async def retrieve_refund(self, request: Request) -> Response:
        return await self._retrieve("refunds_retrieve", request, self._books.refund)

    async def list_refunds(self, request: Request) -> Response:
        schema = lists.PAGE | {"payment_intent": text, "charge": text}
        return await self._list("refunds_list", request, schema, REFUNDS, "refund", self._books.refunds)

    async def retrieve_dispute(self, request: Request) -> Response:
        return await self._retrieve("disputes_retrieve", request, self._books.dispute)

    async def list_disputes(self, request: Request) -> Response:
        schema = lists.PAGE | {"payment_intent": text, "charge": text}
        return await self._list("disputes_list", request, schema, DISPUTES, "dispute", self._books.disputes)

    async def retrieve_event(self, request: Request) -> Response:
        def work(_: Json) -> Json:
            event = self._events.find(_id(request))
            if event is None:
                raise missing("event", _id(request))
            return event

        return await self._answer("events_retrieve", request, {}, work)

    async def list_events(self, request: Request) -> Response:
        schema = lists.PAGE | {"type": text, "types": [text], "delivery_success": flag}

        def work(params: Json) -> Json:
            types = params.get("types")
            if types is not None and ("type" in params or len(types) > MAX_TYPES):
                raise ParamError(f"You may pass type or up to {MAX_TYPES} types.", param="types")
            if "type" in params:
                types = [params["type"]]
            return lists.page(EVENTS, params, "event", self._events.listed(types, params.get("delivery_success")))

        return await self._answer("events_list", request, schema, work)

    async def unknown(self, request: Request) -> Response:
        """Any other path or method."""
        path = request.url.path.removeprefix("/stripe")

        def work(_: Json) -> Json:
            message = f"Unrecognized request URL ({request.method}: {path}). The sandbox knows what purchases need."
            raise RefusalError(404, message)

        return await self._door.answer("stripe.unknown", request, None, work)

    async def _answer(self, point: str, request: Request, schema: Schema, work: Callable[[Json], Json]) -> Response:
        self._checkout.lapse_due()
        return await self._door.answer(POINTS[point], request, schema, work)

    async def _retrieve(self, point: str, request: Request, find: Callable[[str], Json]) -> Response:
        def work(params: Json) -> Json:
            return self._expanded(find(_id(request)), params)

        return await self._answer(point, request, EXPAND, work)

    async def _list(
        self, point: str, request: Request, schema: Schema, path: str, kind: str, kept: dict[str, Json]
    ) -> Response:
        def work(params: Json) -> Json:
            wanted = {name: params[name] for name in ("payment_intent", "charge", "status") if name in params}
            found = [one for one in kept.values() if all(one[name] == value for name, value in wanted.items())]
            return lists.page(path, params, kind, found)

        return await self._answer(point, request, schema, work)

    def _expanded(self, shown: Json, params: Json) -> Json:
        """A copy with the objects asked for in the place of their ids. Raises ParamError."""
        shown = dict(shown)
        for name in params.get("expand", ()):
            if name == "line_items" and shown["object"] == "checkout.session":
                shown[name] = self._line_items(shown, lists.DEFAULT_LIMIT)
            elif name in EXPANDABLE and name in shown:
                find: Any = self._books.intents if name == "payment_intent" else self._books.charges
                shown[name] = find.get(shown[name])
            else:
                raise ParamError(f"This property cannot be expanded ({name}).", "property_expansion", "expand[]")
        return shown

    def _line_items(self, session: Json, limit: int) -> Json:
        items = self._books.line_items[session["id"]]
        path = f"{SESSIONS}/{session['id']}/line_items"
        return {"object": "list", "data": items[:limit], "has_more": len(items) > limit, "url": path}


def _id(request: Request) -> str:
    return str(request.path_params["id"])
