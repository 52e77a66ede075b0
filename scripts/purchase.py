"""Buy credits on the hosted page of the payment system, then refund a part: `make buy` while `make run` runs."""

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
    """Buy a package on the hosted page, refund a part of the money, read the statement."""
    title("Buying credits")
    packages = {package["id"]: package for package in journey.call("GET", "/credits/packages")["packages"]}
    for package in packages.values():
        print(f"    {package['id']:<8} {package['credits']:>5,} credits  ${package['cents'] / 100:.2f}")
    before, credits = balance(journey)[0], packages[PACKAGE]["credits"]
    key = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"package_id": PACKAGE}
    checkout = journey.call("POST", "/credits/purchase", 201, json=body, headers=key)
    again = journey.call("POST", "/credits/purchase", 201, json=body, headers=key)
    journey.check("the same Idempotency-Key twice: one checkout, no credits yet", again == checkout)
    try:
        pay(checkout["checkout_url"])
    except CheckoutError as error:
        raise StepFailedError(f"the payment on the hosted page failed: {error}") from error
    journey.check(f"paid: {credits:,} credits added", wait_until(lambda: balance(journey)[0] == before + credits))

    order = {"session": checkout["checkout_session_id"], "amount": REFUNDED_CENTS}
    refund(sandbox_url, order)
    clawed_back = credits * REFUNDED_CENTS // packages[PACKAGE]["cents"]
    journey.check(
        f"${REFUNDED_CENTS / 100:.2f} refunded: exactly {clawed_back} credits clawed back",
        wait_until(lambda: balance(journey)[0] == before + credits - clawed_back),
        balance(journey),
    )
    for movement in journey.call("GET", "/credits/transactions")["transactions"]:
        if movement["kind"] not in ("purchase", "clawback"):
            continue
        print(f"    {movement['at']}  {movement['credits']:+5d}  {movement['explanation']}")


def refund(sandbox_url: str, order: dict[str, Any]) -> None:
    """Refund money in the sandbox, as the owner would in the Stripe dashboard."""
    response = requests.post(f"{sandbox_url}/sandbox/stripe/refunds", json=order, timeout=30)
    if not response.ok:
        raise StepFailedError(f"the sandbox rejected the refund: {response.text}")


def wait_until(condition: Callable[[], bool]) -> bool:
    """Whether a condition becomes true within half a minute, as it does after a webhook."""
    ends_at = time.monotonic() + LONGEST_WAIT_SECONDS
    while not (is_met := condition()) and time.monotonic() < ends_at:
        time.sleep(0.1)
    return is_met


def main() -> int:
    dev = read_json(DEV)
    if not dev.get("api_url") or not url_answers(f"{dev['api_url']}/health"):
        print(
            "No local stack is running. Start it with `make run` in another terminal, then try again.", file=sys.stderr
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
