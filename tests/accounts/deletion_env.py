"""Somebody who left words of theirs wherever there is a place for some, and the end of their account, on a wire.

Whatever such a person says holds `MARKER`, so that a search of everything finds what was left behind.
"""

import json
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
from chalicelib.models.transcripts import Recognition, Word
from chalicelib.payments.purchase_state import Payment
from chalicelib.pricing import price_files
from chalicelib.repositories import account_books
from chalicelib.repositories.deletions import erasure
from chalicelib.repositories.expressions import plain
from chalicelib.repositories.ledger import Guard
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.profiles import profile_put
from chalicelib.repositories.table import Tables
from tests.catchup.catchup_env import CatchupEnv, FakeUploads
from tests.catchup.worker_env import WiredQueue, WiredRecordings, WiredText, through
from tests.credits.account_invariants import Books
from tests.engines import Engine
from tests.fakes import Backend, Clock, FakeLive, ScriptedRecogniser
from tests.fault_injection import Wire, no_faults
from tests.payments.payments_env import RETURN, FakePayments, PaymentsEnv

MARKER = "plantedmarker"
EMAIL = f"{MARKER}@example.com"
CREDITS = 500
Names = tuple[str, str]


@dataclass
class MarkedRecogniser(ScriptedRecogniser):
    """Hears what nobody else says."""

    def recognise(self, *_: Any) -> Recognition:
        return Recognition(f"heard {MARKER}", self.model, (Word(MARKER, 0, 40, 0.9),))


@dataclass
class FakeSignIns:
    """The user pool's accounts."""

    wire: Wire
    known: set[str] = field(default_factory=set)

    def delete(self, user_id: str) -> None:
        through(self.wire, "DeleteUser", lambda: self.known.discard(user_id), UnavailableError)


@dataclass
class WiredUploads(FakeUploads):
    wire: Wire = field(default_factory=Wire)

    def all_of(self, user_id: str) -> Iterator[StoredFile]:
        return (StoredFile(name, 9, 1_795_400_000) for owner, name in self.files if owner == user_id)

    def delete_all(self, user_id: str) -> None:
        def delete() -> None:
            for key in [key for key in self.files if key[0] == user_id]:
                del self.files[key]

        through(self.wire, "DeleteUploads", delete, UnavailableError)


@dataclass
class FakeExportFiles:
    """Files by (user, export)."""

    wire: Wire
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def write(self, user_id: str, export_id: str, pieces: Iterable[bytes]) -> int:
        content = b"".join(pieces)

        def store() -> int:
            self.files[user_id, export_id] = content
            return len(content)

        return through(self.wire, "WriteExport", store, UnavailableError)

    def link(self, user_id: str, export_id: str, seconds: int) -> str:
        return f"https://bucket.example/{user_id}/{export_id}?for={seconds}"

    def delete(self, user_id: str, export_id: str) -> None:
        through(self.wire, "DeleteExport", lambda: self.files.pop((user_id, export_id), None), UnavailableError)

    def delete_all(self, user_id: str) -> None:
        def delete() -> None:
            for key in [key for key in self.files if key[0] == user_id]:
                del self.files[key]

        through(self.wire, "DeleteExports", delete, UnavailableError)


@dataclass
class DeletionEnv:
    """One person, all the use cases on the wire, and a look at the tables past it."""

    catchup_env: CatchupEnv
    quiet: Backend
    wire: Wire
    engine: Engine
    names: Names
    recordings: WiredRecordings
    uploads: WiredUploads
    files: FakeExportFiles
    sign_ins: FakeSignIns
    who: Caller
    payments: FakePayments = field(default_factory=FakePayments)
    left: dict[str, str] = field(default_factory=dict)

    @classmethod
    def on(cls, engine: Engine, names: Names) -> "Household":
        wire, clock = Wire(), Clock()
        words = tuple(Word(f"{MARKER}{n}.", n * 500, n * 500 + 400, 0.9) for n in range(240))
        recordings, queue = WiredRecordings(wire=wire, words=words), WiredQueue(wire=wire)
        uploads = WiredUploads(wire=wire)
        backend = Backend.on(wire.tables(engine, names), clock, (MarkedRecogniser(),), (FakeLive(clock),))
        catchup_env = CatchupEnv(backend, recordings, WiredText(wire=wire), uploads, queue)
        quiet = Backend.on(Tables(engine.client, *names, pause=lambda _: None), clock, (MarkedRecogniser(),))
        who = Caller(str(uuid.uuid4()), clock.at, EMAIL, name=MARKER)
        accounts_env = cls(
            catchup_env, quiet, wire, engine, names, recordings, uploads, FakeExportFiles(wire), FakeSignIns(wire), who
        )
        accounts_env.sign_ins.known.add(who.user_id)
        kept = profile_put(Profile(who.user_id, EMAIL, MARKER, clock()))
        guard = Guard.free_credits(who.user_id)
        quiet.ledger.grant(
            who.user_id,
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
    def erasures(self) -> AccountDeletion:
        backend = self.catchup_env.backend
        return AccountDeletion(
            ledger=backend.ledger,
            tables=backend.tables,
            leases=backend.streaming.leases,
            prices=price_files.load("2026-11"),
            sign_ins=self.sign_ins,
            files=(self.uploads, self.files),
            queue=self.catchup_env.queue,
            rules=DeletionRules(),
            job_rules=JobRules(),
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

    # What the person did

    def fill(self) -> None:
        """Leave words wherever there is a place for some; one of everything runs, and one has ended."""
        backend, catchup_env, who = self.catchup_env.backend, self.catchup_env, self.who
        said = [contract.Segment(0, 0, 900, f"said {MARKER}", MARKER)]
        about = {"title": MARKER, "source_url": f"https://{MARKER}.example/"}
        ended = backend.start(who, **about)
        backend.send(who, ended.session_id, 0)
        backend.streaming.save(who, ended.session_id, said)
        backend.streaming.stop(who, ended.session_id)
        catchup_env.ask(who, f"Who is {MARKER}?", session_id=ended.session_id)
        catchup_env.text.script.append({"summary": MARKER, "key_moments": [{"line": 0, "title": MARKER}]})
        done = catchup_env.start(who, upload_id=catchup_env.upload(who), to_ms=60_000, title=MARKER)
        catchup_env.work()
        self.recordings.is_slow = True
        running = catchup_env.start(who, audio_url=f"https://{MARKER}.com/talk.mp3", to_ms=60_000, title=MARKER)
        catchup_env.work()
        catchup_env.queue.sent.clear()
        payments_env = self.payments_env
        paid = payments_env.buy(who, success_url=f"{RETURN}/?{MARKER}", cancel_url=f"{RETURN}/?{MARKER}")
        payments_env.hears(paid, Payment.PAID)
        begun = payments_env.buy(who, success_url=f"{RETURN}/?{MARKER}")
        relay = backend.start(who, transport="relay", key_terms=[MARKER], **about)
        direct = backend.start(who, transport="direct", lease_seconds=120, key_terms=[MARKER], **about)
        backend.streaming.save(who, direct.session_id, said)
        self.left = {
            "relay": relay.session_id,
            "direct": direct.session_id,
            "transcript": ended.transcript_id,
            "done": done.job_id,
            "running": running.job_id,
            "paid": paid,
            "begun": begun,
        }

    # What happens to the account

    def deliver(self) -> None:
        """The queue brings its messages; what fails is sent for again by a sweep."""
        queue = self.catchup_env.queue
        while queue.sent:
            with suppress(AppError):
                self.work(queue.sent[0])
            if queue.sent:
                queue.sent.pop(0)

    def work(self, message: str) -> None:
        kind, _, user_id = message.rpartition(":")
        {"erase": self.erasures, "export": self.exports}.get(kind, self.catchup_env.worker).advance(user_id)

    def sweep(self) -> None:
        """What the schedules do in a minute; those that look for open holds only where there are some."""
        of_holds = [
            self.catchup_env.backend.streaming.sweep,
            self.catchup_env.catchups.sweep,
            self.catchup_env.assistant.sweep,
        ]
        others = [self.catchup_env.backend.history.erase_deleted, self.erasures.sweep, self.exports.sweep]
        for one in [*(of_holds if self.quiet.ledger.balance(self.who.user_id).held else []), *others]:
            with suppress(ExceptionGroup, AppError):
                one()

    def minutes_pass(self, minutes: int = 1, then: Callable[[], None] = lambda: None) -> None:
        for _ in range(minutes):
            self.clock.forward(61)
            then()
            self.sweep()
            self.deliver()

    def settle_down(self) -> None:
        """The schedules run, each time when the job wants to be looked at, until the account is gone."""
        self.wire.under(no_faults)
        for _ in range(20):
            self.deliver()
            going = erasure(self.quiet.tables, self.who.user_id)
            if going is None:
                return
            self.clock.forward(max(61, going.due_at - self.clock()))
            self.sweep()
        raise AssertionError("the account is not erased")

    # What is left

    def everything(self) -> list[str]:
        """Every item of both tables, every file and message, as text."""
        found = [json.dumps(item, default=str) for name in self.names for item in scanned(self.engine, name)]
        files = [f"{key} {content!r}" for key, content in (self.files.files | self.uploads.files).items()]
        return [*found, *files, *self.catchup_env.queue.sent]

    def where_words_are(self) -> list[str]:
        return [text for text in self.everything() if MARKER in text]

    @property
    def books(self) -> Books:
        return Books.of(self.engine, self.names, self.who.user_id)

    def check_gone(self) -> Books:
        """Nothing is left but the books, which are right and name nobody; who returns is a stranger."""
        kept, user_id = self.books, self.who.user_id
        assert [sk for sk in kept.app if not sk.startswith("PURCHASE#")] == []
        mine = [text for text in self.where_words_are() if user_id in text or EMAIL in text]
        assert mine == []
        assert user_id not in self.sign_ins.known
        assert [key for key in (*self.files.files, *self.uploads.files) if key[0] == user_id] == []
        forgotten = {f"transcript-{number + 1}" for number in range(len(self.recordings.orders))}
        assert set(self.recordings.deleted) == forgotten, "the provider still has the words"
        kept.check()
        assert kept.open_holds == [], "credits are stuck"
        seen, is_still = account_books.read_books(self.quiet.tables, user_id)
        assert is_still
        assert findings(seen, self.clock(), frozenset(price_files.available())) == []
        balance = self.quiet.tables.get(balance_key(user_id)) or {}
        assert balance["deleted_at"] <= balance["erased_at"]
        with pytest.raises(UnauthenticatedError):
            self.quiet.ledger.admit(self.who)
        return kept


def scanned(engine: Engine, name: str) -> Iterator[dict[str, Any]]:
    pages = engine.client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True)
    return (plain(item) for page in pages for item in page["Items"])
