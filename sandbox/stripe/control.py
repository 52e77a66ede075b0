"""The sandbox's own routes for its Stripe: what customers, banks and the network do, and what became of it."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import loopback
from sandbox.stripe import control_bodies as orders
from sandbox.stripe.account_clock import StripeClock
from sandbox.stripe.checkout import Checkout, StateError
from sandbox.stripe.errors import RefusalError
from sandbox.stripe.events import TYPES, Events
from sandbox.stripe.idempotency import Results
from sandbox.stripe.objects import Json
from sandbox.stripe.refunds_and_disputes import Returns, StepError
from sandbox.stripe.store import Books
from sandbox.stripe.webhooks import ALL_TYPES, Sender

Read = TypeVar("Read")
PREFIX = "webhook_"


class Control:
    """Orders of tests about Stripe; like all of `/sandbox` it needs no key.

    400 for an order that makes no sense, 404 for an unknown id, 409 for what cannot happen to the object as it is.
    """

    def __init__(
        self,
        books: Books,
        checkout: Checkout,
        returns: Returns,
        events: Events,
        sender: Sender,
        results: Results,
        clock: StripeClock,
    ):
        self._books, self._checkout, self._returns = books, checkout, returns
        self._events, self._sender, self._results, self._clock = events, sender, results, clock

    async def show(self, _request: Request) -> Response:
        """Every object as it is now, oldest first."""
        self._checkout.lapse_due()
        books = self._books
        kept = {
            "sessions": books.sessions,
            "payment_intents": books.intents,
            "charges": books.charges,
            "refunds": books.refunds,
            "disputes": books.disputes,
        }
        now = {"now": int(self._clock.now())}
        return JSONResponse(now | {name: list(objects.values()) for name, objects in kept.items()})

    async def forget(self, _request: Request) -> Response:
        """Forget objects, events, deliveries, idempotency keys, orders and the time that was let pass."""
        for part in (self._checkout, self._books, self._events, self._sender, self._results, self._returns):
            part.forget()
        self._clock.reset()
        return Response(status_code=204)

    async def show_orders(self, _request: Request) -> Response:
        return JSONResponse(self._orders())

    async def change_orders(self, request: Request) -> Response:
        """Change some settings. Without `webhook_hold` held events go out, oldest first."""

        async def work() -> Json:
            given = msgspec.to_builtins(await _read(request, orders.Changes))
            if given.get("webhook_url") is not None:
                loopback.target(given["webhook_url"])
            unknown = set(given.get("webhook_lose", ())) - {*TYPES, ALL_TYPES}
            if unknown:
                raise ValueError(f"unknown types of events: {sorted(unknown)}")
            self._returns.refund_status = given.pop("refund_status", self._returns.refund_status)
            for name, value in given.items():
                setattr(self._sender.settings, name.removeprefix(PREFIX), value)
            if not self._sender.settings.hold and self._sender.settings.url is not None:
                await self._sender.release(self._sender.held(), together=False)
            return self._orders()

        return await _answer(work)

    async def advance(self, request: Request) -> Response:
        """Let time pass: sessions lapse, waiting attempts are made."""

        async def work() -> Json:
            self._clock.advance((await _read(request, orders.Advance)).advance_seconds)
            self._checkout.lapse_due()
            return {"now": int(self._clock.now())}

        return await _answer(work)

    async def pay(self, request: Request) -> Response:
        """Pay a session without its page; answers with the session."""

        async def work() -> Json:
            order, session = await _read(request, orders.Pay), self._session(request)
            await self._sender.heard(self._checkout.pay(session, order.method))
            return session

        return await _answer(work)

    async def settle(self, request: Request) -> Response:
        """A delayed payment arrives or fails; answers with the session."""

        async def work() -> Json:
            order, session = await _read(request, orders.Settle), self._session(request)
            await self._sender.heard(self._checkout.settle(session, order.outcome == "succeeded"))
            return session

        return await _answer(work)

    async def refund(self, request: Request) -> Response:
        """Answers with the refund."""

        async def work() -> Json:
            order = await _read(request, orders.Refund)
            params: Json = {"charge": self._charge(order)["id"]}
            params |= {name: value for name in ("amount", "reason") if (value := getattr(order, name)) is not None}
            return self._returns.refund(params, order.status)

        return await _answer(work)

    async def step_refund(self, request: Request) -> Response:
        async def work() -> Json:
            order, refund = await _read(request, orders.StepRefund), self._books.refund(request.path_params["id"])
            self._returns.step_refund(refund, order.status)
            return refund

        return await _answer(work)

    async def dispute(self, request: Request) -> Response:
        """Answers with the dispute."""

        async def work() -> Json:
            order = await _read(request, orders.Dispute)
            return self._returns.dispute(self._charge(order), order.amount, order.status, order.reason)

        return await _answer(work)

    async def step_dispute(self, request: Request) -> Response:
        async def work() -> Json:
            order, dispute = await _read(request, orders.StepDispute), self._books.dispute(request.path_params["id"])
            self._returns.step_dispute(dispute, order.status)
            return dispute

        return await _answer(work)

    async def deliveries(self, _request: Request) -> Response:
        """Every event with every attempt to send it."""
        return JSONResponse({"deliveries": self._sender.report()})

    async def release(self, request: Request) -> Response:
        """Send events, held or not; answers, once the first attempt of each has ended, with their ids in order."""

        async def work() -> Json:
            order = await _read(request, orders.Release)
            event_ids = self._sender.held() if order.events is None else order.events
            if any(self._events.find(event_id) is None for event_id in event_ids):
                raise LookupError("no such event")
            if self._sender.settings.url is None:
                raise StateError("there is no endpoint to send to")
            if order.shuffle is not None:
                event_ids = random.Random(order.shuffle).sample(event_ids, len(event_ids))
            await self._sender.release(event_ids, order.together)
            return {"released": event_ids}

        return await _answer(work)

    async def tell(self, request: Request) -> Response:
        """Send an event made up by the test; answers with it."""

        async def work() -> Json:
            order = await _read(request, orders.Tell)
            return self._events.record(order.type, order.object, order.livemode)

        return await _answer(work)

    async def twin(self, request: Request) -> Response:
        """Tell the fact of an event once more, under another id; answers with the new event."""

        async def work() -> Json:
            event = self._events.find(request.path_params["id"])
            if event is None:
                raise LookupError("no such event")
            return self._events.twin(event)

        return await _answer(work)

    def _session(self, request: Request) -> Json:
        self._checkout.lapse_due()
        return self._books.session(request.path_params["id"])

    def _charge(self, which: orders.Which) -> Json:
        """Raises RefusalError for an unknown id, StepError for a session that led to no payment."""
        if sum(one is not None for one in (which.session, which.payment_intent, which.charge)) != 1:
            raise ValueError("name one of session, payment_intent and charge")
        if which.charge is not None:
            return self._books.charge(which.charge)
        intent_id = which.payment_intent
        if which.session is not None:
            intent_id = self._books.session(which.session)["payment_intent"]
            if intent_id is None:
                raise StepError("nothing was paid in this session")
        return self._books.charge(self._books.intent(str(intent_id))["latest_charge"])

    def _orders(self) -> dict[str, Any]:
        """The settings without the secret."""
        settings = {PREFIX + name: value for name, value in asdict(self._sender.settings).items() if name != "secret"}
        return settings | {"refund_status": self._returns.refund_status}


async def _read(request: Request, type: type[Read]) -> Read:
    """The order in a body; none counts as an empty one. Raises ValueError."""
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=type)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error


async def _answer(work: Callable[[], Awaitable[Json]]) -> Response:
    try:
        return JSONResponse(await work())
    except RefusalError as refused:
        return JSONResponse({"error": str(refused)}, status_code=refused.status)
    except LookupError as error:
        return JSONResponse({"error": str(error)}, status_code=404)
    except (StateError, StepError) as error:
        return JSONResponse({"error": str(error)}, status_code=409)
    except (ValueError, loopback.ElsewhereError) as error:
        return JSONResponse({"error": str(error)}, status_code=400)
