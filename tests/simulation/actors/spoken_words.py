"""The segments that a listener saves, some of them odd, and which of them were stored."""

from typing import Any

from chalicelib import contract
from tests.simulation.actors.held_session import HeldSession, Save
from tests.simulation.actors.person import Person
from tests.simulation.core import Simulation
from tests.simulation.scheduler import ViolationError

ODD_SEGMENTS: tuple[dict[str, Any], ...] = (
    {"start_ms": -20, "end_ms": 480.6},
    {"start_ms": 500.5, "end_ms": 499},
    {"speaker": None},
    {"speaker": 1},
    {"speaker": "Ada\n" * 20},
    {"text": ""},
    {"text": None},
)
MUCH_SENT_TODAY = 10**9  # more than an account may send in a day


def choose_words(
    simulation: Simulation, person: Person, session: HeldSession
) -> tuple[list[contract.SegmentInput], dict[int, Save], int]:
    """Segments, some of them odd as vendors send them; the attempts to save them; and the bytes sent before."""
    rng = simulation.rng
    first = max(session.first_seq, session.next_seq - rng.randrange(3))
    segments: list[contract.SegmentInput] = []
    saves: dict[int, Save] = {}
    for seq in range(first, first + rng.randint(1, 3)):
        words = f"segment {seq} {rng.getrandbits(24):06x}"
        odd = rng.choice(ODD_SEGMENTS) if rng.random() < 0.3 else {}
        fields = {"seq": seq, "start_ms": seq * 1_000, "end_ms": seq * 1_000 + 900, "text": words} | odd
        segments.append(contract.SegmentInput(**fields))
        session.next_seq = max(session.next_seq, seq + 1)
        if fields["text"]:
            saves[seq] = Save(words, simulation.scheduler.now_ms)
            session.saves[seq].append(saves[seq])
            simulation.memory.personal[person.user_id].append(words)
    return segments, saves, MUCH_SENT_TODAY if rng.random() < 0.03 else 0


def acknowledge(
    simulation: Simulation, saves: dict[int, Save], rejected: list[contract.RejectedSegment], sent_today: int
) -> None:
    """Note what was stored. Nothing is rejected here but for the bound of a day, or too late."""
    for segment in rejected:
        if segment.reason == "save_full" or (segment.reason == "words_limit" and not sent_today):
            raise ViolationError(f"segment {segment.seq} was rejected: {segment.reason}")
    for seq in saves.keys() - {segment.seq for segment in rejected}:
        saves[seq].ended_ms = simulation.scheduler.now_ms
