"""The sandbox's Stripe: its parts put together, and their routes."""

from dataclasses import dataclass

from starlette.routing import BaseRoute, Route

from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.stripe.account_clock import AccountClock
from sandbox.stripe.api import ApiRoutes
from sandbox.stripe.checkout import Checkout
from sandbox.stripe.control import StripeControl
from sandbox.stripe.events import Events
from sandbox.stripe.idempotency import IdempotencyResults
from sandbox.stripe.payment_page import PaymentPage
from sandbox.stripe.refunds_and_disputes import RefundsAndDisputes
from sandbox.stripe.request_handler import RequestHandler
from sandbox.stripe.store import Store
from sandbox.stripe.webhooks import EventSender
from sandbox.webhook_post import Poster


@dataclass(frozen=True)
class Stripe:
    """Routes of the API and the hosted page, and those for tests."""

    routes: list[BaseRoute]
    control_routes: list[BaseRoute]


def create(
    key: str,
    webhook_secret: str,
    webhook_url: str | None,
    clock: Clock,
    poster: Poster,
    fault_queue: Faults,
    calls: Calls,
) -> Stripe:
    """A new Stripe account without objects."""
    account_clock = AccountClock(clock)
    sender = EventSender(webhook_url, webhook_secret, account_clock, poster)
    store, events, results = Store(), Events(account_clock, sender), IdempotencyResults(account_clock)
    checkout, refunds = Checkout(store, events, account_clock), RefundsAndDisputes(store, events, account_clock)
    api = ApiRoutes(RequestHandler(key, results, fault_queue, calls), store, checkout, refunds, events)
    page = PaymentPage(store, checkout, sender)
    control = StripeControl(store, checkout, refunds, events, sender, results, account_clock)
    return Stripe(
        routes=[
            Route("/pay/{id}", page.show, methods=["GET"]),
            Route("/pay/{id}", page.handle_button, methods=["POST"]),
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
            Route("/sandbox/stripe", control.reset, methods=["DELETE"]),
            Route("/sandbox/stripe/orders", control.show_settings, methods=["GET"]),
            Route("/sandbox/stripe/orders", control.update_settings, methods=["POST"]),
            Route("/sandbox/stripe/clock", control.advance_clock, methods=["POST"]),
            Route("/sandbox/stripe/sessions/{id}/pay", control.pay, methods=["POST"]),
            Route("/sandbox/stripe/sessions/{id}/settle", control.settle, methods=["POST"]),
            Route("/sandbox/stripe/refunds", control.refund, methods=["POST"]),
            Route("/sandbox/stripe/refunds/{id}", control.update_refund, methods=["POST"]),
            Route("/sandbox/stripe/disputes", control.dispute, methods=["POST"]),
            Route("/sandbox/stripe/disputes/{id}", control.update_dispute, methods=["POST"]),
            Route("/sandbox/stripe/deliveries", control.deliveries, methods=["GET"]),
            Route("/sandbox/stripe/deliveries", control.release, methods=["POST"]),
            Route("/sandbox/stripe/events", control.send_event, methods=["POST"]),
            Route("/sandbox/stripe/events/{id}/twin", control.send_twin, methods=["POST"]),
        ],
    )
