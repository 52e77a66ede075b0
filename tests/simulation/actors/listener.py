"""Listeners: they stream, by relay or directly, renew, break off, resume, save, stop, or vanish.

What a listener got is kept beside, and compared: a saved word is in the transcript once, a chunk is charged once,
and a session costs no less than what was certainly used and no more than what may have been used.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib import contract
from chalicelib.errors import AppError, ConflictError, InsufficientCreditsError, NotFoundError
from chalicelib.models.audio import Audio
from tests.simulation.actors.person import GaveUpError, Person, body_hash
from tests.simulation.application import Application
from tests.simulation.core import Simulation
from tests.simulation.faults import HOUR_MS, MINUTE_MS, SECOND_MS
from tests.simulation.providers import live_credits
from tests.simulation.scheduler import ViolationError

LENGTHS_OF_DROPS = (SECOND_MS, SECOND_MS, MINUTE_MS, MINUTE_MS, 20 * MINUTE_MS, 20 * MINUTE_MS, 30 * HOUR_MS)
SAMPLE_RATE = 100  # few bytes a second: nothing in the backend looks into the audio
LONGEST_CHUNK_MS = 20_000
FIRST_SAVED_SEQ = 10_000  # in a relay session, where a saved segment replaces the chunk of its number
CLOCK_SLACK_MS = 8_000  # clocks of two processes, and seconds that are cut off


@dataclass
class HeldSession:
    """A session as its listener knows it. Times in milliseconds.

    `saves`: seq → every attempt to save it. `sent`: seq → milliseconds; `recognised`: seq → milliseconds and words.
    """

    session_id: str
    transcript_id: str
    transport: str
    lease_ends_ms: int
    lease_started_ms: int
    first_seq: int = 0
    next_seq: int = 0
    is_deleted: bool = False
    sockets: list["Socket"] = field(default_factory=list)
    saves: defaultdict[int, list["Save"]] = field(default_factory=lambda: defaultdict(list))
    sent: dict[int, int] = field(default_factory=dict)
    recognised: dict[int, tuple[int, str]] = field(default_factory=dict)

    def texts_of(self, seq: int) -> set[str]:
        """What may be stored for this segment; empty if nothing has to be.

        The last save wins. One without an answer may still arrive, and clocks of two processes differ.
        """
        acknowledged = [save for save in self.saves[seq] if save.ended_ms]
        if not acknowledged:
            return set()
        decided_ms = acknowledged[-1].started_ms - CLOCK_SLACK_MS
        return {save.text for save in self.saves[seq] if not save.ended_ms or save.ended_ms >= decided_ms}

    def end_socket(self, now_ms: int) -> None:
        """The listener asks for the end of the open lease."""
        if self.sockets and not self.sockets[-1].ended_ms:
            self.sockets[-1].ended_ms = now_ms


@dataclass
class Socket:
    """A token that the listener got. `ended_ms`: when they first asked for the end of its lease, 0 if they did not."""

    token: str
    received_ms: int
    ended_ms: int = 0


@dataclass
class Save:
    """One attempt to save a segment. `ended_ms`: when it was acknowledged, 0 if it was not."""

    text: str
    started_ms: int
    ended_ms: int = 0


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
        leaves_after = self.rng.choice([1, 3, 6, 12])
        for _ in range(leaves_after):
            try:
                if not self._step(session):
                    break
            except (AppError, GaveUpError):
                break
        if self.rng.random() < 0.75:
            self._stop(session)
        return session

    # Requests

    def _start(self) -> HeldSession | None:
        rng, person = self.rng, self.person
        transport = rng.choice(["relay", "direct"])
        body = contract.Start(transport=transport, lease_seconds=rng.choice([None, 60, 60, 120, 300, 900]))
        session_id = person.id_for("transcription/stream", person.key())
        hashed = body_hash(body)

        def start(application: Application) -> contract.Lease:
            return application.streaming.start(person.me, body, session_id, hashed)

        try:
            lease = self._ask_for_lease(f"start {transport}", start, session_id)
        except (AppError, GaveUpError):
            return None
        session = HeldSession(session_id, lease.transcript_id, transport, 0, 0)
        session.first_seq = session.next_seq = FIRST_SAVED_SEQ if transport == "relay" else 0
        self._receive(session, lease)
        return session

    def _ask_for_lease(
        self, operation: str, run: Callable[[Application], contract.Lease], session_id: str
    ) -> contract.Lease:
        """A lease. Sometimes the listener repeats the request under the same key, and must get the same one."""
        lease = self.person.ask(operation, run, subject=session_id)
        if self.rng.random() < 0.1:
            try:
                again = self.person.ask(operation, run, subject=session_id)
            except (AppError, GaveUpError):
                return lease
            if again != lease:
                raise ViolationError(f"{operation} of {session_id} was answered {lease}, then {again}")
        return lease

    def _receive(self, session: HeldSession, lease: contract.Lease) -> None:
        now_ms = self.simulation.scheduler.now_ms
        session.lease_started_ms, session.lease_ends_ms = now_ms, now_ms + lease.lease_seconds * SECOND_MS
        if isinstance(lease.token, str):
            for provider in self.simulation.providers.live:
                provider.receive(lease.token)
            if lease.token not in [socket.token for socket in session.sockets]:
                session.sockets.append(Socket(lease.token, now_ms))

    def _step(self, session: HeldSession) -> bool:
        """Some listening and one request; False if the session is over for this listener."""
        kinds = ["listen", "save", "save", "renew", "drop"]
        kind = self.rng.choice([*kinds, "chunk", "chunk", "chunk", "chunk"] if session.transport == "relay" else kinds)
        match kind:
            case "listen":
                self.simulation.think(self.rng.random() * MINUTE_MS)
            case "save":
                self._save(session)
            case "chunk":
                self._send_chunk(session)
            case "renew":
                left_ms = session.lease_ends_ms - self.simulation.scheduler.now_ms
                self.simulation.think(max(0, left_ms - self.rng.randrange(MINUTE_MS)))
                return self._renew(session, is_interrupted=False)
            case "drop":
                self.simulation.think(self.rng.choice(LENGTHS_OF_DROPS) * self.rng.random())
                return self._renew(session, is_interrupted=True)
        return True

    def _save(self, session: HeldSession) -> None:
        first = max(session.first_seq, session.next_seq - self.rng.randrange(3))
        segments: list[contract.SegmentInput] = []
        saves: list[Save] = []
        for seq in range(first, first + self.rng.randint(1, 3)):
            words = f"segment {seq} {self.rng.getrandbits(24):06x}"
            segments.append(contract.SegmentInput(seq=seq, start_ms=seq * 1_000, end_ms=seq * 1_000 + 900, text=words))
            session.saves[seq].append(save := Save(words, self.simulation.scheduler.now_ms))
            self.simulation.memory.personal[self.person.user_id].append(words)
            saves.append(save)
        session.next_seq = max(session.next_seq, segments[-1].seq + 1)
        person, session_id = self.person, session.session_id
        person.ask("save", lambda application: application.streaming.save(person.me, session_id, segments))
        for save in saves:
            save.ended_ms = self.simulation.scheduler.now_ms

    def _send_chunk(self, session: HeldSession) -> None:
        """Send a chunk, a new one or one of the last again."""
        rng, person = self.rng, self.person
        is_repeated = bool(session.sent) and rng.random() < 0.2
        seq = rng.choice(list(session.sent)) if is_repeated else len(session.sent)
        milliseconds = session.sent.setdefault(seq, rng.randrange(80, LONGEST_CHUNK_MS, 10))
        audio = Audio(bytes([seq % 256]) * (milliseconds * SAMPLE_RATE * 2 // 1_000), SAMPLE_RATE, 1)

        def send(application: Application) -> contract.Chunk:
            chunk, _ = application.relay.chunk(person.me, session.session_id, seq, None, audio)
            return chunk

        chunk = person.ask("chunk", send, subject=session.session_id)
        found = session.recognised.setdefault(seq, (audio.duration_ms, chunk.text))
        if found != (chunk.duration_ms, chunk.text):
            raise ViolationError(f"chunk {seq} of {session.session_id} was {found}, and is now {chunk}")

    def _renew(self, session: HeldSession, *, is_interrupted: bool) -> bool:
        person = self.person
        body = contract.Renew(session_id=session.session_id, interrupted=is_interrupted)
        session.end_socket(self.simulation.scheduler.now_ms)
        renewal, hashed = person.id_for("transcription/stream", person.key()), body_hash(body)

        def renew(application: Application) -> contract.Lease:
            return application.streaming.renew(person.me, session.session_id, is_interrupted, renewal, hashed)

        try:
            lease = self._ask_for_lease("renew", renew, session.session_id)
        except InsufficientCreditsError:
            return False
        except ConflictError as conflict:
            return conflict.details.get("reason") in ("lease_open", "lease_opening", "still_running", "lease_over")
        self._receive(session, lease)
        return True

    def _stop(self, session: HeldSession) -> None:
        person, seconds = self.person, self.rng.choice([None, self.rng.randrange(600)])
        session.end_socket(self.simulation.scheduler.now_ms)
        try:
            stopped = person.ask(
                "stop", lambda application: application.streaming.stop(person.me, session.session_id, seconds)
            )
            self._check_bill(session, stopped)
            if self.rng.random() < 0.2:
                again = person.ask(
                    "stop", lambda application: application.streaming.stop(person.me, session.session_id, None)
                )
                if (again.billed_seconds, again.credits_used) != (stopped.billed_seconds, stopped.credits_used):
                    raise ViolationError(f"stopping again was answered otherwise: {stopped}, then {again}")
        except (AppError, GaveUpError):
            pass

    def _check_bill(self, session: HeldSession, stopped: contract.Stopped) -> None:
        """A relay session costs the audio that was recognised, and nothing that was not sent."""
        if session.transport != "relay":
            return
        least = live_credits(sum(milliseconds for milliseconds, _ in session.recognised.values()))
        most = live_credits(sum(session.sent.values()))
        if not least <= stopped.credits_used <= most:
            raise ViolationError(f"{session.session_id} cost {stopped.credits_used}, not from {least} to {most}")


def check_transcript(simulation: Simulation, person: Person, session: HeldSession) -> None:
    """Everything that was acknowledged is in the transcript, once; nothing that was never sent is."""
    if session.is_deleted or person.has_left:
        return
    try:
        found = person.ask(
            "read transcript",
            lambda application: application.history.get_transcript(person.me, session.transcript_id),
        )
    except NotFoundError:
        if not session.is_deleted and (session.recognised or any(map(session.texts_of, session.saves))):
            raise ViolationError(f"the transcript of {session.session_id} is gone") from None
        return
    texts = [segment.text for segment in found.segments]
    saved = [words for words in texts if words.startswith("segment ")]
    by_seq = {int(words.split()[1]): words for words in saved}
    if len(by_seq) != len(saved):
        raise ViolationError(f"a segment of {session.session_id} is there twice: {saved}")
    for seq in session.saves:
        allowed = session.texts_of(seq)
        if allowed and by_seq.get(seq) not in allowed:
            raise ViolationError(f"segment {seq} of {session.session_id} is {by_seq.get(seq)}: {session.saves[seq]}")
    for seq, (_, words) in session.recognised.items():
        if texts.count(words) != 1:
            raise ViolationError(f"chunk {seq} of {session.session_id} is {texts.count(words)} times in its transcript")
