"""Questions about a transcript: a fixed price, an answer that quotes it, and no charge for a failure."""

from dataclasses import replace

import msgspec
import pytest

from chalicelib import contract
from chalicelib.errors import (
    AccountBlockedError,
    ConflictError,
    InsufficientCreditsError,
    InvalidRequestError,
    NotFoundError,
)
from chalicelib.models.accounts import Caller
from chalicelib.models.ledger import Charge, Hold
from chalicelib.models.transcripts import Segment
from chalicelib.pricing.price_table import INSTRUCTION_BYTES
from chalicelib.repositories.questions import question_key
from chalicelib.repositories.transcripts import Transcripts, put_segments
from chalicelib.transcripts.questions import NOT_IN_TRANSCRIPT
from tests.catchup.catchup_env import CatchupEnv
from tests.default_prices import PRICE_VERSION, PRICES, QUESTION_CREDITS

PRICE = QUESTION_CREDITS
SENTENCES = ["Good morning, everybody.", "The meeting moves to Thursday.", "Bring the blue folder."]
WORDS = [
    contract.SegmentInput(seq=n, start_ms=n * 10_000, end_ms=n * 10_000 + 9_000, text=text, speaker="A")
    for n, text in enumerate(SENTENCES)
]


@pytest.fixture
def ada(catchup_env: CatchupEnv) -> Caller:
    return catchup_env.backend.person(200)


def save_session(
    catchup_env: CatchupEnv, caller: Caller, segments: list[contract.SegmentInput] = WORDS
) -> contract.Lease:
    """A session with saved segments that has ended, so that it holds no credits."""
    lease = catchup_env.backend.start(caller)
    if segments:
        catchup_env.backend.streaming.save(caller, lease.session_id, segments)
    catchup_env.backend.streaming.stop(caller, lease.session_id)
    return lease


def ask(
    catchup_env: CatchupEnv,
    caller: Caller,
    question_id: str,
    body_hash: str = "hash",
    question: str = "When?",
    **where: str,
) -> contract.AskAnswer:
    return catchup_env.questions.ask(caller, contract.Ask(question=question, **where), question_id, body_hash)


def spend(catchup_env: CatchupEnv, caller: Caller, credits: int) -> None:
    hold = Hold(caller.user_id, "spent", credits, "test", "t", catchup_env.backend.clock() + 60)
    catchup_env.backend.ledger.hold(caller, hold, at=catchup_env.backend.clock())
    catchup_env.backend.ledger.settle(
        hold, Charge(credits, "test", "t", 0, PRICE_VERSION), at=catchup_env.backend.clock()
    )


def check_nothing_happened(catchup_env: CatchupEnv, caller: Caller, used: int = 0) -> None:
    """No credits are used or held for the question, and it is not stored."""
    catchup_env.backend.check_invariants(caller.user_id)
    balance = catchup_env.backend.ledger.balance(caller.user_id)
    assert (balance.available, balance.held, balance.used) == (200 - used, 0, used)
    assert catchup_env.backend.tables.get(question_key(caller.user_id, "key")) is None


def check_only_our_cost(catchup_env: CatchupEnv, caller: Caller, answers: int = 1) -> None:
    """As `check_nothing_happened`, and what the text model did is booked as our cost, at no credits."""
    check_nothing_happened(catchup_env, caller)
    entries = [entry for entry in catchup_env.backend.entries(caller.user_id) if entry.kind == "usage"]
    uses = [use for entry in entries for use in entry.uses]
    assert [(entry.service, entry.credits) for entry in entries] == [("ask", 0)] * answers
    assert [(use.input_tokens, use.output_tokens, use.cost_micro_usd) for use in uses] == [(1_000, 100, 150)] * answers


# Answers and what they cost


@pytest.mark.parametrize("where", ["session_id", "transcript_id"])
def test_an_answer_costs_a_fixed_price_and_quotes_the_transcript(
    catchup_env: CatchupEnv, ada: Caller, where: str
) -> None:
    lease = save_session(catchup_env, ada)
    catchup_env.text.script = [{"answered": True, "answer": "On Thursday.", "quotes": [{"line": 1}]}]

    answer = ask(catchup_env, ada, "key", **{where: getattr(lease, where)})

    assert (answer.answered, answer.answer, answer.is_whole) == (True, "On Thursday.", True)
    assert answer.quotes == [
        contract.QuotedMoment(start_ms=10_000, end_ms=19_000, text="The meeting moves to Thursday.", speaker="A")
    ]
    assert (answer.transcript_id, answer.credits_used, answer.credits_available) == (
        lease.transcript_id,
        PRICE,
        200 - PRICE,
    )
    (entry,) = [entry for entry in catchup_env.backend.entries(ada.user_id) if entry.service == "ask"]
    assert (entry.credits, entry.reference, entry.held, entry.price_version) == (-PRICE, "key", PRICE, PRICE_VERSION)
    assert [(use.model, use.input_tokens, use.output_tokens, use.cost_micro_usd) for use in entry.uses] == [
        ("openai/gpt-6-luna", 1_000, 100, 150)
    ]
    assert catchup_env.backend.ledger.balance(ada.user_id).available == 200 - PRICE
    catchup_env.backend.check_invariants(ada.user_id)


def test_the_price_is_the_same_for_a_long_transcript_and_a_long_question(catchup_env: CatchupEnv, ada: Caller) -> None:
    long = [contract.SegmentInput(seq=n, start_ms=n, end_ms=n, text="word " * 399) for n in range(100)]

    answer = ask(
        catchup_env, ada, "key", question="why " * 250, transcript_id=save_session(catchup_env, ada, long).transcript_id
    )

    assert (answer.credits_used, answer.is_whole) == (PRICE, False)


def test_a_transcribed_recording_can_be_asked_about(catchup_env: CatchupEnv, ada: Caller) -> None:
    job = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000)
    catchup_env.work()
    transcript_id = catchup_env.catchups.get_status(ada, job.job_id).transcript_id

    answer = ask(catchup_env, ada, "key", transcript_id=transcript_id)

    assert [quote.start_ms for quote in answer.quotes] == [0]


def test_a_running_session_can_be_asked_about(catchup_env: CatchupEnv, ada: Caller) -> None:
    session_id = catchup_env.backend.start(ada).session_id
    catchup_env.backend.streaming.save(ada, session_id, WORDS)

    assert ask(catchup_env, ada, "key", session_id=session_id).answered


UNANSWERED = {
    "says so": {"answered": False, "answer": "It is not said.", "quotes": []},
    "says so and quotes": {"answered": False, "answer": "Line 1?", "quotes": [{"line": 1}]},
    "quotes nothing": {"answered": True, "answer": "On Friday.", "quotes": []},
    "quotes lines that were not sent": {
        "answered": True,
        "answer": "On Friday.",
        "quotes": [{"line": 3}, {"line": -1}],
    },
    "quotes without an answer": {"answered": True, "answer": " \n", "quotes": [{"line": 1}]},
}


@pytest.mark.parametrize("fields", UNANSWERED.values(), ids=UNANSWERED)
def test_an_unanswerable_question_gets_a_fixed_text_for_the_same_price(
    catchup_env: CatchupEnv, ada: Caller, fields: dict[str, object]
) -> None:
    catchup_env.text.script = [fields]

    answer = ask(catchup_env, ada, "key", session_id=save_session(catchup_env, ada).session_id)

    assert (answer.answered, answer.answer, answer.quotes) == (False, NOT_IN_TRANSCRIPT, [])
    assert (answer.credits_used, catchup_env.backend.ledger.balance(ada.user_id).available) == (PRICE, 200 - PRICE)


def test_quotes_are_never_the_models_text(catchup_env: CatchupEnv, ada: Caller) -> None:
    invented = {"line": 1, "text": "The meeting is cancelled.", "start_ms": 5, "speaker": "B"}
    catchup_env.text.script = [{"answered": True, "answer": "Cancelled.", "quotes": [invented]}]

    answer = ask(catchup_env, ada, "key", session_id=save_session(catchup_env, ada).session_id)

    assert [quote.text for quote in answer.quotes] == ["The meeting moves to Thursday."]


@pytest.mark.parametrize("letter", ["x", "語", "😀", "\x00"])
def test_the_text_sent_is_bounded_however_long_the_transcript_is(
    catchup_env: CatchupEnv, ada: Caller, letter: str
) -> None:
    segments = [
        contract.SegmentInput(seq=n, start_ms=n, end_ms=n + 1, text=letter * min(2_000, 2_500 // len(letter.encode())))
        for n in range(100)
    ]
    segments[70] = contract.SegmentInput(seq=70, start_ms=70, end_ms=71, text="The pianoforte came from London.")

    answer = ask(
        catchup_env,
        ada,
        "key",
        question="Where did the pianoforte come from?",
        session_id=save_session(catchup_env, ada, segments).session_id,
    )

    (task,) = catchup_env.text.tasks
    budget = PRICES.text_budget("ask")
    sent = len((task.instructions + task.data).encode()) + len(msgspec.json.encode(task.schema))
    assert sent <= budget.input_bytes + INSTRUCTION_BYTES
    assert "pianoforte came from London" in task.data
    assert (task.output_tokens, answer.is_whole) == (budget.output_tokens, False)


def test_an_answer_from_a_cut_segment_is_marked_as_incomplete(catchup_env: CatchupEnv, ada: Caller) -> None:
    lease = catchup_env.backend.start(ada)
    segment = Segment(0, 0, 9_000, "x" * 200_000)
    catchup_env.backend.tables.write(put_segments(ada.user_id, lease.transcript_id, "0", [segment]))

    answer = ask(catchup_env, ada, "key", session_id=lease.session_id)

    assert (answer.is_whole, answer.answered) == (False, True)
    assert 100_000 < len(answer.quotes[0].text) < 120_000


# Refusals


def test_a_transcript_without_text_is_a_conflict(catchup_env: CatchupEnv, ada: Caller) -> None:
    with pytest.raises(ConflictError, match="no text") as refusal:
        ask(catchup_env, ada, "key", session_id=save_session(catchup_env, ada, []).session_id)

    assert "retry_after_seconds" not in refusal.value.details
    check_nothing_happened(catchup_env, ada)


def test_another_users_or_a_missing_transcript_is_not_found(catchup_env: CatchupEnv, ada: Caller) -> None:
    eve, lease = catchup_env.backend.person(200), save_session(catchup_env, ada)

    for where in (
        {"session_id": lease.session_id},
        {"transcript_id": lease.transcript_id},
        {"session_id": lease.transcript_id},
        {"transcript_id": lease.session_id},
        {"session_id": "nobody"},
    ):
        with pytest.raises(NotFoundError):
            ask(catchup_env, eve, "key", **where)
    check_nothing_happened(catchup_env, eve)
    assert catchup_env.text.tasks == []


def test_another_users_key_is_another_question(catchup_env: CatchupEnv, ada: Caller) -> None:
    eve = catchup_env.backend.person(200)
    ask(catchup_env, ada, "key", session_id=save_session(catchup_env, ada).session_id)

    ask(catchup_env, eve, "key", "another hash", session_id=save_session(catchup_env, eve).session_id)

    assert len(catchup_env.text.tasks) == 2


def test_a_deleted_transcript_is_not_found(catchup_env: CatchupEnv, ada: Caller) -> None:
    lease = save_session(catchup_env, ada)
    catchup_env.backend.history.delete(ada, lease.transcript_id)

    for where in ({"session_id": lease.session_id}, {"transcript_id": lease.transcript_id}):
        with pytest.raises(NotFoundError):
            ask(catchup_env, ada, "key", **where)
    check_nothing_happened(catchup_env, ada)


@pytest.mark.parametrize("where", [{}, {"session_id": "s", "transcript_id": "t"}])
def test_the_transcript_must_be_named_once(catchup_env: CatchupEnv, ada: Caller, where: dict[str, str]) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        ask(catchup_env, ada, "key", **where)

    assert refusal.value.details == {"field": "transcript_id"}


@pytest.mark.parametrize("question", ["", " ", "\n\t", "x" * 1_001, "x" * 100_000])
def test_an_empty_or_too_long_question_is_invalid(question: str) -> None:
    body = msgspec.json.encode({"question": question, "session_id": "s"})

    with pytest.raises(msgspec.ValidationError, match="question"):
        msgspec.json.decode(body, type=contract.Ask)


class UnreadableTranscripts(Transcripts):
    """A transcript that must not be read."""

    def segments(self, user_id: str, transcript_id: str) -> list[Segment]:
        raise AssertionError("the transcript was read")


def test_without_enough_credits_nothing_is_read_and_nothing_is_sent(catchup_env: CatchupEnv, ada: Caller) -> None:
    body = contract.Ask(question="When?", session_id=save_session(catchup_env, ada).session_id)
    spend(catchup_env, ada, 200 - PRICE + 1)
    questions = replace(catchup_env.questions, transcripts=UnreadableTranscripts(catchup_env.backend.tables))

    with pytest.raises(InsufficientCreditsError) as refusal:
        questions.ask(ada, body, "key", "hash")

    assert refusal.value.details == {"required": PRICE, "available": PRICE - 1}
    assert catchup_env.text.tasks == []
    check_nothing_happened(catchup_env, ada, used=200 - PRICE + 1)


def test_exactly_the_price_is_enough(catchup_env: CatchupEnv, ada: Caller) -> None:
    session_id = save_session(catchup_env, ada).session_id
    spend(catchup_env, ada, 200 - PRICE)

    assert ask(catchup_env, ada, "key", session_id=session_id).credits_available == 0


def test_a_blocked_account_cannot_ask(catchup_env: CatchupEnv, ada: Caller) -> None:
    session_id = save_session(catchup_env, ada).session_id
    ask(catchup_env, ada, "key", session_id=session_id)
    catchup_env.backend.ledger.set_blocked(ada.user_id, True)

    for key in ("key", "another key"):
        with pytest.raises(AccountBlockedError):
            ask(catchup_env, ada, key, session_id=session_id)
    assert len(catchup_env.text.tasks) == 1
