"""People search their words: what was acknowledged is found, and nothing that was replaced, deleted or another's."""

from chalicelib import contract
from tests.simulation.actors.held_session import HeldSession
from tests.simulation.actors.person import Person
from tests.simulation.core import Simulation
from tests.simulation.scheduler import ViolationError

COMMON_WORDS, OWN_WORDS = 1, 3  # of a segment: what all have; and with its number, what no other has
LATEST_SESSIONS = 5  # of each person, searched at rest


def search_something(simulation: Simulation, person: Person) -> None:
    """Search for one segment: of the own ones, or of somebody else."""
    rng = simulation.rng
    sessions = [session for reader, session in simulation.listened if reader is person or rng.random() < 0.1]
    if sessions:
        session = rng.choice(sessions)
        _check_session(simulation, person, session, is_own=_is_own(simulation, person, session))


def check_search(simulation: Simulation) -> None:
    """At rest: the latest words of everybody are found. Raises ViolationError."""
    for person in {id(reader): reader for reader, _ in simulation.listened}.values():
        own = [session for reader, session in simulation.listened if reader is person]
        for session in own[-LATEST_SESSIONS:] if not person.has_left else []:
            _check_session(simulation, person, session, is_own=True)


def _is_own(simulation: Simulation, person: Person, session: HeldSession) -> bool:
    return any(reader is person and held is session for reader, held in simulation.listened)


def _check_session(simulation: Simulation, person: Person, session: HeldSession, *, is_own: bool) -> None:
    """Search for one segment of the session. Raises ViolationError where the answer cannot be right."""
    written = [seq for seq, saves in session.saves.items() if any(save.text.startswith("segment ") for save in saves)]
    if not written:
        return
    seq = simulation.rng.choice(written)
    text = simulation.rng.choice([save.text for save in session.saves[seq] if save.text.startswith("segment ")])
    allowed, attempts, was_deleted = session.texts_of(seq), len(session.saves[seq]), session.was_deleted
    searched = simulation.rng.choice([COMMON_WORDS, OWN_WORDS])
    found = session.transcript_id in _find(simulation, person, " ".join(text.split()[:searched]))
    is_settled = attempts == len(session.saves[seq]) and len(allowed) == 1 and not session.is_deleted
    if found and (not is_own or was_deleted):
        raise ViolationError(f"a search of {person.user_id} found words of {session.transcript_id}, which it may not")
    if found and is_settled and text not in allowed and searched == OWN_WORDS:
        raise ViolationError(f"a search found words of segment {seq} of {session.session_id} that were replaced")
    if not found and is_own and is_settled and text in allowed:
        raise ViolationError(f"a search did not find segment {seq} of {session.session_id}, which was acknowledged")


def _find(simulation: Simulation, person: Person, words: str) -> list[str]:
    """The transcripts with this phrase, page by page."""
    found: list[str] = []
    limit, cursor = simulation.rng.choice([3, 50]), None
    while True:
        query = contract.SearchQuery(q=f'"{words}"', limit=limit, cursor=cursor)
        page = person.ask("search", lambda application, query=query: application.search.find(person.me, query))
        found += [result.transcript_id for result in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found
