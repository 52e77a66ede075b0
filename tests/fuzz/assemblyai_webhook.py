"""The webhook of AssemblyAI with its query, body and secret. It writes and sends only for a job with its own secret.

The first line is the job in the query, the second the secret, the rest the body. Flags in the last byte select whether
the secret is that of the job, whether the query has further parameters, and whether one value of the body is random.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

import app
from chalicelib.catchup.job_rules import JobRules, webhook_secret
from chalicelib.catchup.service import Catchups
from chalicelib.models.catchup import WEBHOOK_SECRET_HEADER
from chalicelib.repositories.table import Write
from chalicelib.wiring import use_cases
from tests.fuzz.calls import get_status, make_request
from tests.fuzz.document_holes import VALUES, fill_hole, with_holes

MOST_BYTES = 2_048
KEY = "a key for tests"
JOB, OTHER = "9b2f0c1e-7d3a-4f6b-8e21-0a9c8b7d6e5f", "another-job"
WORDS = [
    b"transcript_id",
    b"status",
    b"completed",
    b"error",
    b"null",
    b"\\ud800",
    b"1e400",
    b"[[[[",
    b"{",
    b"}",
    JOB.encode(),
]
OWN_SECRET, MORE_PARAMETERS, TWICE, VALUE = 1, 2, 4, 8
BODIES_WITH_HOLES = with_holes({"transcript_id": "t-1", "status": "completed"})


class CatchupEnv:
    """Records writes and messages about jobs."""

    def __init__(self) -> None:
        self.records: list[str] = []

    def transact(self, writes: Sequence[Write]) -> None:
        self.records += [write.key.pk for write in writes]

    def send(self, job_id: str) -> None:
        self.records.append(job_id)


CATCHUP_ENV: Any = CatchupEnv()
NONE: Any = None
CATCHUPS = Catchups(NONE, CATCHUP_ENV, NONE, NONE, CATCHUP_ENV, NONE, JobRules(), KEY, True, lambda: 0, lambda: "")
patch.object(use_cases, "catchups", lambda: CATCHUPS).start()


def seeds() -> Iterator[bytes]:
    good = json.dumps({"transcript_id": "t-1", "status": "completed"})
    bodies = [good, json.dumps({"transcript_id": "t" * 100, "more": [1.5, None, {"a": True}]}), "{}", "[]", ""]
    for job in (JOB, OTHER, "", "x" * 65):
        for body in bodies:
            for flags in (0, OWN_SECRET, OWN_SECRET | MORE_PARAMETERS, OWN_SECRET | TWICE):
                yield f"{job}\n{webhook_secret(KEY, JOB)}\n{body}".encode() + bytes([flags])
    for value in (b'"t-2"', *VALUES):
        for index in range(len(BODIES_WITH_HOLES)):
            yield f"{JOB}\n\n".encode() + value + bytes([OWN_SECRET | VALUE | index << 4])


def run_input(data: bytes) -> None:
    if not data:
        return
    flags = data[-1]
    job_line, _, rest = data[:-1].partition(b"\n")
    secret_line, _, body = rest.partition(b"\n")
    job, secret = job_line.decode("utf-8", "replace"), secret_line.decode("latin-1")
    if flags & VALUE:
        body = fill_hole(BODIES_WITH_HOLES[(flags >> 4) % len(BODIES_WITH_HOLES)], body)
    if flags & OWN_SECRET:
        secret = webhook_secret(KEY, job)
    query = {"job": [job, job] if flags & TWICE else [job]} | ({secret: [job]} if flags & MORE_PARAMETERS else {})
    CATCHUP_ENV.records.clear()
    status_code = get_status(app.assemblyai_webhook, make_request(body, {WEBHOOK_SECRET_HEADER.lower(): secret}, query))
    assert status_code in (200, 400), status_code
    if status_code == 400:
        assert not CATCHUP_ENV.records
        return
    assert secret == webhook_secret(KEY, job)
    assert query == {"job": [job]}
    assert re.fullmatch(r"[0-9A-Za-z-]{1,64}", job)
    fields = json.loads(body.decode("utf-8", "replace"))  # unknown fields may have any name
    assert re.fullmatch(r"[0-9A-Za-z_-]{1,100}", fields["transcript_id"])
    assert CATCHUP_ENV.records == [f"JOB#{job}", job]
