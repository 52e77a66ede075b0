"""The bucket, in memory: uploaded recordings, and the files of exports."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.errors import UnavailableError
from chalicelib.models.catchup import StoredFile, UploadedFile, UploadForm

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

FORM_SECONDS = 900
FILE_BYTES = 600_000  # twenty minutes of the smallest sound, which is the longest recording here
Key = tuple[str, str]  # user, name


@dataclass
class Folders:
    """Files by user and name."""

    simulation: "Simulation"
    files: dict[Key, bytes] = field(default_factory=dict)

    def delete_all(self, user_id: str) -> None:
        def effect() -> None:
            for key in [key for key in self.files if key[0] == user_id]:
                del self.files[key]

        self._call("delete files", effect)

    def of_user(self, user_id: str) -> list[Key]:
        """The user's files."""
        return [key for key in self.files if key[0] == user_id]

    def _call(self, name: str, effect: Callable[[], Any]) -> Any:
        return self.simulation.call_provider(name, effect, outage=lambda: UnavailableError("The file storage failed."))


@dataclass
class Uploads(Folders):
    """Uploaded recordings. `forms`: until when a client may send the file, epoch seconds."""

    forms: dict[Key, int] = field(default_factory=dict)

    def create_form(self, user_id: str, upload_id: str, content_type: str, now: int) -> UploadForm:
        self.forms[user_id, upload_id] = now + FORM_SECONDS
        return UploadForm("https://bucket.example", {"key": f"{user_id}/{upload_id}"}, now + FORM_SECONDS, 500)

    def find_upload(self, user_id: str, upload_id: str) -> UploadedFile | None:
        def effect() -> UploadedFile | None:
            content = self.files.get((user_id, upload_id))
            return UploadedFile(content.decode(), FILE_BYTES) if content else None

        found: UploadedFile | None = self._call("find upload", effect)
        return found

    def readable_url(self, user_id: str, upload_id: str) -> str:
        return f"https://bucket.example/{user_id}/{upload_id}?signature=s"

    def list_files(self, user_id: str) -> Iterator[StoredFile]:
        for _, name in self._call("list files", lambda: self.of_user(user_id)):
            yield StoredFile(name, 9, self.simulation.now)

    def receive(self, user_id: str, upload_id: str) -> bool:
        """A client sends a file with its form; False if the form has expired."""
        if self.simulation.now > self.forms[user_id, upload_id]:
            return False
        self.files[user_id, upload_id] = f"fingerprint-{self.simulation.rng.getrandbits(32):08x}".encode()
        return True


@dataclass
class Exports(Folders):
    """Files of exports."""

    def write(self, user_id: str, export_id: str, pieces: Iterable[bytes]) -> int:
        content = b"".join(pieces)
        self._call("write export", lambda: self.files.update({(user_id, export_id): content}))
        return len(content)

    def link(self, user_id: str, export_id: str, seconds: int) -> str:
        return f"https://bucket.example/{user_id}/{export_id}?for={seconds}"

    def delete(self, user_id: str, export_id: str) -> None:
        self._call("delete export", lambda: self.files.pop((user_id, export_id), None))
