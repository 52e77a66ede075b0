"""Stripe's stand-in: Checkout, refunds, disputes, events and webhooks."""
