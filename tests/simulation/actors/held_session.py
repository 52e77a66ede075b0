"""What a listener knows of a session, and what must therefore be true of its transcript and its bill."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from chalicelib import contract
from chalicelib.errors import NotFoundError
from tests.simulation.actors.person import Person
from tests.simulation.core import Simulation
from tests.simulation.price_lists import credits_for
from tests.simulation.providers import billed_ms
from tests.simulation.scheduler import NEVER_MS, ViolationError

STOP = "stop"  # stands for the renewal's key in a request to stop
CLOCK_SLACK_MS = 8_000  # of billed time: clocks of two processes, and seconds that are cut off
LONGEST_SHOWN = 40  # characters of a text
FAR_SEQ = 9_999_999  # further ahead than any client that counts


@dataclass
class HeldSession:
    """A session as its listener knows it. Times in milliseconds.

    `per_minute`: the credits of a minute, as its lease says. `saves`: seq → every attempt to write it, in the order in
    which they began, among them the chunk of that number, which is also in `chunk_writes`. `sent`: seq → milliseconds;
    `recognised`: seq → milliseconds and words. `providers`: those that its client speaks; None: all.

    `is_deleted`: its deletion was requested; `was_deleted`: and acknowledged. `listeners`: how many act on it now;
    `left_ms`: when the last one left. `is_reused`: its key was used for another session.

    `is_talker`: its segments are long. `started_ms`: when its last known lease was requested; `stopped_ms`: when the
    first stop was answered. `sent_bytes`: of words in all requests; `kept_bytes`: of those that were acknowledged.
    `share_unanswered_ms`: when a request about its share last had no answer.
    """

    session_id: str
    transcript_id: str
    transport: str
    per_minute: int
    lease_ends_ms: int
    lease_started_ms: int
    first_seq: int = 0
    next_seq: int = 0
    is_deleted: bool = False
    was_deleted: bool = False
    is_reused: bool = False
    listeners: int = 0
    left_ms: int = 0
    is_talker: bool = False
    started_ms: int = 0
    stopped_ms: int = NEVER_MS
    sent_bytes: int = 0
    kept_bytes: int = 0
    share_unanswered_ms: int = 0
    providers: list[str] | None = None
    end_requests: list["EndRequest"] = field(default_factory=list)
    sockets: list["Socket"] = field(default_factory=list)
    chunk_writes: dict[int, "Save"] = field(default_factory=dict)
    saves: defaultdict[int, list["Save"]] = field(default_factory=lambda: defaultdict(list))
    sent: dict[int, int] = field(default_factory=dict)
    recognised: dict[int, tuple[int, str]] = field(default_factory=dict)

    @contextmanager
    def listen(self, simulation: Simulation) -> Iterator[None]:
        """Somebody acts on the session until the block ends."""
        self.listeners += 1
        try:
            yield
        finally:
            self.listeners -= 1
            self.left_ms = simulation.scheduler.now_ms

    def texts_of(self, seq: int) -> set[str]:
        """What may be stored for this segment; empty if nothing has to be.

        The last write wins, whatever the clocks of its process said. One without an answer may still arrive. A chunk is
        written between its first request and its first answer.
        """
        acknowledged = [save for save in self.saves[seq] if save.ended_ms]
        if not acknowledged:
            return set()
        decided_ms = acknowledged[-1].started_ms
        return {save.text for save in self.saves[seq] if not save.ended_ms or save.ended_ms >= decided_ms}

    @property
    def least_next_seq(self) -> int:
        """Above what was acknowledged, but for what is far ahead: where a client that has just woken may go on."""
        saved = (seq for seq, saves in self.saves.items() if seq != FAR_SEQ and any(save.ended_ms for save in saves))
        return 1 + max([-1, *saved, *self.recognised])

    def end_of(self, socket: "Socket") -> int | None:
        """The earliest time at which the lease of this socket may have been ended by its listener; None if by nobody.

        One that was open since the token was requested may have ended the lease before the token arrived.
        """
        others = (request for request in self.end_requests if request.renewal != socket.renewal)
        return min(
            (
                max(request.started_ms, socket.received_ms)
                for request in others
                if request.over_ms > socket.requested_ms
            ),
            default=None,
        )


@dataclass
class EndRequest:
    """A request that ends the open lease. `over_ms`: from when on none of its processes runs any more."""

    renewal: str
    started_ms: int
    over_ms: int = NEVER_MS


@dataclass
class Socket:
    """A token that the listener got, by this renewal; empty: by the start."""

    token: str
    renewal: str
    requested_ms: int
    received_ms: int


@dataclass
class Save:
    """One attempt to save a segment, or a chunk with its requests until the first answer.

    `size`: the bytes of its text. `ended_ms`: when it was acknowledged, else 0.
    """

    text: str = field(repr=False)
    started_ms: int
    size: int
    ended_ms: int = 0


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
    by_seq = {segment.seq: segment.text for segment in found.segments}
    if len(by_seq) != len(found.segments):
        raise ViolationError(f"a segment of {session.session_id} is there twice: {sorted(by_seq)}")
    for seq, words in by_seq.items():
        if words.startswith("segment ") and int(words.split()[1]) != seq:
            raise ViolationError(f"segment {seq} of {session.session_id} has the words of another: {words}")
    for seq in session.saves:
        allowed = session.texts_of(seq)
        if allowed and by_seq.get(seq) not in allowed:
            found_text = str(by_seq.get(seq))[:LONGEST_SHOWN]
            raise ViolationError(f"segment {seq} of {session.session_id} is {found_text}: {session.saves[seq]}")


def check_bill(session: HeldSession, stopped: contract.Stopped) -> None:
    """A relay session costs the audio that was recognised, and nothing that was not sent."""
    if session.transport != "relay":
        return
    recognised_ms = sum(billed_ms(milliseconds) for milliseconds, _ in session.recognised.values())
    sent_ms = sum(map(billed_ms, session.sent.values()))
    least, most = (credits_for(ms, session.per_minute) for ms in (recognised_ms, sent_ms))
    if not least <= stopped.credits_used <= most:
        raise ViolationError(f"session {session.session_id} cost {stopped.credits_used}, not from {least} to {most}")
