"""The sandbox's own routes for Stripe: what customers, banks and the network do, and what came of it."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import loopback
from sandbox.stripe import control_bodies as bodies
from sandbox.stripe.account_clock import AccountClock
from sandbox.stripe.checkout import Checkout, InvalidStateError
from sandbox.stripe.errors import StripeApiError
from sandbox.stripe.events import TYPES, Events
from sandbox.stripe.idempotency import IdempotencyResults
from sandbox.stripe.objects import Json
from sandbox.stripe.refunds_and_disputes import InvalidTransitionError, RefundsAndDisputes
from sandbox.stripe.store import Store
from sandbox.stripe.webhooks import ALL_TYPES, EventSender

Body = TypeVar("Body")
PREFIX = "webhook_"


class StripeControl:
    """Routes by which tests control the Stripe account; like all of `/sandbox` they need no key.

    400 for an invalid body, 404 for an unknown id, 409 if the state of the object does not allow the request.
    """

    def __init__(
        self,
        store: Store,
        checkout: Checkout,
        refunds: RefundsAndDisputes,
        events: Events,
        sender: EventSender,
        results: IdempotencyResults,
        clock: AccountClock,
    ):
        self._store, self._checkout, self._refunds = store, checkout, refunds
        self._events, self._sender, self._results, self._clock = events, sender, results, clock

    async def show(self, _request: Request) -> Response:
        """Every object as it is now, oldest first."""
        self._checkout.expire_due_sessions()
        store = self._store
        objects_by_kind = {
            "sessions": store.sessions,
            "payment_intents": store.intents,
            "charges": store.charges,
            "refunds": store.refunds,
            "disputes": store.disputes,
        }
        now = {"now": int(self._clock.now())}
        return JSONResponse(now | {name: list(objects.values()) for name, objects in objects_by_kind.items()})

    async def reset(self, _request: Request) -> Response:
        """Delete objects, events, deliveries, idempotency keys and settings, and return to the real time."""
        for part in (self._checkout, self._store, self._events, self._sender, self._results, self._refunds):
            part.reset()
        self._clock.reset()
        return Response(status_code=204)

    async def show_settings(self, _request: Request) -> Response:
        return JSONResponse(self._settings_json())

    async def update_settings(self, request: Request) -> Response:
        """Change some settings. `webhook_hold` false sends the held events, oldest first."""

        async def work() -> Json:
            changes = msgspec.to_builtins(await _read_body(request, bodies.SettingsBody))
            if changes.get("webhook_url") is not None:
                loopback.resolve(changes["webhook_url"])
            unknown = set(changes.get("webhook_lose", ())) - {*TYPES, ALL_TYPES}
            if unknown:
                raise ValueError(f"unknown event types: {sorted(unknown)}")
            self._refunds.refund_status = changes.pop("refund_status", self._refunds.refund_status)
            for name, value in changes.items():
                setattr(self._sender.settings, name.removeprefix(PREFIX), value)
            if not self._sender.settings.hold and self._sender.settings.url is not None:
                await self._sender.release(self._sender.held_event_ids(), concurrently=False)
            return self._settings_json()

        return await _respond(work)

    async def advance_clock(self, request: Request) -> Response:
        """Advance the time: due sessions expire, due webhook attempts are made."""

        async def work() -> Json:
            self._clock.advance((await _read_body(request, bodies.AdvanceBody)).advance_seconds)
            self._checkout.expire_due_sessions()
            return {"now": int(self._clock.now())}

        return await _respond(work)

    async def pay(self, request: Request) -> Response:
        """Pay a session without its page; returns the session."""

        async def work() -> Json:
            body, session = await _read_body(request, bodies.PayBody), self._session(request)
            await self._sender.wait_for_first_attempts(self._checkout.pay(session, body.method))
            return session

        return await _respond(work)

    async def settle(self, request: Request) -> Response:
        """A delayed payment arrives or fails; returns the session."""

        async def work() -> Json:
            body, session = await _read_body(request, bodies.SettleBody), self._session(request)
            await self._sender.wait_for_first_attempts(self._checkout.settle(session, body.outcome == "succeeded"))
            return session

        return await _respond(work)

    async def refund(self, request: Request) -> Response:
        """Create a refund and return it."""

        async def work() -> Json:
            body = await _read_body(request, bodies.RefundBody)
            params: Json = {"charge": self._charge(body)["id"]}
            params |= {name: value for name in ("amount", "reason") if (value := getattr(body, name)) is not None}
            return self._refunds.create_refund(params, body.status)

        return await _respond(work)

    async def update_refund(self, request: Request) -> Response:
        async def work() -> Json:
            body, refund = (
                await _read_body(request, bodies.RefundStatusBody),
                self._store.get_refund(request.path_params["id"]),
            )
            self._refunds.update_refund(refund, body.status)
            return refund

        return await _respond(work)

    async def dispute(self, request: Request) -> Response:
        """Create a dispute and return it."""

        async def work() -> Json:
            body = await _read_body(request, bodies.DisputeBody)
            return self._refunds.create_dispute(self._charge(body), body.amount, body.status, body.reason)

        return await _respond(work)

    async def update_dispute(self, request: Request) -> Response:
        async def work() -> Json:
            body, dispute = (
                await _read_body(request, bodies.DisputeStatusBody),
                self._store.get_dispute(request.path_params["id"]),
            )
            self._refunds.update_dispute(dispute, body.status)
            return dispute

        return await _respond(work)

    async def deliveries(self, _request: Request) -> Response:
        """Every event with every attempt to send it."""
        return JSONResponse({"deliveries": self._sender.report()})

    async def release(self, request: Request) -> Response:
        """Send events, held or not; returns their ids in order once the first attempt of each has ended."""

        async def work() -> Json:
            body = await _read_body(request, bodies.ReleaseBody)
            event_ids = self._sender.held_event_ids() if body.events is None else body.events
            if any(self._events.find(event_id) is None for event_id in event_ids):
                raise LookupError("no such event")
            if self._sender.settings.url is None:
                raise InvalidStateError("no webhook endpoint is configured")
            if body.shuffle is not None:
                event_ids = random.Random(body.shuffle).sample(event_ids, len(event_ids))
            await self._sender.release(event_ids, body.concurrently)
            return {"released": event_ids}

        return await _respond(work)

    async def send_event(self, request: Request) -> Response:
        """Send an event made up by the test; returns it."""

        async def work() -> Json:
            body = await _read_body(request, bodies.EventBody)
            return self._events.record_event(body.type, body.object, body.livemode)

        return await _respond(work)

    async def send_twin(self, request: Request) -> Response:
        """Send the same fact again under another event id; returns the new event."""

        async def work() -> Json:
            event = self._events.find(request.path_params["id"])
            if event is None:
                raise LookupError("no such event")
            return self._events.send_twin(event)

        return await _respond(work)

    def _session(self, request: Request) -> Json:
        self._checkout.expire_due_sessions()
        return self._store.get_session(request.path_params["id"])

    def _charge(self, selector: bodies.ChargeSelector) -> Json:
        """The selected charge. Raises StripeApiError for an unknown id, InvalidTransitionError without a payment."""
        if sum(id is not None for id in (selector.session, selector.payment_intent, selector.charge)) != 1:
            raise ValueError("name one of session, payment_intent and charge")
        if selector.charge is not None:
            return self._store.get_charge(selector.charge)
        intent_id = selector.payment_intent
        if selector.session is not None:
            intent_id = self._store.get_session(selector.session)["payment_intent"]
            if intent_id is None:
                raise InvalidTransitionError("this session has no payment")
        return self._store.get_charge(self._store.get_intent(str(intent_id))["latest_charge"])

    def _settings_json(self) -> dict[str, Any]:
        """The settings without the secret."""
        settings = {PREFIX + name: value for name, value in asdict(self._sender.settings).items() if name != "secret"}
        return settings | {"refund_status": self._refunds.refund_status}


async def _read_body(request: Request, type: type[Body]) -> Body:
    """The decoded body; an empty one counts as `{}`. Raises ValueError."""
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=type)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error


async def _respond(work: Callable[[], Awaitable[Json]]) -> Response:
    try:
        return JSONResponse(await work())
    except StripeApiError as error:
        return JSONResponse({"error": str(error)}, status_code=error.status)
    except LookupError as error:
        return JSONResponse({"error": str(error)}, status_code=404)
    except (InvalidStateError, InvalidTransitionError) as error:
        return JSONResponse({"error": str(error)}, status_code=409)
    except (ValueError, loopback.NotLoopbackError) as error:
        return JSONResponse({"error": str(error)}, status_code=400)
