"""Uploads on the emulator: a form sends one file of one type for one user, and nobody can list the bucket.

The emulator enforces all conditions of a form but no lifecycle, so the test only checks that the template has one.
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
from chalicelib.logs.request_facts import collect_request_facts
from chalicelib.models.catchup import UploadForm
from chalicelib.providers.files import MAX_UPLOAD_BYTES, UPLOAD_FORM_SECONDS, UploadFiles
from scripts.local.aws import LocalAws
from tests.engines import resource

NOW = 1_795_400_000
ADA, BOB, UPLOAD = "user-ada", "user-bob", "01ARZ3NDEKTSV4RRFFQ69G5FAV"
SOUND = b"RIFF a little sound"


def s3(endpoint_url: str, read_timeout_seconds: float = 60, **settings: Any) -> Any:
    """The client as chalicelib/wiring makes it."""
    config = Config(
        connect_timeout=1,
        read_timeout=read_timeout_seconds,
        retries={"total_max_attempts": 1},
        signature_version="s3v4",
        s3={"addressing_style": "path"},
    )
    parameters = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"} | settings
    return boto3.client("s3", endpoint_url=endpoint_url, config=config, **parameters)


@pytest.fixture(scope="module")
def settings(ministack: LocalAws) -> dict[str, str]:
    return ministack.settings()


@pytest.fixture
def uploads(ministack: LocalAws, settings: dict[str, str]) -> Iterator[UploadFiles]:
    client = s3(ministack.endpoint_url)
    yield UploadFiles(client, settings["UPLOAD_BUCKET"])
    items = client.list_objects_v2(Bucket=settings["UPLOAD_BUCKET"]).get("Contents", [])
    for item in items:
        client.delete_object(Bucket=settings["UPLOAD_BUCKET"], Key=item["Key"])
    client.close()


@pytest.fixture
def form(uploads: UploadFiles) -> UploadForm:
    return uploads.create_form(ADA, UPLOAD, "audio/wav", NOW)


def send(form: UploadForm, content: bytes = SOUND, **fields: str | None) -> requests.Response:
    """Send the form as a browser does, with some of its fields changed or, if None, left out."""
    data = {name: value for name, value in (form.fields | fields).items() if value is not None}
    with requests.Session() as session:
        session.trust_env = False
        return session.post(form.url, data=data, files={"file": ("talk.wav", content)}, timeout=60)


def get(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=60)


def policy(form: UploadForm) -> dict[str, Any]:
    return dict(json.loads(base64.b64decode(form.fields["policy"])))


class TestForm:
    def test_its_policy_has_the_conditions_that_s3_enforces(self, form: UploadForm) -> None:
        conditions = policy(form)["conditions"]

        assert {"Content-Type": "audio/wav"} in conditions
        assert ["content-length-range", 1, MAX_UPLOAD_BYTES] in conditions
        assert {"key": f"uploads/{ADA}/{UPLOAD}"} in conditions
        assert MAX_UPLOAD_BYTES == form.max_bytes == 500 * 1024 * 1024

    def test_it_expires_after_15_minutes(self, form: UploadForm) -> None:
        ends = datetime.fromisoformat(policy(form)["expiration"])

        assert abs(ends - datetime.now(UTC) - timedelta(seconds=UPLOAD_FORM_SECONDS)) < timedelta(minutes=1)
        assert form.expires_at == NOW + 900

    def test_creating_it_calls_no_aws_service(self) -> None:
        unreachable = UploadFiles(s3("http://127.0.0.1:1"), "bucket")

        assert unreachable.create_form(ADA, UPLOAD, "audio/wav", NOW).fields
        assert unreachable.readable_url(ADA, UPLOAD)

    def test_it_uploads_a_file(self, uploads: UploadFiles, form: UploadForm) -> None:
        assert uploads.find_upload(ADA, UPLOAD) is None

        assert send(form).status_code == 204

        assert uploads.find_upload(ADA, UPLOAD)

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
    def test_a_changed_form_is_rejected(
        self, uploads: UploadFiles, form: UploadForm, fields: dict[str, str | None]
    ) -> None:
        assert 400 <= send(form, **fields).status_code < 500
        assert uploads.find_upload(ADA, UPLOAD) is None
        assert uploads.find_upload(BOB, UPLOAD) is None

    def test_an_empty_file_is_rejected(self, uploads: UploadFiles, form: UploadForm) -> None:
        assert send(form, b"").status_code == 400
        assert uploads.find_upload(ADA, UPLOAD) is None

    def test_a_file_above_the_size_limit_is_rejected(
        self, uploads: UploadFiles, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("chalicelib.providers.files.MAX_UPLOAD_BYTES", 100)
        small = uploads.create_form(ADA, UPLOAD, "audio/wav", NOW)

        assert send(small, bytes(101)).status_code == 400
        assert uploads.find_upload(ADA, UPLOAD) is None
        assert send(small, bytes(100)).status_code == 204

    def test_an_expired_form_is_rejected(self, uploads: UploadFiles, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("chalicelib.providers.files.UPLOAD_FORM_SECONDS", -1)

        assert send(uploads.create_form(ADA, UPLOAD, "audio/wav", NOW)).status_code == 403
        assert uploads.find_upload(ADA, UPLOAD) is None


class TestFingerprint:
    def test_it_changes_only_with_the_content(self, uploads: UploadFiles, form: UploadForm) -> None:
        fingerprints = []
        for content in (SOUND, SOUND, SOUND + b"!"):
            assert send(form, content).status_code == 204
            fingerprints.append(uploads.find_upload(ADA, UPLOAD))

        assert fingerprints[0] == fingerprints[1] != fingerprints[2]

    def test_another_users_upload_is_not_found(self, uploads: UploadFiles, form: UploadForm) -> None:
        send(form)

        assert uploads.find_upload(BOB, UPLOAD) is None
        assert uploads.find_upload(ADA, "another") is None


class TestReadableUrl:
    def test_it_reads_that_file_and_nothing_else(self, uploads: UploadFiles, form: UploadForm) -> None:
        send(form)
        url = uploads.readable_url(ADA, UPLOAD)

        assert get(url).content == SOUND
        path, _, signature = url.partition("?")
        bucket = path.removesuffix(f"/uploads/{ADA}/{UPLOAD}")
        assert get(path).status_code == 403
        assert get(f"{bucket}?{signature}").status_code == 403
        assert get(f"{bucket}?list-type=2&{signature}").status_code == 403
        assert get(f"{bucket}/uploads/{BOB}/{UPLOAD}?{signature}").status_code == 403

    def test_it_is_valid_for_six_hours(self, uploads: UploadFiles) -> None:
        assert re.findall(r"X-Amz-Expires=(\d+)", uploads.readable_url(ADA, UPLOAD)) == ["21600"]

    def test_an_expired_url_reads_nothing(
        self, uploads: UploadFiles, form: UploadForm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send(form)
        monkeypatch.setattr("chalicelib.providers.files.READABLE_SECONDS", 0)

        assert get(uploads.readable_url(ADA, UPLOAD)).status_code == 403


class TestDeleteAll:
    def test_only_the_users_files_are_deleted(self, uploads: UploadFiles, form: UploadForm) -> None:
        """Not those of a user whose id begins with this user's id."""
        longer = uploads.create_form(f"{ADA}-the-second", UPLOAD, "audio/wav", NOW)
        for each in (form, uploads.create_form(ADA, "another", "audio/wav", NOW), longer):
            assert send(each).status_code == 204
        assert {(file.name, file.bytes) for file in uploads.list_files(ADA)} == {(UPLOAD, 19), ("another", 19)}

        uploads.delete_all(ADA)
        uploads.delete_all(ADA)

        assert list(uploads.list_files(ADA)) == []
        assert [file.name for file in uploads.list_files(f"{ADA}-the-second")] == [UPLOAD]

    def test_all_pages_of_files_are_deleted(self) -> None:
        listing, client = [f"uploads/{ADA}/{n}" for n in range(2_500)], s3("http://127.0.0.1:1")
        deleted: list[str] = []
        client.list_objects_v2 = lambda **query: list_page(listing, **query)
        client.delete_objects = lambda **body: deleted.extend(item["Key"] for item in body["Delete"]["Objects"]) or {}

        UploadFiles(client, "bucket").delete_all(ADA)

        assert deleted == listing

    def test_a_file_that_is_not_deleted_is_an_outage(self) -> None:
        client = s3("http://127.0.0.1:1")
        client.list_objects_v2 = lambda **query: list_page([f"uploads/{ADA}/1"], **query)
        client.delete_objects = lambda **_: {"Errors": [{"Key": "1", "Code": "AccessDenied"}]}

        with pytest.raises(UnavailableError), collect_request_facts() as request_facts:
            UploadFiles(client, "bucket").delete_all(ADA)
        assert request_facts.notes["aws_error"] == "delete_objects: AccessDenied"


def list_page(keys: list[str], ContinuationToken: str = "0", **_: Any) -> dict[str, Any]:
    """A page of S3's listing."""
    first = int(ContinuationToken)
    page = [{"Key": key, "Size": 1, "LastModified": datetime.now(UTC)} for key in keys[first : first + 1_000]]
    more = first + 1_000 < len(keys)
    return {"Contents": page, "IsTruncated": more} | ({"NextContinuationToken": str(first + 1_000)} if more else {})


@pytest.mark.parametrize(
    ("endpoint_url", "parameters", "note"),
    [
        ("http://127.0.0.1:1", {}, "EndpointConnectionError"),
        (None, {"aws_access_key_id": "UNKNOWNACCESSKEY"}, "403"),
    ],
    ids=["unreachable", "unknown access key"],
)
def test_an_outage_is_never_a_missing_file(
    ministack: LocalAws, settings: dict[str, str], endpoint_url: str | None, parameters: dict[str, str], note: str
) -> None:
    broken = UploadFiles(s3(endpoint_url or ministack.endpoint_url, **parameters), settings["UPLOAD_BUCKET"])

    with collect_request_facts() as request_facts, pytest.raises(UnavailableError) as raised:
        broken.find_upload(ADA, UPLOAD)

    assert raised.value.details["retry_after_seconds"] > 0
    assert note in request_facts.notes["aws_error"]
    with pytest.raises(UnavailableError):
        broken.delete_all(ADA)
    with pytest.raises(UnavailableError):
        list(broken.list_files(ADA))


@pytest.mark.parametrize("status", [500, 503])
def test_an_error_status_of_the_storage_is_unavailable(
    serve: Callable[..., Any], http: Callable[..., bytes], status: int
) -> None:
    server = serve(http(status, b""))

    with pytest.raises(UnavailableError):
        UploadFiles(s3(server.url), "bucket").find_upload(ADA, UPLOAD)


def test_a_missing_bucket_looks_like_a_missing_file(ministack: LocalAws) -> None:
    """HEAD of an object is 404 in both cases."""
    assert UploadFiles(s3(ministack.endpoint_url), "another-bucket").find_upload(ADA, UPLOAD) is None


def test_the_template_deletes_files_after_a_day() -> None:
    rules = resource("Uploads")["LifecycleConfiguration"]["Rules"]

    lifecycle = [(rule["Status"], rule["Prefix"], rule["ExpirationInDays"]) for rule in rules]
    assert lifecycle == [("Enabled", "uploads/", 1), ("Enabled", "exports/", 1)]
    assert set(resource("Uploads")["PublicAccessBlockConfiguration"].values()) == {True}
