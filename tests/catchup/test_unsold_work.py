"""What text models did for nothing, in failed, cut, cancelled and late work: it is all in the owner's figures."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from chalicelib import contract
from chalicelib.admin.costs import CostReport
from chalicelib.errors import (
    AppError,
    ConflictError,
    ProviderDeniedError,
    ProviderError,
    ProviderRefusedError,
    ProviderUnavailableError,
    UnusableAnswerError,
)
from chalicelib.models.accounts import Caller
from chalicelib.models.ledger import Entry
from chalicelib.models.transcripts import Segment
from chalicelib.repositories.aggregates import Aggregates
from chalicelib.repositories.jobs import abandon_job
from chalicelib.repositories.transcripts import numbered_block_id, put_segments
from tests.catchup.catchup_env import CatchupEnv
from tests.default_prices import PRICES
from tests.fakes import CURSORS

pytestmark = pytest.mark.long

MODEL = "openai/gpt-6-luna"
ANSWER = (1_000, 100)  # tokens of every answer that the model gives here
CUT = (700, 1_000)
USELESS: dict[str, object] = {"summary": ""}
Script = list[dict[str, object] | Exception | Callable[[], None]]


def cut_answer() -> UnusableAnswerError:
    return UnusableAnswerError("The text model did not finish its answer.", MODEL, *CUT)


@pytest.fixture
def ada(catchup_env: CatchupEnv) -> Caller:
    return catchup_env.backend.person(1_000)


def save_long_session(catchup_env: CatchupEnv, caller: Caller) -> str:
    """A stopped session of four hours whose text needs eight calls of the model: seven parts and their summary."""
    lease = catchup_env.backend.start(caller)
    for block in range(12):
        # As saves in those hours store them; a session that has only begun may keep less.
        segments = [
            Segment(seq, seq * 12_000, seq * 12_000 + 11_000, f"{seq} " + "word " * 200)
            for seq in range(block * 100, block * 100 + 100)
        ]
        block_id = numbered_block_id(block + 1, "saved")
        catchup_env.backend.tables.write(put_segments(caller.user_id, lease.transcript_id, block_id, segments))
    catchup_env.backend.streaming.stop(caller, lease.session_id)
    return lease.session_id


def usage(catchup_env: CatchupEnv, caller: Caller) -> list[Entry]:
    return [entry for entry in catchup_env.backend.entries(caller.user_id) if entry.kind == "usage"]


def booked_tokens(catchup_env: CatchupEnv, caller: Caller) -> tuple[int, int]:
    uses = [use for entry in usage(catchup_env, caller) for use in entry.uses]
    return sum(use.input_tokens for use in uses), sum(use.output_tokens for use in uses)


def shown_tokens(catchup_env: CatchupEnv, caller: Caller) -> tuple[int, int, int]:
    """Tokens and cost of the model as `GET /analytics/costs` shows them to the owner."""
    aggregates, clock = Aggregates(catchup_env.backend.tables), catchup_env.backend.clock
    before = _read_costs(aggregates, catchup_env, caller)
    aggregates.count([(caller.user_id, entry) for entry in catchup_env.backend.entries(caller.user_id)])
    after = _read_costs(aggregates, catchup_env, caller)
    assert clock() == catchup_env.backend.clock()
    input_tokens, output_tokens, cost = (late - early for late, early in zip(after, before, strict=True))
    return input_tokens, output_tokens, cost


def _read_costs(aggregates: Aggregates, catchup_env: CatchupEnv, caller: Caller) -> tuple[int, int, int]:
    report = CostReport(catchup_env.backend.ledger, aggregates, PRICES, CURSORS, catchup_env.backend.clock)
    models = report.costs(caller, contract.CostsQuery()).models
    rows = [row for row in models if f"{row.provider}/{row.model}" == MODEL]
    return (
        sum(row.input_tokens for row in rows),
        sum(row.output_tokens for row in rows),
        sum(row.cost_micro_usd for row in rows),
    )


# Catch-ups


@pytest.mark.parametrize(
    ("script", "status", "tokens"),
    [
        ([USELESS], "done", [ANSWER] * 2),
        ([USELESS, USELESS], "failed", [ANSWER] * 2),
        ([cut_answer()], "done", [CUT, ANSWER]),
        ([cut_answer(), cut_answer()], "failed", [CUT] * 2),
        ([USELESS, ProviderRefusedError("no")], "failed", [ANSWER]),
        ([cut_answer(), ProviderError("The connection broke.")], "failed", [CUT]),
        ([ProviderError("The connection broke.")], "done", [ANSWER]),
    ],
)
def test_each_answer_of_a_catchup_is_booked_whether_it_is_of_use_or_not(
    catchup_env: CatchupEnv, ada: Caller, script: Script, status: str, tokens: list[tuple[int, int]]
) -> None:
    catchup_env.text.script = script
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id

    catchup_env.work()

    ended = catchup_env.catchups.get_status(ada, job_id)
    assert (ended.status, ended.credits_used) == (status, 10 if status == "done" else 0)
    (entry,) = usage(catchup_env, ada)
    assert -entry.credits == ended.credits_used
    expected = tuple(map(sum, zip(*tokens, strict=True)))
    assert booked_tokens(catchup_env, ada) == expected
    assert shown_tokens(catchup_env, ada) == (*expected, PRICES.text_cost_micro_usd(MODEL, *expected))
    catchup_env.backend.check_invariants(ada.user_id)


@pytest.mark.parametrize("error", [ProviderUnavailableError("overloaded"), ProviderDeniedError("wrong key")])
def test_the_parts_before_an_outage_are_booked_with_the_job(
    catchup_env: CatchupEnv, ada: Caller, error: Exception
) -> None:
    session_id = save_long_session(catchup_env, ada)
    catchup_env.text.script = [{"summary": "A part."}, {"summary": "A part."}, error]
    job_id = catchup_env.start(ada, session_id=session_id, minutes=600).job_id
    catchup_env.work()
    catchup_env.backend.clock.forward(60)
    catchup_env.catchups.sweep()
    catchup_env.work()

    assert catchup_env.catchups.get_status(ada, job_id).status == "done"
    given = catchup_env.text.answers_given
    assert given == len(catchup_env.text.tasks) - 1 == 10
    assert booked_tokens(catchup_env, ada) == (1_000 * given, 100 * given)


def test_a_transcript_is_not_deleted_while_it_is_summarised(catchup_env: CatchupEnv, ada: Caller) -> None:
    session_id = save_long_session(catchup_env, ada)
    job_id = catchup_env.start(ada, session_id=session_id, minutes=600).job_id
    transcript_id = catchup_env.backend.history.page(ada, contract.HistoryQuery()).items[0].id
    refusals: list[ConflictError] = []

    def delete() -> None:
        with pytest.raises(ConflictError) as refusal:
            catchup_env.backend.history.delete(ada, transcript_id)
        refusals.append(refusal.value)

    delete()
    catchup_env.text.script = [delete] * 8
    catchup_env.work()

    assert {refusal.details["reason"] for refusal in refusals} == {"catchup_running"}
    assert (len(refusals), catchup_env.text.answers_given) == (9, 8)
    done = catchup_env.catchups.get_status(ada, job_id)
    assert (done.status, booked_tokens(catchup_env, ada)) == ("done", (8_000, 800))
    assert catchup_env.backend.history.delete(ada, transcript_id).deleted
    assert shown_tokens(catchup_env, ada)[:2] == (8_000, 800)


@pytest.mark.parametrize("others", [1, 2])
def test_a_transcript_is_deleted_once_the_last_of_its_catchups_has_ended(
    catchup_env: CatchupEnv, ada: Caller, others: int
) -> None:
    session_id = save_long_session(catchup_env, ada)
    catchup_env.text.script = [ProviderRefusedError("no")]
    for number in range(others + 1):
        catchup_env.start(ada, session_id=session_id, to_ms=60_000 * (number + 1))
    transcript_id = catchup_env.backend.history.page(ada, contract.HistoryQuery()).items[0].id
    for _ in range(others + 1):
        with pytest.raises(ConflictError):
            catchup_env.backend.history.delete(ada, transcript_id)
        catchup_env.worker.advance(catchup_env.queue.sent.pop(0))

    assert catchup_env.backend.history.delete(ada, transcript_id).deleted


@pytest.mark.parametrize("calls", [1, 3, 7])
def test_a_cancelled_job_makes_no_more_calls_and_books_those_it_made(
    catchup_env: CatchupEnv, ada: Caller, calls: int
) -> None:
    """Deleting the account cancels its jobs."""
    session_id = save_long_session(catchup_env, ada)
    job_id = catchup_env.start(ada, session_id=session_id, minutes=600).job_id
    cancel: Script = [lambda: catchup_env.backend.tables.write(abandon_job(job_id))]
    catchup_env.text.script = [{"summary": "A part."} for _ in range(calls - 1)] + cancel

    catchup_env.work()

    assert catchup_env.catchups.get_status(ada, job_id).status == "failed"
    assert catchup_env.text.answers_given == calls
    assert booked_tokens(catchup_env, ada) == (1_000 * calls, 100 * calls)
    assert catchup_env.backend.ledger.balance(ada.user_id).held == 0
    assert [entry.credits for entry in usage(catchup_env, ada)] == [0]


def test_a_job_cancelled_during_its_last_call_is_not_charged(catchup_env: CatchupEnv, ada: Caller) -> None:
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id
    catchup_env.text.script = [lambda: catchup_env.backend.tables.write(abandon_job(job_id))]

    catchup_env.work()

    assert catchup_env.catchups.get_status(ada, job_id).status == "failed"
    (entry,) = usage(catchup_env, ada)
    assert (entry.credits, [use.model for use in entry.uses]) == (0, [catchup_env.recordings.model, MODEL])


def test_a_worker_that_lost_its_claim_books_its_own_answer(catchup_env: CatchupEnv, ada: Caller) -> None:
    job_id = catchup_env.start(ada, upload_id=catchup_env.upload(ada), to_ms=60_000).job_id

    def run_another_worker() -> None:
        catchup_env.backend.clock.forward(catchup_env.rules.claim_seconds)
        catchup_env.worker.advance(job_id)

    catchup_env.text.script = [run_another_worker]

    catchup_env.work()

    assert sorted(-entry.credits for entry in usage(catchup_env, ada)) == [0, 10]
    assert booked_tokens(catchup_env, ada) == (2_000, 200)
    assert shown_tokens(catchup_env, ada)[:2] == (2_000, 200)
    catchup_env.backend.check_invariants(ada.user_id)


# Questions


@pytest.mark.parametrize(
    ("step", "tokens"),
    [
        (cut_answer(), CUT),
        ({"answered": "perhaps"}, ANSWER),
        ({"answered": True, "answer": ["a list"]}, ANSWER),
        (ProviderRefusedError("no"), (0, 0)),
        (ProviderUnavailableError("overloaded"), (0, 0)),
    ],
)
def test_an_answer_that_is_not_sold_is_our_cost(
    catchup_env: CatchupEnv, ada: Caller, step: dict[str, object] | Exception, tokens: tuple[int, int]
) -> None:
    session_id = save_long_session(catchup_env, ada)
    catchup_env.text.script = [step]

    with suppress(AppError):
        catchup_env.ask(ada, "Why?", session_id=session_id)

    assert catchup_env.backend.ledger.balance(ada.user_id).available == 1_000
    assert booked_tokens(catchup_env, ada) == tokens
    assert shown_tokens(catchup_env, ada) == (*tokens, PRICES.text_cost_micro_usd(MODEL, *tokens))
    catchup_env.backend.check_invariants(ada.user_id)
