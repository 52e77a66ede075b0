"""What all kinds of files in our bucket share: what an outage is, listing a folder, emptying one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..errors import UnavailableError
from ..logs.request_log import request_log
from ..models.catchup import StoredFile


@contextmanager
def outages(operation: str) -> Iterator[None]:
    """Whatever S3 refuses is our failure, not the user's; the log line says which."""
    try:
        yield
    except ClientError as error:
        request_log().notes["aws_error"] = f"{operation}: {error.response.get('Error', {}).get('Code', '')}"
        raise UnavailableError("The store of files did not take the request.") from error
    except BotoCoreError as error:
        request_log().notes["aws_error"] = f"{operation}: {type(error).__name__}"
        raise UnavailableError("The store of files did not answer.") from error


def listed(client: Any, bucket: str, folder: str) -> Iterator[StoredFile]:
    """The files of a folder, whose name ends in a slash."""
    for page in _pages(client, bucket, folder):
        for one in page:
            yield StoredFile(one["Key"].removeprefix(folder), one["Size"], int(one["LastModified"].timestamp()))


def emptied(client: Any, bucket: str, folder: str) -> None:
    """Delete all files of a folder; how many there are does not matter."""
    for page in _pages(client, bucket, folder):
        wanted = {"Objects": [{"Key": one["Key"]} for one in page], "Quiet": True}
        with outages("delete_objects"):
            failed = client.delete_objects(Bucket=bucket, Delete=wanted).get("Errors", [])
        if failed:
            request_log().notes["aws_error"] = f"delete_objects: {failed[0].get('Code', '')}"
            raise UnavailableError("The store of files did not delete all.")


def _pages(client: Any, bucket: str, folder: str) -> Iterator[list[Any]]:
    """Up to a thousand files each, none empty."""
    more: dict[str, str] = {}
    while True:
        with outages("list_objects_v2"):
            answer = client.list_objects_v2(Bucket=bucket, Prefix=folder, **more)
        if answer.get("Contents"):
            yield answer["Contents"]
        if not answer.get("IsTruncated"):
            return
        more = {"ContinuationToken": answer["NextContinuationToken"]}
