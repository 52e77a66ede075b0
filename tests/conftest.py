"""Fixtures that all tests share: the engines, fresh tables, a clock that stands still, use cases on them."""

import gc
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from chalicelib.repositories.table import Tables
from scripts.local.aws import LocalAws
from scripts.local.dynamodb_local import DynamoDBLocal
from tests.catchup.catchup_env import CatchupEnv
from tests.engines import SERVERS, USE_CASE_ENGINES, Engine, requested_engine
from tests.fakes import Backend, Clock
from tests.log_leak_guard import LogLeakGuard
from tests.scheduling import Folder, Scheduling, sort_items
from tests.shared_server import shared_server

DONE: Counter[str] = Counter()
TESTS = Path(__file__).parent
RECOGNISED = TESTS.parent / ".tools" / "recognised"
# Every two seconds, as `make run` has them, the schedules of an idle stack take a tenth of a core.
SCHEDULE_SECONDS = "10"


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LogLeakGuard())
    os.environ.setdefault("SAMPLE_SEED", date.today().isoformat())  # Processes of several take over the first one's.
    os.environ.setdefault("SANDBOX_RECOGNISED_DIRECTORY", str(RECOGNISED))  # Each recording is recognised once.
    os.environ.setdefault("LOCAL_SCHEDULE_SECONDS", SCHEDULE_SECONDS)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="leave out tests that need a server or take long")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect tests without garbage collection, which would find little: nearly all that is created stays.

    So it is left out of later collections as well: each full one would look at all tests again.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector:
    return Folder.from_parent(parent, path=path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


def pytest_report_header() -> str:
    return f"samples: SAMPLE_SEED={os.environ['SAMPLE_SEED']}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process of several hands what it did to the one that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["done"] = dict(DONE)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    DONE.update(getattr(node, "workeroutput", {}).get("done", {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if DONE:
        terminalreporter.section("counted")
        for what, number in sorted(DONE.items()):
            terminalreporter.write_line(f"{number:>12,} {what}")


@pytest.hookimpl(trylast=True)  # pytest has its own order, by what parametrised fixtures cost.
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the tests. `--quick` leaves out those that take long or need a server.

    Except in a soak, tests marked `soak` are left out, and tests marked `sampled` run some of their cases.

    Each day draws another sample; the run names its seed, and `SAMPLE_SEED=…` draws that one again.
    """
    sort_items(items)
    if config.getoption("--quick"):
        _deselect(config, items, {item for item in items if item.get_closest_marker("long") or _needs_server(item)})
    if not os.environ.get("SOAK"):
        _deselect(config, items, {item for item in items if item.get_closest_marker("soak")})
        _deselect(config, items, set(_beyond_samples(items)))


def _deselect(config: pytest.Config, items: list[pytest.Item], left_out: set[pytest.Item]) -> None:
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=list(left_out))


def _needs_server(item: pytest.Item) -> bool:
    """Whether it takes a server as a fixture, by its own name or as the engine it runs on."""
    assert isinstance(item, pytest.Function)
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return not {*SERVERS}.isdisjoint({*item.fixturenames, *filter(lambda value: isinstance(value, str), parameters)})


def _beyond_samples(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("sampled"):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for name, every in cases.items():
        (size,) = every[0].get_closest_marker("sampled").args  # type: ignore[union-attr]
        if len(every) > size:  # One that was asked for by its name is run.
            sample = random.Random(os.environ["SAMPLE_SEED"] + name).sample(every, size)
            yield from (item for item in every if item not in sample)


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(tmp_path_factory.mktemp("ministack")) as running:
        yield running


@pytest.fixture(scope="session")
def dynamodb_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """DynamoDB Local, one for all processes of a run: its tests have tables of their own."""

    @contextmanager
    def start() -> Iterator[str]:
        with DynamoDBLocal(tmp_path_factory.mktemp("dynamodb-local") / "log") as running:
            yield running.endpoint_url

    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with shared_server(shared, "dynamodb-local", start) as url:
        yield Engine("dynamodb_local", url)


@pytest.fixture(scope="session", params=USE_CASE_ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """The engine in this process, in a soak Amazon's too; tests/repositories have both servers instead."""
    return requested_engine(request)


@pytest.fixture
def tables(engine: Engine) -> Iterator[Tables]:
    with engine.tables() as names:
        yield Tables(engine.client, *names)


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[tuple[str, str]]:
    """Names of tables that the tests of one file share: each test has users of its own."""
    with engine.tables() as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backend(tables: Tables, clock: Clock) -> Backend:
    """The use cases of money on a fresh pair of tables."""
    return Backend.on(tables, clock)


@pytest.fixture(scope="session")
def soak_counts() -> Counter[str]:
    """What a soak did, printed at its end, by whichever process it was done."""
    return DONE


@pytest.fixture
def catchup_env(backend: Backend) -> CatchupEnv:
    """Catch-ups and questions beside them."""
    return CatchupEnv(backend)
