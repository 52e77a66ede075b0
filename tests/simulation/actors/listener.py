"""Listeners: they stream, by relay or directly, renew, break off, resume, save, stop, or vanish.

What a listener got is kept beside, and compared: a saved word is in the transcript once, a chunk is charged once,
and a session costs no less than what was certainly used and no more than what may have been used.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from msgspec.structs import replace

from chalicelib import contract
from chalicelib.errors import (
    AppError,
    ConflictError,
    IdempotencyMismatchError,
    InsufficientCreditsError,
    ProviderNotOfferedError,
)
from tests.simulation.actors.held_session import STOP, EndRequest, HeldSession, Socket, check_bill
from tests.simulation.actors.person import GaveUpError, Person, body_hash
from tests.simulation.actors.relayed_chunks import send_chunk
from tests.simulation.actors.reused_keys import check_is_another, take_deleted_session
from tests.simulation.actors.spoken_words import choose_last_words, choose_words
from tests.simulation.application import Application
from tests.simulation.core import Simulation
from tests.simulation.faults import HOUR_MS, MINUTE_MS, SECOND_MS
from tests.simulation.scheduler import ViolationError

LENGTHS_OF_DROPS = (SECOND_MS, SECOND_MS, MINUTE_MS, MINUTE_MS, 20 * MINUTE_MS, 20 * MINUTE_MS, 30 * HOUR_MS)
DIRECT_STEPS = ("listen", "save", "save", "renew", "drop", "at once", "wake")
RELAY_STEPS = (*DIRECT_STEPS, "chunk", "chunk", "chunk", "chunk", "chunk")
CLIENTS_PROVIDERS = (
    None,
    None,
    ["assemblyai"],
    ["deepgram", "openai"],
    ["deepgram"],
)  # the providers that a client may name
FIRST_SAVED_SEQS = (0, 10_000)  # in a relay session, where saved segments and chunks of one number replace each other
OPEN_TABS = 3
TALKERS = 0.08  # of the sessions: more words than anybody says
LONGEST_REQUEST_MS = 35 * SECOND_MS  # until nothing runs any more of a request without an answer


class Listener:
    """One person at one device."""

    def __init__(self, simulation: Simulation, person: Person):
        self.simulation, self.person, self.rng = simulation, person, simulation.rng

    def stream(self) -> HeldSession | None:
        """A whole session; None if it could not be started."""
        session = self._start()
        if session is None:
            return None
        self.simulation.listened.append((self.person, session))
        with session.listen(self.simulation):
            self._listen_to(session)
        return session

    def _listen_to(self, session: HeldSession) -> None:
        leaves_after = self.rng.choice([1, 3, 6, 12, 24])
        for _ in range(leaves_after):
            try:
                if not self._step(session):
                    break
            except (AppError, GaveUpError):
                break
        if self.rng.random() < 0.75:
            self._stop(session)
            if self.rng.random() < 0.5:
                self.simulation.think(self.rng.random() * 3 * MINUTE_MS)
                _try(lambda: self._save(session))  # The provider's last turns; some come too late.
        elif self.rng.random() < 0.5:
            self._stop_all()

    # Requests

    def _start(self) -> HeldSession | None:
        rng, person = self.rng, self.person
        transport = rng.choice(["relay", "direct"])
        providers = rng.choice(CLIENTS_PROVIDERS)
        body = contract.Start(
            transport=transport, lease_seconds=rng.choice([None, 60, 60, 120, 300, 900]), providers=providers
        )
        deleted = take_deleted_session(self.simulation, person) if rng.random() < 0.5 else None
        session_id = deleted.session_id if deleted else person.id_for("transcription/stream", person.key())
        hashed = body_hash(body)

        def start(application: Application) -> contract.Lease:
            return application.streaming.start(person.me, body, session_id, hashed)

        requested_ms = self.simulation.scheduler.now_ms
        try:
            lease = self._ask_for_lease(f"start {transport}", start, session_id)
        except (AppError, GaveUpError) as refusal:
            if deleted and isinstance(refusal, IdempotencyMismatchError):
                raise ViolationError(f"the key of {session_id} cannot be used after its deletion") from refusal
            return None
        if deleted:
            check_is_another(self.simulation, session_id, lease.transcript_id)
            self.simulation.counts["sessions started under the key of a deleted one"] += 1
        session = HeldSession(
            session_id, lease.transcript_id, transport, lease.credits_per_minute, 0, 0, providers=providers
        )
        session.is_talker = rng.random() < TALKERS
        session.first_seq = session.next_seq = rng.choice(FIRST_SAVED_SEQS) if transport == "relay" else 0
        self._receive(session, lease, "", requested_ms)
        return session

    def _ask_for_lease(
        self, operation: str, run: Callable[[Application], contract.Lease], session_id: str
    ) -> contract.Lease:
        """A lease. Sometimes the listener repeats the request under the same key, and must get the same one."""
        lease = self.person.ask(operation, run, subject=session_id)
        if self.rng.random() < 0.1:
            try:
                again = self.person.ask(operation, run, subject=session_id)
            except ConflictError as conflict:
                if operation != "renew":  # The answer of a renewal is kept until the next one.
                    raise ViolationError(f"{operation} of {session_id} was answered, then {conflict!r}") from conflict
                return lease
            except (AppError, GaveUpError):
                return lease
            if replace(again, next_seq=0) != replace(lease, next_seq=0) or again.next_seq < lease.next_seq:
                raise ViolationError(f"{operation} of {session_id} was answered {lease}, then {again}")
        return lease

    def _receive(self, session: HeldSession, lease: contract.Lease, renewal: str, requested_ms: int) -> None:
        if lease.credits_per_minute != session.per_minute:
            raise ViolationError(f"the price of {session.session_id} was {session.per_minute}, and is now {lease}")
        now_ms = self.simulation.scheduler.now_ms
        session.started_ms = max(session.started_ms, requested_ms)
        session.lease_started_ms, session.lease_ends_ms = now_ms, now_ms + lease.lease_seconds * SECOND_MS
        if isinstance(lease.token, str):
            if session.providers and lease.provider not in session.providers:
                raise ViolationError(
                    f"session {session.session_id} got {lease.provider}, and speaks {session.providers}"
                )
            for provider in self.simulation.providers.live:
                provider.receive(lease.token)
            if lease.token not in [socket.token for socket in session.sockets]:
                session.sockets.append(Socket(lease.token, renewal, requested_ms, now_ms))

    def _step(self, session: HeldSession) -> bool:
        """Some listening and one request; False if the session is over for this listener."""
        kind = self.rng.choice(RELAY_STEPS if session.transport == "relay" else DIRECT_STEPS)
        match kind:
            case "listen":
                self.simulation.think(self.rng.random() * MINUTE_MS)
            case "save":
                self._save(session)
            case "chunk":
                send_chunk(self.simulation, self.person, session)
            case "wake":
                self._wake(session)
            case "at once":
                self._act_at_once(session)
            case "renew":
                left_ms = session.lease_ends_ms - self.simulation.scheduler.now_ms
                self.simulation.think(max(0, left_ms - self.rng.randrange(MINUTE_MS)))
                return self._renew(session, is_interrupted=False)
            case "drop":
                self.simulation.think(self.rng.choice(LENGTHS_OF_DROPS) * self.rng.random())
                return self._renew(session, is_interrupted=True)
        return True

    def _act_at_once(self, session: HeldSession) -> None:
        """Several requests about one session at the same moment, as from two devices."""
        kinds: list[Callable[[], object]] = [
            lambda: self._save(session),
            lambda: self._renew(session, is_interrupted=True),
            lambda: self._stop(session) if self.rng.random() < 0.3 else None,
        ]
        if session.transport == "relay":
            kinds += [lambda: send_chunk(self.simulation, self.person, session)] * 5
        for number, run in enumerate(self.rng.choices(kinds, k=self.rng.randint(2, 4))):
            self._start_actor(session, f"at once {number}", run)
        self.simulation.think(SECOND_MS)

    def _save(self, session: HeldSession) -> None:
        words = choose_words(self.simulation, self.person, session)
        person, session_id = self.person, session.session_id

        def save(application: Application) -> contract.Saved:
            return application.streaming.save(person.me, session_id, words.segments, words.count_bytes())

        try:
            saved = person.ask("save", save)
        except ConflictError as conflict:
            words.refuse(conflict.details.get("reason"))
            raise
        words.acknowledge(saved.rejected)
        if set(saved.saved) != words.saves.keys() - words.rejected_seqs(saved.rejected):
            raise ViolationError(
                f"session {session_id} saved {len(saved.saved)} of {len(words.saves)} segments: {saved}"
            )

    def _renew(self, session: HeldSession, *, is_interrupted: bool) -> bool:
        person = self.person
        body = contract.Renew(session_id=session.session_id, interrupted=is_interrupted)
        renewal, hashed = person.id_for("transcription/stream", person.key()), body_hash(body)

        def renew(application: Application) -> contract.Lease:
            next_seq = session.least_next_seq
            lease = application.streaming.renew(person.me, session.session_id, is_interrupted, renewal, hashed)
            if lease.next_seq < next_seq:
                raise ViolationError(
                    f"session {session.session_id} goes on at {lease.next_seq}, and has words up to {next_seq}"
                )
            return lease

        requested_ms = self.simulation.scheduler.now_ms
        try:
            with self._end_request(session, renewal):
                lease = self._ask_for_lease("renew", renew, session.session_id)
        except (InsufficientCreditsError, ProviderNotOfferedError):
            return False
        except ConflictError as conflict:
            return conflict.details.get("reason") in ("lease_open", "lease_opening", "still_running", "lease_over")
        self._receive(session, lease, renewal, requested_ms)
        return True

    def _wake(self, session: HeldSession) -> None:
        """Look for open sessions: this one is among them as long as nobody stopped it."""
        person, next_seq = self.person, session.least_next_seq
        found = person.ask("open sessions", lambda application: application.streaming.open_sessions(person.me))
        shown = {open_session.session_id: open_session for open_session in found.sessions}.get(session.session_id)
        is_stopped = session.is_deleted or any(request.renewal == STOP for request in session.end_requests)
        if shown is None and not is_stopped and self.simulation.scheduler.now_ms < session.lease_ends_ms:
            raise ViolationError(f"session {session.session_id} is open, and its listener does not find it")
        if shown and shown.next_seq < next_seq:
            raise ViolationError(f"session {session.session_id} shows {shown.next_seq}, and has words up to {next_seq}")

    def _stop(self, session: HeldSession) -> None:
        person, seconds = self.person, self.rng.choice([None, self.rng.randrange(600)])
        words = choose_last_words(self.simulation, person, session)

        def stop(application: Application) -> contract.Stopped:
            sent_today = words.count_bytes()
            return application.streaming.stop(person.me, session.session_id, seconds, words.segments, sent_today)

        try:
            with self._end_request(session, STOP):
                stopped = person.ask("stop", stop)
            words.acknowledge(stopped.rejected)
            session.stopped_ms = min(session.stopped_ms, self.simulation.scheduler.now_ms)
            check_bill(session, stopped)
            if self.rng.random() < 0.2:
                again = person.ask(
                    "stop", lambda application: application.streaming.stop(person.me, session.session_id, None)
                )
                if (again.billed_seconds, again.credits_used) != (stopped.billed_seconds, stopped.credits_used):
                    raise ViolationError(f"stopping again was answered otherwise: {stopped}, then {again}")
        except (AppError, GaveUpError):
            pass

    def _stop_all(self) -> None:
        """Stop the latest sessions at the same moment, as when a browser with several tabs is closed."""
        own = [session for reader, session in self.simulation.listened if reader is self.person]
        for session in own[-OPEN_TABS:]:
            if not session.is_reused:
                self._start_actor(session, "is closed", lambda session=session: self._stop(session))

    def _start_actor(self, session: HeldSession, name: str, run: Callable[[], object]) -> None:
        """Act on the session beside what its listener does."""

        def act() -> None:
            with session.listen(self.simulation):
                _try(run)

        self.simulation.start_actor(f"{session.session_id} {name}", act)

    @contextmanager
    def _end_request(self, session: HeldSession, renewal: str) -> Iterator[None]:
        """A request that ends the open lease of the session."""
        request = EndRequest(renewal, self.simulation.scheduler.now_ms)
        session.end_requests.append(request)
        try:
            yield
        except (AppError, GaveUpError):
            request.over_ms = self.simulation.scheduler.now_ms + LONGEST_REQUEST_MS
            raise
        request.over_ms = self.simulation.scheduler.now_ms


def _try(run: Callable[[], object]) -> None:
    """Make a request, and accept every answer."""
    with suppress(AppError, GaveUpError):
        run()
