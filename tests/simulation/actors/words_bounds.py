"""How many words a session and an account may keep without being billed, and until when: computed beside the product.

The numbers are those of docs/streaming.md. What had to be refused must not be acknowledged, and nothing else may be
refused.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.simulation.actors.held_session import CLOCK_SLACK_MS, STOP, HeldSession
from tests.simulation.books import AccountBooks, block_texts, number, text
from tests.simulation.core import Simulation
from tests.simulation.engine import APP, stored_items
from tests.simulation.faults import DAY_MS, MINUTE_MS, SECOND_MS
from tests.simulation.providers import billed_ms
from tests.simulation.scheduler import ViolationError

if TYPE_CHECKING:
    from tests.simulation.actors.person import Person
    from tests.simulation.actors.spoken_words import SpokenWords

KILOBYTE = 1_024
CALL_BYTES, BASE_BYTES, BYTES_PER_MINUTE = 256 * KILOBYTE, 256 * KILOBYTE, 16 * KILOBYTE
LONGEST_TRANSCRIPT_BYTES = 3 * KILOBYTE * KILOBYTE
WORDS_BYTES_PER_DAY = 1_000_000  # of an account; small, so that some account sends as much
LATE_WORDS_MS = 2 * MINUTE_MS  # after a stop
RESUMED_WITHIN_MS = DAY_MS  # after the end of the last lease


def check_kept(simulation: Simulation, person: "Person", session: HeldSession, words: "SpokenWords") -> None:
    """What was just acknowledged is within all bounds. Raises ViolationError."""
    kept = [save.size for save in words.saves.values() if save.ended_ms]
    if not kept or session.is_reused:
        return
    what = f"the session {session.session_id} kept {sum(kept)} bytes"
    late_ms = words.requested_ms - session.stopped_ms
    if late_ms > LATE_WORDS_MS + CLOCK_SLACK_MS:
        raise ViolationError(f"{what} that came {late_ms} ms after its stop")
    if sum(kept) > WORDS_BYTES_PER_DAY - min(words.sent_before):
        raise ViolationError(f"{what} of an account that had sent {min(words.sent_before)} bytes today")
    if sum(kept) > CALL_BYTES:
        raise ViolationError(f"{what} of one call")
    session.kept_bytes += sum(kept)
    if session.kept_bytes > BASE_BYTES:
        _check_bytes(simulation, person.user_id, session, session.kept_bytes)


def check_refused(simulation: Simulation, session: HeldSession, reason: str, words: "SpokenWords") -> None:
    """A segment, or all of them, may be refused for this reason. Raises ViolationError."""
    if session.is_reused or _may_be_refused(simulation.scheduler.now_ms, session, reason, words):
        return
    raise ViolationError(f"words of the session {session.session_id} were refused without a reason: {reason}")


def _may_be_refused(now_ms: int, session: HeldSession, reason: str, words: "SpokenWords") -> bool:
    match reason:
        case "save_full":
            return words.stored_bytes > CALL_BYTES
        case "words_limit":
            is_day_full = words.stored_bytes + max(words.sent_before) > WORDS_BYTES_PER_DAY
            return is_day_full or session.sent_bytes > BASE_BYTES
        case "session_stopped" | "resume_expired":
            stops_ms = (request.started_ms for request in session.end_requests if request.renewal == STOP)
            stopped_ms = min(stops_ms, default=now_ms)
            is_over = now_ms >= session.started_ms + RESUMED_WITHIN_MS - CLOCK_SLACK_MS
            is_stopped = now_ms >= stopped_ms + LATE_WORDS_MS - CLOCK_SLACK_MS
            return is_over or (is_stopped and reason == "session_stopped")
        case _:
            return False


def check_stored_words(simulation: Simulation) -> None:
    """At rest, whatever was sent and answered: the text of each session is within its bytes."""
    for person, session in simulation.listened:
        prefix = f"SEGMENT#{session.transcript_id}#S#"
        stored = [item for sk, item in stored_items(APP, f"USER#{person.user_id}").items() if sk.startswith(prefix)]
        texts = {words for item in stored for words in block_texts(item)}
        if (size := _size_of(texts)) > BASE_BYTES:
            _check_bytes(simulation, person.user_id, session, size)


def _size_of(texts: Iterable[str]) -> int:
    return sum(len(words.encode()) for words in texts)


def _check_bytes(simulation: Simulation, user_id: str, session: HeldSession, size: int) -> None:
    """So many bytes may be kept for the time that was billed by now or is passing. Raises ViolationError."""
    if session.transport == "relay":
        used_ms = sum(map(billed_ms, session.sent.values()))
    else:
        account = simulation.observer.books.accounts[user_id]
        used_ms = _leased_ms(account, session.transcript_id, simulation.now) + CLOCK_SLACK_MS
    allowed = min(BASE_BYTES + BYTES_PER_MINUTE * used_ms // MINUTE_MS, LONGEST_TRANSCRIPT_BYTES)
    if size > allowed:
        raise ViolationError(f"the session {session.session_id} kept {size} bytes, {allowed} for {used_ms} ms")


def _leased_ms(account: AccountBooks, transcript_id: str, now: int) -> int:
    """The time that was billed of a direct session, and that of its open lease by now."""
    leases = f"{transcript_id}:"
    billed = sum(
        number(entry, "audio_ms") for entry in account.entries.values() if text(entry, "hold_id").startswith(leases)
    )
    open_since = [
        hold.made_at for hold_id, hold in account.holds.items() if hold_id.startswith(leases) and hold.state == "open"
    ]
    return billed + sum(now - made_at for made_at in open_since) * SECOND_MS
