"""Cheaters: other people's ids, one idempotency key for two requests, odd input, one address under many names."""

import contextlib
from collections.abc import Callable
from typing import Any

import msgspec

from chalicelib import contract
from chalicelib.errors import AppError
from chalicelib.models.audio import Audio
from tests.simulation.actors.person import GaveUpError, Person, body_hash
from tests.simulation.actors.relayed_chunks import SAMPLE_RATE
from tests.simulation.application import Application
from tests.simulation.core import Simulation
from tests.simulation.outcomes import NoAnswerError
from tests.simulation.scheduler import ViolationError

# What the contract does not accept, or the use cases have to refuse. None of it may be an internal error.
ODD_STARTS: tuple[dict[str, Any], ...] = (
    {"lease_seconds": 10**30},
    {"lease_seconds": -1},
    {"lease_seconds": 59},
    {"transport": "pigeon"},
    {"language": "\ud800"},
    {"language": "zz"},
    {"title": "x" * 10_000, "source_url": "javascript:1"},
    {"title": "\x00"},
    {"key_terms": ["term" * 20] * 100},
    {"sample_rate": 0},
)
NOT_THEIRS = {"not_found", "idempotency_mismatch", "unavailable", "conflict", "insufficient_credits"}
OWN_STANDING = {"account_blocked", "unauthenticated"}  # of the cheater: blocked, signed out or deleted


class Cheater:
    """One person with bad intentions, who knows the ids of others."""

    def __init__(self, simulation: Simulation, person: Person):
        self.simulation, self.person, self.rng = simulation, person, simulation.rng

    def cheat(self) -> None:
        """One attempt of some kind."""
        with contextlib.suppress(AppError, GaveUpError, NoAnswerError):
            self.rng.choice([self._use_foreign_session, self._reuse_key, self._reuse_chunk, self._start_oddly])()

    def _use_foreign_session(self) -> None:
        """Every call with the id of another's session is answered as if there were none."""
        foreign = [session for owner, session in self.simulation.listened if owner is not self.person]
        if not foreign:
            return
        session, me = self.rng.choice(foreign), self.person.me
        segment = contract.SegmentInput(seq=0, start_ms=0, end_ms=1, text="intruder")
        audio = Audio(bytes(2 * SAMPLE_RATE), SAMPLE_RATE, 1)
        calls: dict[str, Callable[[Application], Any]] = {
            "save": lambda application: application.streaming.save(me, session.session_id, [segment]),
            "renew": lambda application: application.streaming.renew(me, session.session_id, True, "stolen", "hash"),
            "stop": lambda application: application.streaming.stop(me, session.session_id, None),
            "chunk": lambda application: application.relay.chunk(me, session.session_id, 0, None, audio),
            "read": lambda application: application.history.get_transcript(me, session.transcript_id),
        }
        for name in self.rng.sample(list(calls), 2):
            self._expect_refusal(f"{name} of another", calls[name], {"not_found", "unavailable"})

    def _reuse_key(self) -> None:
        """The second body under one key gets nothing, whichever of the two arrives first."""
        person, key = self.person, self.person.key()
        session_id = person.id_for("transcription/stream", key)
        bodies = [contract.Start(transport="relay", lease_seconds=seconds) for seconds in (60, 120)]
        answers = []
        for body in bodies:
            with contextlib.suppress(AppError, NoAnswerError):
                answers.append(self._start(body, session_id))
        if len(answers) > 1:
            raise ViolationError(f"one key started two sessions: {answers}")

    def _start(self, body: contract.Start, session_id: str) -> contract.Lease:
        person, hashed = self.person, body_hash(body)
        return self.simulation.call(
            "start with a used key",
            person.user_id,
            lambda application: application.streaming.start(person.me, body, session_id, hashed),
            subject=session_id,
        )

    def _reuse_chunk(self) -> None:
        """Other audio under the number of a chunk that was recognised is refused."""
        own = [
            session
            for owner, session in self.simulation.listened
            if owner is self.person and session.transport == "relay" and session.recognised and not session.is_deleted
        ]
        if own:
            session, me = self.rng.choice(own), self.person.me
            audio = Audio(b"\xff" * (2 * SAMPLE_RATE), SAMPLE_RATE, 1)
            seq = self.rng.choice(list(session.recognised))
            self._expect_refusal(
                "chunk with other audio",
                lambda application: application.relay.chunk(me, session.session_id, seq, None, audio),
                NOT_THEIRS,
                subject=session.session_id,
            )

    def _start_oddly(self) -> None:
        """What the contract refuses never reaches a use case; what it accepts is answered or refused."""
        person, key = self.person, self.person.key()
        try:
            body = msgspec.convert({"action": "start"} | self.rng.choice(ODD_STARTS), type=contract.Start)
        except msgspec.ValidationError:
            return
        session_id, hashed = person.id_for("transcription/stream", key), body_hash(body)
        lease = person.ask(
            "start oddly",
            lambda application: application.streaming.start(person.me, body, session_id, hashed),
            subject=session_id,
        )
        if not 60 <= lease.lease_seconds <= 10_800:
            raise ViolationError(f"a lease of {lease.lease_seconds} s was given out")

    def _expect_refusal(
        self, name: str, run: Callable[[Application], Any], codes: set[str], *, subject: str = ""
    ) -> None:
        try:
            answer = self.simulation.call(name, self.person.user_id, run, subject=subject)
        except NoAnswerError:
            return
        except AppError as refusal:
            if refusal.code not in codes | OWN_STANDING:
                raise ViolationError(f"{name} was refused with {refusal.code}") from refusal
            return
        raise ViolationError(f"{name} was answered: {answer}")
