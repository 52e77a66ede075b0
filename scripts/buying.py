"""Credits are bought at the payment system's own page, and some money goes back. `make buy` beside `make run`."""

import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from scripts.checkout import CheckoutError, pay
from scripts.journey import Journey, StepFailedError, balance, register, title
from scripts.local.processes import url_answers
from scripts.local.stack import read_json

DEV = Path(__file__).parent.parent / ".local" / "dev.json"
PACKAGE, REFUNDED_CENTS = "popular", 333
LONGEST_WAIT_SECONDS = 30


def buy(journey: Journey, sandbox_url: str) -> None:
    """Buy a package by its hosted page, read the statement, take a part of the money back."""
    title("Buying credits")
    packages = {one["id"]: one for one in journey.call("GET", "/credits/packages")["packages"]}
    for one in packages.values():
        print(f"    {one['id']:<8} {one['credits']:>5,} credits  ${one['cents'] / 100:.2f}")
    before, credits = balance(journey)[0], packages[PACKAGE]["credits"]
    key = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"package_id": PACKAGE}
    checkout = journey.call("POST", "/credits/purchase", 201, json=body, headers=key)
    again = journey.call("POST", "/credits/purchase", 201, json=body, headers=key)
    journey.check("asked twice under one key: one checkout, nothing credited yet", again == checkout)
    try:
        pay(checkout["checkout_url"])
    except CheckoutError as error:
        raise StepFailedError(f"the hosted page could not be paid at: {error}") from error
    journey.check(f"paid: {credits:,} credits more", until(lambda: balance(journey)[0] == before + credits))

    back = {"session": checkout["checkout_session_id"], "amount": REFUNDED_CENTS}
    refund(sandbox_url, back)
    taken = credits * REFUNDED_CENTS // packages[PACKAGE]["cents"]
    journey.check(
        f"${REFUNDED_CENTS / 100:.2f} refunded: {taken} credits taken back, to the credit",
        until(lambda: balance(journey)[0] == before + credits - taken),
        balance(journey),
    )
    for movement in journey.call("GET", "/credits/transactions")["transactions"]:
        if movement["kind"] not in ("purchase", "clawback"):
            continue
        print(f"    {movement['at']}  {movement['credits']:+5d}  {movement['explanation']}")


def refund(sandbox_url: str, order: dict[str, Any]) -> None:
    """Have the sandbox give money back, as the owner would in the dashboard."""
    answer = requests.post(f"{sandbox_url}/sandbox/stripe/refunds", json=order, timeout=30)
    if not answer.ok:
        raise StepFailedError(f"the sandbox refused the refund: {answer.text}")


def until(holds: Callable[[], bool]) -> bool:
    """Whether it came to hold within half a minute: what a webhook brings comes when it comes."""
    ends_at = time.monotonic() + LONGEST_WAIT_SECONDS
    while not (held := holds()) and time.monotonic() < ends_at:
        time.sleep(0.1)
    return held


def main() -> int:
    dev = read_json(DEV)
    if not dev.get("api_url") or not url_answers(f"{dev['api_url']}/health"):
        print(
            "No stack is running here. Start one with `make run` in another terminal, then try again.", file=sys.stderr
        )
        return 1
    journey = Journey(dev["api_url"])
    try:
        register(journey, f"buyer-{secrets.token_hex(4)}@example.com")
        buy(journey, dev["sandbox_url"])
    except StepFailedError as failure:
        print(f"\n✗ {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
