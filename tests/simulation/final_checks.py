"""What has to add up once the backend is at rest: sessions, sockets, free credits, and the totals of all users.

Each check has formulas of its own, and reads the tables as they are stored.
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from tests.simulation.actors.held_session import CLOCK_SLACK_MS
from tests.simulation.application import FREE_CREDIT_RULES, LEASE_RULES
from tests.simulation.books import ENTRY, USER, number, text
from tests.simulation.core import Simulation
from tests.simulation.engine import APP, stored_items, stored_partitions
from tests.simulation.providers import billed_ms, live_credits
from tests.simulation.scheduler import ViolationError

MIDNIGHT_SLACK_SECONDS = 60  # a request that begins before midnight may book after it
SHARDS_OF_TOTALS = "SYSTEM#all#"
TOTALS = ("entries", "credits", "cents", "cost_micro_usd", "audio_ms")


def check_sessions(simulation: Simulation) -> None:
    """A session costs its running total once: by its leases, by its chunks, and by the entries of its user."""
    for pk, items in stored_partitions(APP).items():
        if not pk.startswith(USER):
            continue
        entries = simulation.observer.books.accounts[pk.removeprefix(USER)].entries.values()
        booked: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for entry in entries:
            if text(entry, "service") == "live":
                transcript_id = text(entry, "hold_id").partition(":")[0]  # A session id can be used again.
                booked[transcript_id].update(credits=-number(entry, "credits"), audio_ms=number(entry, "audio_ms"))
        for sk, session in items.items():
            if sk.startswith("SESSION#"):
                _check_session(items, session, booked[text(session, "transcript_id")])


def _check_session(items: dict[str, Any], session: dict[str, Any], booked: Counter[str]) -> None:
    session_id, done_ms = text(session, "session_id"), number(session, "done_ms")
    if (booked["credits"], booked["audio_ms"]) != (live_credits(session, done_ms), done_ms):
        raise ViolationError(f"the session {session_id} used {done_ms} ms, its entries say {dict(booked)}")
    if text(session, "transport") == "relay":
        prefix = f"SEGMENT#{text(session, 'transcript_id')}#C#"
        chunks = [item for sk, item in items.items() if sk.startswith(prefix) and text(item, "state") == "done"]
        audio_ms = [number(chunk, "audio_ms") for chunk in chunks]
        if (sum(map(billed_ms, audio_ms)), sum(audio_ms)) != (done_ms, done_ms - number(session, "rounded_up_ms")):
            raise ViolationError(f"the session {session_id} billed {done_ms} ms, its chunks are others")


def check_recognised_audio(simulation: Simulation) -> None:
    """No audio was billed that the provider has not recognised."""
    billed_audio_ms = sum(
        number(item, "audio_ms")
        for pk, items in stored_partitions(APP).items()
        for sk, item in items.items()
        if "#C#" in sk and text(item, "state") == "done"
    )
    recognised_ms = sum(work.audio_ms for work in simulation.providers.recogniser.log.performed)
    if billed_audio_ms > recognised_ms:
        raise ViolationError(f"{billed_audio_ms} ms were billed, {recognised_ms} recognised")


def check_allowances(simulation: Simulation) -> None:
    """Early ends of direct leases return no more on a day than the allowance of that day.

    A lease that was stopped before its token was recorded has an entry of nothing, and returns nothing.
    """
    seconds_of_hold = {
        hold_id: seconds for provider in simulation.providers.live for hold_id, seconds in provider.seconds.items()
    }
    received = {hold_id for provider in simulation.providers.live for hold_id in provider.received}
    for user_id, account in simulation.observer.books.accounts.items():
        returned: Counter[str] = Counter()
        for entry in account.entries.values():
            hold_id, at = text(entry, "hold_id"), number(entry, "at")
            has_begun = bool(entry["uses"]["L"]) or hold_id in received
            seconds = seconds_of_hold.get(hold_id, 0) if has_begun else 0
            if MIDNIGHT_SLACK_SECONDS < at % 86_400 < 86_400 - MIDNIGHT_SLACK_SECONDS:
                returned[_day(at)] += max(0, seconds - number(entry, "audio_ms") // 1000)
        has_bought = account.by_kind["purchase"] > 0
        allowed = LEASE_RULES.paid_allowance_seconds if has_bought else LEASE_RULES.free_allowance_seconds
        for day, total in returned.items():
            if total > allowed:
                raise ViolationError(f"user {user_id} got {total} s back on {day}, of {allowed} s")


def check_sockets(simulation: Simulation) -> None:
    """A direct lease is billed for what its socket was used, and to its end where no word came from its listener."""
    seconds_of_hold = {
        hold_id: seconds for provider in simulation.providers.live for hold_id, seconds in provider.seconds.items()
    }
    hold_of_token = {
        token: hold_id for provider in simulation.providers.live for token, hold_id in provider.holds.items()
    }
    for person, session in simulation.listened:
        entries = simulation.observer.books.accounts[person.user_id].entries.values()
        ms_of_hold = {text(entry, "hold_id"): number(entry, "audio_ms") for entry in entries}
        for socket in session.sockets:
            hold_id = hold_of_token[socket.token]
            lease_ms, billed = seconds_of_hold[hold_id] * 1000, ms_of_hold.get(hold_id, 0)
            ended_ms = session.end_of(socket)
            used_ms = lease_ms if ended_ms is None else min(lease_ms, ended_ms - socket.received_ms - CLOCK_SLACK_MS)
            if billed > lease_ms or billed < used_ms:
                raise ViolationError(
                    f"{billed} ms of the lease {hold_id} were billed, used were {used_ms} of {lease_ms}: {socket}"
                )


def check_free_credits(simulation: Simulation) -> None:
    """Once per person, and within the caps per network and per day."""
    by_person: Counter[str] = Counter()
    by_network: Counter[tuple[str, str]] = Counter()
    by_day: Counter[str] = Counter()
    for user_id, email in simulation.providers.user_pool.emails.items():  # of deleted users too
        for entry in simulation.observer.books.accounts[user_id].entries.values():
            if text(entry, "kind") == "free_credits":
                at = number(entry, "at")
                by_person[person_of(email)] += 1
                if MIDNIGHT_SLACK_SECONDS < at % 86_400 < 86_400 - MIDNIGHT_SLACK_SECONDS:
                    by_network[simulation.networks[email], _day(at)] += 1
                    by_day[_day(at)] += number(entry, "credits")
    if max(by_person.values(), default=0) > 1:
        raise ViolationError(f"free credits were granted twice: {by_person.most_common(3)}")
    if max(by_network.values(), default=0) > FREE_CREDIT_RULES.accounts_per_network_day:
        raise ViolationError(f"a network got more free credits than its cap: {by_network.most_common(3)}")
    if max(by_day.values(), default=0) > FREE_CREDIT_RULES.credits_per_day:
        raise ViolationError(f"a day has more free credits than its budget: {by_day.most_common(3)}")


def person_of(email: str) -> str:
    """The person behind an address, as far as it tells: without dots and tags."""
    name, _, domain = email.lower().partition("@")
    name = name.partition("+")[0]
    return f"{name.replace('.', '') if domain in ('gmail.com', 'googlemail.com') else name}@{domain}"


def check_totals(simulation: Simulation, lost: Sequence[dict[str, Any]] = ()) -> None:
    """The totals of all users are those of all entries, but for those that were lost before they were counted."""
    stored: Counter[str] = Counter()
    for pk in stored_partitions(APP):
        if pk.startswith(SHARDS_OF_TOTALS):
            stored.update({name: number(stored_items(APP, pk)["TOTALS"], name) for name in TOTALS})
    expected: Counter[str] = Counter()
    for account in simulation.observer.books.accounts.values():
        for entry in account.entries.values():
            expected.update({name: number(entry, name) for name in TOTALS})
            expected["entries"] += 1
    for entry in lost:
        if not stored_items(APP, f"COUNTED#{text(entry, 'sk').removeprefix(ENTRY)}"):
            expected.subtract({name: number(entry, name) for name in TOTALS})
            expected["entries"] -= 1
    for name in TOTALS:
        if stored[name] != expected[name]:
            raise ViolationError(f"the totals of all users have {name} {stored[name]}, all entries {expected[name]}")


def _day(at: int) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).date().isoformat()
