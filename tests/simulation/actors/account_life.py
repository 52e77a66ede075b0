"""The rest of an account's life: a new name, signing out of all devices, an export, and its end."""

import json
from typing import Any

from chalicelib import contract
from chalicelib.errors import AppError, UnauthenticatedError
from tests.simulation.actors.person import GaveUpError, Person
from tests.simulation.actors.refusals import expect_refusal
from tests.simulation.actors.sharing import check_hidden_shares
from tests.simulation.core import Simulation
from tests.simulation.engine import LEDGER, stored_items
from tests.simulation.faults import HOUR_MS, MINUTE_MS
from tests.simulation.scheduler import ViolationError


class AccountLife:
    """One person and their account."""

    def __init__(self, simulation: Simulation, person: Person):
        self.simulation, self.person, self.rng = simulation, person, simulation.rng

    def rename(self) -> None:
        name = f"name-{self.rng.getrandbits(40):010x}"
        self.simulation.memory.personal[self.person.user_id].append(name)
        try:
            self.person.ask(
                "rename",
                lambda application: application.accounts.rename(self.person.me, contract.UpdateUser(name=name)),
            )
        except (AppError, GaveUpError):
            return

    # Signing out

    def sign_out(self) -> None:
        """Sign out of all devices: from the answer on, earlier tokens are refused. Then sign in again."""
        person, earlier = self.person, self.person.me
        try:
            person.ask("logout", lambda application: application.accounts.logout(earlier))
        except (AppError, GaveUpError):
            pass
        else:
            expect_refusal(self.simulation, earlier, UnauthenticatedError)
        while not person.sign_in():
            if self._is_deleted():
                return
            self.simulation.think(MINUTE_MS)
        if person.me.auth_time_at == earlier.auth_time_at:
            raise ViolationError(f"{person.user_id} signed in with the time of an earlier sign-in")

    # Exports

    def export(self) -> None:
        """Export everything, wait for the file, and read it."""
        person = self.person
        certain_texts = self._certain_texts()
        try:
            export = person.ask("export", lambda application: application.exports.start(person.me))
            for _ in range(10):
                self.simulation.think(self.rng.random() * 3 * MINUTE_MS)
                export = person.ask(
                    "read export",
                    lambda application, export_id=export.export_id: application.exports.get_status(
                        person.me, export_id
                    ),
                )
                if export.status != "running":
                    break
        except (AppError, GaveUpError):
            return
        content = self.simulation.providers.exports.files.get((person.user_id, export.export_id))
        if export.status == "done" and content is None:
            raise ViolationError(f"the export {export.export_id} is done, and there is no file")
        if content is not None:
            self._check_export(content, certain_texts)

    def _certain_texts(self) -> list[str]:
        """What an export that starts now has to contain: the address, the sessions, and what was saved in them."""
        own = [session for reader, session in self.simulation.listened if reader is self.person]
        return [
            self.person.email,
            *(session.session_id for session in own if not session.is_deleted),
            *(
                next(iter(texts))
                for session in own
                if not session.is_deleted
                for seq in list(session.saves)
                if len(texts := session.texts_of(seq)) == 1
            ),
        ]

    def _check_export(self, content: bytes, certain_texts: list[str]) -> None:
        """The file has the user's words, and those of nobody else. Raises ViolationError."""
        document: dict[str, Any] = json.loads(content)
        exported = content.decode()
        own_deleted = [s for reader, s in self.simulation.listened if reader is self.person and s.is_deleted]
        deleted_texts = {session.session_id for session in own_deleted}
        deleted_texts |= {save.text for session in own_deleted for saves in session.saves.values() for save in saves}
        later = {
            save.text
            for reader, session in self.simulation.listened
            if reader is self.person
            for saves in session.saves.values()
            if len(saves) > 1
            for save in saves
        }
        sessions = {session["session_id"] for session in document["sessions"]}
        known_sessions = {session.session_id for _, session in self.simulation.listened}
        missing = [
            text
            for text in certain_texts
            if text not in (sessions if text in known_sessions else exported) and text not in deleted_texts | later
        ]
        if document["user_id"] != self.person.user_id or missing:
            raise ViolationError(f"the export of {self.person.user_id} is not complete: {missing}")
        for user_id, texts in self.simulation.memory.personal.items():
            foreign = [text for text in [user_id, *texts] if text in exported]
            if user_id != self.person.user_id and foreign:
                raise ViolationError(f"the export of {self.person.user_id} has the words of {user_id}: {foreign}")

    # The end

    def delete(self) -> bool:
        """Delete the account; whether it is deleted. Every call is refused from then on.

        A recording that is being uploaded meanwhile may arrive when the account is deleted.
        """
        person, caller = self.person, self.person.me
        form = self._begin_upload()
        person.is_leaving = True
        try:
            person.ask("delete account", lambda application: application.deletion.start(caller))
        except UnauthenticatedError:  # An earlier try may have had an effect.
            pass
        except (AppError, GaveUpError):
            pass
        if not self._is_deleted():
            return False
        person.has_left = True
        self.simulation.memory.erased_users[person.user_id] = person.email
        for _ in range(self.rng.choice([1, 3])):
            expect_refusal(self.simulation, caller, UnauthenticatedError)
            check_hidden_shares(self.simulation, person)
            self.simulation.think(self.rng.random() * HOUR_MS / 4)
        if form:
            self.simulation.providers.uploads.receive(*form)
        return True

    def _begin_upload(self) -> tuple[str, str] | None:
        """A form with which a file can be sent although the account is deleted; None if there was no answer."""
        person = self.person
        body = contract.NewUpload(content_type="audio/mpeg")
        try:
            upload = person.ask(
                "create upload", lambda application: application.catchups.create_upload(person.me, body)
            )
        except (AppError, GaveUpError):
            return None
        return person.user_id, upload.upload_id

    def _is_deleted(self) -> bool:
        return "deleted" in stored_items(LEDGER, f"USER#{self.person.user_id}").get("BALANCE", {})
