"""Free credits are granted once per person, under caps that hold under concurrency."""

import random
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from msgspec import structs

from chalicelib.accounts.free_credits import (
    ALREADY_GRANTED,
    BUDGET_USED,
    NETWORK_CAP,
    REFUSED_DOMAIN,
    SWITCHED_OFF,
    FreeCreditRules,
    FreeCredits,
)
from chalicelib.errors import UnavailableError
from chalicelib.models.accounts import Profile
from chalicelib.repositories.profiles import profile_from, profile_key
from chalicelib.repositories.table import Tables
from tests.default_prices import PRICES
from tests.engines import Engine
from tests.fakes import Backend, Clock
from tests.fault_injection import Crash, Fault, FaultInjector, fail_call, no_faults

KEY = "a key of this test"
DAY = 86_400


@pytest.fixture
def free_credits(backend: Backend) -> FreeCredits:
    rules = FreeCreditRules(accounts_per_network_day=2, credits_per_day=1_000)
    return FreeCredits(backend.ledger, backend.tables, rules, KEY, backend.clock)


def open_account(free_credits: FreeCredits, email: str, network: str = "192.0.2.1") -> Profile:
    return free_credits.open_account(str(uuid.uuid4()), email, "", network)


def test_a_new_person_gets_free_credits_once_in_any_spelling(backend: Backend, free_credits: FreeCredits) -> None:
    first = open_account(free_credits, "ada@gmail.com")
    again = open_account(free_credits, "a.da+more@googlemail.com")

    assert (first.free_credits, first.free_credits_reason) == (200, "")
    assert (again.free_credits, again.free_credits_reason, again.is_owed_credits) == (0, ALREADY_GRANTED, False)
    assert backend.ledger.balance(first.user_id).available == 200
    assert backend.ledger.balance(again.user_id).available == 0


def test_a_network_has_a_daily_cap_and_later_users_get_credits_next_day(
    backend: Backend, free_credits: FreeCredits
) -> None:
    profiles = [open_account(free_credits, f"{name}@example.com") for name in ("ada", "bob", "eve")]
    elsewhere = open_account(free_credits, "dan@example.com", "198.51.100.7")
    late = profiles[2]
    assert [profile.free_credits for profile in (*profiles, elsewhere)] == [200, 200, 0, 200]
    assert (late.free_credits_reason, late.is_owed_credits) == (NETWORK_CAP, True)
    assert free_credits.grant_owed(late, "192.0.2.1") == late

    backend.clock.forward(DAY)
    assert free_credits.grant_owed(late, "192.0.2.1").free_credits == 200
    assert profile_from(late.user_id, backend.tables.get(profile_key(late.user_id))) == structs.replace(
        late, free_credits=200, free_credits_reason="", is_owed_credits=False
    )
    free_credits.grant_owed(late, "192.0.2.1")
    assert backend.ledger.balance(late.user_id).available == 200
    backend.check_invariants(late.user_id)


def test_an_ipv6_site_has_a_cap_of_its_own(free_credits: FreeCredits) -> None:
    """A customer may have all 65,536 networks of a /48."""
    wide = replace(free_credits, rules=FreeCreditRules(accounts_per_network_day=2, credits_per_day=100_000))

    one_each = [open_account(wide, f"p{n}@example.com", f"2001:db8:7:{n:x}::/64") for n in range(9)]
    one_network = [open_account(wide, f"q{n}@example.com", "2001:db8:8:1::/64") for n in range(3)]
    elsewhere = open_account(wide, "r@example.com", "2001:db8:9::/64")

    assert [profile.free_credits for profile in one_each] == [200] * 8 + [0]
    assert (one_each[8].free_credits_reason, one_each[8].is_owed_credits) == (NETWORK_CAP, True)
    assert [profile.free_credits for profile in one_network] == [200, 200, 0]
    assert elsewhere.free_credits == 200


def test_all_accounts_share_a_daily_budget(backend: Backend, free_credits: FreeCredits) -> None:
    profiles = [open_account(free_credits, f"person{n}@example.com", f"192.0.2.{n}") for n in range(7)]

    assert [profile.free_credits for profile in profiles] == [200] * 5 + [0] * 2
    assert profiles[5].free_credits_reason == BUDGET_USED


@pytest.mark.parametrize("email", ["ada@mailinator.test", "ada@a.b.mailinator.test", "ADA@MAILINATOR.TEST."])
def test_a_refused_domain_and_its_subdomains_get_none(free_credits: FreeCredits, email: str) -> None:
    strict = replace(free_credits, rules=FreeCreditRules(refused_domains=frozenset({"mailinator.test"})))

    refused, other = open_account(strict, email), open_account(strict, "ada@notmailinator.test")

    assert (refused.free_credits, refused.free_credits_reason, refused.is_owed_credits) == (0, REFUSED_DOMAIN, False)
    assert other.free_credits == 200


def test_free_credits_can_be_switched_off(free_credits: FreeCredits) -> None:
    off = replace(free_credits, rules=FreeCreditRules(free_credits=0))

    assert open_account(off, "ada@example.com").free_credits_reason == SWITCHED_OFF


def test_requests_without_a_network_share_one_cap(free_credits: FreeCredits) -> None:
    profiles = [open_account(free_credits, f"person{n}@example.com", "") for n in range(3)]

    assert [profile.free_credits for profile in profiles] == [200, 200, 0]


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST])
def test_a_crash_may_waste_a_claim_but_grants_nothing_twice(engine: Engine, fault: Fault) -> None:
    with engine.tables() as names:
        for number in range(6):
            fault_injector, clock = FaultInjector(), Clock()
            backend = Backend.on(fault_injector.tables(engine, names), clock)
            free_credits = FreeCredits(backend.ledger, backend.tables, FreeCreditRules(), KEY, clock)
            user_id = str(uuid.uuid4())
            fault_injector.use_plan(fail_call(number, fault))
            try:
                free_credits.open_account(user_id, f"{user_id}@example.com", "", f"network {number}")
            except (Crash, UnavailableError):
                fault_injector.use_plan(no_faults)
                free_credits.open_account(user_id, f"{user_id}@example.com", "", f"network {number}")
            fault_injector.use_plan(no_faults)

            assert backend.ledger.balance(user_id).available == 200
            backend.check_invariants(user_id)


PEOPLE, NETWORKS = 40, 25


def open_farmed_accounts(engine: Engine, accounts: int, rules: FreeCreditRules) -> tuple[int, Counter[str]]:
    """Open accounts of 40 people in 25 networks concurrently; return the granted credits and the reasons.

    Checks that no person got credits twice, no network more than its cap, and all together no more than the budget.
    """
    chance = random.Random(7)
    farmers = [
        (chance.randrange(PEOPLE), chance.choice(["gmail.com", "googlemail.com"]), chance.randrange(NETWORKS))
        for _ in range(accounts)
    ]
    with engine.tables() as names:
        backend = Backend.on(Tables(engine.client, *names), Clock())
        free_credits = FreeCredits(backend.ledger, backend.tables, rules, KEY, backend.clock)

        def register(number: int) -> Profile:
            person, domain, network = farmers[number]
            email = f"{'.'.join('farmer')}{person}+{number}@{domain}"
            return open_account(free_credits, email, f"203.0.113.{network}")

        with ThreadPoolExecutor(8) as threads:
            profiles = list(threads.map(register, range(accounts)))
        granted = sum(profile.free_credits for profile in profiles)
        assert granted == sum(backend.ledger.balance(profile.user_id).available for profile in profiles)
    grants = [farmer for farmer, profile in zip(farmers, profiles, strict=True) if profile.free_credits]
    assert granted == rules.free_credits * len(grants) <= rules.credits_per_day
    assert max(Counter(person for person, _, _ in grants).values()) == 1
    assert max(Counter(network for _, _, network in grants).values()) <= rules.accounts_per_network_day
    return granted, Counter(profile.free_credits_reason or "given" for profile in profiles)


CAPS = {
    NETWORK_CAP: FreeCreditRules(accounts_per_network_day=1),
    BUDGET_USED: FreeCreditRules(credits_per_day=3_000, accounts_per_network_day=100),
}


@pytest.mark.parametrize("cap", CAPS, ids=["of a network", "of all accounts"])
def test_farmed_accounts_stay_within_the_caps(engine: Engine, cap: str) -> None:
    _, reasons = open_farmed_accounts(engine, 100, CAPS[cap])

    assert set(reasons) == {"given", ALREADY_GRANTED, cap}, "the cap under test was not met"


@pytest.mark.soak
@pytest.mark.parametrize("cap", CAPS, ids=["of a network", "of all accounts"])
def test_a_thousand_farmed_accounts_stay_within_the_caps(engine: Engine, cap: str, soak_counts: Counter[str]) -> None:
    rules = CAPS[cap]
    granted, reasons = open_farmed_accounts(engine, 1_000, rules)

    assert cap in reasons, "the cap under test was not met"
    most = min(rules.credits_per_day, NETWORKS * rules.accounts_per_network_day * rules.free_credits)
    prices = PRICES
    dearest = max(prices.cost_micro_usd(model, 60_000) for model in prices.services["live"].models)
    dollars = most * dearest / prices.services["live"].credits_per_minute / 1e6
    summary = f"farmed accounts got {granted:,} credits; the caps let through {most:,}, ${dollars:.2f} at worst"
    soak_counts.update({summary: sum(reasons.values())})
