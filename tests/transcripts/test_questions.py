"""Questions about a transcript: a fixed price, an answer that rests on its words, and nothing for a failure."""

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
from chalicelib.pricing import price_files
from chalicelib.pricing.price_table import INSTRUCTION_BYTES
from chalicelib.repositories.questions import question_key
from chalicelib.repositories.transcripts import Transcripts, put_segments
from chalicelib.transcripts.questions import NOT_IN_TRANSCRIPT
from tests.catchup.catchup_env import CatchupEnv

PRICE = 5
SAID = ["Good morning, everybody.", "The meeting moves to Thursday.", "Bring the blue folder."]
WORDS = [contract.Segment(n, n * 10_000, n * 10_000 + 9_000, text, "A") for n, text in enumerate(SAID)]


@pytest.fixture
def ada(catchup_env: CatchupEnv) -> Caller:
    return catchup_env.backend.person(200)


def a_session(catchup_env: CatchupEnv, caller: Caller, words: list[contract.Segment] = WORDS) -> contract.Lease:
    """A session with saved words that has ended, so that nothing of it is held."""
    lease = catchup_env.backend.start(caller)
    if words:
        catchup_env.backend.streaming.save(caller, lease.session_id, words)
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
    return catchup_env.assistant.ask(caller, contract.Ask(question=question, **where), question_id, body_hash)


def spend(catchup_env: CatchupEnv, caller: Caller, credits: int) -> None:
    hold = Hold(caller.user_id, "spent", credits, "test", "t", catchup_env.backend.clock() + 60)
    catchup_env.backend.ledger.hold(caller, hold, at=catchup_env.backend.clock())
    catchup_env.backend.ledger.settle(hold, Charge(credits, "test", "t", 0, "2026-11"), at=catchup_env.backend.clock())


def check_nothing_happened(catchup_env: CatchupEnv, caller: Caller, used: int = 0) -> None:
    """No credits are gone or held for the question, and it is not kept."""
    catchup_env.backend.check_invariants(caller.user_id)
    balance = catchup_env.backend.ledger.balance(caller.user_id)
    assert (balance.available, balance.held, balance.used) == (200 - used, 0, used)
    assert catchup_env.backend.tables.get(question_key(caller.user_id, "key")) is None


# Answers and what they cost


@pytest.mark.parametrize("where", ["session_id", "transcript_id"])
def test_an_answer_costs_a_fixed_price_and_rests_on_the_transcripts_own_words(
    catchup_env: CatchupEnv, ada: Caller, where: str
) -> None:
    lease = a_session(catchup_env, ada)
    catchup_env.text.script = [{"answered": True, "answer": "On Thursday.", "quotes": [{"line": 1}]}]

    answer = ask(catchup_env, ada, "key", **{where: getattr(lease, where)})

    assert (answer.answered, answer.answer, answer.is_whole) == (True, "On Thursday.", True)
    assert answer.quotes == [contract.Quoted(10_000, 19_000, "The meeting moves to Thursday.", "A")]
    assert (answer.transcript_id, answer.credits_used, answer.credits_available) == (lease.transcript_id, PRICE, 195)
    (entry,) = [entry for entry in catchup_env.backend.entries(ada.user_id) if entry.service == "ask"]
    assert (entry.credits, entry.reference, entry.held, entry.price_version) == (-PRICE, "key", PRICE, "2026-11")
    assert [(use.model, use.input_tokens, use.output_tokens, use.cost_micro_usd) for use in entry.uses] == [
        ("openai/gpt-6-luna", 1_000, 100, 150)
    ]
    assert catchup_env.backend.ledger.balance(ada.user_id).available == 195
    catchup_env.backend.check_invariants(ada.user_id)


def test_the_price_is_the_same_for_a_long_transcript_and_a_long_question(catchup_env: CatchupEnv, ada: Caller) -> None:
    long = [contract.Segment(n, n, n, "word " * 399) for n in range(100)]

    answer = ask(
        catchup_env, ada, "key", question="why " * 250, transcript_id=a_session(catchup_env, ada, long).transcript_id
    )

    assert (answer.credits_used, answer.is_whole) == (PRICE, False)


def test_what_a_catch_up_transcribed_may_be_asked_about(catchup_env: CatchupEnv, ada: Caller) -> None:
    job = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000)
    catchup_env.work()
    transcript_id = catchup_env.catchups.get_status(ada, job.job_id).transcript_id

    answer = ask(catchup_env, ada, "key", transcript_id=transcript_id)

    assert [quote.start_ms for quote in answer.quotes] == [0]


def test_a_running_session_may_be_asked_about(catchup_env: CatchupEnv, ada: Caller) -> None:
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
def test_what_the_transcript_does_not_say_is_said_so_for_the_same_price(
    catchup_env: CatchupEnv, ada: Caller, fields: dict[str, object]
) -> None:
    catchup_env.text.script = [fields]

    answer = ask(catchup_env, ada, "key", session_id=a_session(catchup_env, ada).session_id)

    assert (answer.answered, answer.answer, answer.quotes) == (False, NOT_IN_TRANSCRIPT, [])
    assert (answer.credits_used, catchup_env.backend.ledger.balance(ada.user_id).available) == (PRICE, 195)


def test_quotes_are_never_the_models_words(catchup_env: CatchupEnv, ada: Caller) -> None:
    invented = {"line": 1, "text": "The meeting is cancelled.", "start_ms": 5, "speaker": "B"}
    catchup_env.text.script = [{"answered": True, "answer": "Cancelled.", "quotes": [invented]}]

    answer = ask(catchup_env, ada, "key", session_id=a_session(catchup_env, ada).session_id)

    assert [quote.text for quote in answer.quotes] == ["The meeting moves to Thursday."]


@pytest.mark.parametrize("letter", ["x", "語", "😀", "\x00"])
def test_what_is_sent_is_bounded_however_long_the_transcript_is(
    catchup_env: CatchupEnv, ada: Caller, letter: str
) -> None:
    words = [contract.Segment(n, n, n + 1, letter * min(2_000, 2_500 // len(letter.encode()))) for n in range(100)]
    words[70] = contract.Segment(70, 70, 71, "The pianoforte came from London.")

    answer = ask(
        catchup_env,
        ada,
        "key",
        question="Where did the pianoforte come from?",
        session_id=a_session(catchup_env, ada, words).session_id,
    )

    (task,) = catchup_env.text.tasks
    budget = price_files.load("2026-11").text_budget("ask")
    sent = len((task.instructions + task.data).encode()) + len(msgspec.json.encode(task.schema))
    assert sent <= budget.input_bytes + INSTRUCTION_BYTES
    assert "pianoforte came from London" in task.data
    assert (task.output_tokens, answer.is_whole) == (budget.output_tokens, False)


def test_one_piece_that_is_cut_is_not_the_whole(catchup_env: CatchupEnv, ada: Caller) -> None:
    lease = catchup_env.backend.start(ada)
    said = Segment(0, 0, 9_000, "x" * 200_000)
    catchup_env.backend.tables.write(put_segments(ada.user_id, lease.transcript_id, "0", [said]))

    answer = ask(catchup_env, ada, "key", session_id=lease.session_id)

    assert (answer.is_whole, answer.answered) == (False, True)
    assert 100_000 < len(answer.quotes[0].text) < 120_000


# What may not be asked


def test_a_transcript_without_words_is_a_conflict(catchup_env: CatchupEnv, ada: Caller) -> None:
    with pytest.raises(ConflictError, match="no text") as refusal:
        ask(catchup_env, ada, "key", session_id=a_session(catchup_env, ada, []).session_id)

    assert "retry_after_seconds" not in refusal.value.details
    check_nothing_happened(catchup_env, ada)


def test_what_is_another_users_or_nobodys_is_not_there(catchup_env: CatchupEnv, ada: Caller) -> None:
    eve, lease = catchup_env.backend.person(200), a_session(catchup_env, ada)

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
    ask(catchup_env, ada, "key", session_id=a_session(catchup_env, ada).session_id)

    ask(catchup_env, eve, "key", "another hash", session_id=a_session(catchup_env, eve).session_id)

    assert len(catchup_env.text.tasks) == 2


def test_a_deleted_transcript_is_not_there(catchup_env: CatchupEnv, ada: Caller) -> None:
    lease = a_session(catchup_env, ada)
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
def test_a_question_of_no_words_or_too_many_is_no_question(question: str) -> None:
    body = msgspec.json.encode({"question": question, "session_id": "s"})

    with pytest.raises(msgspec.ValidationError, match="question"):
        msgspec.json.decode(body, type=contract.Ask)


class Unread(Transcripts):
    """A transcript that must not be read."""

    def segments(self, user_id: str, transcript_id: str) -> list[Segment]:
        raise AssertionError("the transcript was read")


def test_who_cannot_pay_has_nothing_read_and_nothing_sent(catchup_env: CatchupEnv, ada: Caller) -> None:
    body = contract.Ask(question="When?", session_id=a_session(catchup_env, ada).session_id)
    spend(catchup_env, ada, 200 - PRICE + 1)
    assistant = replace(catchup_env.assistant, transcripts=Unread(catchup_env.backend.tables))

    with pytest.raises(InsufficientCreditsError) as refusal:
        assistant.ask(ada, body, "key", "hash")

    assert refusal.value.details == {"required": PRICE, "available": PRICE - 1}
    assert catchup_env.text.tasks == []
    check_nothing_happened(catchup_env, ada, used=200 - PRICE + 1)


def test_exactly_the_price_is_enough(catchup_env: CatchupEnv, ada: Caller) -> None:
    session_id = a_session(catchup_env, ada).session_id
    spend(catchup_env, ada, 200 - PRICE)

    assert ask(catchup_env, ada, "key", session_id=session_id).credits_available == 0


def test_a_blocked_account_asks_nothing(catchup_env: CatchupEnv, ada: Caller) -> None:
    session_id = a_session(catchup_env, ada).session_id
    ask(catchup_env, ada, "key", session_id=session_id)
    catchup_env.backend.ledger.set_blocked(ada.user_id, True)

    for key in ("key", "another key"):
        with pytest.raises(AccountBlockedError):
            ask(catchup_env, ada, key, session_id=session_id)
    assert len(catchup_env.text.tasks) == 1
