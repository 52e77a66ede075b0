"""The bucket of uploaded recordings: a form for the browser, a look at what came, an address for the provider."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ..models.catchup import StoredFile, UploadForm
from .files import emptied, listed, outages

MAX_UPLOAD_BYTES = 500 * 1024 * 1024
TICKET_SECONDS = 15 * 60
READABLE_SECONDS = 6 * 3600  # long enough for a provider's queue


@dataclass(frozen=True)
class Uploads:
    """Each file lies under its owner's id: another user's cannot be named. The bucket forgets it in a day."""

    client: Any
    bucket: str

    def create_form(self, user_id: str, upload_id: str, content_type: str, now: int) -> UploadForm:
        """A form that sends one file of this type, once made, for 15 minutes. Asks AWS nothing."""
        form = self.client.generate_presigned_post(
            self.bucket,
            _key(user_id, upload_id),
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, MAX_UPLOAD_BYTES]],
            ExpiresIn=TICKET_SECONDS,
        )
        return UploadForm(form["url"], form["fields"], now + TICKET_SECONDS, MAX_UPLOAD_BYTES)

    def fingerprint(self, user_id: str, upload_id: str) -> str | None:
        """What changes when the file changes; None if there is no such file. Raises UnavailableError."""
        with outages("head_object"):
            try:
                return str(self.client.head_object(Bucket=self.bucket, Key=_key(user_id, upload_id))["ETag"])
            except ClientError as error:
                if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                    return None
                raise

    def readable_url(self, user_id: str, upload_id: str) -> str:
        """A signed address that a provider reads the file from. Asks AWS nothing."""
        place = {"Bucket": self.bucket, "Key": _key(user_id, upload_id)}
        return str(self.client.generate_presigned_url("get_object", Params=place, ExpiresIn=READABLE_SECONDS))

    def all_of(self, user_id: str) -> Iterator[StoredFile]:
        """What the user sent that is still there. Raises UnavailableError."""
        return listed(self.client, self.bucket, _folder(user_id))

    def delete_all(self, user_id: str) -> None:
        """Forget all of it. Raises UnavailableError; some may be gone then."""
        emptied(self.client, self.bucket, _folder(user_id))


def _folder(user_id: str) -> str:
    return f"uploads/{user_id}/"


def _key(user_id: str, upload_id: str) -> str:
    return f"{_folder(user_id)}{upload_id}"
