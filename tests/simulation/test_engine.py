"""The engine of the simulation answers as the engine of all other tests does."""

import json

import pytest

from tests.engines import IN_PROCESS, Engine
from tests.in_process_dynamodb import Answer, answer
from tests.simulation.engine import TABLES, Request, create_tables
from tests.simulation.run import run_seed

OPERATIONS = 150


def test_the_faster_engine_answers_as_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Request, Answer]] = []
    send = Request.send

    def record(request: Request) -> Answer:
        answered = send(request)
        calls.append((request, answered))
        return answered

    monkeypatch.setattr(Request, "send", record)
    assert not run_seed(3, "apocalypse", OPERATIONS).violation

    create_tables()
    client = Engine(IN_PROCESS).client
    try:
        for request, (status, body) in calls:
            plain_status, plain_body = answer(request.operation, request.body)
            assert plain_status == status
            assert json.loads(plain_body) == json.loads(body)
    finally:
        for name in TABLES.values():
            client.delete_table(TableName=name)
    assert len(calls) > OPERATIONS
