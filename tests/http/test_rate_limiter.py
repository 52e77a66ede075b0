"""Each request is counted once: before anything is done, or after it where a relayed chunk did no new work."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace

import pytest

from chalicelib import contract
from chalicelib.errors import AppError, ConflictError, NotFoundError, ProviderError, RateLimitedError, UnavailableError
from chalicelib.http.rate_limiter import MAX_REMEMBERED, RateLimiter
from chalicelib.logs.request_facts import collect_request_facts
from chalicelib.models.rate_limits import GROUPS, Limit
from chalicelib.repositories.rate_limits import RateLimits, RequestCount, limit_key
from tests.credits.commands import CHUNK, CHUNK_AGAIN, FAILING, RENEW, SAVE, START, STOP, Command
from tests.credits.money_env import MoneyEnv
from tests.credits.test_ledger_crashes import calls_without_faults, crash_points, run_command
from tests.credits.test_ledger_races import all_at_once
from tests.engines import Engine
from tests.fault_injection import OUTAGES, Crash, Fault, FaultInjector, fail_call, no_faults
from tests.streaming.listener import Listener

Names = tuple[str, str]
KEY = "a key for tests"
COUNTED_FIRST = [name for name, group in GROUPS.items() if group.counts_new_work]
COUNTED_AFTERWARDS = [name for name, group in GROUPS.items() if not group.counts_new_work]
MUST_COUNT = [name for name in COUNTED_FIRST if GROUPS[name].must_count]
MAY_PASS_UNCOUNTED = [name for name in COUNTED_FIRST if not GROUPS[name].must_count]
TABLE_FAULTS = [*OUTAGES, Fault.THROTTLED, Fault.SERVER_ERROR]


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as table_names:
        yield table_names


@dataclass
class LimitedApi:
    """A limiter that allows one request a minute in every group, on a fault_injection that may fail."""

    fault_injection: FaultInjector
    limiter: RateLimiter
    now_us: int = 1_795_400_000_000_000

    @classmethod
    def on(cls, engine: Engine, names: Names, limit: str = "1/minute") -> "LimitedApi":
        fault_injection = FaultInjector()
        limits = dict.fromkeys(GROUPS, Limit.parse(limit))
        limiter = RateLimiter(
            RateLimits(fault_injection.tables(engine, names)), limits, lambda: KEY, lambda: api.now_us
        )
        api = cls(fault_injection, limiter)
        return api

    def request(
        self, group: str, identity: str, process: Callable[[], object] = lambda: None, *, is_new_work: bool = False
    ) -> RequestCount:
        """`is_new_work`: as when a chunk is accepted that was not sent before."""
        count = self.limiter.new_count(group, identity)
        with self.limiter.counting(group, count):
            process()
            count.is_exempt = is_new_work
        return count


@pytest.fixture
def api(engine: Engine, names: Names) -> LimitedApi:
    return LimitedApi.on(engine, names)


@pytest.fixture
def ada(request: pytest.FixtureRequest) -> str:
    """Another user in each test."""
    return request.node.name


def must_not_run() -> None:
    raise AssertionError("the request was processed")


@pytest.mark.parametrize("group", COUNTED_FIRST)
@pytest.mark.parametrize("is_new_work", [False, True])
def test_a_request_is_counted_before_it_is_processed(api: LimitedApi, ada: str, group: str, is_new_work: bool) -> None:
    api.request(group, ada, lambda: api.fault_injection.calls.append("processed"), is_new_work=is_new_work)

    assert api.fault_injection.calls == ["UpdateItem", "processed"]
    with pytest.raises(RateLimitedError):
        api.request(group, ada, must_not_run)


def test_only_relayed_audio_is_counted_afterwards() -> None:
    assert COUNTED_AFTERWARDS == ["audio"]


@pytest.mark.parametrize("group", COUNTED_AFTERWARDS)
def test_a_request_without_new_work_is_counted_at_its_end(api: LimitedApi, ada: str, group: str) -> None:
    count = api.request(group, ada, lambda: api.fault_injection.calls.append("processed"))

    assert api.fault_injection.calls == ["processed", "UpdateItem"]
    assert (count.is_counted, count.limit.remaining(count.tat_us, count.now_us)) == (True, 0)


@pytest.mark.parametrize("group", COUNTED_AFTERWARDS)
def test_accepted_new_work_is_not_counted_and_costs_no_call(api: LimitedApi, ada: str, group: str) -> None:
    counts = [api.request(group, ada, is_new_work=True) for _ in range(5)]

    assert api.fault_injection.calls == []
    assert not any(count.is_counted or count.is_current for count in counts)
    assert api.request(group, ada).is_counted  # The whole limit is still there.


@pytest.mark.parametrize("group", COUNTED_AFTERWARDS)
def test_a_response_for_which_the_limit_has_no_room_is_kept_back(
    api: LimitedApi, ada: str, group: str, engine: Engine, names: Names
) -> None:
    """Two processes begin while there is room for one request: the second one finds none at its end."""
    with pytest.raises(RateLimitedError):
        api.request(group, ada, lambda: LimitedApi.on(engine, names).request(group, ada) and None)


@pytest.mark.parametrize("group", COUNTED_AFTERWARDS)
def test_a_refused_request_of_a_caller_over_the_limit_is_429(
    api: LimitedApi, ada: str, group: str, engine: Engine, names: Names
) -> None:
    def refuse() -> None:
        raise NotFoundError("There is no such session.")

    LimitedApi.on(engine, names).request(group, ada)  # Another process used up the limit.

    with pytest.raises(RateLimitedError):
        api.request(group, ada, refuse)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("error", [NotFoundError("No."), ProviderError("No."), KeyError("a bug")], ids=repr)
def test_a_request_that_fails_counts_too(api: LimitedApi, ada: str, group: str, error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        api.request(group, ada, fail)
    with pytest.raises(RateLimitedError):
        api.request(group, ada, must_not_run)


@pytest.mark.parametrize("group", COUNTED_AFTERWARDS)
def test_a_bug_is_not_hidden_by_the_limit(api: LimitedApi, ada: str, group: str, engine: Engine, names: Names) -> None:
    def fail() -> None:
        raise KeyError("a bug")

    LimitedApi.on(engine, names).request(group, ada)

    with pytest.raises(KeyError):
        api.request(group, ada, fail)


def test_a_caller_known_to_be_over_the_limit_costs_no_call(api: LimitedApi, ada: str) -> None:
    for group in GROUPS:
        api.request(group, ada)
    api.fault_injection.use_plan(no_faults)

    for group in GROUPS:
        count = api.limiter.new_count(group, ada)
        with pytest.raises(RateLimitedError), api.limiter.counting(group, count):
            must_not_run()
        assert count.is_current  # The answer has the headers of the limit.
    assert api.fault_injection.calls == []
    api.now_us += 60_000_000
    for group in GROUPS:
        assert api.request(group, ada).is_counted


def test_a_busy_caller_costs_one_call_per_request_as_well(engine: Engine, names: Names, ada: str) -> None:
    api = LimitedApi.on(engine, names, "50/minute")
    for _ in range(50):
        api.request("reads", ada)

    assert api.fault_injection.calls == ["UpdateItem"] * 50


def test_processes_that_remember_allow_together_what_one_would(engine: Engine, names: Names, ada: str) -> None:
    """Each has processed only some of the requests, and what it remembers may be long outdated."""
    apis, chance = [LimitedApi.on(engine, names, "7/minute") for _ in range(3)], random.Random(8)
    limit, tat_us, now_us = Limit.parse("7/minute"), 0, apis[0].now_us
    outcomes = Counter[bool]()
    for _ in range(150):
        now_us += chance.choice([0, 0, 1, limit.interval_us // 3, limit.interval_us, 9 * limit.interval_us])
        api = chance.choice(apis)
        api.now_us = now_us
        passes = limit.wait_us(tat_us, now_us) == 0

        with nullcontext() if passes else pytest.raises(RateLimitedError):
            api.request("reads", ada)

        tat_us = limit.next_tat_us(tat_us, now_us) if passes else tat_us
        outcomes[passes] += 1
    assert min(outcomes[True], outcomes[False]) > 10


def test_remembered_arrival_times_are_bounded(api: LimitedApi) -> None:
    api.limiter.remembered.update({limit_key("reads", Limit(1, "day"), str(n)): n for n in range(MAX_REMEMBERED)})

    api.request("reads", "another user")

    assert len(api.limiter.remembered) == 1


def test_a_network_is_stored_as_an_hmac_and_a_user_by_id(api: LimitedApi) -> None:
    for group, rules in GROUPS.items():
        key = api.limiter.new_count(group, "192.0.2.7").key
        assert ("192.0.2.7" in key.pk) == (rules.by == "user")
        assert (
            key != replace(api.limiter, identity_key=lambda: "another").new_count(group, "192.0.2.7").key
            or rules.by == "user"
        )
    assert KEY not in repr(api.limiter)


# The table is unavailable


@pytest.mark.parametrize("fault", TABLE_FAULTS)
@pytest.mark.parametrize("group", MAY_PASS_UNCOUNTED)
def test_a_request_that_spends_nothing_passes_uncounted(api: LimitedApi, ada: str, group: str, fault: Fault) -> None:
    api.fault_injection.use_plan(lambda *_: fault)
    processed = []
    with collect_request_facts() as log_fields:
        count = api.request(group, ada, lambda: processed.append(1))

    assert (processed, count.is_current) == ([1], False)
    assert log_fields.notes["limiter"] == "unavailable"


@pytest.mark.parametrize("fault", TABLE_FAULTS)
@pytest.mark.parametrize("group", MUST_COUNT)
def test_a_request_that_could_spend_something_is_503(api: LimitedApi, ada: str, group: str, fault: Fault) -> None:
    api.fault_injection.use_plan(lambda *_: fault)

    with pytest.raises(UnavailableError):
        api.request(group, ada, must_not_run)


@pytest.mark.parametrize("fault", TABLE_FAULTS)
@pytest.mark.parametrize("group", COUNTED_AFTERWARDS)
def test_a_response_that_cannot_be_counted_is_503(api: LimitedApi, ada: str, group: str, fault: Fault) -> None:
    api.fault_injection.use_plan(lambda *_: fault)

    with pytest.raises(UnavailableError):
        api.request(group, ada)


@pytest.mark.parametrize("group", COUNTED_AFTERWARDS)
def test_after_a_failure_of_the_table_no_count_is_tried(api: LimitedApi, ada: str, group: str) -> None:
    def fail() -> None:
        raise UnavailableError("The database did not answer.")

    with pytest.raises(UnavailableError):
        api.request(group, ada, fail)
    assert api.fault_injection.calls == []


# Money


def limiter_of(money_env: MoneyEnv, limit: str) -> RateLimiter:
    limits = dict.fromkeys(GROUPS, Limit.parse(limit))
    return RateLimiter(
        RateLimits(money_env.backend.tables),
        limits,
        lambda: KEY,
        lambda: money_env.clock() * 1_000_000,  # type: ignore[arg-type]
    )


def count_command(command: Command, limit: str = "10000/day", group: str = "stream") -> Command:
    """The command as a counted request. A chunk that is processed to its end did new work."""

    def act(money_env: MoneyEnv) -> object:
        limiter = limiter_of(money_env, limit)
        count = limiter.new_count(group, money_env.caller.user_id)
        with limiter.counting(group, count):
            outcome = command.act(money_env)
            count.is_exempt = True
            return outcome

    return replace(command, act=act)


@pytest.mark.parametrize("command", [START, RENEW, SAVE, STOP], ids=str)
def test_counting_a_command_costs_one_plain_write_before_it(command: Command, engine: Engine, names: Names) -> None:
    assert calls_without_faults(count_command(command), engine, names) == [
        "UpdateItem",
        *calls_without_faults(command, engine, names),
    ]


@pytest.mark.parametrize("command", [CHUNK, CHUNK_AGAIN], ids=str)
def test_an_accepted_chunk_costs_no_call_of_the_limiter(command: Command, engine: Engine, names: Names) -> None:
    assert calls_without_faults(count_command(command, group="audio"), engine, names) == calls_without_faults(
        command, engine, names
    )


def test_a_counted_direct_start_makes_these_calls(engine: Engine, names: Names) -> None:
    listener = Listener.on(engine, names)
    limits = dict.fromkeys(GROUPS, Limit.parse("1/minute"))
    limiter = RateLimiter(
        RateLimits(listener.backend.tables),
        limits,
        lambda: KEY,
        lambda: listener.backend.clock() * 1_000_000,  # type: ignore[arg-type]
    )
    listener.fault_injector.use_plan(no_faults)

    with limiter.counting("stream", limiter.new_count("stream", listener.caller.user_id)):
        listener.start()

    calls = ["UpdateItem", "BatchGetItem", "TransactWriteItems", "CreateToken", "TransactWriteItems"]
    assert listener.fault_injector.calls == calls


@pytest.mark.long
@pytest.mark.parametrize(
    ("command", "group"),
    [
        *((command, "stream") for command in (START, RENEW, SAVE, STOP)),
        *((command, "audio") for command in (CHUNK, FAILING)),
    ],
    ids=str,
)
def test_a_crash_at_any_call_of_a_counted_request_loses_doubles_and_blocks_nothing(
    command: Command, group: str, engine: Engine, names: Names
) -> None:
    request = count_command(command, group=group)
    calls = calls_without_faults(request, engine, names)
    for number, fault in [(0, Fault.CRASH_BEFORE), *crash_points(calls, (Fault.CRASH_AFTER, Fault.LOST))]:
        run_command(request, fail_call(number, fault), engine, names)


@pytest.mark.parametrize(
    ("command", "group"),
    [*((command, "stream") for command in (START, RENEW, SAVE, STOP)), (CHUNK, "audio")],
    ids=str,
)
def test_a_caller_over_the_limit_changes_nothing(command: Command, group: str, engine: Engine, names: Names) -> None:
    money_env = MoneyEnv.on(engine, names)
    command.prepare(money_env)
    limiter = limiter_of(money_env, "1/day")
    with limiter.counting(group, limiter.new_count(group, money_env.caller.user_id)):
        pass
    before = money_env.books()

    with (
        pytest.raises(RateLimitedError),
        limiter.counting(group, limiter.new_count(group, money_env.caller.user_id)),
    ):
        command.act(money_env)

    assert money_env.books() == before


@pytest.mark.parametrize("command", [START, RENEW, SAVE, STOP], ids=str)
def test_a_process_without_memory_changes_nothing_over_the_limit(
    command: Command, engine: Engine, names: Names
) -> None:
    money_env = MoneyEnv.on(engine, names)
    command.prepare(money_env)
    api = LimitedApi.on(engine, names, "1/day")
    api.now_us = money_env.clock() * 1_000_000
    api.request("stream", money_env.caller.user_id)
    before = money_env.books()

    with pytest.raises(RateLimitedError):
        count_command(command, "1/day").act(money_env)

    assert money_env.books() == before


def test_of_twenty_starts_at_once_as_many_hold_as_the_limit_allows(engine: Engine, names: Names) -> None:
    money_env = MoneyEnv.on(engine, names)
    money_env.grant()

    def start(number: int) -> contract.Lease:
        limiter = limiter_of(money_env, "7/day")  # A process of its own.
        with limiter.counting("stream", limiter.new_count("stream", money_env.caller.user_id)):
            return money_env.backend.start(money_env.caller, f"session-{number}", lease_seconds=60)

    with all_at_once(20) as run:
        outcomes = run(lambda number: outcome_of(lambda: start(number)))

    refused = [outcome for outcome in outcomes if isinstance(outcome, RateLimitedError)]
    assert len(outcomes) - len(refused) == 7
    assert len(money_env.quiet.open_holds(money_env.caller.user_id)) == 7
    money_env.quiet.check_books(money_env.caller.user_id)


def outcome_of(command: Callable[[], object]) -> object:
    """Its result or its 429, which `all_at_once` would otherwise retry."""
    try:
        return command()
    except RateLimitedError as refused:
        return refused


def test_a_chunk_whose_provider_fails_is_counted(engine: Engine, names: Names) -> None:
    money_env = MoneyEnv.on(engine, names)
    FAILING.prepare(money_env)
    limiter = limiter_of(money_env, "1/day")

    with pytest.raises(ProviderError), limiter.counting("audio", limiter.new_count("audio", money_env.caller.user_id)):
        money_env.send(1, 7.1)
    with (
        pytest.raises(RateLimitedError),
        limiter.counting("audio", limiter.new_count("audio", money_env.caller.user_id)),
    ):
        must_not_run()


def test_a_crash_may_cost_a_count_but_never_adds_one(engine: Engine, names: Names, ada: str) -> None:
    """The table never holds less than what passed."""
    api, passed = LimitedApi.on(engine, names, "5/day"), 0
    for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST, Fault.UNSENT) * 4:
        for plan in (fail_call(0, fault), no_faults):
            api.fault_injection.use_plan(plan)
            with suppress(Crash, AppError):
                api.request("spend", ada)
                passed += 1

    assert 1 <= passed <= 5
    with pytest.raises(RateLimitedError):
        api.request("spend", ada, must_not_run)


@pytest.mark.parametrize("group", ["spend", "audio"])
def test_a_conflict_that_says_when_to_retry_counts_as_well(api: LimitedApi, ada: str, group: str) -> None:
    def conflict() -> None:
        raise ConflictError("Still running.", "still_running", retry_after_seconds=1)

    with pytest.raises(ConflictError):
        api.request(group, ada, conflict)
    with pytest.raises(RateLimitedError):
        api.request(group, ada, must_not_run)
