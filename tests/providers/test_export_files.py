"""Files to take along, on the emulator: whole or not at all, opened by a signed address alone, gone when told."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.errors import UnavailableError
from chalicelib.providers.export_files import FILE_NAME, ExportFiles
from scripts.local.aws import LocalAws
from tests.providers.test_upload_files import get, s3

ADA, BOB = "user-ada", "user-bob"


@pytest.fixture
def client(ministack: LocalAws) -> Iterator[Any]:
    made = s3(ministack.endpoint_url)
    yield made
    made.close()


@pytest.fixture
def files(ministack: LocalAws, client: Any) -> Iterator[ExportFiles]:
    made = ExportFiles(client, ministack.settings()["UPLOAD_BUCKET"])
    yield made
    for user in (ADA, BOB):
        made.delete_all(user)


def names(files: ExportFiles) -> list[str]:
    listed = files.client.list_objects_v2(Bucket=files.bucket, Prefix="exports/").get("Contents", [])
    return [one["Key"] for one in listed]


def test_the_pieces_are_one_file_behind_a_signed_address(files: ExportFiles) -> None:
    pieces = [b'{"a": [', b"1," * 200_000, b"2]}"]

    assert files.write(ADA, "e1", iter(pieces)) == len(b"".join(pieces))

    url = files.link(ADA, "e1", 300)
    assert get(url).content == b"".join(pieces)
    assert get(url).headers["Content-Disposition"] == f'attachment; filename="{FILE_NAME}"'
    assert re.findall(r"X-Amz-Expires=(\d+)", url) == ["300"]
    path, _, signature = url.partition("?")
    assert get(path).status_code == 403
    assert get(path.replace(ADA, BOB) + "?" + signature).status_code == 403
    assert get(files.link(ADA, "e1", 0)).status_code == 403


def test_pieces_that_break_off_store_nothing(files: ExportFiles) -> None:
    def broken() -> Iterator[bytes]:
        yield b"the beginning"
        raise UnavailableError("The database did not answer.")

    with pytest.raises(UnavailableError):
        files.write(ADA, "e1", broken())

    assert names(files) == []


def test_one_goes_or_all_of_a_user_and_nobody_elses(files: ExportFiles) -> None:
    for user, name in ((ADA, "e1"), (ADA, "e2"), (ADA, "e3"), (BOB, "e1")):
        files.write(user, name, iter([b"{}"]))

    for _ in range(2):
        files.delete(ADA, "e1")
    assert names(files) == [f"exports/{ADA}/e2.json", f"exports/{ADA}/e3.json", f"exports/{BOB}/e1.json"]
    files.delete_all(ADA)
    assert names(files) == [f"exports/{BOB}/e1.json"]


def test_an_outage_is_told_as_one() -> None:
    nobody = ExportFiles(s3("http://127.0.0.1:1"), "bucket")

    for act in (
        lambda: nobody.write(ADA, "e1", iter([b"{}"])),
        lambda: nobody.delete(ADA, "e1"),
        lambda: nobody.delete_all(ADA),
    ):
        with pytest.raises(UnavailableError):
            act()
    assert nobody.link(ADA, "e1", 300)
