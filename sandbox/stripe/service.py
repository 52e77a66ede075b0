"""Stripe as the sandbox plays it: its parts put together, and their routes."""

from dataclasses import dataclass

from starlette.routing import BaseRoute, Route

from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.stripe.account_clock import StripeClock
from sandbox.stripe.api import Api
from sandbox.stripe.checkout import Checkout
from sandbox.stripe.control import Control
from sandbox.stripe.events import Events
from sandbox.stripe.idempotency import Results
from sandbox.stripe.payment_page import Page
from sandbox.stripe.refunds_and_disputes import Returns
from sandbox.stripe.request_handler import Door
from sandbox.stripe.store import Books
from sandbox.stripe.webhooks import Sender
from sandbox.webhook_post import Poster


@dataclass(frozen=True)
class Stripe:
    """Routes of the API and the hosted page, and those for tests."""

    routes: list[BaseRoute]
    control_routes: list[BaseRoute]


def create(
    key: str, webhook_secret: str, webhook_url: str | None, clock: Clock, poster: Poster, pending: Faults, calls: Calls
) -> Stripe:
    """A Stripe account in which nothing has happened."""
    time = StripeClock(clock)
    sender = Sender(webhook_url, webhook_secret, time, poster)
    books, events, results = Books(), Events(time, sender), Results(time)
    checkout, returns = Checkout(books, events, time), Returns(books, events, time)
    api = Api(Door(key, results, pending, calls), books, checkout, returns, events)
    page = Page(books, checkout, sender)
    control = Control(books, checkout, returns, events, sender, results, time)
    return Stripe(
        routes=[
            Route("/pay/{id}", page.show, methods=["GET"]),
            Route("/pay/{id}", page.press, methods=["POST"]),
            Route("/v1/checkout/sessions", api.create_session, methods=["POST"]),
            Route("/v1/checkout/sessions", api.list_sessions, methods=["GET"]),
            Route("/v1/checkout/sessions/{id}", api.retrieve_session, methods=["GET"]),
            Route("/v1/checkout/sessions/{id}/expire", api.expire_session, methods=["POST"]),
            Route("/v1/checkout/sessions/{id}/line_items", api.list_line_items, methods=["GET"]),
            Route("/v1/payment_intents/{id}", api.retrieve_intent, methods=["GET"]),
            Route("/v1/charges/{id}", api.retrieve_charge, methods=["GET"]),
            Route("/v1/refunds", api.create_refund, methods=["POST"]),
            Route("/v1/refunds", api.list_refunds, methods=["GET"]),
            Route("/v1/refunds/{id}", api.retrieve_refund, methods=["GET"]),
            Route("/v1/disputes", api.list_disputes, methods=["GET"]),
            Route("/v1/disputes/{id}", api.retrieve_dispute, methods=["GET"]),
            Route("/v1/events", api.list_events, methods=["GET"]),
            Route("/v1/events/{id}", api.retrieve_event, methods=["GET"]),
            Route("/{path:path}", api.unknown, methods=["GET", "POST", "DELETE"]),
        ],
        control_routes=[
            Route("/sandbox/stripe", control.show, methods=["GET"]),
            Route("/sandbox/stripe", control.forget, methods=["DELETE"]),
            Route("/sandbox/stripe/orders", control.show_orders, methods=["GET"]),
            Route("/sandbox/stripe/orders", control.change_orders, methods=["POST"]),
            Route("/sandbox/stripe/clock", control.advance, methods=["POST"]),
            Route("/sandbox/stripe/sessions/{id}/pay", control.pay, methods=["POST"]),
            Route("/sandbox/stripe/sessions/{id}/settle", control.settle, methods=["POST"]),
            Route("/sandbox/stripe/refunds", control.refund, methods=["POST"]),
            Route("/sandbox/stripe/refunds/{id}", control.step_refund, methods=["POST"]),
            Route("/sandbox/stripe/disputes", control.dispute, methods=["POST"]),
            Route("/sandbox/stripe/disputes/{id}", control.step_dispute, methods=["POST"]),
            Route("/sandbox/stripe/deliveries", control.deliveries, methods=["GET"]),
            Route("/sandbox/stripe/deliveries", control.release, methods=["POST"]),
            Route("/sandbox/stripe/events", control.tell, methods=["POST"]),
            Route("/sandbox/stripe/events/{id}/twin", control.twin, methods=["POST"]),
        ],
    )
