"""Each request counts once, before it does anything or with its own first write; what happens when it cannot."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace

import pytest

from chalicelib import contract
from chalicelib.errors import AppError, ConflictError, NotFoundError, ProviderError, RateLimitedError, UnavailableError
from chalicelib.http.rate_limiter import REMEMBERED, RateLimiter
from chalicelib.logs.request_log import collect_request_log
from chalicelib.models.rate_limits import GROUPS, Limit
from chalicelib.repositories.rate_limits import Count, limit_key
from tests.credits.commands import CHUNK, CHUNK_AGAIN, FAILING, RENEW, SAVE, START, STOP, Command
from tests.credits.money_env import MoneyEnv
from tests.credits.test_ledger_crashes import calls_without_faults, crash_points, run_command
from tests.credits.test_ledger_races import all_at_once
from tests.engines import Engine
from tests.fault_injection import OUTAGES, Crash, Fault, FaultInjector, fail_call, no_faults
from tests.streaming.listener import Listener

Names = tuple[str, str]
KEY = "a key for tests"
AT_ONCE = [name for name, group in GROUPS.items() if not group.rides]
RIDING = [name for name, group in GROUPS.items() if group.rides]
NOTHING_FREE = [name for name in AT_ONCE if GROUPS[name].must_count]
FREE = [name for name in AT_ONCE if not GROUPS[name].must_count]


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as made:
        yield made


@dataclass
class Door:
    """A limiter of one request a minute for every group, on a wire that may fail."""

    fault_injector: FaultInjector
    limiter: RateLimiter
    now_us: int = 1_795_400_000_000_000

    @classmethod
    def on(cls, engine: Engine, names: Names, words: str = "1/minute") -> "Door":
        fault_injector = FaultInjector()
        limits = dict.fromkeys(GROUPS, Limit.read(words))
        limiter = RateLimiter(fault_injector.tables(engine, names), limits, lambda: KEY, lambda: door.now_us)
        door = cls(fault_injector, limiter)
        return door

    def request(self, group: str, who: str, do: Callable[[], object] = lambda: None) -> Count:
        count = self.limiter.count(group, who)
        with self.limiter.counting(group, count):
            do()
        return count


@pytest.fixture
def door(engine: Engine, names: Names) -> Door:
    return Door.on(engine, names)


@pytest.fixture
def ada(request: pytest.FixtureRequest) -> str:
    """Somebody else in each test."""
    return request.node.name


def never() -> None:
    raise AssertionError("the request was done")


@pytest.mark.parametrize("group", AT_ONCE)
def test_a_request_is_counted_before_it_is_done(door: Door, ada: str, group: str) -> None:
    door.request(group, ada, lambda: door.fault_injector.calls.append("done"))

    assert door.fault_injector.calls == ["UpdateItem", "done"]
    with pytest.raises(RateLimitedError):
        door.request(group, ada, never)


@pytest.mark.parametrize("group", RIDING)
def test_a_request_that_writes_nothing_is_counted_at_its_end(door: Door, ada: str, group: str) -> None:
    count = door.request(group, ada, lambda: door.fault_injector.calls.append("done"))

    assert door.fault_injector.calls == ["done", "UpdateItem"]
    assert (count.is_made, count.limit.remaining(count.tat_us, count.now_us)) == (True, 0)


@pytest.mark.parametrize("group", RIDING)
def test_an_answer_for_which_there_was_no_room_in_the_end_is_kept_back(
    door: Door, ada: str, group: str, engine: Engine, names: Names
) -> None:
    """Both read that there was room; it was for one of them."""
    with pytest.raises(RateLimitedError):
        door.request(group, ada, lambda: Door.on(engine, names).request(group, ada) and None)


@pytest.mark.parametrize("group", RIDING)
def test_a_request_that_fails_counts_too(door: Door, ada: str, group: str) -> None:
    def fail() -> None:
        raise NotFoundError("There is no such thing.")

    with pytest.raises(NotFoundError):
        door.request(group, ada, fail)
    with pytest.raises(RateLimitedError):
        door.request(group, ada, never)


def test_who_is_known_to_be_over_the_limit_costs_no_call(door: Door, ada: str) -> None:
    for group in GROUPS:
        door.request(group, ada)
    door.fault_injector.use_plan(no_faults)

    for group in GROUPS:
        with pytest.raises(RateLimitedError):
            door.request(group, ada, never)
    assert door.fault_injector.calls == []
    door.now_us += 60_000_000
    for group in GROUPS:
        assert door.request(group, ada).is_made


def test_a_busy_caller_costs_one_call_a_request_as_well(engine: Engine, names: Names, ada: str) -> None:
    door = Door.on(engine, names, "50/minute")
    for _ in range(50):
        door.request("reads", ada)

    assert door.fault_injector.calls == ["UpdateItem"] * 50


def test_processes_that_remember_pass_together_what_one_would(engine: Engine, names: Names, ada: str) -> None:
    """Each has seen only some of the requests, and what it saw last may be long over."""
    doors, chance = [Door.on(engine, names, "7/minute") for _ in range(3)], random.Random(8)
    limit, tat_us, now_us = Limit.read("7/minute"), 0, doors[0].now_us
    told = Counter[bool]()
    for _ in range(150):
        now_us += chance.choice([0, 0, 1, limit.interval_us // 3, limit.interval_us, 9 * limit.interval_us])
        door = chance.choice(doors)
        door.now_us = now_us
        passes = limit.wait_us(tat_us, now_us) == 0

        with nullcontext() if passes else pytest.raises(RateLimitedError):
            door.request("reads", ada)

        tat_us = limit.after(tat_us, now_us) if passes else tat_us
        told[passes] += 1
    assert min(told[True], told[False]) > 10


def test_what_is_remembered_is_bounded(door: Door) -> None:
    door.limiter.seen.update({limit_key("reads", Limit(1, "day"), str(n)): n for n in range(REMEMBERED)})

    door.request("reads", "one more")

    assert len(door.limiter.seen) == 1


def test_a_network_stands_in_the_table_under_an_hmac_and_a_user_under_the_id(door: Door) -> None:
    for group, rules in GROUPS.items():
        key = door.limiter.count(group, "192.0.2.7").key
        assert ("192.0.2.7" in key.pk) == (rules.by == "user")
        assert (
            key != replace(door.limiter, identity_key=lambda: "another").count(group, "192.0.2.7").key
            or rules.by == "user"
        )
    assert KEY not in repr(door.limiter)


# The table is out of reach


@pytest.mark.parametrize("fault", [*OUTAGES, Fault.THROTTLED, Fault.SERVER_ERROR])
@pytest.mark.parametrize("group", FREE)
def test_what_costs_nothing_passes_uncounted(door: Door, ada: str, group: str, fault: Fault) -> None:
    door.fault_injector.use_plan(lambda *_: fault)
    done = []
    with collect_request_log() as request_log:
        count = door.request(group, ada, lambda: done.append(1))

    assert (done, count.is_known) == ([1], False)
    assert request_log.notes["limiter"] == "out of reach"


@pytest.mark.parametrize("fault", [*OUTAGES, Fault.THROTTLED, Fault.SERVER_ERROR])
@pytest.mark.parametrize("group", NOTHING_FREE)
def test_what_could_cost_something_is_503(door: Door, ada: str, group: str, fault: Fault) -> None:
    door.fault_injector.use_plan(lambda *_: fault)

    with pytest.raises(UnavailableError):
        door.request(group, ada, never)


@pytest.mark.parametrize("fault", [*OUTAGES, Fault.THROTTLED, Fault.SERVER_ERROR])
@pytest.mark.parametrize("group", RIDING)
def test_an_answer_that_cannot_be_counted_is_503(door: Door, ada: str, group: str, fault: Fault) -> None:
    door.fault_injector.use_plan(lambda *_: fault)

    with pytest.raises(UnavailableError):
        door.request(group, ada)


@pytest.mark.parametrize("group", RIDING)
def test_a_table_that_did_not_take_the_request_is_not_asked_to_count_it(door: Door, ada: str, group: str) -> None:
    def fail() -> None:
        raise UnavailableError("The database did not answer.")

    with pytest.raises(UnavailableError):
        door.request(group, ada, fail)
    assert door.fault_injector.calls == []


# Money


def limited(money_env: MoneyEnv, words: str) -> RateLimiter:
    limits = dict.fromkeys(GROUPS, Limit.read(words))
    return RateLimiter(money_env.backend.tables, limits, lambda: KEY, lambda: money_env.clock() * 1_000_000)  # type: ignore[arg-type]


def counted(command: Command, words: str = "10000/day") -> Command:
    """The command as a request that is counted along the way."""

    def act(money_env: MoneyEnv) -> object:
        limiter = limited(money_env, words)
        with limiter.counting("stream", limiter.count("stream", money_env.caller.user_id)):
            return command.act(money_env)

    return replace(command, act=act)


@pytest.mark.parametrize("command", [START, RENEW, SAVE, STOP, CHUNK, CHUNK_AGAIN], ids=str)
def test_counting_along_costs_no_call(command: Command, engine: Engine, names: Names) -> None:
    assert calls_without_faults(counted(command), engine, names) == calls_without_faults(command, engine, names)


def test_counting_a_direct_start_along_costs_no_call(engine: Engine, names: Names) -> None:
    heard = Listener.on(engine, names)
    limits = dict.fromkeys(GROUPS, Limit.read("1/minute"))
    limiter = RateLimiter(heard.backend.tables, limits, lambda: KEY, lambda: heard.backend.clock() * 1_000_000)  # type: ignore[arg-type]
    heard.fault_injector.use_plan(no_faults)

    with limiter.counting("stream", limiter.count("stream", heard.who.user_id)):
        heard.start()

    assert heard.fault_injector.calls == ["BatchGetItem", "TransactWriteItems", "Ticket", "TransactWriteItems"]


@pytest.mark.parametrize("command", [START, RENEW, SAVE, STOP, CHUNK, FAILING], ids=str)
def test_a_crash_at_any_call_of_a_counted_request_loses_doubles_and_blocks_nothing(
    command: Command, engine: Engine, names: Names
) -> None:
    calls = calls_without_faults(counted(command), engine, names)
    for number, fault in [(0, Fault.CRASH_BEFORE), *crash_points(calls, (Fault.CRASH_AFTER, Fault.LOST))]:
        run_command(counted(command), fail_call(number, fault), engine, names)


@pytest.mark.parametrize("command", [START, RENEW, SAVE, STOP, CHUNK], ids=str)
def test_who_is_over_the_limit_moves_nothing(command: Command, engine: Engine, names: Names) -> None:
    money_env = MoneyEnv.on(engine, names)
    command.prepare(money_env)
    door = Door.on(engine, names, "1/day")
    door.now_us = money_env.clock() * 1_000_000
    door.request("stream", money_env.caller.user_id)
    before = money_env.books()

    with pytest.raises(RateLimitedError):
        counted(command, "1/day").act(money_env)

    assert money_env.books() == before


def test_of_twenty_starts_at_once_as_many_hold_as_the_limit_says(engine: Engine, names: Names) -> None:
    money_env = MoneyEnv.on(engine, names)
    money_env.grant()

    def start(number: int) -> contract.Lease:
        limiter = limited(money_env, "7/day")  # A process of its own.
        with limiter.counting("stream", limiter.count("stream", money_env.caller.user_id)):
            return money_env.backend.start(money_env.caller, f"session-{number}", lease_seconds=60)

    with all_at_once(20) as run:
        answers = run(lambda number: once(lambda: start(number)))

    refused = [answer for answer in answers if isinstance(answer, RateLimitedError)]
    assert len(answers) - len(refused) == 7
    assert len(money_env.quiet.open_holds(money_env.caller.user_id)) == 7
    money_env.quiet.check_books(money_env.caller.user_id)


def once(do: Callable[[], object]) -> object:
    """What is refused is an answer here: `all_at_once` would wait and ask again."""
    try:
        return do()
    except RateLimitedError as refused:
        return refused


def test_a_provider_that_fails_is_a_counted_request(engine: Engine, names: Names) -> None:
    money_env = MoneyEnv.on(engine, names)
    FAILING.prepare(money_env)
    limiter = limited(money_env, "1/day")

    with pytest.raises(ProviderError), limiter.counting("audio", limiter.count("audio", money_env.caller.user_id)):
        money_env.send(1, 7.1)
    with pytest.raises(RateLimitedError), limiter.counting("audio", limiter.count("audio", money_env.caller.user_id)):
        never()


def test_a_crash_may_cost_a_count_but_never_gives_one(engine: Engine, names: Names, ada: str) -> None:
    """What is in the table is never less than what passed."""
    door, passed = Door.on(engine, names, "5/day"), 0
    for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LOST, Fault.UNSENT) * 4:
        for plan in (fail_call(0, fault), no_faults):
            door.fault_injector.use_plan(plan)
            with suppress(Crash, AppError):
                door.request("spend", ada)
                passed += 1

    assert 1 <= passed <= 5
    with pytest.raises(RateLimitedError):
        door.request("spend", ada, never)


def test_a_conflict_that_says_when_to_ask_again_counts_as_well(door: Door, ada: str) -> None:
    def conflict() -> None:
        raise ConflictError("Still at it.", retry_after_seconds=1)

    with pytest.raises(ConflictError):
        door.request("spend", ada, conflict)
    with pytest.raises(RateLimitedError):
        door.request("spend", ada, never)
