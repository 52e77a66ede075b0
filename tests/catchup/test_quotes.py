"""A quote says what the request would cost at that moment: nothing where its result is in store or its job runs."""

import uuid
from collections.abc import Callable

import pytest

from chalicelib import contract
from chalicelib.models.accounts import Caller
from tests.catchup.catchup_env import CatchupEnv
from tests.catchup.test_catchup import URL, save_session

Body = dict[str, object]
MINUTE_MS = 60_000


@pytest.fixture
def ada(catchup_env: CatchupEnv) -> Caller:
    return catchup_env.backend.person(200)


def quote(env: CatchupEnv, caller: Caller, **body: object) -> contract.Quote:
    answer = env.catchups.start(
        caller, contract.Catchup(**body, quote=True), str(uuid.uuid4()), "q", "https://a.example"
    )
    assert isinstance(answer, contract.Quote)
    return answer


SOURCES: dict[str, Callable[[CatchupEnv, Caller], Body]] = {
    "an upload": lambda env, ada: {"upload_id": env.upload(ada), "to_ms": MINUTE_MS},
    "an upload to its end": lambda env, ada: {"upload_id": env.upload(ada)},
    "an address": lambda _, __: {"audio_url": URL, "from_ms": 1_000, "to_ms": MINUTE_MS},
    "an address to its end": lambda _, __: {"audio_url": URL},
    "a session, minutes back": lambda env, ada: {"session_id": save_session(env, ada), "minutes": 2},
    "a session, a range": lambda env, ada: {"session_id": save_session(env, ada), "from_ms": 0, "to_ms": MINUTE_MS},
}


@pytest.mark.parametrize("make_body", SOURCES.values(), ids=SOURCES)
def test_a_quote_is_what_the_request_costs_before_during_and_after_its_job(
    catchup_env: CatchupEnv, ada: Caller, make_body: Callable[[CatchupEnv, Caller], Body]
) -> None:
    body = make_body(catchup_env, ada)
    before = quote(catchup_env, ada, **body)
    started = catchup_env.start(ada, **body)
    running = quote(catchup_env, ada, **body)
    catchup_env.work()
    done = catchup_env.catchups.get_status(ada, started.job_id)
    stored = quote(catchup_env, ada, **body)

    assert (before.credits, before.is_stored, before.job_id) == (started.credits_held, False, "")
    assert (running.credits, running.is_stored, running.job_id) == (0, False, started.job_id)
    assert (stored.credits, stored.is_stored, stored.job_id) == (0, True, started.job_id)
    assert (stored.from_ms, stored.to_ms) == (done.from_ms, done.to_ms)
    balance = catchup_env.backend.ledger.balance(ada.user_id)
    assert catchup_env.start(ada, **body).job_id == stored.job_id
    assert catchup_env.backend.ledger.balance(ada.user_id) == balance
    assert stored.credits_available == balance.available


CHANGES: dict[str, Callable[[CatchupEnv, Body], Body]] = {
    "another end": lambda _, body: body | {"to_ms": MINUTE_MS - 1},
    "to the end": lambda _, body: {name: body[name] for name in body if name != "to_ms"},
    "another language": lambda _, body: body | {"language": "de"},
    "a changed file": lambda env, body: env.uploads.files.update(dict.fromkeys(env.uploads.files, "other")) or body,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_another_range_or_a_changed_source_is_quoted_its_price(
    catchup_env: CatchupEnv, ada: Caller, change: Callable[[CatchupEnv, Body], Body]
) -> None:
    body: Body = {"upload_id": catchup_env.upload(ada), "to_ms": MINUTE_MS}
    catchup_env.start(ada, **body)
    catchup_env.work()

    answer = quote(catchup_env, ada, **change(catchup_env, body))

    assert answer.credits > 0
    assert (answer.is_stored, answer.job_id) == (False, "")


def test_another_listener_an_old_address_and_a_deleted_result_are_quoted_their_price(
    catchup_env: CatchupEnv, ada: Caller
) -> None:
    grace, body = catchup_env.backend.person(200), {"audio_url": URL, "to_ms": MINUTE_MS}
    job_id = catchup_env.start(ada, **body).job_id
    catchup_env.work()

    assert quote(catchup_env, grace, **body).credits == 10
    catchup_env.backend.clock.forward(catchup_env.rules.url_unchanged_seconds - 1)
    assert quote(catchup_env, ada, **body).credits == 0
    catchup_env.backend.clock.forward(1)
    assert quote(catchup_env, ada, **body).credits == 10
    job_id = catchup_env.start(ada, **body).job_id
    catchup_env.work()
    assert quote(catchup_env, ada, **body).credits == 0
    catchup_env.backend.history.delete(ada, catchup_env.catchups.get_status(ada, job_id).transcript_id)
    assert (quote(catchup_env, ada, **body).credits, quote(catchup_env, ada, **body).job_id) == (10, "")


def test_a_failed_catch_up_is_quoted_its_price(catchup_env: CatchupEnv, ada: Caller) -> None:
    body: Body = {"upload_id": catchup_env.upload(ada), "to_ms": MINUTE_MS}
    catchup_env.start(ada, **body)
    catchup_env.backend.clock.forward(catchup_env.rules.abandon_after_seconds)
    catchup_env.work()

    assert (quote(catchup_env, ada, **body).credits, quote(catchup_env, ada, **body).job_id) == (10, "")


def test_a_free_quote_needs_no_credits(catchup_env: CatchupEnv) -> None:
    poor = catchup_env.backend.person(10)
    body: Body = {"upload_id": catchup_env.upload(poor), "to_ms": MINUTE_MS}
    catchup_env.start(poor, **body)
    catchup_env.work()

    answer = quote(catchup_env, poor, **body)

    assert (answer.credits, answer.credits_available, answer.is_stored) == (0, 0, True)
