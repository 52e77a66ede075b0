"""The sandbox's Stripe: its parts put together, and their routes."""

from starlette.routing import Mount, Route

from sandbox.stand_in import StandInParts, StandInRoutes
from sandbox.stripe.account_clock import AccountClock
from sandbox.stripe.api import POINTS, ApiRoutes
from sandbox.stripe.checkout import Checkout
from sandbox.stripe.control import StripeControl
from sandbox.stripe.events import Events
from sandbox.stripe.idempotency import IdempotencyResults
from sandbox.stripe.payment_page import PaymentPage
from sandbox.stripe.refunds_and_disputes import RefundsAndDisputes
from sandbox.stripe.request_handler import KINDS, RequestHandler
from sandbox.stripe.store import Store
from sandbox.stripe.webhooks import EventSender

DEFAULT_WEBHOOK_SECRET = "sandbox-stripe-webhook-secret"
FAULTS = dict.fromkeys(POINTS.values(), KINDS)


def create(parts: StandInParts) -> StandInRoutes:
    """A new Stripe account without objects."""
    webhook_secret = parts.environment.get("SANDBOX_STRIPE_WEBHOOK_SECRET") or DEFAULT_WEBHOOK_SECRET
    webhook_url = parts.environment.get("SANDBOX_STRIPE_WEBHOOK_URL") or None
    account_clock = AccountClock(parts.clock)
    sender = EventSender(webhook_url, webhook_secret, account_clock, parts.poster)
    store, events, results = Store(), Events(account_clock, sender), IdempotencyResults(account_clock)
    checkout, refunds = Checkout(store, events, account_clock), RefundsAndDisputes(store, events, account_clock)
    handler = RequestHandler(parts.key("stripe"), results, parts.faults, parts.calls)
    api = ApiRoutes(handler, store, checkout, refunds, events)
    page = PaymentPage(store, checkout, sender)
    control = StripeControl(store, checkout, refunds, events, sender, results, account_clock)
    api_routes = [
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
    ]
    return StandInRoutes(
        routes=[Mount("/stripe", routes=api_routes)],
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
