"""One user whole, for support: the figures agree with the ledger, nothing is a word of the user, reads are bounded."""

import pytest

from chalicelib import contract
from chalicelib.admin.user_detail import UserDetails
from chalicelib.errors import NotFoundError, UnauthenticatedError
from chalicelib.models.accounts import Account
from chalicelib.models.purchase_facts import DisputeState, PaymentState
from tests.admin.admin_env import AdminEnv
from tests.default_prices import PRICES
from tests.payments.payments_env import CENTS, CREDITS, PaymentsEnv, dispute, refund


@pytest.fixture
def payments_env(admin_env: AdminEnv) -> PaymentsEnv:
    ada = admin_env.ada
    admin_env.directory.all_accounts = [Account(ada.user_id, "ada@example.com", "Ada", 1_795_400_000, True)]
    return PaymentsEnv(admin_env.backend)


def load(admin_env: AdminEnv) -> contract.UserDetail:
    backend = admin_env.backend
    details = UserDetails(backend.ledger, backend.tables, admin_env.directory, backend.clock)
    return details.load(admin_env.owner, admin_env.ada.user_id)


def test_a_user_is_shown_with_credits_money_and_actions(admin_env: AdminEnv, payments_env: PaymentsEnv) -> None:
    purchase_id = payments_env.buy(admin_env.ada)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    payments_env.receive_fact(purchase_id, refund("re", 99))
    payments_env.buy(admin_env.ada)  # an open one brings nothing
    admin_env.adjust_credits(7, reason="Sorry.")
    lease = admin_env.backend.start(admin_env.ada)

    user = load(admin_env)

    balance = admin_env.backend.ledger.balance(admin_env.ada.user_id)
    assert (user.email, user.available, user.held) == ("ada@example.com", balance.available, balance.held)
    assert user.holds == [contract.UserHold(kind="session", credits=balance.held, reference=lease.session_id)]
    fee = PRICES.payment_fee_micro_usd(CENTS)
    figures = user.figures
    assert (figures.revenue_cents, figures.payment_fees_micro_usd) == (CENTS - 99, fee)
    assert figures.margin_micro_usd == (CENTS - 99) * 10_000 - fee - figures.provider_cost_micro_usd
    assert [(action.action, action.reason, action.admin) for action in user.actions] == [
        ("credits_given", "Sorry.", admin_env.owner.user_id)
    ]


def test_use_is_counted_in_the_figures(admin_env: AdminEnv, payments_env: PaymentsEnv) -> None:
    backend = admin_env.backend
    lease = backend.start(admin_env.ada)
    backend.send(admin_env.ada, lease.session_id, 0)
    backend.streaming.stop(admin_env.ada, lease.session_id)
    (use,) = [entry for entry in backend.entries(admin_env.ada.user_id) if entry.kind == "usage"]

    figures = load(admin_env).figures

    assert (figures.credits_used, figures.uses) == (-use.credits, 1)
    assert figures.provider_cost_micro_usd == use.cost_micro_usd > 0
    assert figures.seconds == use.audio_ms // 1000
    assert figures.margin_micro_usd == -use.cost_micro_usd
    backend.clock.forward(31 * 86_400)
    assert load(admin_env).figures.uses == 0


def test_what_holds_credits_adds_up(admin_env: AdminEnv, payments_env: PaymentsEnv) -> None:
    purchase_id = payments_env.buy(admin_env.ada)
    payments_env.receive_fact(purchase_id, PaymentState.PAID)
    payments_env.receive_fact(purchase_id, dispute("dp", DisputeState.OPEN, CENTS))
    admin_env.backend.start(admin_env.ada)

    user = load(admin_env)

    assert user.open_disputes == 1
    assert {hold.kind: hold.reference for hold in user.holds}["dispute"] == purchase_id
    assert {hold.kind: hold.credits for hold in user.holds}["dispute"] == CREDITS
    assert sum(hold.credits for hold in user.holds) == user.held > CREDITS


def test_a_user_without_an_account_and_a_deleted_one_are_not_found(
    admin_env: AdminEnv, payments_env: PaymentsEnv
) -> None:
    admin_env.backend.ledger.close(admin_env.ada, at=admin_env.backend.clock())
    with pytest.raises(NotFoundError):
        load(admin_env)
    admin_env.directory.all_accounts = []
    with pytest.raises(NotFoundError):
        load(admin_env)


def test_an_administrator_who_signed_out_reads_nobody(admin_env: AdminEnv, payments_env: PaymentsEnv) -> None:
    admin_env.backend.ledger.sign_out(admin_env.owner.user_id, admin_env.backend.clock() + 1)
    with pytest.raises(UnauthenticatedError):
        load(admin_env)
