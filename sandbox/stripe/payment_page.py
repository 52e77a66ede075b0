"""The hosted page of a Checkout Session: the line items, and Pay, Pay later or Cancel. It needs no script."""

import base64
import hashlib
from html import escape
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox import forms
from sandbox.stripe.checkout import DELAYED_METHODS, Checkout, InvalidStateError
from sandbox.stripe.objects import Json
from sandbox.stripe.store import Store
from sandbox.stripe.webhooks import EventSender

MAX_BODY_BYTES = 4096
SESSION_ID = "{CHECKOUT_SESSION_ID}"
WITHOUT_MINOR_UNITS = ("jpy",)
STYLE = """
:root { color-scheme: light dark; font: 1.0625rem/1.5 system-ui, sans-serif }
body { max-width: 30rem; margin: 3rem auto; padding: 0 1.25rem }
table { width: 100%; border-collapse: collapse; margin: 1.5rem 0 }
td, th { padding: .5rem 0; text-align: left; border-bottom: 1px solid #8884; vertical-align: top }
td:last-child, th:last-child { text-align: right; white-space: nowrap }
small { display: block; opacity: .75 }
button { width: 100%; padding: .75rem; margin: .375rem 0; font: inherit; border-radius: .5rem; cursor: pointer;
  border: 1px solid #8888; background: none; color: inherit }
button.first { background: #1a56db; border-color: #1a56db; color: #fff; font-weight: 600 }
button:focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px }
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
NOTICE = "A stand-in for Stripe on this machine. No money moves."


class PaymentPage:
    """The routes `/stripe/pay/{id}`."""

    def __init__(self, store: Store, checkout: Checkout, sender: EventSender):
        self._store, self._checkout, self._sender = store, checkout, sender

    async def show(self, request: Request) -> Response:
        session = self._session(request)
        return (
            _render(404, "Page not found", ["There is no such checkout."])
            if session is None
            else self._session_page(session)
        )

    async def handle_button(self, request: Request) -> Response:
        """Handle a button; redirects to the address of the session."""
        session = self._session(request)
        if session is None:
            return _render(404, "Page not found", ["There is no such checkout."])
        try:
            action = dict(parse_qsl((await forms.read_body(request, MAX_BODY_BYTES)).decode())).get("action")
            match action:
                case "cancel" if session["cancel_url"] is not None:
                    return _redirect(session["cancel_url"], session)
                case "pay" | "pay_later":
                    method = _method(session, delayed=action == "pay_later")
                    await self._sender.wait_for_first_attempts(self._checkout.pay(session, method))
                    return _redirect(session["success_url"], session)
                case "arrive" | "fail":
                    await self._sender.wait_for_first_attempts(self._checkout.settle(session, action == "arrive"))
                    return RedirectResponse(request.url.path, 303)
        except InvalidStateError:
            return self._session_page(session, status=409)
        except (forms.BodyTooLargeError, ValueError):
            pass
        return _render(400, "That did not work", ["This button does not exist. Go back and try again."])

    def _session(self, request: Request) -> Json | None:
        self._checkout.expire_due_sessions()
        return self._store.sessions.get(request.path_params["id"])

    def _session_page(self, session: Json, status: int = 200) -> Response:
        if session["status"] == "expired":
            return _render(status, "This checkout has expired", ["Nothing was charged. Go back and start again."])
        if session["status"] == "complete":
            intent = self._store.intents.get(session["payment_intent"] or "")
            if intent is not None and intent["status"] == "processing":
                buttons = _button("arrive", "The money arrives", first=True) + _button("fail", "The payment fails")
                text = "The order is complete, but not yet paid. At Stripe this takes days; here you decide."
                return _render(status, "Payment on its way", [text], _form(buttons))
            if session["payment_status"] == "unpaid":
                return _render(status, "The payment failed", ["Nothing was charged."])
            return _render(status, "This checkout is paid", ["There is nothing left to do here."])
        lines = "".join(
            f"<tr><td>{escape(item['description'])}<small>{item['quantity']} × "
            f"{_format_amount(item['price']['unit_amount'], item['currency'])}</small></td>"
            f"<td>{_format_amount(item['amount_total'], item['currency'])}</td></tr>"
            for item in self._store.line_items[session["id"]]
        )
        total = _format_amount(session["amount_total"], session["currency"])
        table = f'<table>{lines}<tr><th>Total</th><th id="total">{total}</th></tr></table>'
        buttons = "".join(
            _button(action, label, first)
            for action, label, first, offered in (
                ("pay", f"Pay {total}", True, _has_method(session, delayed=False)),
                ("pay_later", "Pay later, by bank transfer", False, _has_method(session, delayed=True)),
                ("cancel", "Cancel", False, session["cancel_url"] is not None),
            )
            if offered
        )
        email = session["customer_email"]
        texts = [f"The receipt goes to {email}."] if email else []
        return _render(status, "Checkout", texts, table + _form(buttons), _origins(session))


def _has_method(session: Json, delayed: bool) -> bool:
    return any((method in DELAYED_METHODS) is delayed for method in session["payment_method_types"])


def _method(session: Json, delayed: bool) -> str:
    """The first payment method of the kind. Raises InvalidStateError if the session has none."""
    for method in session["payment_method_types"]:
        if (method in DELAYED_METHODS) is delayed:
            return str(method)
    raise InvalidStateError("the session accepts no such payment method")


def _redirect(url: str, session: Json) -> Response:
    """Redirect to `url`, with the id of the session in its placeholder."""
    return RedirectResponse(url.replace(SESSION_ID, session["id"]), 303, {"cache-control": "no-store"})


def _origins(session: Json) -> list[str]:
    """Origins that the form may lead to: browsers apply the policy also to the redirect after a form."""
    targets = [urlsplit(url) for url in (session["success_url"], session["cancel_url"]) if url]
    return [f"{target.scheme}://{target.netloc.rpartition('@')[2]}" for target in targets]


def _format_amount(amount: int, currency: str) -> str:
    formatted = f"{amount}" if currency in WITHOUT_MINOR_UNITS else f"{amount // 100}.{amount % 100:02d}"
    return f"{formatted} {currency.upper()}"


def _button(action: str, label: str, first: bool = False) -> str:
    style = ' class="first"' if first else ""
    return f'<button name="action" value="{action}"{style}>{escape(label)}</button>'


def _form(buttons: str) -> str:
    return f'<form method="post">{buttons}</form>'


def _render(
    status: int, title: str, texts: list[str], markup: str = "", form_targets: list[str] | None = None
) -> Response:
    """`markup` is HTML; the other texts are escaped here."""
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in texts)
    body = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{paragraphs}{markup}</main>"
        f"<footer><small>{NOTICE}</small></footer></body></html>"
    )
    policy = (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'; "
        + " ".join(["form-action 'self'", *(form_targets or [])])
    )
    headers = {
        "content-security-policy": policy,
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return HTMLResponse(body, status, headers)
