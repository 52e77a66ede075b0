"""Support over HTTP: one user whole, what was sold, and a refund whose webhook takes the credits back."""

from tests.fakes import Backend
from tests.http.checkout_steps import PaymentsClient, buy_and_pay
from tests.http.http_client import Person, check_error
from tests.payments.payments_env import CENTS, CREDITS, THIRD_CENTS, THIRD_CREDITS

WORDS = "Nobody else reads this"


def test_one_user_is_shown_whole_and_without_a_word(
    owner: Person, person: Person, payments_client: PaymentsClient
) -> None:
    checkout = buy_and_pay(person, payments_client)
    session_id = person.start(title=WORDS)
    person.stream(
        action="save", session_id=session_id, segments=[{"seq": 0, "start_ms": 0, "end_ms": 5, "text": WORDS}]
    )
    path = f"/admin/users/{person.user_id}"

    detail = owner.get(path)
    pages = {name: owner.get(f"{path}/{name}") for name in ("transactions", "purchases", "sessions")}

    assert (detail.status_code, detail.json()["email"]) == (200, person.email)
    assert (detail.json()["available"], detail.json()["held"]) == person.balance()
    assert detail.json()["holds"][0]["reference"] == session_id
    assert detail.json()["figures"]["revenue_cents"] == CENTS
    assert pages["transactions"].json() == person.get("/credits/transactions").json() | {"next_cursor": None}
    (purchase,) = pages["purchases"].json()["purchases"]
    assert (purchase["purchase_id"], purchase["refundable_cents"]) == (checkout["purchase_id"], CENTS)
    (session,) = pages["sessions"].json()["sessions"]
    assert (session["session_id"], session["kind"], session["state"]) == (session_id, "live", "active")
    assert WORDS not in "".join(response.text for response in (detail, *pages.values()))
    person.stop(session_id)


def test_a_refund_from_the_dashboard_takes_the_credits_back_once(
    owner: Person, person: Person, payments_client: PaymentsClient, books: Backend
) -> None:
    checkout = buy_and_pay(person, payments_client)
    path = f"/admin/purchases/{checkout['purchase_id']}/refund"
    request = {"json": {"reason": "Bought twice.", "cents": THIRD_CENTS}, "headers": {"Idempotency-Key": path}}

    first, again = (owner.post(path, **request) for _ in range(2))
    payments_client.rest()

    assert (first.status_code, first.json()["cents"]) == (200, THIRD_CENTS)
    assert again.json() == first.json()
    assert person.balance() == (200 + CREDITS - THIRD_CREDITS, 0)
    assert owner.post(path, json={"reason": "The rest."}).json()["cents"] == CENTS - THIRD_CENTS
    payments_client.rest()
    assert person.balance() == (200, 0)
    check_error(owner.post(path, json={"reason": "Again."}), 409, "conflict")
    (purchase,) = owner.get("/admin/purchases", params={"state": "refunded", "limit": 1}).json()["purchases"]
    assert (purchase["purchase_id"], purchase["cents_returned"]) == (checkout["purchase_id"], CENTS)
    actions = owner.get(f"/admin/users/{person.user_id}").json()["actions"]
    assert [(action["reason"], action["reference"]) for action in actions] == [
        ("The rest.", checkout["purchase_id"]),
        ("Bought twice.", checkout["purchase_id"]),
    ]
    books.check_books(person.user_id)


def test_an_unknown_user_or_purchase_is_404_and_a_wrong_amount_is_400(
    owner: Person, person: Person, payments_client: PaymentsClient
) -> None:
    check_error(owner.get("/admin/users/5a1de7d4"), 404, "not_found")
    check_error(owner.post("/admin/purchases/5a1de7d4/refund", json={"reason": "why"}), 404, "not_found")
    checkout = buy_and_pay(person, payments_client)
    path = f"/admin/purchases/{checkout['purchase_id']}/refund"
    for cents in (0, -1, CENTS + 1, 1.5):
        response = owner.post(path, json={"reason": "why", "cents": cents})
        assert check_error(response, 400, "invalid_request")["field"] == "cents"
    assert person.balance() == (200 + CREDITS, 0)
