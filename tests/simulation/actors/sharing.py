"""People share transcripts and end that, and others read the pages: never longer than they are shared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.errors import AppError, NotFoundError
from tests.simulation.actors.held_session import HeldSession
from tests.simulation.actors.person import Person
from tests.simulation.application import Application
from tests.simulation.core import Simulation
from tests.simulation.engine import APP, stored_items, stored_partitions
from tests.simulation.faults import MINUTE_MS
from tests.simulation.outcomes import NoAnswerError
from tests.simulation.scheduler import ViolationError

T = TypeVar("T")
BASE_URL, SHARED = "https://api.example", "SHARED#"
LATEST_SESSIONS = 3  # few, so that one is shared again
REQUEST_ENDS_MS = 5 * MINUTE_MS  # after so long, no request without an answer has an effect any more


@dataclass
class HeldShare:
    """An address that somebody got. `was_ended`: that was acknowledged; `is_sure`: no unanswered request may have."""

    person: Person
    session: HeldSession
    token: str
    is_sure: bool
    was_ended: bool = False


class Sharer:
    """One person who shares, and reads what others share."""

    def __init__(self, simulation: Simulation, person: Person):
        self.simulation, self.person, self.rng = simulation, person, simulation.rng

    def act(self) -> None:
        """Share a transcript, end a share, or read one."""
        own = [session for reader, session in self.simulation.listened if reader is self.person]
        match self.rng.choice(["share", "share", "end", "read", "read"]):
            case "share" if own:
                self._share(self.rng.choice(own[-LATEST_SESSIONS:]))
            case "end" if own:
                self._end(self.rng.choice(own[-LATEST_SESSIONS:]))
            case _ if self.simulation.memory.shares:
                check_share(self.simulation, self.rng.choice(self.simulation.memory.shares))

    def _share(self, session: HeldSession) -> None:
        person, earlier = self.person, self._shares_of(session)
        was_deleted = session.was_deleted
        try:
            shared = self._call(
                "share",
                session,
                lambda application: application.sharing.share(person.me, session.transcript_id, BASE_URL),
            )
        except NotFoundError:
            return
        if was_deleted:
            raise ViolationError(f"the transcript {session.transcript_id} was shared after its deletion")
        is_sure = self.simulation.scheduler.now_ms - session.share_unanswered_ms > REQUEST_ENDS_MS
        for share in earlier:
            share.was_ended = True
        token = shared.url.rpartition("/")[2]
        self.simulation.memory.shares.append(HeldShare(person, session, token, is_sure))

    def _end(self, session: HeldSession) -> None:
        person, earlier = self.person, self._shares_of(session)
        try:
            self._call(
                "end share", session, lambda application: application.sharing.end(person.me, session.transcript_id)
            )
        except NotFoundError:
            return
        for share in earlier:
            share.was_ended = True

    def _call(self, operation: str, session: HeldSession, run: Callable[[Application], T]) -> T:
        """One request about the share of a session; nothing is sure while it may have taken effect."""
        me = self.person.me
        for share in self._shares_of(session):
            share.is_sure = False
        if actor := self.simulation.scheduler.current:
            actor.account = me.user_id
        try:
            return self.simulation.call(operation, me.user_id, run)
        except (AppError, NoAnswerError):
            session.share_unanswered_ms = self.simulation.scheduler.now_ms
            raise

    def _shares_of(self, session: HeldSession) -> list[HeldShare]:
        return [share for share in self.simulation.memory.shares if share.session is session]


def check_share(simulation: Simulation, share: HeldShare, *, is_hidden: bool = False) -> None:
    """Read the page of a share. Raises ViolationError where it must not be there, or must be there and is not.

    `is_hidden`: its owner certainly is blocked or deleted.
    """
    has_ended = share.was_ended or share.session.was_deleted or share.person.has_left or is_hidden
    is_readable = _read(simulation, share)
    if is_readable and has_ended:
        raise ViolationError(f"the transcript {share.session.transcript_id} can be read at an address that has ended")
    may_have_ended = (
        share.was_ended
        or share.session.is_deleted
        or share.person.has_left
        or share.person.is_leaving
        or share.person.user_id in simulation.memory.maybe_blocked
    )
    if is_readable is False and share.is_sure and not may_have_ended:
        raise ViolationError(f"the transcript {share.session.transcript_id} is shared, and cannot be read")


def check_hidden_shares(simulation: Simulation, person: Person) -> None:
    """None of the shares of a person who is certainly blocked or deleted can be read. Raises ViolationError."""
    for share in [share for share in simulation.memory.shares if share.person is person][-2:]:
        check_share(simulation, share, is_hidden=True)


def check_shares(simulation: Simulation) -> None:
    """At rest: the pages that are there are those of what is shared, and no address outlives its transcript."""
    for share in simulation.memory.shares:
        check_share(simulation, share)
    for pk, items in stored_partitions(APP).items():
        if pk.startswith(SHARED):
            user_id, transcript_id = (items["SHARE"][name]["S"] for name in ("user_id", "transcript_id"))
            line = stored_items(APP, f"USER#{user_id}").get(f"TRANSCRIPT#{transcript_id}", {})
            if line.get("share_hash", {}).get("S") != pk.removeprefix(SHARED):
                raise ViolationError(f"an address of {transcript_id} is left, which its line does not name", user_id)


def _read(simulation: Simulation, share: HeldShare) -> bool | None:
    """Whether anybody can read the page; None where it is not certain."""
    try:
        simulation.call("read shared page", "", lambda application: application.sharing.page(share.token, 0))
    except NotFoundError:
        return False
    except (NoAnswerError, AppError):
        return None
    return True
