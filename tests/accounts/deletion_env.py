"""A user with text in every place that stores some, and the deletion of the account, with injected faults.

All text of the user contains `MARKER`, so that a search of all stored items finds what was left behind.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib import contract
from chalicelib.accounts.deletion import AccountDeletion, DeletionRules
from chalicelib.accounts.export import AccountExports, ExportRules
from chalicelib.accounts.export_content import ExportContent
from chalicelib.audit.checks import findings
from chalicelib.catchup.job_rules import JobRules
from chalicelib.errors import AppError, UnauthenticatedError, UnavailableError
from chalicelib.models.accounts import Caller, Profile
from chalicelib.models.catchup import StoredFile
from chalicelib.models.purchase_facts import PaymentState
from chalicelib.models.transcripts import Recognition, Word
from chalicelib.payments.refunds_and_disputes import purchase_value
from chalicelib.pricing import price_files
from chalicelib.repositories import account_books
from chalicelib.repositories.deletions import load_deletion
from chalicelib.repositories.expressions import deserialize
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.profiles import create_profile
from chalicelib.repositories.table import Tables
from tests.catchup.catchup_env import CatchupEnv, FakeUploads
from tests.catchup.worker_env import FaultyQueue, FaultyRecordings, FaultyText, call_with_faults
from tests.credits.account_invariants import Books
from tests.default_prices import PRICES
from tests.engines import Engine
from tests.fakes import Backend, Clock, FakeLive, ScriptedRecogniser
from tests.fault_injection import FaultInjector, no_faults
from tests.payments.payments_env import RETURN, FakePayments, PaymentsEnv
from tests.stored_text import text_of
from tests.transcripts.sharing_env import confirm_email, sharing_on

MARKER = "plantedmarker"
EMAIL = f"{MARKER}@example.com"
CREDITS = 500
Names = tuple[str, str]


@dataclass
class MarkedRecogniser(ScriptedRecogniser):
    """Recognises the marker in every chunk."""

    def recognise(self, *_: Any) -> Recognition:
        return Recognition(f"heard {MARKER}", self.model, (Word(MARKER, 0, 40, 0.9),))


@dataclass
class FakeSignIns:
    """The user pool's accounts."""

    fault_injector: FaultInjector
    user_ids: set[str] = field(default_factory=set)

    def delete(self, user_id: str) -> None:
        call_with_faults(self.fault_injector, "DeleteUser", lambda: self.user_ids.discard(user_id), UnavailableError)


@dataclass
class FaultyUploads(FakeUploads):
    fault_injector: FaultInjector = field(default_factory=FaultInjector)

    def list_files(self, user_id: str) -> Iterator[StoredFile]:
        return (StoredFile(name, 9, 1_795_400_000) for owner, name in self.files if owner == user_id)

    def delete_all(self, user_id: str) -> None:
        def delete() -> None:
            for key in [key for key in self.files if key[0] == user_id]:
                del self.files[key]

        call_with_faults(self.fault_injector, "DeleteUploads", delete, UnavailableError)


@dataclass
class FakeExportFiles:
    """Files by (user, export)."""

    fault_injector: FaultInjector
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def write(self, user_id: str, export_id: str, pieces: Iterable[bytes]) -> int:
        content = b"".join(pieces)

        def store() -> int:
            self.files[user_id, export_id] = content
            return len(content)

        return call_with_faults(self.fault_injector, "WriteExport", store, UnavailableError)

    def link(self, user_id: str, export_id: str, seconds: int) -> str:
        return f"https://bucket.example/{user_id}/{export_id}?for={seconds}"

    def delete(self, user_id: str, export_id: str) -> None:
        call_with_faults(
            self.fault_injector, "DeleteExport", lambda: self.files.pop((user_id, export_id), None), UnavailableError
        )

    def delete_all(self, user_id: str) -> None:
        def delete() -> None:
            for key in [key for key in self.files if key[0] == user_id]:
                del self.files[key]

        call_with_faults(self.fault_injector, "DeleteExports", delete, UnavailableError)


@dataclass
class DeletionEnv:
    """One user, all use cases with injected faults, and access to the tables without them."""

    catchup_env: CatchupEnv
    quiet: Backend
    fault_injector: FaultInjector
    engine: Engine
    names: Names
    recordings: FaultyRecordings
    uploads: FaultyUploads
    files: FakeExportFiles
    sign_ins: FakeSignIns
    caller: Caller
    payments: FakePayments = field(default_factory=FakePayments)
    left: dict[str, str] = field(default_factory=dict)

    @classmethod
    def on(cls, engine: Engine, names: Names) -> "DeletionEnv":
        fault_injector, clock = FaultInjector(), Clock()
        words = tuple(Word(f"{MARKER}{n}.", n * 500, n * 500 + 400, 0.9) for n in range(240))
        recordings, queue = (
            FaultyRecordings(fault_injector=fault_injector, words=words),
            FaultyQueue(fault_injector=fault_injector),
        )
        uploads = FaultyUploads(fault_injector=fault_injector)
        backend = Backend.on(fault_injector.tables(engine, names), clock, (MarkedRecogniser(),), (FakeLive(clock),))
        catchup_env = CatchupEnv(backend, recordings, FaultyText(fault_injector=fault_injector), uploads, queue)
        quiet = Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock, (MarkedRecogniser(),))
        caller = Caller(str(uuid.uuid4()), clock.at, EMAIL, name=MARKER)
        accounts_env = cls(
            catchup_env,
            quiet,
            fault_injector,
            engine,
            names,
            recordings,
            uploads,
            FakeExportFiles(fault_injector),
            FakeSignIns(fault_injector),
            caller,
        )
        accounts_env.sign_ins.user_ids.add(caller.user_id)
        kept = create_profile(Profile(caller.user_id, EMAIL, MARKER, clock()))
        guard = Guard.free_credits(caller.user_id)
        quiet.ledger.grant(
            caller.user_id,
            CREDITS,
            "free_credits",
            guard,
            at=clock(),
            reason="Free credits of a new account",
            extra_writes=[kept],
        )
        return accounts_env

    @property
    def clock(self) -> Clock:
        return self.quiet.clock

    @property
    def payments_env(self) -> PaymentsEnv:
        return PaymentsEnv(self.catchup_env.backend, self.payments)

    @property
    def deletion(self) -> AccountDeletion:
        backend = self.catchup_env.backend
        return AccountDeletion(
            ledger=backend.ledger,
            tables=backend.tables,
            leases=backend.streaming.leases,
            prices=PRICES,
            sign_ins=self.sign_ins,
            files=(self.uploads, self.files),
            queue=self.catchup_env.queue,
            rules=DeletionRules(),
            jobs_kept_seconds=JobRules().failed_retention_seconds,
            now=self.clock,
            new_id=lambda: str(uuid.uuid4()),
        )

    @property
    def exports(self) -> AccountExports:
        backend = self.catchup_env.backend
        return AccountExports(
            ledger=backend.ledger,
            tables=backend.tables,
            export_content=ExportContent(backend.tables, self.uploads),
            files=self.files,
            queue=self.catchup_env.queue,
            rules=ExportRules(),
            now=self.clock,
            new_id=lambda: str(uuid.uuid4()),
        )

    # What the user did

    def fill(self) -> None:
        """Store text in every place that stores some; of each kind of work one is running and one has ended."""
        backend, catchup_env, caller = self.catchup_env.backend, self.catchup_env, self.caller
        segments = [contract.SegmentInput(seq=0, start_ms=0, end_ms=900, text=f"said {MARKER}", speaker=MARKER)]
        about = {"title": MARKER, "source_url": f"https://{MARKER}.example/"}
        ended = backend.start(caller, **about)
        backend.send(caller, ended.session_id, 0)
        backend.streaming.save(caller, ended.session_id, segments)
        backend.streaming.stop(caller, ended.session_id)
        sharing_on(backend).share(confirm_email(caller), ended.transcript_id, f"https://{MARKER}.example")
        catchup_env.ask(caller, f"Who is {MARKER}?", session_id=ended.session_id)
        catchup_env.text.script.append({"summary": MARKER, "key_moments": [{"line": 0, "title": MARKER}]})
        done = catchup_env.start(caller, upload_id=catchup_env.upload(caller), to_ms=60_000, title=MARKER)
        catchup_env.work()
        self.recordings.is_slow = True
        running_job = catchup_env.start(caller, audio_url=f"https://{MARKER}.com/talk.mp3", to_ms=60_000, title=MARKER)
        catchup_env.work()
        catchup_env.queue.sent.clear()
        payments_env = self.payments_env
        paid = payments_env.buy(caller, success_url=f"{RETURN}/?{MARKER}", cancel_url=f"{RETURN}/?{MARKER}")
        payments_env.receive_fact(paid, PaymentState.PAID)
        open_purchase = payments_env.buy(caller, success_url=f"{RETURN}/?{MARKER}")
        relay = backend.start(caller, transport="relay", key_terms=[MARKER], **about)
        direct = backend.start(caller, transport="direct", lease_seconds=120, key_terms=[MARKER], **about)
        backend.streaming.save(caller, direct.session_id, segments)
        self.left = {
            "relay": relay.session_id,
            "direct": direct.session_id,
            "transcript": ended.transcript_id,
            "done": done.job_id,
            "running": running_job.job_id,
            "paid": paid,
            "begun": open_purchase,
        }

    # What happens to the account

    def deliver(self) -> None:
        """Deliver the queue's messages; a sweep sends again for those that fail."""
        queue = self.catchup_env.queue
        while queue.sent:
            with suppress(AppError):
                self.work(queue.sent[0])
            if queue.sent:
                queue.sent.pop(0)

    def work(self, message: str) -> None:
        kind, _, user_id = message.rpartition(":")
        {"erase": self.deletion, "export": self.exports}.get(kind, self.catchup_env.worker).advance(user_id)

    def sweep(self) -> None:
        """Run the schedules of one minute; those of open holds only if there are some."""
        of_holds = [
            self.catchup_env.backend.streaming.sweep,
            self.catchup_env.catchups.sweep,
            self.catchup_env.questions.sweep,
        ]
        others = [self.catchup_env.backend.history.delete_marked_segments, self.deletion.sweep, self.exports.sweep]
        for sweep in [*(of_holds if self.quiet.ledger.balance(self.caller.user_id).held else []), *others]:
            with suppress(ExceptionGroup, AppError):
                sweep()

    def minutes_pass(self, minutes: int = 1, then: Callable[[], None] = lambda: None) -> None:
        for _ in range(minutes):
            self.clock.forward(61)
            then()
            self.sweep()
            self.deliver()

    def settle_down(self) -> None:
        """Run the schedules whenever the deletion is due, until the account is erased."""
        self.fault_injector.use_plan(no_faults)
        for _ in range(20):
            self.deliver()
            pending = load_deletion(self.quiet.tables, self.caller.user_id)
            if pending is None:
                return
            self.clock.forward(max(61, pending.due_at - self.clock()))
            self.sweep()
        raise AssertionError("the account is not erased")

    # What is left

    def all_texts(self) -> list[str]:
        """Every item of both tables, every file and every message, as text."""
        found = [text_of(item) for name in self.names for item in scan_table(self.engine, name)]
        files = [f"{key} {content!r}" for key, content in (self.files.files | self.uploads.files).items()]
        return [*found, *files, *self.catchup_env.queue.sent]

    def texts_with_marker(self) -> list[str]:
        return [text for text in self.all_texts() if MARKER in text]

    @property
    def books(self) -> Books:
        return Books.of(self.engine, self.names, self.caller.user_id)

    def check_gone(self) -> Books:
        """Check that only the accounting records are left, that they are correct, and that tokens are refused."""
        kept, user_id = self.books, self.caller.user_id
        assert [sk for sk in kept.app if not sk.startswith("PURCHASE#")] == []
        assert [text for text in self.all_texts() if "SHARED#" in text and user_id in text] == []
        own_items = [text for text in self.texts_with_marker() if user_id in text or EMAIL in text]
        assert own_items == []
        assert user_id not in self.sign_ins.user_ids
        assert [key for key in (*self.files.files, *self.uploads.files) if key[0] == user_id] == []
        forgotten = {f"transcript-{number + 1}" for number in range(len(self.recordings.orders))}
        assert set(self.recordings.deleted) == forgotten, "the provider still has the words"
        kept.check()
        assert kept.open_holds == [], "credits are stuck"
        stored_books, is_unchanged = account_books.read_books(self.quiet.tables, user_id)
        assert is_unchanged
        assert findings(stored_books, self.clock(), price_files.load_all(), purchase_value) == []
        balance = self.quiet.tables.get(balance_key(user_id)) or {}
        assert balance["deleted_at"] <= balance["erased_at"]
        with pytest.raises(UnauthenticatedError):
            self.quiet.ledger.admit(self.caller)
        return kept


def scan_table(engine: Engine, name: str) -> Iterator[dict[str, Any]]:
    start: dict[str, Any] = {}
    while True:
        page = engine.client.scan(TableName=name, ConsistentRead=True, **start)
        yield from map(deserialize, page["Items"])
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
