"""Files of exports, on the emulator: stored entirely or not at all, downloaded by a signed URL only, deleted."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.errors import UnavailableError
from chalicelib.providers.files import EXPORT_FILE_NAME, ExportFiles
from scripts.local.aws import LocalAws
from tests.providers.test_upload_files import get, s3

ADA, BOB = "user-ada", "user-bob"


@pytest.fixture
def client(ministack: LocalAws) -> Iterator[Any]:
    client = s3(ministack.endpoint_url)
    yield client
    client.close()


@pytest.fixture
def files(ministack: LocalAws, client: Any) -> Iterator[ExportFiles]:
    files = ExportFiles(client, ministack.settings()["UPLOAD_BUCKET"])
    yield files
    for user in (ADA, BOB):
        files.delete_all(user)


def stored_keys(files: ExportFiles) -> list[str]:
    items = files.client.list_objects_v2(Bucket=files.bucket, Prefix="exports/").get("Contents", [])
    return [item["Key"] for item in items]


def test_the_pieces_become_one_file_behind_a_signed_url(files: ExportFiles) -> None:
    pieces = [b'{"a": [', b"1," * 200_000, b"2]}"]

    assert files.write(ADA, "e1", iter(pieces)) == len(b"".join(pieces))

    url = files.link(ADA, "e1", 300)
    assert get(url).content == b"".join(pieces)
    assert get(url).headers["Content-Disposition"] == f'attachment; filename="{EXPORT_FILE_NAME}"'
    assert re.findall(r"X-Amz-Expires=(\d+)", url) == ["300"]
    path, _, signature = url.partition("?")
    assert get(path).status_code == 403
    assert get(path.replace(ADA, BOB) + "?" + signature).status_code == 403
    assert get(files.link(ADA, "e1", 0)).status_code == 403


def test_nothing_is_stored_when_the_pieces_end_early(files: ExportFiles) -> None:
    def interrupted_pieces() -> Iterator[bytes]:
        yield b"the beginning"
        raise UnavailableError("The database did not respond.")

    with pytest.raises(UnavailableError):
        files.write(ADA, "e1", interrupted_pieces())

    assert stored_keys(files) == []


def test_one_file_or_all_files_of_one_user_can_be_deleted(files: ExportFiles) -> None:
    for user, name in ((ADA, "e1"), (ADA, "e2"), (ADA, "e3"), (BOB, "e1")):
        files.write(user, name, iter([b"{}"]))

    for _ in range(2):
        files.delete(ADA, "e1")
    assert stored_keys(files) == [f"exports/{ADA}/e2.json", f"exports/{ADA}/e3.json", f"exports/{BOB}/e1.json"]
    files.delete_all(ADA)
    assert stored_keys(files) == [f"exports/{BOB}/e1.json"]


def test_a_storage_that_cannot_be_reached_is_unavailable() -> None:
    unreachable = ExportFiles(s3("http://127.0.0.1:1"), "bucket")

    for call in (
        lambda: unreachable.write(ADA, "e1", iter([b"{}"])),
        lambda: unreachable.delete(ADA, "e1"),
        lambda: unreachable.delete_all(ADA),
    ):
        with pytest.raises(UnavailableError):
            call()
    assert unreachable.link(ADA, "e1", 300)
