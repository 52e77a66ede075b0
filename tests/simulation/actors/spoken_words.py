"""The segments that a listener saves, some of them odd and some long, and how they were answered."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from chalicelib import contract
from tests.simulation.actors.held_session import FAR_SEQ, HeldSession, Save
from tests.simulation.actors.person import Person
from tests.simulation.actors.words_bounds import check_kept, check_refused
from tests.simulation.core import Simulation
from tests.simulation.faults import DAY_MS
from tests.simulation.scheduler import ViolationError

ODD_SEGMENTS: tuple[dict[str, Any], ...] = (
    {"start_ms": -20, "end_ms": 480.6},
    {"start_ms": 500.5, "end_ms": 499},
    {"speaker": None},
    {"speaker": 1},
    {"speaker": "Ada\n" * 20},
    {"text": ""},
    {"text": None},
    {"speaker": ["Ada"]},
    {"start_ms": {}, "end_ms": []},
)
UNREADABLE_SEGMENTS: tuple[Any, ...] = ({"seq": -1}, {"seq": 1.5}, {"seq": None}, {"text": ["words"]})
MUCH_SENT_TODAY = 10**9  # more than an account may send in a day
FAR_AHEAD_ONCE_IN = 16  # of the segments, one is sent again with a `seq` far ahead
LONG_TEXT_CHARACTERS = 19_900
FILLERS = ("y", "ß")  # of one byte, and of two
MANY_SEGMENTS = 8  # of long text: more than one call stores
STORED_BESIDE_TEXT = 150  # bytes of a segment, at most, besides its text
STOPS_WITHOUT_WORDS = 0.5


@dataclass
class SpokenWords:
    """The segments of one request about a session.

    `saves`: seq → the attempt to save it. `stored_bytes`: what all of them take at most. `sent_before`: of each try the
    bytes that its account had sent earlier on that day; `is_much_sent`: and many more from elsewhere. `unreadable`: how
    many of the segments cannot be read.
    """

    simulation: Simulation
    person: Person
    session: HeldSession
    segments: list[contract.SegmentInput] = field(default_factory=list)
    saves: dict[int, Save] = field(default_factory=dict)
    requested_ms: int = 0
    stored_bytes: int = 0
    is_much_sent: bool = False
    unreadable: int = 0
    sent_before: list[int] = field(default_factory=list)

    def add(self, seq: int, text: str) -> None:
        """One of the segments has these words."""
        save = Save(text, self.requested_ms, len(text.encode()))
        self.saves[seq] = save
        self.stored_bytes += save.size + STORED_BESIDE_TEXT
        self.session.saves[seq].append(save)

    def count_bytes(self) -> int:
        """A request arrives with these segments: the bytes that its account sent before on this day."""
        sent = self.simulation.memory.sent_bytes
        day = self.person.user_id, self.simulation.scheduler.now_ms // DAY_MS
        self.sent_before.append(sent[day] + (MUCH_SENT_TODAY if self.is_much_sent else 0))
        sent[day] += len(msgspec.json.encode(self.segments))
        self.session.sent_bytes += self.stored_bytes
        return self.sent_before[-1]

    def acknowledge(self, rejected: list[contract.RejectedSegment]) -> None:
        """Note what was stored, and whether that and what was rejected are as they must be. Raises ViolationError."""
        others = [segment for segment in rejected if segment.reason != "unreadable"]
        if len(rejected) - len(others) != self.unreadable:
            raise ViolationError(f"{self.unreadable} segments of {self.session.session_id} are unreadable: {rejected}")
        for segment in others:
            check_refused(self.simulation, self.session, segment.reason, self)
        for seq in self.saves.keys() - self.rejected_seqs(rejected):
            self.saves[seq].ended_ms = self.simulation.scheduler.now_ms
        check_kept(self.simulation, self.person, self.session, self)

    def rejected_seqs(self, rejected: list[contract.RejectedSegment]) -> set[object]:
        """Which of the readable segments were rejected."""
        return {segment.seq for segment in rejected if segment.reason != "unreadable"}

    def refuse(self, reason: object) -> None:
        """All of them were refused. Raises ViolationError where that is wrong."""
        check_refused(self.simulation, self.session, str(reason), self)


def choose_words(simulation: Simulation, person: Person, session: HeldSession) -> SpokenWords:
    """Segments, some of them odd as vendors send them; of a talker they are long."""
    rng = simulation.rng
    words = SpokenWords(simulation, person, session, requested_ms=simulation.scheduler.now_ms)
    first = max(session.first_seq, session.next_seq - rng.randrange(3))
    count = MANY_SEGMENTS if session.is_talker and rng.random() < 0.1 else rng.randint(1, 3)
    for seq in range(first, first + count):
        number = rng.getrandbits(24)
        beginning = f"segment {seq} {number:06x}"
        text = f"{beginning} {rng.choice(FILLERS) * LONG_TEXT_CHARACTERS}" if session.is_talker else beginning
        odd = rng.choice(ODD_SEGMENTS) if rng.random() < 0.3 else {}
        fields = {"seq": seq, "start_ms": seq * 1_000, "end_ms": seq * 1_000 + 900, "text": text} | odd
        words.segments.append(contract.SegmentInput(**fields | {"seq": rng.choice([seq, float(seq), str(seq)])}))
        session.next_seq = max(session.next_seq, seq + 1)
        if fields["text"]:
            words.add(seq, text)
            simulation.memory.personal[person.user_id].append(beginning)
            if number % FAR_AHEAD_ONCE_IN == 0 and FAR_SEQ not in words.saves:
                far_text = text.replace(f"segment {seq}", f"segment {FAR_SEQ}")
                words.segments.append(contract.SegmentInput(**fields | {"seq": FAR_SEQ, "text": far_text}))
                words.add(FAR_SEQ, far_text)
    if rng.random() < 0.2:
        words.segments.append(contract.SegmentInput(**fields | {"text": "lost"} | rng.choice(UNREADABLE_SEGMENTS)))
        words.unreadable += 1
    words.is_much_sent = rng.random() < 0.03
    return words


def choose_last_words(simulation: Simulation, person: Person, session: HeldSession) -> SpokenWords:
    """Those that are sent with a stop, if any."""
    if simulation.rng.random() < STOPS_WITHOUT_WORDS:
        return SpokenWords(simulation, person, session, requested_ms=simulation.scheduler.now_ms)
    return choose_words(simulation, person, session)
