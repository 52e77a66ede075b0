"""Events of payments: one grant for each purchase, and exact claw-backs."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings, strategies as st
from msgspec import structs

from chalicelib.errors import InsufficientCreditsError
from chalicelib.models.accounts import Caller
from chalicelib.models.ledger import Balance
from chalicelib.models.purchase_facts import (
    Dispute,
    DisputeFact,
    DisputeState,
    PaymentFact,
    PaymentState,
    Refund,
    RefundFact,
    RefundState,
)
from chalicelib.models.purchases import Purchase
from chalicelib.payments.refunds_and_disputes import apply_changes, ledger_changes
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.purchases import ledger_writes, list_open_purchases
from chalicelib.repositories.table import Write
from tests.default_prices import PRICE_VERSION, STARTER, live_credits
from tests.payments.payments_env import (
    CENTS,
    CREDITS,
    THIRD_CENTS,
    THIRD_CREDITS,
    PaymentsEnv,
    credits,
    dispute,
    refund,
)

FOREVER = 99_999_999_999


def test_a_paid_package_grants_its_credits_once(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    assert credits(payments_env, ada) == (200, 0)

    assert payments_env.receive_fact(purchase_id, PaymentState.PAID).outcome == "applied"
    assert payments_env.receive_fact(purchase_id, PaymentState.PAID).outcome == "applied"

    assert credits(payments_env, ada) == (200 + CREDITS, 0)
    (entry,) = [entry for entry in payments_env.backend.entries(ada.user_id) if entry.kind == "purchase"]
    assert (entry.credits, entry.cents, entry.reference) == (CREDITS, CENTS, purchase_id)
    assert entry.reason == f"{CREDITS:,} credits for ${CENTS / 100:.2f}"
    assert payments_env.backend.ledger.balance(ada.user_id).purchased == CREDITS
    assert list_open_purchases(payments_env.backend.tables, FOREVER, 10) == []


def test_a_delayed_payment_grants_nothing_until_the_money_arrives(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, PaymentState.PENDING)
    assert credits(payments_env, ada) == (200, 0)

    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    assert credits(payments_env, ada) == (200 + CREDITS, 0)


@pytest.mark.parametrize("end", [PaymentState.FAILED, PaymentState.EXPIRED])
def test_a_failed_or_expired_payment_grants_nothing_unless_it_is_paid_later(
    payments_env: PaymentsEnv, ada: Caller, end: PaymentState
) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, end)
    assert credits(payments_env, ada) == (200, 0)
    assert list_open_purchases(payments_env.backend.tables, FOREVER, 10) == []

    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    assert credits(payments_env, ada) == (200 + CREDITS, 0)


def test_thirty_two_deliveries_at_once_grant_once(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    update = payments_env.payments.make_update(payments_env.purchase(purchase_id), PaymentState.PAID)

    with ThreadPoolExecutor(32) as threads:
        responses = list(threads.map(lambda _: payments_env.receive_update(update), range(32)))

    assert {response.outcome for response in responses} == {"applied"}
    assert credits(payments_env, ada) == (200 + CREDITS, 0)


def test_partial_refunds_claw_back_their_share_of_the_credits(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)

    payments_env.receive_fact(purchase_id, refund("re_1", THIRD_CENTS, RefundState.PENDING))
    assert credits(payments_env, ada) == (200 + CREDITS, 0)
    payments_env.receive_fact(purchase_id, refund("re_1", THIRD_CENTS))
    assert credits(payments_env, ada) == (200 + CREDITS - THIRD_CREDITS, 0)
    payments_env.receive_fact(purchase_id, refund("re_2", CENTS - THIRD_CENTS))
    assert credits(payments_env, ada) == (200, 0)
    payments_env.receive_fact(purchase_id, refund("re_2", CENTS - THIRD_CENTS, RefundState.FAILED))
    assert credits(payments_env, ada) == (200 + CREDITS - THIRD_CREDITS, 0)

    kinds = [(entry.kind, entry.credits) for entry in payments_env.backend.entries(ada.user_id)]
    assert sorted(kinds) == sorted(
        [
            ("clawback_reversed", CREDITS - THIRD_CREDITS),
            ("clawback", THIRD_CREDITS - CREDITS),
            ("clawback", -THIRD_CREDITS),
            ("purchase", CREDITS),
            ("free_credits", 200),
        ]
    )
    assert payments_env.backend.ledger.balance(ada.user_id).purchased == CREDITS - THIRD_CREDITS


def test_a_refund_of_spent_credits_makes_the_balance_negative_and_blocks_spending(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    purchase_id = payments_env.buy(ada, "starter")
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    lease = payments_env.backend.start(ada, lease_seconds=1_800)
    for seq in range(18):
        payments_env.backend.send(ada, lease.session_id, seq, seconds=100)
        payments_env.backend.clock.forward(1)
    payments_env.backend.streaming.stop(ada, lease.session_id)
    payments_env.receive_fact(purchase_id, refund("re_1", STARTER.cents))

    available, held = credits(payments_env, ada)
    assert (available, held) == (200 - live_credits(1_800), 0)
    with pytest.raises(InsufficientCreditsError) as refusal:
        payments_env.backend.start(ada)
    assert refusal.value.details == {"required": live_credits(60), "available": available}
    assert "below zero" in refusal.value.message


def test_a_dispute_holds_the_credits_until_the_bank_decides(payments_env: PaymentsEnv, ada: Caller) -> None:
    first, second = payments_env.buy(ada), payments_env.buy(ada, "starter")
    payments_env.receive_fact(first, PaymentState.PAID)
    payments_env.receive_fact(first, dispute("dp_1", DisputeState.OPEN, CENTS))
    assert credits(payments_env, ada) == (200, CREDITS)

    payments_env.receive_fact(second, PaymentState.PAID)
    payments_env.receive_fact(first, dispute("dp_1", DisputeState.OPEN, CENTS))
    assert credits(payments_env, ada) == (200 + STARTER.credits, CREDITS)
    assert list(payments_env.backend.ledger.iter_due_holds(FOREVER)) == []

    payments_env.receive_fact(first, dispute("dp_1", DisputeState.LOST, CENTS))
    assert credits(payments_env, ada) == (200 + STARTER.credits, 0)
    (entry,) = [entry for entry in payments_env.backend.entries(ada.user_id) if entry.kind == "clawback"]
    assert (entry.credits, entry.hold_id) == (-CREDITS, f"dispute:{first}:dp_1")


OPEN, WON, LOST = DisputeState.OPEN, DisputeState.WON, DisputeState.LOST


@pytest.mark.parametrize(
    ("reports", "is_buyer"),
    [
        ([], True),
        ([("dp_1", OPEN)], False),
        ([("dp_1", OPEN), ("dp_1", OPEN)], False),
        ([("dp_1", OPEN), ("dp_1", WON)], True),
        ([("dp_1", WON), ("dp_1", OPEN)], True),
        ([("dp_1", OPEN), ("dp_2", OPEN), ("dp_1", WON)], False),
        ([("dp_1", OPEN), ("dp_2", OPEN), ("dp_1", WON), ("dp_2", WON)], True),
        ([("dp_1", OPEN), ("dp_1", LOST)], False),
    ],
    ids=str,
)
def test_an_open_dispute_takes_the_standing_of_a_buyer_until_it_is_won(
    payments_env: PaymentsEnv, ada: Caller, reports: list[tuple[str, DisputeState]], is_buyer: bool
) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)

    for name, state in reports:
        payments_env.receive_fact(purchase_id, dispute(name, state, CENTS))

    balance, rules = payments_env.backend.ledger.balance(ada.user_id), payments_env.backend.streaming.rules
    assert balance.is_buyer == is_buyer
    assert rules.allowance_seconds(balance, 0) == (14_400 if is_buyer else 1_800)


def test_a_dispute_of_spent_credits_counts_though_it_holds_nothing(payments_env: PaymentsEnv, ada: Caller) -> None:
    first, second = payments_env.buy(ada), payments_env.buy(ada, "starter")
    payments_env.receive_fact(first, PaymentState.PAID)
    payments_env.receive_fact(second, PaymentState.PAID)
    spent = 200 + CREDITS + STARTER.credits
    payments_env.backend.tables.write(Write(balance_key(ada.user_id), add={"available": -spent, "version": 1}))

    payments_env.receive_fact(first, dispute("dp_1", OPEN, CENTS))

    balance = payments_env.backend.ledger.balance(ada.user_id)
    assert (balance.held, balance.purchased, balance.open_disputes) == (0, CREDITS + STARTER.credits, 1)
    assert not balance.is_buyer


def test_a_dispute_holds_no_credits_that_were_spent_since_the_balance_was_read(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    balance_before = payments_env.backend.ledger.balance(ada.user_id)
    payments_env.backend.start(ada, lease_seconds=3_600)
    held = live_credits(3_600)
    assert credits(payments_env, ada) == (200 + CREDITS - held, held)

    payments_env.fulfilment.record_payment_fact(
        payments_env.purchase(purchase_id), balance_before, dispute("dp_1", DisputeState.OPEN, CENTS)
    )

    assert credits(payments_env, ada) == (0, 200 + CREDITS)


def test_a_won_dispute_releases_all_credits(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.payments.set_payment(purchase_id, PaymentState.PAID)
    payments_env.receive_fact(purchase_id, dispute("dp_1", DisputeState.OPEN, CENTS))
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    assert credits(payments_env, ada) == (200, CREDITS)

    payments_env.receive_fact(purchase_id, dispute("dp_1", DisputeState.WON, CENTS))
    assert credits(payments_env, ada) == (200 + CREDITS, 0)


def test_a_refund_reported_before_its_payment_looks_the_payment_up(payments_env: PaymentsEnv, ada: Caller) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.payments.set_payment(purchase_id, PaymentState.PAID)

    payments_env.receive_fact(purchase_id, refund("re_1", THIRD_CENTS))

    assert credits(payments_env, ada) == (200 + CREDITS - THIRD_CREDITS, 0)


def test_a_refund_booked_together_with_its_payment_follows_it_in_the_statement(
    payments_env: PaymentsEnv, ada: Caller
) -> None:
    """Both are booked in one write, because the refund was reported first."""
    for number in range(5):
        purchase_id = payments_env.buy(ada)
        payments_env.payments.set_payment(purchase_id, PaymentState.OPEN)
        payments_env.receive_fact(purchase_id, refund(f"re_{number}", THIRD_CENTS))
        payments_env.receive_fact(purchase_id, PaymentState.PAID)

        entries = [entry for entry in payments_env.backend.entries(ada.user_id) if entry.reference == purchase_id]
        assert [(entry.kind, entry.credits) for entry in entries] == [
            ("clawback", -THIRD_CREDITS),
            ("purchase", CREDITS),
        ]


# What the ledger books

REFUNDED, LOST = "Taken back: the payment was refunded", "Taken back: a dispute of the payment was lost"
BOTH = "Taken back: a part of the payment was refunded, and a dispute of it was lost"
RETURNED = "Returned: the refund of the payment failed"


@pytest.mark.parametrize(
    ("facts", "reasons"),
    [
        ([PaymentState.PAID, refund("re", CENTS)], [REFUNDED]),
        ([PaymentState.PAID, refund("re", THIRD_CENTS), refund("re2", THIRD_CENTS)], [REFUNDED, REFUNDED]),
        ([PaymentState.PAID, dispute("dp", DisputeState.LOST, CENTS)], [LOST]),
        ([PaymentState.PAID, dispute("dp", DisputeState.OPEN, CENTS), dispute("dp", DisputeState.LOST, CENTS)], [LOST]),
        ([PaymentState.PAID, dispute("dp", DisputeState.OPEN, THIRD_CENTS), refund("re", THIRD_CENTS)], [REFUNDED]),
        ([PaymentState.PAID, dispute("dp", DisputeState.WON, CENTS), refund("re", CENTS)], [REFUNDED]),
        (
            [PaymentState.PAID, dispute("dp", DisputeState.LOST, THIRD_CENTS), refund("re", THIRD_CENTS)],
            [LOST, REFUNDED],
        ),
        (
            [PaymentState.PAID, refund("re", THIRD_CENTS), dispute("dp", DisputeState.LOST, THIRD_CENTS)],
            [REFUNDED, LOST],
        ),
        ([refund("re", THIRD_CENTS), dispute("dp", DisputeState.LOST, THIRD_CENTS), PaymentState.PAID], [BOTH]),
        ([refund("re", THIRD_CENTS), PaymentState.PAID], [REFUNDED]),
        (
            [PaymentState.PAID, refund("re", CENTS), refund("re", CENTS, RefundState.FAILED)],
            [REFUNDED, RETURNED],
        ),
    ],
)
def test_the_statement_says_what_took_the_money_back(
    payments_env: PaymentsEnv, ada: Caller, facts: list[PaymentFact], reasons: list[str]
) -> None:
    purchase_id = payments_env.buy(ada)
    payments_env.payments.set_payment(purchase_id, PaymentState.OPEN)
    for fact in facts:
        payments_env.receive_fact(purchase_id, fact)
        payments_env.backend.clock.forward(1)

    entries = sorted(payments_env.backend.entries(ada.user_id), key=lambda entry: entry.entry_id)
    assert [entry.reason for entry in entries if "clawback" in entry.kind] == reasons


MONEY_FACTS = st.tuples(st.sampled_from("ab"), st.sampled_from([*RefundState, *DisputeState]), st.integers(1, 60))


@settings(derandomize=True, deadline=None)
@given(credits=st.integers(1, 30), cents=st.integers(50, 900), reported=st.lists(MONEY_FACTS, max_size=8))
def test_every_cent_paid_or_returned_is_in_an_entry(credits: int, cents: int, reported: list[tuple]) -> None:
    """Also where a cent buys less than a credit."""
    purchase = Purchase("p", "ada", "some", credits, cents, "usd", PRICE_VERSION, False, 1, 2, "", "")
    available, entries = 30, []
    facts: list[PaymentFact] = [PaymentState.PAID]
    for name, state, money in reported:
        is_refund = isinstance(state, RefundState)
        facts.append(RefundFact(name, Refund(state, money)) if is_refund else DisputeFact(name, Dispute(state, money)))
    for fact in facts:
        before = purchase
        purchase = structs.replace(purchase, facts=purchase.facts.with_fact(fact), version=purchase.version + 1)
        changes = ledger_changes(purchase.facts, purchase.booked, credits, cents, available)
        writes = ledger_writes(
            structs.replace(before, version=purchase.version), purchase.facts, changes, Balance(available), at=100
        )
        entries += [write.item | {"sk": write.key.sk} for write in writes if write.item and "ENTRY#" in write.key.sk]
        purchase = structs.replace(purchase, booked=apply_changes(purchase.booked, changes))
        available += changes.available_change

    booked = purchase.booked
    assert sum(entry["cents"] for entry in entries) == cents - booked.returned_cents
    assert sum(entry["credits"] for entry in entries) == booked.granted - booked.clawed_back
    assert len({entry["sk"] for entry in entries}) == len(entries)
