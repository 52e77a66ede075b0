"""Files in the S3 bucket: recordings that browsers upload, and exports of accounts.

Each file lies in a folder named after its owner, so that no user can name another user's file. The bucket deletes
every file after a day (.chalice/resources.yaml).
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..errors import UnavailableError
from ..logs.request_facts import request_facts
from ..models.catchup import StoredFile, UploadedFile, UploadForm

MAX_UPLOAD_BYTES = 500 * 1024 * 1024
UPLOAD_FORM_SECONDS = 15 * 60
READABLE_SECONDS = 6 * 3600  # long enough for a provider's queue
EXPORT_FILE_NAME = "live-transcription-export.json"


@dataclass(frozen=True)
class UploadFiles:
    """Recordings, one file an upload."""

    client: Any
    bucket: str

    def create_form(self, user_id: str, upload_id: str, content_type: str, now: int) -> UploadForm:
        """A form with which a browser sends one file of this type within 15 minutes. Calls no AWS service."""
        form = self.client.generate_presigned_post(
            self.bucket,
            self._key(user_id, upload_id),
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, MAX_UPLOAD_BYTES]],
            ExpiresIn=UPLOAD_FORM_SECONDS,
        )
        return UploadForm(form["url"], form["fields"], now + UPLOAD_FORM_SECONDS, MAX_UPLOAD_BYTES)

    def find_upload(self, user_id: str, upload_id: str) -> UploadedFile | None:
        """The uploaded file; None if there is none. Raises UnavailableError."""
        with convert_s3_errors("head_object"):
            try:
                head = self.client.head_object(Bucket=self.bucket, Key=self._key(user_id, upload_id))
                return UploadedFile(str(head["ETag"]), int(head["ContentLength"]))
            except ClientError as error:
                if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                    return None
                raise

    def readable_url(self, user_id: str, upload_id: str) -> str:
        """A signed URL at which a provider reads the file. Calls no AWS service."""
        parameters = {"Bucket": self.bucket, "Key": self._key(user_id, upload_id)}
        return str(self.client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=READABLE_SECONDS))

    def list_files(self, user_id: str) -> Iterator[StoredFile]:
        """The user's uploads that still exist. Raises UnavailableError."""
        return list_folder(self.client, self.bucket, self._folder(user_id))

    def delete_all(self, user_id: str) -> None:
        """Delete the user's uploads. After UnavailableError some may be deleted."""
        delete_folder(self.client, self.bucket, self._folder(user_id))

    def _folder(self, user_id: str) -> str:
        return f"uploads/{user_id}/"

    def _key(self, user_id: str, upload_id: str) -> str:
        return f"{self._folder(user_id)}{upload_id}"


@dataclass(frozen=True)
class ExportFiles:
    """Exports of accounts: one JSON file each, downloaded by a signed URL."""

    client: Any
    bucket: str

    def write(self, user_id: str, export_id: str, pieces: Iterable[bytes]) -> int:
        """Store the pieces as one file, entirely or not at all. Returns its size in bytes. Raises UnavailableError.

        The pieces are collected on the function's disk, which bounds their size: 512 MB on Lambda by default.
        """
        with tempfile.TemporaryFile() as file:
            for piece in pieces:
                file.write(piece)
            size = file.tell()
            file.seek(0)
            with convert_s3_errors("put_object"):
                self.client.put_object(
                    Bucket=self.bucket, Key=self._key(user_id, export_id), Body=file, ContentType="application/json"
                )
        return size

    def link(self, user_id: str, export_id: str, seconds: int) -> str:
        """A signed URL that downloads the file for `seconds`. Calls no AWS service."""
        parameters = {
            "Bucket": self.bucket,
            "Key": self._key(user_id, export_id),
            "ResponseContentDisposition": f'attachment; filename="{EXPORT_FILE_NAME}"',
        }
        return str(self.client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds))

    def delete(self, user_id: str, export_id: str) -> None:
        """Delete the file; deleting it again changes nothing. Raises UnavailableError."""
        with convert_s3_errors("delete_object"):
            self.client.delete_object(Bucket=self.bucket, Key=self._key(user_id, export_id))

    def delete_all(self, user_id: str) -> None:
        """Delete the user's exports. After UnavailableError some may be deleted."""
        delete_folder(self.client, self.bucket, self._folder(user_id))

    def _folder(self, user_id: str) -> str:
        return f"exports/{user_id}/"

    def _key(self, user_id: str, export_id: str) -> str:
        return f"{self._folder(user_id)}{export_id}.json"


@contextmanager
def convert_s3_errors(operation: str) -> Iterator[None]:
    """Turn every failure of S3 into UnavailableError, and name it in the request's log line."""
    try:
        yield
    except ClientError as error:
        request_facts().notes["aws_error"] = f"{operation}: {error.response.get('Error', {}).get('Code', '')}"
        raise UnavailableError("The file storage rejected the request. Retry the request.") from error
    except BotoCoreError as error:
        request_facts().notes["aws_error"] = f"{operation}: {type(error).__name__}"
        raise UnavailableError("The file storage did not respond. Retry the request.") from error


def list_folder(client: Any, bucket: str, folder: str) -> Iterator[StoredFile]:
    """The files of a folder. `folder` ends in a slash. Raises UnavailableError."""
    for page in _pages(client, bucket, folder):
        for item in page:
            yield StoredFile(item["Key"].removeprefix(folder), item["Size"], int(item["LastModified"].timestamp()))


def delete_folder(client: Any, bucket: str, folder: str) -> None:
    """Delete all files of a folder, however many. After UnavailableError some may be deleted."""
    for page in _pages(client, bucket, folder):
        to_delete = {"Objects": [{"Key": item["Key"]} for item in page], "Quiet": True}
        with convert_s3_errors("delete_objects"):
            errors = client.delete_objects(Bucket=bucket, Delete=to_delete).get("Errors", [])
        if errors:
            request_facts().notes["aws_error"] = f"delete_objects: {errors[0].get('Code', '')}"
            raise UnavailableError("The file storage did not delete all files. Retry the request.")


def _pages(client: Any, bucket: str, folder: str) -> Iterator[list[Any]]:
    """Pages of up to 1,000 files; none is empty."""
    position: dict[str, str] = {}
    while True:
        with convert_s3_errors("list_objects_v2"):
            response = client.list_objects_v2(Bucket=bucket, Prefix=folder, **position)
        if response.get("Contents"):
            yield response["Contents"]
        if not response.get("IsTruncated"):
            return
        position = {"ContinuationToken": response["NextContinuationToken"]}
