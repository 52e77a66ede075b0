"""AssemblyAI's webhook, whole: query, body, secret. Nothing is written or sent but for a job whose secret was given.

The first line is the job of the query, the second the secret, the rest the body. The last byte says whether the secret
is made up or the job's own, whether the query says more, and whether of the body one value is made up.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import app
from chalicelib.catchup.job_rules import JobRules, webhook_secret
from chalicelib.catchup.service import Catchups
from chalicelib.models.catchup import WEBHOOK_SECRET_HEADER
from chalicelib.repositories.table import Write
from chalicelib.wiring import use_cases
from tests.fuzz.calls import request, status
from tests.fuzz.document_holes import VALUES, filled, with_holes

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
OWN_SECRET, ANOTHER_WORD, TWICE, VALUE = 1, 2, 4, 8
BODIES_WITH_HOLES = with_holes({"transcript_id": "t-1", "status": "completed"})


class CatchupEnv:
    """What is told of jobs."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def write(self, write: Write) -> None:
        self.told.append(write.key.pk)

    def send(self, job_id: str) -> None:
        self.told.append(job_id)


DESK: Any = CatchupEnv()
NONE: Any = None
CATCHUPS = Catchups(NONE, DESK, NONE, NONE, DESK, NONE, JobRules(), KEY, True, lambda: 0, lambda: "")
patch.object(use_cases, "catchups", lambda: CATCHUPS).start()


def seeds() -> Iterator[bytes]:
    good = json.dumps({"transcript_id": "t-1", "status": "completed"})
    bodies = [good, json.dumps({"transcript_id": "t" * 100, "more": [1.5, None, {"a": True}]}), "{}", "[]", ""]
    for job in (JOB, OTHER, "", "x" * 65):
        for body in bodies:
            for flags in (0, OWN_SECRET, OWN_SECRET | ANOTHER_WORD, OWN_SECRET | TWICE):
                yield f"{job}\n{webhook_secret(KEY, JOB)}\n{body}".encode() + bytes([flags])
    for value in (b'"t-2"', *VALUES):
        for which in range(len(BODIES_WITH_HOLES)):
            yield f"{JOB}\n\n".encode() + value + bytes([OWN_SECRET | VALUE | which << 4])


def one(data: bytes) -> None:
    if not data:
        return
    flags = data[-1]
    job_line, _, rest = data[:-1].partition(b"\n")
    secret_line, _, body = rest.partition(b"\n")
    job, secret = job_line.decode("utf-8", "replace"), secret_line.decode("latin-1")
    if flags & VALUE:
        body = filled(BODIES_WITH_HOLES[(flags >> 4) % len(BODIES_WITH_HOLES)], body)
    if flags & OWN_SECRET:
        secret = webhook_secret(KEY, job)
    query = {"job": [job, job] if flags & TWICE else [job]} | ({secret: [job]} if flags & ANOTHER_WORD else {})
    DESK.told.clear()
    answer = status(app.assemblyai_webhook, request(body, {WEBHOOK_SECRET_HEADER.lower(): secret}, query))
    assert answer in (200, 400), answer
    if answer == 400:
        assert not DESK.told
        return
    assert secret == webhook_secret(KEY, job)
    assert query == {"job": [job]}
    assert re.fullmatch(r"[0-9A-Za-z-]{1,64}", job)
    said = json.loads(body.decode("utf-8", "replace"))  # the names of fields that are not looked at may be anything
    assert re.fullmatch(r"[0-9A-Za-z_-]{1,100}", said["transcript_id"])
    assert DESK.told == [f"JOB#{job}", job]
