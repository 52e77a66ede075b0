"""What the run remembers beside the tables, for the checks at its end."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalicelib import contract
    from tests.simulation.actors.person import Person
    from tests.simulation.actors.sharing import HeldShare


@dataclass
class RequestedCatchup:
    """A catch-up as its user asked for it. `is_transcript_deleted`: since the user asked for that."""

    person: "Person"
    job_id: str
    body: "contract.Catchup"
    is_transcript_deleted: bool = False


@dataclass
class RequestedAnswer:
    """A question about a session or a transcript. `answers`: transcript → the first answer that was received."""

    person: "Person"
    question_id: str
    session_id: str = ""
    answers: dict[str, Any] = field(default_factory=dict)


@dataclass
class Memory:
    """Lists of what people did. `personal`: user → texts that an erasure must remove wherever they are stored.

    `erased_users`: user id → email address of the accounts that were deleted. `restarts`: session → how often it was
    started again after its deletion, or may have been. `sent_bytes`: user and day → the bytes of words that were sent.
    `maybe_blocked`: whom nobody has certainly unblocked.
    """

    catchups: list[RequestedCatchup] = field(default_factory=list)
    questions: list[RequestedAnswer] = field(default_factory=list)
    personal: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    erased_users: dict[str, str] = field(default_factory=dict)
    restarts: Counter[str] = field(default_factory=Counter)
    sent_bytes: Counter[tuple[str, int]] = field(default_factory=Counter)
    shares: list["HeldShare"] = field(default_factory=list)
    maybe_blocked: dict[str, None] = field(default_factory=dict)
