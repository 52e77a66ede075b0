"""What administrators do: once per request, recorded in the same transaction, and never breaking the books."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from chalicelib import contract
from chalicelib.errors import (
    AccountBlockedError,
    AppError,
    ConflictError,
    IdempotencyMismatchError,
    InsufficientCreditsError,
    InvalidRequestError,
    NotFoundError,
)
from chalicelib.models.accounts import Account
from chalicelib.repositories.admin_actions import REQUEST_RECORD_SECONDS, recent_actions, request_record_key
from chalicelib.repositories.table import Tables
from tests.admin.admin_env import AdminEnv
from tests.engines import Engine
from tests.fakes import Backend, Clock
from tests.fault_injection import CRASHES, TRANSIENT, Crash, Fault, FaultInjector, fail_call, no_faults


def test_a_grant_writes_an_entry_with_the_reason_and_a_record_of_the_administrator(admin_env: AdminEnv) -> None:
    response = admin_env.adjust_credits(300, reason="Sorry for yesterday.")

    assert (response.credits, response.available, admin_env.available()) == (300, 500, 500)
    entries = admin_env.backend.entries(admin_env.ada.user_id)
    entry = next(entry for entry in entries if entry.kind == "admin_grant")
    assert (entry.credits, entry.reason) == (300, "Sorry for yesterday.")
    (action,) = recent_actions(admin_env.backend.tables, 50)[:1]
    assert (action.admin_id, action.action, action.user_id, action.reason) == (
        admin_env.owner.user_id,
        "credits_given",
        admin_env.ada.user_id,
        "Sorry for yesterday.",
    )
    assert (dict(action.before), dict(action.after)) == ({"available": 200}, {"available": 500})


def test_taking_credits_back_may_leave_a_negative_balance_which_blocks_spending(admin_env: AdminEnv) -> None:
    assert admin_env.adjust_credits(-250).available == -50

    balance = admin_env.backend.ledger.balance(admin_env.ada.user_id)
    assert (admin_env.available(), balance.granted, balance.purchased, balance.used) == (-50, -50, 0, 0)
    assert admin_env.backend.entries(admin_env.ada.user_id)[0].kind in ("admin_clawback", "free_credits")
    with pytest.raises(InsufficientCreditsError):
        admin_env.backend.start(admin_env.ada)


def test_administrators_may_adjust_their_own_credits(admin_env: AdminEnv) -> None:
    own = admin_env.owner.user_id

    given = admin_env.adjust_credits(30, "to-myself", user_id=own)

    assert (given.user_id, given.available) == (own, 30)
    assert admin_env.adjust_credits(30, "to-myself", user_id=own) == given
    assert admin_env.adjust_credits(-10, user_id=own).available == 20
    admin_env.backend.check_books(own)


def test_administrators_find_and_unblock_themselves(admin_env: AdminEnv) -> None:
    own = admin_env.owner.user_id
    admin_env.directory.all_accounts = [Account(own, "owner@example.com", "", 1_795_400_000, True)] * 2

    found = admin_env.user_list.users(admin_env.owner, contract.UsersQuery(user_id=own)).users

    assert [user.user_id for user in found] == [own, own]
    assert admin_env.admin.set_blocked(admin_env.owner, own, False, "why").is_blocked is False


def test_a_repeated_request_is_processed_once_with_the_same_response(admin_env: AdminEnv) -> None:
    first = admin_env.adjust_credits(300, "the-request")
    admin_env.adjust_credits(1)

    assert admin_env.adjust_credits(300, "the-request") == first
    with pytest.raises(IdempotencyMismatchError):
        admin_env.adjust_credits(301, "the-request", body_hash="another")
    assert admin_env.available() == 501
    assert len(admin_env.actions()) == 2


def test_a_request_is_not_processed_twice_after_its_record_was_deleted(admin_env: AdminEnv) -> None:
    admin_env.adjust_credits(300, "the-request")
    admin_env.backend.clock.forward(REQUEST_RECORD_SECONDS + 1)
    admin_env.backend.tables.delete_many([request_record_key("the-request")])

    with pytest.raises(ConflictError):
        admin_env.adjust_credits(300, "the-request")
    assert admin_env.available() == 500


def test_zero_credits_an_unknown_user_and_blocking_oneself_are_refused(admin_env: AdminEnv) -> None:
    with pytest.raises(InvalidRequestError):
        admin_env.adjust_credits(0)
    with pytest.raises(NotFoundError):
        admin_env.admin.adjust_credits(
            admin_env.owner, contract.GiveCredits(user_id="nobody", credits=5, reason="why"), "a", "h"
        )
    with pytest.raises(NotFoundError):
        admin_env.admin.set_blocked(admin_env.owner, "nobody", True, "why")
    with pytest.raises(InvalidRequestError):
        admin_env.admin.set_blocked(admin_env.owner, admin_env.owner.user_id, True, "why")
    assert admin_env.actions() == []


def test_concurrent_requests_with_one_key_and_with_own_keys_all_add_up(admin_env: AdminEnv) -> None:
    with ThreadPoolExecutor(16) as pool:
        responses = list(
            pool.map(lambda n: admin_env.adjust_credits(10, "the-request" if n % 2 else f"other-{n}"), range(32))
        )

    assert len({response.action_id for number, response in enumerate(responses) if number % 2}) == 1
    assert admin_env.available() == 200 + 17 * 10
    actions = admin_env.actions()
    assert len(actions) == 17
    assert sorted(before["available"] for _, before, _ in actions) == [200 + 10 * n for n in range(17)]


@pytest.mark.sampled(8)
@pytest.mark.parametrize("credits", [300, -250])
@pytest.mark.parametrize("fault", [*CRASHES, *TRANSIENT], ids=lambda fault: fault.name)
def test_a_request_that_fails_at_any_call_is_processed_once_when_retried(
    engine: Engine, fault: Fault, credits: int
) -> None:
    with engine.tables() as names:
        for call in range(20):
            fault_injector = FaultInjector()
            admin_env = AdminEnv.on(Backend.on(fault_injector.tables(engine, names), Clock()))
            fault_injector.use_plan(fail_call(call, fault))
            with suppress(Crash, AppError):
                admin_env.adjust_credits(credits, "the-request-" + admin_env.ada.user_id)
            is_last = len(fault_injector.calls) <= call
            fault_injector.use_plan(no_faults)

            response = admin_env.adjust_credits(credits, "the-request-" + admin_env.ada.user_id)

            assert response.available == admin_env.available() == 200 + credits
            assert len(admin_env.actions()) == 1
            if is_last:
                break
        assert call >= 2


@pytest.fixture(scope="module")
def running(engine: Engine) -> Iterator[Tables]:
    with engine.tables() as names:
        yield Tables(engine.client, *names)


@pytest.mark.long
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(changes=st.lists(st.tuples(st.integers(0, 3), st.integers(-400, 400).filter(bool)), max_size=12))
def test_any_changes_in_any_order_add_up(running: Tables, changes: list[tuple[int, int]]) -> None:
    admin_env = AdminEnv.on(Backend.on(running, Clock()))
    processed: dict[int, int] = {}
    for number, credits in changes:
        with suppress(IdempotencyMismatchError):
            admin_env.adjust_credits(credits, f"{admin_env.ada.user_id}-{number}", body_hash=str(credits))
            processed.setdefault(number, credits)

    balance = admin_env.backend.ledger.balance(admin_env.ada.user_id)
    assert admin_env.available() == balance.granted == 200 + sum(processed.values())
    assert len(admin_env.actions()) == len(processed)


# Blocking


def test_a_blocked_user_is_refused_at_the_next_call_even_in_a_session(admin_env: AdminEnv) -> None:
    backend, ada = admin_env.backend, admin_env.ada
    session_id = backend.start(ada).session_id
    backend.send(ada, session_id, 0)

    assert admin_env.admin.set_blocked(admin_env.owner, ada.user_id, True, "Abuse.").is_blocked

    for call in (
        lambda: backend.send(ada, session_id, 1),
        lambda: backend.streaming.save(ada, session_id, []),
        lambda: backend.streaming.renew(ada, session_id, True, "", "h"),
        lambda: backend.start(ada),
    ):
        with pytest.raises(AccountBlockedError):
            call()
    assert admin_env.actions() == [("blocked", {"blocked": False}, {"blocked": True})]
    admin_env.admin.set_blocked(admin_env.owner, ada.user_id, False, "A mistake.")
    assert backend.send(ada, session_id, 1).text == "some words"


def test_blocking_twice_is_one_action(admin_env: AdminEnv) -> None:
    for blocked in (True, True, False, False):
        assert admin_env.admin.set_blocked(admin_env.owner, admin_env.ada.user_id, blocked, "why").is_blocked is blocked

    assert [name for name, _, _ in admin_env.actions()].count("blocked") == 1
    assert len(admin_env.actions()) == 2


def test_a_blocked_administrator_is_refused(admin_env: AdminEnv) -> None:
    admin_env.backend.ledger.set_blocked(admin_env.owner.user_id, True)

    for call in (
        lambda: admin_env.adjust_credits(5),
        lambda: admin_env.admin.set_blocked(admin_env.owner, admin_env.ada.user_id, True, "why"),
        lambda: admin_env.user_list.users(admin_env.owner, contract.UsersQuery()),
    ):
        with pytest.raises(AccountBlockedError):
            call()
