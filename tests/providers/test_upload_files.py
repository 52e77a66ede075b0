"""The bucket of recordings on the emulator: the form takes one file of one kind from one person, and nobody lists it.

The emulator enforces all conditions of a form. It keeps no lifecycle: that files go after a day is S3's own doing, and
that the template asks for it is all that can be held here.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config

from chalicelib.errors import UnavailableError
from chalicelib.logs.request_log import collect_request_log
from chalicelib.models.catchup import UploadForm
from chalicelib.providers.upload_files import MAX_UPLOAD_BYTES, TICKET_SECONDS, Uploads
from scripts.local.aws import LocalAws
from tests.engines import resource

NOW = 1_795_400_000
ADA, BOB, UPLOAD = "user-ada", "user-bob", "01ARZ3NDEKTSV4RRFFQ69G5FAV"
SOUND = b"RIFF a little sound"


def s3(endpoint_url: str, **settings: Any) -> Any:
    """The client as wiring.py makes it."""
    config = Config(
        connect_timeout=1,
        read_timeout=1,
        retries={"total_max_attempts": 1},
        signature_version="s3v4",
        s3={"addressing_style": "path"},
    )
    words = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"} | settings
    return boto3.client("s3", endpoint_url=endpoint_url, config=config, **words)


@pytest.fixture(scope="module")
def settings(ministack: LocalAws) -> dict[str, str]:
    return ministack.settings()


@pytest.fixture
def uploads(ministack: LocalAws, settings: dict[str, str]) -> Iterator[Uploads]:
    client = s3(ministack.endpoint_url)
    yield Uploads(client, settings["UPLOAD_BUCKET"])
    listed = client.list_objects_v2(Bucket=settings["UPLOAD_BUCKET"]).get("Contents", [])
    for item in listed:
        client.delete_object(Bucket=settings["UPLOAD_BUCKET"], Key=item["Key"])
    client.close()


@pytest.fixture
def ticket(uploads: Uploads) -> UploadForm:
    return uploads.create_form(ADA, UPLOAD, "audio/wav", NOW)


def send(ticket: UploadForm, content: bytes = SOUND, **fields: str | None) -> requests.Response:
    """The form as a browser sends it, some of its fields changed or (None) left out."""
    words = {name: word for name, word in (ticket.fields | fields).items() if word is not None}
    with requests.Session() as session:
        session.trust_env = False
        return session.post(ticket.url, data=words, files={"file": ("talk.wav", content)}, timeout=5)


def get(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=5)


def policy(ticket: UploadForm) -> dict[str, Any]:
    return dict(json.loads(base64.b64decode(ticket.fields["policy"])))


class TestTicket:
    def test_it_says_what_s3_is_to_enforce(self, ticket: UploadForm) -> None:
        conditions = policy(ticket)["conditions"]

        assert {"Content-Type": "audio/wav"} in conditions
        assert ["content-length-range", 1, MAX_UPLOAD_BYTES] in conditions
        assert {"key": f"uploads/{ADA}/{UPLOAD}"} in conditions
        assert MAX_UPLOAD_BYTES == ticket.max_bytes == 500 * 1024 * 1024

    def test_it_is_over_after_15_minutes(self, ticket: UploadForm) -> None:
        ends = datetime.fromisoformat(policy(ticket)["expiration"])

        assert abs(ends - datetime.now(UTC) - timedelta(seconds=TICKET_SECONDS)) < timedelta(minutes=1)
        assert ticket.expires_at == NOW + 900

    def test_making_one_asks_aws_nothing(self) -> None:
        with_nobody = Uploads(s3("http://127.0.0.1:1"), "bucket")

        assert with_nobody.create_form(ADA, UPLOAD, "audio/wav", NOW).fields
        assert with_nobody.readable_url(ADA, UPLOAD)

    def test_the_form_works(self, uploads: Uploads, ticket: UploadForm) -> None:
        assert uploads.fingerprint(ADA, UPLOAD) is None

        assert send(ticket).status_code == 204

        assert uploads.fingerprint(ADA, UPLOAD)

    @pytest.mark.parametrize(
        "fields",
        [
            {"Content-Type": "text/html"},
            {"Content-Type": None},
            {"key": f"uploads/{BOB}/{UPLOAD}"},
            {"key": f"uploads/{ADA}/another"},
            {"acl": "public-read"},
            {"success_action_redirect": "https://elsewhere.example"},
            {"x-amz-storage-class": "GLACIER"},
            {"policy": base64.b64encode(b"{}").decode()},
            {"x-amz-signature": "0" * 64},
            {"policy": None, "x-amz-signature": None},
        ],
        ids=str,
    )
    def test_another_file_than_the_one_is_not_taken(
        self, uploads: Uploads, ticket: UploadForm, fields: dict[str, str | None]
    ) -> None:
        assert 400 <= send(ticket, **fields).status_code < 500
        assert uploads.fingerprint(ADA, UPLOAD) is None
        assert uploads.fingerprint(BOB, UPLOAD) is None

    def test_an_empty_file_is_not_taken(self, uploads: Uploads, ticket: UploadForm) -> None:
        assert send(ticket, b"").status_code == 400
        assert uploads.fingerprint(ADA, UPLOAD) is None

    def test_a_file_above_the_limit_is_not_taken(self, uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("chalicelib.providers.upload_files.MAX_UPLOAD_BYTES", 100)
        small = uploads.create_form(ADA, UPLOAD, "audio/wav", NOW)

        assert send(small, bytes(101)).status_code == 400
        assert uploads.fingerprint(ADA, UPLOAD) is None
        assert send(small, bytes(100)).status_code == 204

    def test_a_form_that_is_over_is_not_taken(self, uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("chalicelib.providers.upload_files.TICKET_SECONDS", -1)

        assert send(uploads.create_form(ADA, UPLOAD, "audio/wav", NOW)).status_code == 403
        assert uploads.fingerprint(ADA, UPLOAD) is None


class TestFingerprint:
    def test_it_changes_with_the_content_and_only_with_it(self, uploads: Uploads, ticket: UploadForm) -> None:
        seen = []
        for content in (SOUND, SOUND, SOUND + b"!"):
            assert send(ticket, content).status_code == 204
            seen.append(uploads.fingerprint(ADA, UPLOAD))

        assert seen[0] == seen[1] != seen[2]

    def test_another_users_upload_is_not_there(self, uploads: Uploads, ticket: UploadForm) -> None:
        send(ticket)

        assert uploads.fingerprint(BOB, UPLOAD) is None
        assert uploads.fingerprint(ADA, "another") is None


class TestReadableUrl:
    def test_a_provider_reads_the_file_with_it_and_nothing_else(self, uploads: Uploads, ticket: UploadForm) -> None:
        send(ticket)
        url = uploads.readable_url(ADA, UPLOAD)

        assert get(url).content == SOUND
        path, _, signature = url.partition("?")
        bucket = path.removesuffix(f"/uploads/{ADA}/{UPLOAD}")
        assert get(path).status_code == 403
        assert get(f"{bucket}?{signature}").status_code == 403
        assert get(f"{bucket}?list-type=2&{signature}").status_code == 403
        assert get(f"{bucket}/uploads/{BOB}/{UPLOAD}?{signature}").status_code == 403

    def test_it_is_for_six_hours(self, uploads: Uploads) -> None:
        assert re.findall(r"X-Amz-Expires=(\d+)", uploads.readable_url(ADA, UPLOAD)) == ["21600"]

    def test_one_that_is_over_reads_nothing(
        self, uploads: Uploads, ticket: UploadForm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send(ticket)
        monkeypatch.setattr("chalicelib.providers.upload_files.READABLE_SECONDS", 0)

        assert get(uploads.readable_url(ADA, UPLOAD)).status_code == 403


class TestDeletingAll:
    def test_a_users_files_go_and_nobody_elses(self, uploads: Uploads, ticket: UploadForm) -> None:
        """Neither those of somebody whose id begins with the user's."""
        longer = uploads.create_form(f"{ADA}-the-second", UPLOAD, "audio/wav", NOW)
        for form in (ticket, uploads.create_form(ADA, "another", "audio/wav", NOW), longer):
            assert send(form).status_code == 204
        assert {(file.name, file.bytes) for file in uploads.all_of(ADA)} == {(UPLOAD, 19), ("another", 19)}

        uploads.delete_all(ADA)
        uploads.delete_all(ADA)

        assert list(uploads.all_of(ADA)) == []
        assert [file.name for file in uploads.all_of(f"{ADA}-the-second")] == [UPLOAD]

    def test_all_pages_are_gone_through(self) -> None:
        """A thousand a page."""
        listing, client = [f"uploads/{ADA}/{n}" for n in range(2_500)], s3("http://127.0.0.1:1")
        deleted: list[str] = []
        client.list_objects_v2 = lambda **words: paged(listing, **words)
        client.delete_objects = lambda **words: deleted.extend(one["Key"] for one in words["Delete"]["Objects"]) or {}

        Uploads(client, "bucket").delete_all(ADA)

        assert deleted == listing

    def test_a_file_that_stays_is_an_outage(self) -> None:
        client = s3("http://127.0.0.1:1")
        client.list_objects_v2 = lambda **words: paged([f"uploads/{ADA}/1"], **words)
        client.delete_objects = lambda **_: {"Errors": [{"Key": "1", "Code": "AccessDenied"}]}

        with pytest.raises(UnavailableError), collect_request_log() as tally:
            Uploads(client, "bucket").delete_all(ADA)
        assert tally.notes["aws_error"] == "delete_objects: AccessDenied"


def paged(keys: list[str], ContinuationToken: str = "0", **_: Any) -> dict[str, Any]:
    """A page of S3's listing."""
    first = int(ContinuationToken)
    page = [{"Key": key, "Size": 1, "LastModified": datetime.now(UTC)} for key in keys[first : first + 1_000]]
    more = first + 1_000 < len(keys)
    return {"Contents": page, "IsTruncated": more} | ({"NextContinuationToken": str(first + 1_000)} if more else {})


@pytest.mark.parametrize(
    ("endpoint_url", "words", "note"),
    [
        ("http://127.0.0.1:1", {}, "EndpointConnectionError"),
        (None, {"aws_access_key_id": "AKIDOFNOBODY"}, "403"),
    ],
    ids=["nobody there", "a key that is not taken"],
)
def test_an_outage_is_never_a_missing_file(
    ministack: LocalAws, settings: dict[str, str], endpoint_url: str | None, words: dict[str, str], note: str
) -> None:
    broken = Uploads(s3(endpoint_url or ministack.endpoint_url, **words), settings["UPLOAD_BUCKET"])

    with collect_request_log() as tally, pytest.raises(UnavailableError) as raised:
        broken.fingerprint(ADA, UPLOAD)

    assert raised.value.details["retry_after_seconds"] > 0
    assert note in tally.notes["aws_error"]
    with pytest.raises(UnavailableError):
        broken.delete_all(ADA)
    with pytest.raises(UnavailableError):
        list(broken.all_of(ADA))


@pytest.mark.parametrize("status", [500, 503])
def test_a_store_that_fails_is_unavailable(serve: Callable[..., Any], http: Callable[..., bytes], status: int) -> None:
    server = serve(http(status, b""))

    with pytest.raises(UnavailableError):
        Uploads(s3(server.url), "bucket").fingerprint(ADA, UPLOAD)


def test_a_bucket_that_is_not_there_is_a_missing_file(ministack: LocalAws) -> None:
    """HEAD of an object says 404 for either; only the settings' own check could tell them apart."""
    assert Uploads(s3(ministack.endpoint_url), "another-bucket").fingerprint(ADA, UPLOAD) is None


def test_the_template_forgets_recordings_after_a_day() -> None:
    rules = resource("Uploads")["LifecycleConfiguration"]["Rules"]

    kept = [(rule["Status"], rule["Prefix"], rule["ExpirationInDays"]) for rule in rules]
    assert kept == [("Enabled", "uploads/", 1), ("Enabled", "exports/", 1)]
    assert set(resource("Uploads")["PublicAccessBlockConfiguration"].values()) == {True}
