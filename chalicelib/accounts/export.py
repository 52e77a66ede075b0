"""Everything that is kept of a person, as one JSON file to take along. A job makes it; the file is there for a day.

It is read as it is written, page by page, so no account is too large. A process that dies leaves nothing behind: the
file is stored whole or not at all, and the next worker begins anew.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from .. import contract
from ..dates import rfc3339
from ..errors import NotFoundError, UnavailableError
from ..models.accounts import Caller
from ..providers.protocols import JobQueue
from ..repositories import exports
from ..repositories.exports import Export, ExportState, export_key
from ..repositories.ledger import Ledger
from ..repositories.table import Tables, WriteRefusedError
from .export_content import ExportContent

MESSAGE = "export:"
TRIES = 8


class Files(Protocol):
    """Where exports lie. Raises UnavailableError; providers/exports.py says more."""

    def write(self, user_id: str, export_id: str, pieces: Iterator[bytes]) -> int: ...

    def link(self, user_id: str, export_id: str, seconds: int) -> str: ...

    def delete(self, user_id: str, export_id: str) -> None: ...

    def delete_all(self, user_id: str) -> None: ...


@dataclass(frozen=True)
class ExportRules:
    """The settings of exports, in seconds."""

    look_again_seconds: int = 60
    claim_seconds: int = 120  # a silent worker's; renewed a thousand times in a long file
    give_up_seconds: int = 4 * 3_600
    link_seconds: int = 300
    kept_seconds: int = 23 * 3_600  # with what a late sweep adds the file is gone within a day


class LostClaimError(Exception):
    """Somebody else has the export now, or its account is being erased."""


@dataclass(frozen=True)
class AccountExports:
    """Makes exports, one at a time for each user, and hands out addresses of their files."""

    ledger: Ledger
    tables: Tables
    export_content: ExportContent
    files: Files
    queue: JobQueue
    rules: ExportRules
    now: Callable[[], int]  # epoch seconds, UTC
    new_id: Callable[[], str]

    def start(self, caller: Caller) -> contract.AccountExport:
        """A new export, or the one that is being made. One that was made is replaced."""
        for _ in range(TRIES):
            _, (item,) = self.ledger.admit(caller, extra_keys=[export_key(caller.user_id)])
            seen = exports.export(item) if item else None
            if seen and seen.state is ExportState.RUNNING:
                return self._told(seen)
            now = self.now()
            due_at = now + self.rules.look_again_seconds
            new = Export(caller.user_id, self.new_id(), ExportState.RUNNING, begun_at=now, due_at=due_at)
            try:
                self.tables.write(exports.begun(new, seen))
            except WriteRefusedError:  # The same wish came at this moment.
                continue
            with suppress(UnavailableError):  # The sweep finds it without.
                self.queue.send(MESSAGE + caller.user_id)
            return self._told(new)
        raise UnavailableError("The account is busy with other exports.")

    def look(self, caller: Caller, export_id: str) -> contract.AccountExport:
        """How far it is; once made, where it is. Raises NotFoundError, also when it was forgotten or replaced."""
        _, (item,) = self.ledger.admit(caller, extra_keys=[export_key(caller.user_id)])
        found = exports.export(item) if item else None
        if found is None or found.export_id != export_id:
            raise NotFoundError("There is no such export.")
        if found.state is not ExportState.RUNNING and found.due_at <= self.now():
            raise NotFoundError("This export is not kept any more: make another one.")
        return self._told(found)

    def sweep(self) -> int:
        """Have silent exports gone on with, and forget old ones; how many. Safe at any time, also beside itself."""
        found, failures = 0, []
        for one in exports.due(self.tables, self.now()):
            try:
                self._look_at(one)
                found += 1
            except UnavailableError as failure:  # One must not keep the others.
                failures.append(failure)
        if failures:
            raise ExceptionGroup(f"{len(failures)} exports could not be looked at, {found} were", failures)
        return found

    def _look_at(self, one: Export) -> None:
        with suppress(WriteRefusedError):  # Something else happened to it at this moment.
            if one.state is ExportState.RUNNING:
                self.queue.send(MESSAGE + one.user_id)
                self.tables.write(exports.looked_at_again(one, self.now() + self.rules.look_again_seconds))
            else:
                self.files.delete(one.user_id, one.export_id)
                self.tables.write(exports.forgotten(one))

    def advance(self, user_id: str) -> bool:
        """Make the user's export, if one is wanted and nobody is at it; whether it was made.

        Safe at any time, any number of times, also beside itself. Raises UnavailableError: call again.
        """
        mine = self._taken(user_id)
        if mine is None:
            return False
        try:
            if self.now() >= mine.begun_at + self.rules.give_up_seconds:
                self._ended(mine, ExportState.FAILED)
                return False
            self.files.delete_all(user_id)
            size = self.files.write(user_id, mine.export_id, self._pieces(mine))
            self._ended(mine, ExportState.DONE, size)
        except (LostClaimError, WriteRefusedError):
            return False
        except Exception:
            with suppress(WriteRefusedError, UnavailableError):  # So that who comes next need not wait for the claim.
                self.tables.write(exports.freed(mine))
            raise
        return True

    def _pieces(self, mine: Export) -> Iterator[bytes]:
        """The file, while it is still ours to write. Raises LostClaimError."""
        renewed_at = self.now()
        for piece in self.export_content.pieces(mine.user_id, self.now()):
            if self.now() >= renewed_at + self.rules.claim_seconds // 4:
                renewed_at = self.now()
                self._renewed(mine)
            yield piece
        self._renewed(mine)

    def _renewed(self, mine: Export) -> None:
        try:
            self.tables.write(exports.renewed(mine, self.now() + self.rules.claim_seconds))
        except WriteRefusedError as refusal:
            raise LostClaimError from refusal

    def _ended(self, mine: Export, state: ExportState, size: int = 0) -> None:
        self.tables.write(exports.ended(mine, state, size, self.now() + self.rules.kept_seconds))

    def _taken(self, user_id: str) -> Export | None:
        """The export in our hands, as it is now; None while somebody else has it, or where none is wanted."""
        worker, now = self.new_id(), self.now()
        try:
            self.tables.write(exports.taken(user_id, worker, now + self.rules.claim_seconds, now))
        except WriteRefusedError:
            return None
        item = self.tables.get(export_key(user_id))
        mine = exports.export(item) if item else None
        return mine if mine and mine.worker == worker else None

    def _told(self, one: Export) -> contract.AccountExport:
        answer = contract.AccountExport(one.export_id, one.state.value, rfc3339(one.begun_at))
        if one.state is ExportState.DONE:
            answer.bytes = one.bytes
            answer.url = self.files.link(one.user_id, one.export_id, self.rules.link_seconds)
            answer.url_expires_at = rfc3339(self.now() + self.rules.link_seconds)
            answer.available_until = rfc3339(one.due_at)
        return answer
