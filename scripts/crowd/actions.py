"""The actions of simulated users, each through the use cases that a route would call."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib import contract
from chalicelib.errors import ConflictError, InsufficientCreditsError
from chalicelib.models.accounts import Caller
from chalicelib.models.audio import Audio
from chalicelib.models.purchase_facts import Dispute, DisputeFact, DisputeState, Refund, RefundFact, RefundState
from chalicelib.models.purchases import PaymentUpdate
from chalicelib.payments.checkout import CHECKOUT_SECONDS
from scripts.crowd.providers import Event
from scripts.crowd.services import Services, new_id

RATE = 16_000
PACKAGES = (("starter", 6), ("popular", 3), ("power", 1))


@dataclass
class CrowdUser:
    """A simulated user, with the ids that later actions refer services."""

    caller: Caller
    sessions: list[str] = field(default_factory=list)
    transcripts: list[str] = field(default_factory=list)
    purchases: list[tuple[str, int]] = field(default_factory=list)  # id and cents
    disputed: list[tuple[str, int]] = field(default_factory=list)


Action = Callable[[Services, CrowdUser, random.Random], None]


def listen(services: Services, user: CrowdUser, rng: random.Random) -> None:
    """A live session of a few minutes, renewed lease by lease; one in twenty is never stopped."""
    lease = services.streaming.start(user.caller, contract.Start(), new_id(), "hash")
    started_at, ends_at = (
        services.clock.at,
        services.clock.at + int(rng.lognormvariate(6.2, 0.8)),
    )  # about eight minutes
    is_abandoned = rng.random() < 0.05
    user.sessions.append(lease.session_id)
    lease_ends_at = started_at + lease.lease_seconds
    while lease_ends_at < ends_at:
        services.clock.at = lease_ends_at - 5
        try:
            lease = services.streaming.renew(user.caller, lease.session_id, False, "", "hash")
        except InsufficientCreditsError:
            ends_at = lease_ends_at
            break
        lease_ends_at = services.clock.at + lease.lease_seconds
    services.clock.at = max(services.clock.at, min(ends_at, lease_ends_at))
    segments = [
        contract.SegmentInput(
            seq=0, start_ms=0, end_ms=(services.clock.at - started_at) * 1000, text="The text of the whole session."
        )
    ]
    services.streaming.save(user.caller, lease.session_id, segments)
    if not is_abandoned:
        reported_seconds = max(0, services.clock.at - started_at - rng.randrange(4)) if rng.random() < 0.8 else None
        services.streaming.stop(user.caller, lease.session_id, reported_seconds)
        user.transcripts.append(lease.transcript_id)


def relay(services: Services, user: CrowdUser, rng: random.Random) -> None:
    """A relay session of a few chunks."""
    lease = services.streaming.start(user.caller, contract.Start(transport="relay"), new_id(), "hash")
    for seq in range(rng.randint(1, 3)):
        audio = Audio(bytes(2 * RATE * rng.randint(1, 8)), RATE, 1)
        services.relay.chunk(user.caller, lease.session_id, seq, None, audio)
        services.clock.at += 8
    services.streaming.stop(user.caller, lease.session_id, None)
    user.transcripts.append(lease.transcript_id)


def catch_up(services: Services, user: CrowdUser, rng: random.Random) -> None:
    """A catch-up of a recording or of the last live session."""
    minutes = rng.choice([2, 3, 5, 10, 15])
    if user.sessions and rng.random() < 0.5:
        body = contract.Catchup(session_id=user.sessions[-1], minutes=minutes)
    else:
        from_ms = rng.randrange(10) * 60_000
        upload_id = services.catchups.new_ulid()
        body = contract.Catchup(upload_id=upload_id, from_ms=from_ms, to_ms=from_ms + minutes * 60_000)
    job = services.catchups.start(user.caller, body, new_id(), "hash", "https://api.example")
    assert isinstance(job, contract.CatchupJob)
    services.clock.at += 20
    services.queue.sent.clear()
    services.worker.advance(job.job_id)


def ask(services: Services, user: CrowdUser, rng: random.Random) -> None:
    """A question about an earlier transcript."""
    if user.transcripts:
        body = contract.Ask(question=f"What was point {rng.randrange(99)}?", transcript_id=rng.choice(user.transcripts))
        services.assistant.ask(user.caller, body, new_id(), "hash")


def buy(services: Services, user: CrowdUser, rng: random.Random) -> None:
    """A package, paid a minute later; one checkout in ten expires."""
    (package,) = rng.choices([name for name, _ in PACKAGES], [weight for _, weight in PACKAGES])
    purchase_id = new_id()
    purchase = services.purchases.buy(user.caller, contract.Buy(package_id=package), purchase_id, "hash")
    services.clock.at += 60
    if rng.random() < 0.9:
        services.fulfilment.process_event(Event(services.payments.pay(purchase_id)))
        user.purchases.append((purchase_id, purchase.cents))
    else:
        services.clock.at += CHECKOUT_SECONDS
        services.fulfilment.process_event(Event(services.payments.expire(purchase_id)))


def receive_refund(services: Services, user: CrowdUser, rng: random.Random) -> None:
    """A refund of half of a purchase, or of all of it."""
    if user.purchases:
        purchase_id, cents = user.purchases.pop()
        part = cents if rng.random() < 0.5 else cents // 2
        fact = RefundFact(f"re_{purchase_id}", Refund(RefundState.SUCCEEDED, part))
        services.fulfilment.process_event(Event(PaymentUpdate(fact, f"pi_{purchase_id}", part, "usd", is_live=False)))


def open_dispute(services: Services, user: CrowdUser, _: random.Random) -> None:
    """A dispute about a purchase."""
    if user.purchases:
        purchase_id, cents = user.purchases.pop()
        _record_dispute(services, purchase_id, cents, DisputeState.OPEN)
        user.disputed.append((purchase_id, cents))


def decide_dispute(services: Services, user: CrowdUser, rng: random.Random) -> None:
    """The decision of a dispute: won or lost."""
    if user.disputed:
        purchase_id, cents = user.disputed.pop()
        _record_dispute(services, purchase_id, cents, rng.choice([DisputeState.WON, DisputeState.LOST]))


def _record_dispute(services: Services, purchase_id: str, cents: int, state: DisputeState) -> None:
    fact = DisputeFact(f"dp_{purchase_id}", Dispute(state, cents))
    services.fulfilment.process_event(Event(PaymentUpdate(fact, f"pi_{purchase_id}", cents, "usd", is_live=False)))


def try_action(action: Action, services: Services, user: CrowdUser, rng: random.Random) -> bool:
    """Run an action; False if the credits or the state of the user do not allow it."""
    try:
        action(services, user, rng)
    except (InsufficientCreditsError, ConflictError):
        return False
    return True
