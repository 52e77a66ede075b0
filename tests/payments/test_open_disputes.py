"""How many disputes of an account are open: it decides who counts as a buyer. Some are older than this count."""

import pytest

from chalicelib.models.accounts import Caller
from chalicelib.models.purchase_facts import DisputeState, PaymentState
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Write
from tests.payments.payments_env import PaymentsEnv, dispute

OPEN, WON, LOST = DisputeState.OPEN, DisputeState.WON, DisputeState.LOST


def buy(payments_env: PaymentsEnv, caller: Caller, package: str = "popular") -> str:
    purchase_id = payments_env.buy(caller, package)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    return purchase_id


def report(payments_env: PaymentsEnv, purchase_id: str, name: str, state: DisputeState) -> None:
    payments_env.receive_fact(purchase_id, dispute(name, state, 999))


def stored_count(payments_env: PaymentsEnv, caller: Caller) -> int:
    return (payments_env.backend.tables.get(balance_key(caller.user_id)) or {}).get("open_disputes", 0)


def count_nothing(payments_env: PaymentsEnv, caller: Caller) -> None:
    """The balance as it is where the disputes were opened before anything counted them."""
    payments_env.backend.tables.write(Write(balance_key(caller.user_id), drop=("open_disputes",)))


def is_buyer(payments_env: PaymentsEnv, caller: Caller) -> bool:
    balance, rules = payments_env.backend.ledger.balance(caller.user_id), payments_env.backend.streaming.rules
    assert rules.allowance_seconds(balance, 0) == (14_400 if balance.is_buyer else 1_800)
    return balance.is_buyer


@pytest.mark.parametrize("end", [WON, LOST])
def test_the_end_of_an_uncounted_dispute_leaves_the_count_at_zero(
    payments_env: PaymentsEnv, ada: Caller, end: DisputeState
) -> None:
    disputed, _ = buy(payments_env, ada), buy(payments_env, ada, "starter")
    report(payments_env, disputed, "dp_1", OPEN)
    count_nothing(payments_env, ada)

    report(payments_env, disputed, "dp_1", end)

    assert stored_count(payments_env, ada) == 0
    assert is_buyer(payments_env, ada), "the other purchase was never disputed"


@pytest.mark.parametrize("stored", [-1, -3])
def test_a_count_below_zero_is_read_as_zero_and_the_next_dispute_counts(
    payments_env: PaymentsEnv, ada: Caller, stored: int
) -> None:
    """As it stands where uncounted disputes have ended."""
    purchase_id = buy(payments_env, ada)
    payments_env.backend.tables.write(Write(balance_key(ada.user_id), put_in={"open_disputes": stored}))
    assert is_buyer(payments_env, ada)

    report(payments_env, purchase_id, "dp_1", OPEN)
    assert (stored_count(payments_env, ada), is_buyer(payments_env, ada)) == (1, False)

    report(payments_env, purchase_id, "dp_1", WON)
    assert (stored_count(payments_env, ada), is_buyer(payments_env, ada)) == (0, True)


@pytest.mark.parametrize(("second", "count"), [(OPEN, 2), (WON, 0)])
def test_two_disputes_that_change_at_once_both_count(
    payments_env: PaymentsEnv, ada: Caller, second: DisputeState, count: int
) -> None:
    """The other purchase's dispute changes between the read of the balance and its write."""
    first_id, second_id = buy(payments_env, ada), buy(payments_env, ada, "starter")
    if second is WON:
        report(payments_env, first_id, "dp_1", OPEN)
        report(payments_env, second_id, "dp_2", OPEN)
    stale_balance = payments_env.backend.ledger.balance(ada.user_id)
    report(payments_env, second_id, "dp_2", second)

    payments_env.fulfilment.record_payment_fact(
        payments_env.purchase(first_id), stale_balance, dispute("dp_1", second, 999)
    )

    assert stored_count(payments_env, ada) == count
    payments_env.backend.check_books(ada.user_id)
