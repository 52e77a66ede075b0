"""The files in which people take along all that is theirs: one JSON each, opened by a signed address."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .files import emptied, outages

FILE_NAME = "live-transcription-export.json"


@dataclass(frozen=True)
class ExportFiles:
    """Each file lies under its owner's id, beside no other: a new one replaces the last. The bucket forgets it too."""

    client: Any
    bucket: str

    def write(self, user_id: str, export_id: str, pieces: Iterable[bytes]) -> int:
        """Store the pieces as one file, whole or not at all; how many bytes. Raises UnavailableError.

        They lie on the function's own disk first, which bounds them: 512 MB on Lambda unless it is set to more.
        """
        with tempfile.TemporaryFile() as file:
            for piece in pieces:
                file.write(piece)
            size = file.tell()
            file.seek(0)
            with outages("put_object"):
                self.client.put_object(
                    Bucket=self.bucket, Key=_key(user_id, export_id), Body=file, ContentType="application/json"
                )
        return size

    def link(self, user_id: str, export_id: str, seconds: int) -> str:
        """A signed address that opens the file for so long. Asks AWS nothing."""
        place = {
            "Bucket": self.bucket,
            "Key": _key(user_id, export_id),
            "ResponseContentDisposition": f'attachment; filename="{FILE_NAME}"',
        }
        return str(self.client.generate_presigned_url("get_object", Params=place, ExpiresIn=seconds))

    def delete(self, user_id: str, export_id: str) -> None:
        """Forget this file; twice is fine. Raises UnavailableError."""
        with outages("delete_object"):
            self.client.delete_object(Bucket=self.bucket, Key=_key(user_id, export_id))

    def delete_all(self, user_id: str) -> None:
        """Forget the user's files. Raises UnavailableError."""
        emptied(self.client, self.bucket, _folder(user_id))


def _folder(user_id: str) -> str:
    return f"exports/{user_id}/"


def _key(user_id: str, export_id: str) -> str:
    return f"{_folder(user_id)}{export_id}.json"
