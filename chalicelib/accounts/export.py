"""Exports everything that is stored of a user as one JSON file. A job makes it; the file is kept for a day.

The job reads and writes page by page, so an account of any size can be exported. The file is stored whole or not at
all: if a process dies, nothing of it remains and the next worker starts again.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from .. import contract
from ..dates import rfc3339
from ..errors import NotFoundError, UnavailableError
from ..logs.request_facts import request_facts
from ..models.accounts import Caller
from ..models.health import HealthKind, HealthNote
from ..providers.protocols import JobQueue
from ..repositories import exports
from ..repositories.claims import LostClaimError, claim, release_claim, renew_claim
from ..repositories.exports import Export, ExportState, export_from, export_key
from ..repositories.ledger import Ledger
from ..repositories.table import Tables, WriteRefusedError
from .export_content import ExportContent

MESSAGE = "export:"
TRIES = 8


class ExportStorage(Protocol):
    """Where the files of exports are stored; see providers/files.py. Raises UnavailableError."""

    def write(self, user_id: str, export_id: str, pieces: Iterator[bytes]) -> int: ...

    def link(self, user_id: str, export_id: str, seconds: int) -> str: ...

    def delete(self, user_id: str, export_id: str) -> None: ...

    def delete_all(self, user_id: str) -> None: ...


@dataclass(frozen=True)
class ExportRules:
    """The settings of exports, in seconds."""

    retry_seconds: int = 60
    claim_seconds: int = 120  # of a worker that writes nothing; a worker renews its claim while it writes
    abandon_after_seconds: int = 4 * 3_600
    link_seconds: int = 300
    kept_seconds: int = 23 * 3_600  # a late sweep included, the file is deleted within a day


@dataclass(frozen=True)
class AccountExports:
    """Makes exports, one at a time per user, and returns links to their files."""

    ledger: Ledger
    tables: Tables
    export_content: ExportContent
    files: ExportStorage
    queue: JobQueue
    rules: ExportRules
    now: Callable[[], int]  # epoch seconds, UTC
    new_id: Callable[[], str]

    def start(self, caller: Caller) -> contract.AccountExport:
        """Start an export, or return the one that is running. A finished export is replaced."""
        for _ in range(TRIES):
            _, (item,) = self.ledger.admit(caller, extra_keys=[export_key(caller.user_id)])
            current = export_from(item) if item else None
            if current and current.state is ExportState.RUNNING:
                return self._response(current)
            now = self.now()
            due_at = now + self.rules.retry_seconds
            export = Export(caller.user_id, self.new_id(), ExportState.RUNNING, started_at=now, due_at=due_at)
            try:
                self.tables.write(exports.create_export(export, current))
            except WriteRefusedError:  # A concurrent request started one.
                continue
            with suppress(UnavailableError):  # The sweep sends the message later.
                self.queue.send(MESSAGE + caller.user_id)
            return self._response(export)
        raise UnavailableError("Another export of this account is being started. Retry the request.")

    def get_status(self, caller: Caller, export_id: str) -> contract.AccountExport:
        """The progress of the export; once it is done, a link to its file. Raises NotFoundError."""
        _, (item,) = self.ledger.admit(caller, extra_keys=[export_key(caller.user_id)])
        export = export_from(item) if item else None
        if export is None or export.export_id != export_id:
            raise NotFoundError("There is no such export.")
        if export.state is not ExportState.RUNNING and export.due_at <= self.now():
            raise NotFoundError("This export has expired. Start a new one.")
        return self._response(export)

    def sweep(self) -> int:
        """Continue silent exports and delete old ones; return how many. Safe at any time, also concurrently."""
        handled, failures = 0, []
        for export in exports.find_due_exports(self.tables, self.now()):
            try:
                self._continue_or_delete(export)
                handled += 1
            except UnavailableError as failure:  # One failure must not stop the others.
                failures.append(failure)
        if failures:
            raise ExceptionGroup(f"{len(failures)} exports were not handled, {handled} were", failures)
        return handled

    def _continue_or_delete(self, export: Export) -> None:
        with suppress(WriteRefusedError):  # The export changed meanwhile.
            if export.state is ExportState.RUNNING:
                self.queue.send(MESSAGE + export.user_id)
                self.tables.write(exports.postpone_export(export, self.now() + self.rules.retry_seconds))
            else:
                self.files.delete(export.user_id, export.export_id)
                self.tables.write(exports.delete_export(export))

    def advance(self, user_id: str) -> bool:
        """Make the user's export, if one is running and no other worker has it; return whether it was made.

        Safe at any time, any number of times, also concurrently. Raises UnavailableError: call again.
        """
        export = self._claim(user_id)
        if export is None:
            return False
        try:
            if self.now() >= export.started_at + self.rules.abandon_after_seconds:
                self._end(export, ExportState.FAILED)
                request_facts().failed_jobs.append(
                    HealthNote(HealthKind.JOB_FAILED, "export", "abandoned", export.export_id, user_id)
                )
                return False
            self.files.delete_all(user_id)
            size = self.files.write(user_id, export.export_id, self._pieces(export))
            self._end(export, ExportState.DONE, size)
        except (LostClaimError, WriteRefusedError):
            return False
        except Exception:
            release_claim(self.tables, export_key(user_id), export.worker)
            raise
        return True

    def _pieces(self, export: Export) -> Iterator[bytes]:
        """The file's content, as long as the claim is valid. Raises LostClaimError."""
        renewed_at = self.now()
        for piece in self.export_content.pieces(export.user_id, self.now()):
            if self.now() >= renewed_at + self.rules.claim_seconds // 4:
                renewed_at = self.now()
                self._renew_claim(export)
            yield piece
        self._renew_claim(export)

    def _renew_claim(self, export: Export) -> None:
        until = self.now() + self.rules.claim_seconds
        renew_claim(self.tables, export_key(export.user_id), export.worker, until=until)

    def _end(self, export: Export, state: ExportState, size: int = 0) -> None:
        self.tables.write(exports.end_export(export, state, size, self.now() + self.rules.kept_seconds))

    def _claim(self, user_id: str) -> Export | None:
        """Claim the user's export and load it; None if another worker has it or none is running."""
        now, key = self.now(), export_key(user_id)
        until = now + self.rules.claim_seconds
        item = claim(self.tables, key, self.new_id(), until=until, now=now, is_claimable=exports.is_running())
        return export_from(item) if item else None

    def _response(self, export: Export) -> contract.AccountExport:
        response = contract.AccountExport(
            export_id=export.export_id, status=export.state.value, created_at=rfc3339(export.started_at)
        )
        if export.state is ExportState.DONE:
            response.bytes = export.bytes
            response.url = self.files.link(export.user_id, export.export_id, self.rules.link_seconds)
            response.url_expires_at = rfc3339(self.now() + self.rules.link_seconds)
            response.available_until = rfc3339(export.due_at)
        return response
