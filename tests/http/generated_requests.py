"""Requests that schemathesis makes up from the contract, sent and judged."""

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, not_a_server_error

from app import AUDIO_TYPES
from chalicelib.models.audio import Audio
from tests.http.contract_check import Contract, closed
from tests.http.http_client import RATE, Api, Heard, Person, silence

POSITIVE, NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
CHECKED = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
SOUND = silence(100)
NOISE = strategies.binary(max_size=400)
RECORDED = strategies.sampled_from([SOUND, SOUND[:-1], SOUND[:40], Audio(SOUND, RATE, 1).as_wav()])
schemathesis.openapi.media_type(AUDIO_TYPES[0], NOISE | RECORDED, aliases=AUDIO_TYPES[1:])
# What ends the caller's token is sent by somebody who has no other use for it.
ENDING = {("POST", "/auth/logout"), ("DELETE", "/auth/user")}


@dataclass
class Generator:
    """Made-up requests, by everybody who may matter to a route. `ids`: what of `somebody` is really there."""

    api: Api
    document: dict[str, Any]
    somebody: Person
    owner: Person
    ids: dict[str, str]
    soak_counts: Counter[str]
    sent: int = 0
    _session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self._session.trust_env = False
        self._contract = Contract(self.document)
        self._schema = schemathesis.openapi.from_dict(closed(self.document))

    def send(self, path: str, method: str, cases_a_way: int) -> None:
        """Good and bad requests to a route, by each caller, so many of each way; fails at the first bad answer."""
        operation = self._schema[path][method]
        for caller, token in self._callers(path, method).items():
            for mode in (POSITIVE, NEGATIVE):
                _generated(operation, mode, cases_a_way, lambda *drawn: self._send(*drawn, caller, token))  # noqa: B023

    def _callers(self, path: str, method: str) -> dict[str, str | None]:
        operation = self.document["paths"][path][method.lower()]
        callers: dict[str, str | None] = {"nobody": None}
        if operation["security"]:
            is_ending = (method, path) in ENDING
            callers["somebody"] = Person.register(self.api).token if is_ending else self.somebody.token
        if "admins" in operation["description"]:
            callers["the owner"] = self.owner.token
        return callers

    def _send(self, case: Case, is_known: bool, caller: str, token: str | None) -> None:
        checks = [not_a_server_error, *CHECKS.get_by_names(CHECKED)]
        if is_known:  # It may have been what was made up wrong: then nothing is wrong any more.
            _use(self.ids, case)
            checks = [check for check in checks if check.__name__ != "negative_data_rejection"]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = case.call(base_url=self.api.url, session=self._session, headers=headers, timeout=60)
        self.sent += 1
        self.soak_counts[f"made-up requests by {caller}, answered as documented"] += 1
        media_type = answer.headers.get("content-type", [""])[0]
        text = (answer.content or b"").decode()
        heard = Heard(case.method, case.operation.path, answer.status_code, text, str(answer.headers), media_type)
        self.api.witness.answers.append(heard)
        assert list(self._contract.faults(heard)) == [], case.as_curl_command()
        case.validate_response(answer, checks=checks, headers=headers)


def _generated(operation: Any, mode: GenerationMode, cases: int, send: Callable[[Case, bool], None]) -> None:
    """The same cases each time, without shrinking: what was sent has changed the world."""

    @settings(
        max_examples=cases,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), strategies.booleans())
    def way(case: Case, is_known: bool) -> None:
        send(case, is_known)

    with suppress(Unsatisfiable) if mode is NEGATIVE else nullcontext():  # What takes nothing takes nothing wrong.
        way()


def _use(ids: dict[str, str], case: Case) -> None:
    """Put ids that are there where ids stand."""
    for place in (case.path_parameters, case.query, case.body):
        if isinstance(place, dict):
            place.update({name: known for name, known in ids.items() if isinstance(place.get(name), str)})
