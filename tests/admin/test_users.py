"""What administrators do: once per request, written down in the same breath, and never against the books."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from msgspec.structs import replace

from chalicelib import contract
from chalicelib.admin.users import UserAdministration
from chalicelib.errors import (
    AccountBlockedError,
    AppError,
    ConflictError,
    IdempotencyMismatchError,
    InsufficientCreditsError,
    InvalidRequestError,
    NotFoundError,
)
from chalicelib.ids import ulid
from chalicelib.models.accounts import Account, Caller
from chalicelib.repositories.admin_actions import REMEMBERED_SECONDS, done_key, recent_actions
from chalicelib.repositories.table import Tables
from tests.engines import Engine
from tests.fakes import CURSORS, Backend, Clock
from tests.fault_injection import CRASHES, TRANSIENT, Crash, Fault, FaultInjector, fail_call, no_faults


@dataclass
class FakeDirectory:
    """Accounts in a list; a page ends after `limit` of them."""

    known: list[Account] = field(default_factory=list)

    def accounts(self, email: str, user_id: str, limit: int, after: str) -> tuple[list[Account], str]:
        found = [one for one in self.known if one.email.startswith(email) and user_id in ("", one.user_id)]
        first = int(after or 0)
        return found[first : first + limit], str(first + limit) if len(found) > first + limit else ""


@dataclass(frozen=True)
class Bureau:
    backend: Backend
    directory: FakeDirectory
    owner: Caller
    ada: Caller

    @classmethod
    def on(cls, backend: Backend) -> "Bureau":
        owner = replace(backend.person(0), groups=("admins",), email="owner@example.com")
        return cls(backend, FakeDirectory(), owner, backend.person(200))

    @property
    def admin(self) -> UserAdministration:
        clock = self.backend.clock
        return UserAdministration(
            self.backend.ledger, self.backend.tables, self.directory, CURSORS, clock, lambda: ulid(clock() * 1000)
        )

    def give(self, credits: int, action_id: str | None = None, reason: str = "A gift.", hash: str = "h"):
        body = contract.GiveCredits(user_id=self.ada.user_id, credits=credits, reason=reason)
        return self.admin.give(self.owner, body, action_id or str(uuid.uuid4()), hash)

    def actions(self) -> list[tuple[str, dict, dict]]:
        acts = recent_actions(self.backend.tables, 10_000)
        return [(act.what, dict(act.before), dict(act.after)) for act in acts if act.user_id == self.ada.user_id]

    def available(self) -> int:
        self.backend.check_books(self.ada.user_id)
        return self.backend.ledger.balance(self.ada.user_id).available


@pytest.fixture
def bureau(backend: Backend) -> Bureau:
    return Bureau.on(backend)


def test_credits_are_given_with_an_entry_that_says_why_and_a_record_that_says_who(bureau: Bureau) -> None:
    told = bureau.give(300, reason="Sorry for yesterday.")

    assert (told.credits, told.available, bureau.available()) == (300, 500, 500)
    entry = next(one for one in bureau.backend.entries(bureau.ada.user_id) if one.kind == "admin_grant")
    assert (entry.credits, entry.reason) == (300, "Sorry for yesterday.")
    (act,) = recent_actions(bureau.backend.tables, 50)[:1]
    assert (act.admin_id, act.what, act.user_id, act.reason) == (
        bureau.owner.user_id,
        "credits_given",
        bureau.ada.user_id,
        "Sorry for yesterday.",
    )
    assert (dict(act.before), dict(act.after)) == ({"available": 200}, {"available": 500})


def test_credits_taken_back_may_leave_less_than_nothing_which_blocks_spending(bureau: Bureau) -> None:
    assert bureau.give(-250).available == -50

    balance = bureau.backend.ledger.balance(bureau.ada.user_id)
    assert (bureau.available(), balance.granted, balance.purchased, balance.used) == (-50, -50, 0, 0)
    assert bureau.backend.entries(bureau.ada.user_id)[0].kind in ("admin_clawback", "free_credits")
    with pytest.raises(InsufficientCreditsError):
        bureau.backend.start(bureau.ada)


def test_the_same_request_is_done_once_and_answered_alike(bureau: Bureau) -> None:
    first = bureau.give(300, "the-request")
    bureau.give(1)

    assert bureau.give(300, "the-request") == first
    with pytest.raises(IdempotencyMismatchError):
        bureau.give(301, "the-request", hash="another")
    assert bureau.available() == 501
    assert len(bureau.actions()) == 2


def test_a_request_forgotten_by_us_is_still_not_done_twice(bureau: Bureau) -> None:
    bureau.give(300, "the-request")
    bureau.backend.clock.forward(REMEMBERED_SECONDS + 1)
    bureau.backend.tables.delete_many([done_key("the-request")])

    with pytest.raises(ConflictError):
        bureau.give(300, "the-request")
    assert bureau.available() == 500


def test_nothing_and_nobody(bureau: Bureau) -> None:
    with pytest.raises(InvalidRequestError):
        bureau.give(0)
    with pytest.raises(NotFoundError):
        bureau.admin.give(bureau.owner, contract.GiveCredits(user_id="nobody", credits=5, reason="why"), "a", "h")
    with pytest.raises(NotFoundError):
        bureau.admin.set_blocked(bureau.owner, "nobody", True, "why")
    with pytest.raises(InvalidRequestError):
        bureau.admin.set_blocked(bureau.owner, bureau.owner.user_id, True, "why")
    assert bureau.actions() == []


def test_sixteen_of_the_same_and_sixteen_others_at_once(bureau: Bureau) -> None:
    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda n: bureau.give(10, "the-request" if n % 2 else f"other-{n}"), range(32)))

    assert len({one.action_id for number, one in enumerate(told) if number % 2}) == 1
    assert bureau.available() == 200 + 17 * 10
    acts = bureau.actions()
    assert len(acts) == 17
    assert sorted(before["available"] for _, before, _ in acts) == [200 + 10 * n for n in range(17)]


@pytest.mark.sampled(8)
@pytest.mark.parametrize("credits", [300, -250])
@pytest.mark.parametrize("fault", [*CRASHES, *TRANSIENT], ids=lambda fault: fault.name)
def test_an_act_cut_off_at_any_call_is_done_once_when_it_comes_again(
    engine: Engine, fault: Fault, credits: int
) -> None:
    with engine.tables() as names:
        for place in range(20):
            fault_injector = FaultInjector()
            bureau = Bureau.on(Backend.on(fault_injector.tables(engine, names), Clock()))
            fault_injector.use_plan(fail_call(place, fault))
            with suppress(Crash, AppError):
                bureau.give(credits, "the-request-" + bureau.ada.user_id)
            is_past_the_end = len(fault_injector.calls) <= place
            fault_injector.use_plan(no_faults)

            told = bureau.give(credits, "the-request-" + bureau.ada.user_id)

            assert told.available == bureau.available() == 200 + credits
            assert len(bureau.actions()) == 1
            if is_past_the_end:
                break
        assert place >= 2


@pytest.fixture(scope="module")
def running(engine: Engine) -> Iterator[Tables]:
    with engine.tables() as names:
        yield Tables(engine.client, *names)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(st.tuples(st.integers(0, 3), st.integers(-400, 400).filter(bool)), max_size=12))
def test_any_acts_in_any_order_add_up(running: Tables, acts: list[tuple[int, int]]) -> None:
    bureau = Bureau.on(Backend.on(running, Clock()))
    done: dict[int, int] = {}
    for number, credits in acts:
        with suppress(IdempotencyMismatchError):
            bureau.give(credits, f"{bureau.ada.user_id}-{number}", hash=str(credits))
            done.setdefault(number, credits)

    balance = bureau.backend.ledger.balance(bureau.ada.user_id)
    assert bureau.available() == balance.granted == 200 + sum(done.values())
    assert len(bureau.actions()) == len(done)


# Standing


def test_a_blocked_user_is_refused_at_the_next_call_also_in_the_middle_of_a_stream(bureau: Bureau) -> None:
    backend, ada = bureau.backend, bureau.ada
    session_id = backend.start(ada).session_id
    backend.send(ada, session_id, 0)

    assert bureau.admin.set_blocked(bureau.owner, ada.user_id, True, "Abuse.").is_blocked

    for call in (
        lambda: backend.send(ada, session_id, 1),
        lambda: backend.streaming.save(ada, session_id, []),
        lambda: backend.streaming.renew(ada, session_id, True, "", "h"),
        lambda: backend.start(ada),
    ):
        with pytest.raises(AccountBlockedError):
            call()
    assert bureau.actions() == [("blocked", {"blocked": False}, {"blocked": True})]
    bureau.admin.set_blocked(bureau.owner, ada.user_id, False, "A mistake.")
    assert backend.send(ada, session_id, 1).text == "some words"


def test_blocking_twice_is_one_act(bureau: Bureau) -> None:
    for blocked in (True, True, False, False):
        assert bureau.admin.set_blocked(bureau.owner, bureau.ada.user_id, blocked, "why").is_blocked is blocked

    assert [what for what, _, _ in bureau.actions()].count("blocked") == 1
    assert len(bureau.actions()) == 2


def test_an_administrator_who_is_blocked_does_nothing(bureau: Bureau) -> None:
    bureau.backend.ledger.set_blocked(bureau.owner.user_id, True)

    for call in (
        lambda: bureau.give(5),
        lambda: bureau.admin.set_blocked(bureau.owner, bureau.ada.user_id, True, "why"),
        lambda: bureau.admin.users(bureau.owner, contract.UsersQuery()),
    ):
        with pytest.raises(AccountBlockedError):
            call()


# Finding


def test_users_are_found_with_their_credits_page_by_page(bureau: Bureau) -> None:
    people = [bureau.backend.person(number) for number in range(5)]
    bureau.directory.known = [
        Account(who.user_id, f"person{number}@example.com", "", 1_795_400_000, True)
        for number, who in enumerate(people)
    ]
    bureau.directory.known.append(Account("no-balance-yet", "new@example.com", "New", 1_795_400_000, False))

    def page(**asked: object) -> contract.AdminUsers:
        return bureau.admin.users(bureau.owner, contract.UsersQuery(**asked))  # type: ignore[arg-type]

    first = page(email="Person", limit=3)
    second = page(email="Person", limit=3, cursor=first.next_cursor)

    assert [one.available for one in first.users + second.users] == [0, 1, 2, 3, 4]
    assert second.next_cursor is None
    assert [one.email for one in page(user_id=people[2].user_id).users] == ["person2@example.com"]
    (new,) = page(email="new").users
    assert (new.available, new.is_confirmed, new.created_at) == (0, False, "2026-11-23T02:13:20Z")
    assert page(email="nobody").users == []
    with pytest.raises(InvalidRequestError):
        page(email="other", cursor=first.next_cursor)
