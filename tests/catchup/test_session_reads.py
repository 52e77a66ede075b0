"""A request that reads the text of a session is checked first, and counted: quotes, refusals, results from store."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib import contract
from chalicelib.catchup.job_rules import JobRules
from chalicelib.errors import AppError, InvalidRequestError, NotFoundError, RateLimitedError
from chalicelib.models.accounts import Caller
from tests.catchup.catchup_env import CatchupEnv
from tests.catchup.test_catchup import save_session
from tests.engines import Engine
from tests.fakes import Backend, Clock
from tests.fault_injection import FaultInjector

INVALID: dict[str, dict[str, Any]] = {
    "no range": {},
    "no range, a quote": {"quote": True},
    "minutes and an end": {"minutes": 5, "to_ms": 5},
    "minutes and a start": {"minutes": 5, "from_ms": 5},
    "an end before the start": {"from_ms": 9_000, "to_ms": 3_000, "quote": True},
    "over ten hours": {"from_ms": 0, "to_ms": 36_000_001},
}


def ask(env: CatchupEnv, caller: Caller, **body: object) -> contract.CatchupJob | contract.Quote:
    return env.catchups.start(caller, contract.Catchup(**body), "job", "hash", "https://api.example/api")


@pytest.fixture
def fault_injector() -> FaultInjector:
    return FaultInjector()


@pytest.fixture
def env(engine: Engine, fault_injector: FaultInjector, clock: Clock, names: tuple[str, str]) -> CatchupEnv:
    return CatchupEnv(Backend.on(fault_injector.tables(engine, names), clock))


def refused_calls(env: CatchupEnv, fault_injector: FaultInjector, error: type[AppError], **body: Any) -> list[str]:
    """The calls to the tables that a refused request made."""
    fault_injector.calls.clear()
    caller = body.pop("caller")
    with pytest.raises(error):
        ask(env, caller, **body)
    return list(fault_injector.calls)


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID)
def test_an_invalid_range_is_refused_before_anything_is_read(
    env: CatchupEnv, fault_injector: FaultInjector, body: dict[str, Any]
) -> None:
    ada = env.backend.person(200)
    session_id = save_session(env, ada, minutes=1)

    assert refused_calls(env, fault_injector, InvalidRequestError, caller=ada, session_id=session_id, **body) == []


def test_what_the_session_tells_is_refused_without_its_text(env: CatchupEnv, fault_injector: FaultInjector) -> None:
    ada, eve = env.backend.person(500), env.backend.person(200)
    direct = env.backend.start(ada, transport="direct").session_id
    segment = contract.SegmentInput(seq=0, start_ms=0, end_ms=9_000, text="All that was said.")
    env.backend.streaming.save(ada, direct, [segment])
    one_read = ["BatchGetItem"]

    def calls(error: type[AppError], **body: Any) -> list[str]:
        return refused_calls(env, fault_injector, error, **body)

    assert calls(NotFoundError, caller=eve, session_id=direct, minutes=5) == one_read
    assert calls(InvalidRequestError, caller=ada, session_id=direct, from_ms=9_000, to_ms=9_500) == one_read


def test_reading_the_text_of_sessions_has_a_limit_per_account_and_day(
    env: CatchupEnv, fault_injector: FaultInjector
) -> None:
    """Of whatever costs nothing: a quote, a range without text, a result from store, a range to the end."""
    env = replace(env, rules=JobRules(session_reads_per_day=4))
    ada, grace = env.backend.person(200), env.backend.person(200)
    session_id, other_id = save_session(env, ada, minutes=1), save_session(env, grace, minutes=1)
    quote = {"session_id": session_id, "minutes": 1, "quote": True}
    without_text = {"session_id": session_id, "from_ms": 9_500, "to_ms": 9_900}
    for number in range(env.rules.session_reads_per_day):
        if number % 2:
            ask(env, ada, **quote)
        else:
            with pytest.raises(InvalidRequestError):
                ask(env, ada, **without_text)

    for body in (quote, without_text, {"session_id": session_id, "minutes": 1}):
        calls = refused_calls(env, fault_injector, RateLimitedError, caller=ada, **body)
        assert calls == ["BatchGetItem", "UpdateItem"], "and no text"
    to_the_end = {"audio_url": "https://media.example.com/a.mp3", "quote": True}
    calls = refused_calls(env, fault_injector, RateLimitedError, caller=ada, **to_the_end)
    assert calls == ["BatchGetItem", "UpdateItem"], "and no list of the open sessions"
    assert ask(env, ada, **to_the_end, to_ms=60_000)
    assert ask(env, grace, session_id=other_id, minutes=1, quote=True)
    with pytest.raises(RateLimitedError) as refusal:
        ask(env, ada, **quote)
    assert refusal.value.message == "This account's catch-ups read sessions 4 times today. Retry tomorrow (UTC)."
    wait_seconds = refusal.value.details["retry_after_seconds"]
    assert 0 < wait_seconds <= 86_400
    env.backend.clock.forward(wait_seconds)
    assert ask(env, ada, **quote)
