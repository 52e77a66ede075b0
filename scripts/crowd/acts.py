"""What somebody of the crowd does: one act each, from a moment on, through the use cases that a route would call."""

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
class Somebody:
    """A person of the crowd, and what of theirs can be come back to."""

    caller: Caller
    sessions: list[str] = field(default_factory=list)
    transcripts: list[str] = field(default_factory=list)
    purchases: list[tuple[str, int]] = field(default_factory=list)  # id and cents
    disputed: list[tuple[str, int]] = field(default_factory=list)


Act = Callable[[Services, Somebody, random.Random], None]


def listen(to: Services, who: Somebody, rng: random.Random) -> None:
    """A live stream of some minutes, lease after lease; one in twenty is walked away from."""
    lease = to.streaming.start(who.caller, contract.Start(), new_id(), "hash")
    began_at, ends_at = to.clock.at, to.clock.at + int(rng.lognormvariate(6.2, 0.8))  # about eight minutes
    walks_away = rng.random() < 0.05
    who.sessions.append(lease.session_id)
    lease_ends_at = began_at + lease.lease_seconds
    while lease_ends_at < ends_at:
        to.clock.at = lease_ends_at - 5
        try:
            lease = to.streaming.renew(who.caller, lease.session_id, False, "", "hash")
        except InsufficientCreditsError:
            ends_at = lease_ends_at
            break
        lease_ends_at = to.clock.at + lease.lease_seconds
    to.clock.at = max(to.clock.at, min(ends_at, lease_ends_at))
    text = [
        contract.SegmentInput(
            seq=0, start_ms=0, end_ms=(to.clock.at - began_at) * 1000, text="What was said, as far as anybody listened."
        )
    ]
    to.streaming.save(who.caller, lease.session_id, text)
    if not walks_away:
        told = max(0, to.clock.at - began_at - rng.randrange(4)) if rng.random() < 0.8 else None
        to.streaming.stop(who.caller, lease.session_id, told)
        who.transcripts.append(lease.transcript_id)


def relay(to: Services, who: Somebody, rng: random.Random) -> None:
    """Some chunks of sound, sent through us."""
    lease = to.streaming.start(who.caller, contract.Start(transport="relay"), new_id(), "hash")
    for seq in range(rng.randint(1, 3)):
        sound = Audio(bytes(2 * RATE * rng.randint(1, 8)), RATE, 1)
        to.relay.chunk(who.caller, lease.session_id, seq, None, sound)
        to.clock.at += 8
    to.streaming.stop(who.caller, lease.session_id, None)
    who.transcripts.append(lease.transcript_id)


def catch_up(to: Services, who: Somebody, rng: random.Random) -> None:
    """A range of a recording, or of what was listened to before."""
    minutes = rng.choice([2, 3, 5, 10, 15])
    if who.sessions and rng.random() < 0.5:
        body = contract.Catchup(session_id=who.sessions[-1], minutes=minutes)
    else:
        from_ms = rng.randrange(10) * 60_000
        upload_id = to.catchups.new_ulid()
        body = contract.Catchup(upload_id=upload_id, from_ms=from_ms, to_ms=from_ms + minutes * 60_000)
    job = to.catchups.start(who.caller, body, new_id(), "hash", "https://api.example")
    assert isinstance(job, contract.CatchupJob)
    to.clock.at += 20
    to.queue.sent.clear()
    to.worker.advance(job.job_id)


def ask(to: Services, who: Somebody, rng: random.Random) -> None:
    """A question about something listened to."""
    if who.transcripts:
        body = contract.Ask(question=f"What was point {rng.randrange(99)}?", transcript_id=rng.choice(who.transcripts))
        to.assistant.ask(who.caller, body, new_id(), "hash")


def buy(to: Services, who: Somebody, rng: random.Random) -> None:
    """A package, paid a minute later; one checkout in ten comes to nothing."""
    (package,) = rng.choices([name for name, _ in PACKAGES], [weight for _, weight in PACKAGES])
    purchase_id = new_id()
    sold = to.purchases.buy(who.caller, contract.Buy(package_id=package), purchase_id, "hash")
    to.clock.at += 60
    if rng.random() < 0.9:
        to.fulfilment.process_event(Event(to.payments.paid(purchase_id)))
        who.purchases.append((purchase_id, sold.cents))
    else:
        to.clock.at += CHECKOUT_SECONDS
        to.fulfilment.process_event(Event(to.payments.expired(purchase_id)))


def be_refunded(to: Services, who: Somebody, rng: random.Random) -> None:
    """Half of a purchase, or all of it, comes back."""
    if who.purchases:
        purchase_id, cents = who.purchases.pop()
        part = cents if rng.random() < 0.5 else cents // 2
        fact = RefundFact(f"re_{purchase_id}", Refund(RefundState.SUCCEEDED, part))
        to.fulfilment.process_event(Event(PaymentUpdate(fact, f"pi_{purchase_id}", part, "usd", is_live=False)))


def dispute(to: Services, who: Somebody, _: random.Random) -> None:
    """A bank takes a payment back for now."""
    if who.purchases:
        purchase_id, cents = who.purchases.pop()
        _disputed(to, purchase_id, cents, DisputeState.OPEN)
        who.disputed.append((purchase_id, cents))


def have_the_dispute_decided(to: Services, who: Somebody, rng: random.Random) -> None:
    """The bank gives it back, or keeps it."""
    if who.disputed:
        purchase_id, cents = who.disputed.pop()
        _disputed(to, purchase_id, cents, rng.choice([DisputeState.WON, DisputeState.LOST]))


def _disputed(to: Services, purchase_id: str, cents: int, state: DisputeState) -> None:
    fact = DisputeFact(f"dp_{purchase_id}", Dispute(state, cents))
    to.fulfilment.process_event(Event(PaymentUpdate(fact, f"pi_{purchase_id}", cents, "usd", is_live=False)))


def done(act: Act, to: Services, who: Somebody, rng: random.Random) -> bool:
    """Whether the act came off: some have no credits left, or nothing to ask about."""
    try:
        act(to, who, rng)
    except (InsufficientCreditsError, ConflictError):
        return False
    return True
