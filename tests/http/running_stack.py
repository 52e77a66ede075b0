"""What tests of a running backend share: its settings, its administrator, its tables, and further API processes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chalicelib.repositories.table import Tables
from scripts.local.aws import REPOSITORY, without_aws
from scripts.local.processes import Child
from scripts.local.stack import LIMIT_SETTINGS, PROVIDER_SETTINGS, LocalStack
from tests.engines import client
from tests.fakes import Backend, Clock
from tests.http.http_client import Api, Person, ResponseRecorder


def remove_own_settings(patch: pytest.MonkeyPatch) -> None:
    """Leave out what the person who runs the tests has set for a stack of their own."""
    for name in (*PROVIDER_SETTINGS, *LIMIT_SETTINGS, "LIVE_PROVIDERS", "EXTENSION_ORIGIN"):
        patch.delenv(name, raising=False)


def sign_in_owner(api: Api, stack: LocalStack) -> Person:
    """An administrator."""
    return Person.sign_in(api, stack.dev["admin_email"], stack.dev["admin_password"])


@contextmanager
def open_books(stack: LocalStack) -> Iterator[Backend]:
    """The money as it lies in the running backend's tables."""
    database = client(stack.settings["AWS_ENDPOINT_URL"])
    tables = Tables(database, stack.settings["LEDGER_TABLE"], stack.settings["APP_TABLE"])
    yield Backend.on(tables, Clock())
    database.close()


@contextmanager
def additional_api(stack: LocalStack, name: str, response_recorder: ResponseRecorder, **changes: str) -> Iterator[Api]:
    """Another API on the same tables, with these settings changed. Its log lies beside the others.

    The stack's own API alone takes messages and changes: a worker with other settings would end jobs of other tests.
    """
    log = stack.directory / f"{name}.log"
    environment = without_aws(dict(os.environ)) | stack.settings | changes
    environment |= {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
    args = [sys.executable, "-m", "scripts.local.server", "--port", "0", "--no-events"]
    with Child(name, args, log=log, env=environment, cwd=REPOSITORY) as child:
        url, _ = child.wait_for_address(timeout_seconds=60)
        api = Api(url, response_recorder, log=log)
        yield api
        api.close()
