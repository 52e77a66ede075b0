"""Requests that schemathesis generates from the contract, sent and checked."""

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
from tests.http.contract_check import ContractCheck, close_shapes
from tests.http.http_client import RATE, Api, Person, RecordedResponse, silence

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
# These end the sign-in, so a new user sends them.
ENDING_ROUTES = {("POST", "/auth/logout"), ("DELETE", "/auth/user")}


@dataclass
class Generator:
    """Generated requests by every kind of caller of a route. `ids`: existing resources of `user`."""

    api: Api
    document: dict[str, Any]
    user: Person
    owner: Person
    ids: dict[str, str]
    soak_counts: Counter[str]
    sent: int = 0
    _session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self._session.trust_env = False
        self._check = ContractCheck(self.document)
        self._schema = schemathesis.openapi.from_dict(close_shapes(self.document))

    def send(self, path: str, method: str, cases_per_mode: int) -> None:
        """Send valid and invalid requests to a route by each caller; fail at the first bad response."""
        operation = self._schema[path][method]
        for caller, token in self._callers(path, method).items():
            for mode in (POSITIVE, NEGATIVE):
                _send_generated(operation, mode, cases_per_mode, lambda *drawn: self._send(*drawn, caller, token))  # noqa: B023

    def _callers(self, path: str, method: str) -> dict[str, str | None]:
        operation = self.document["paths"][path][method.lower()]
        callers: dict[str, str | None] = {"no user": None}
        if operation["security"]:
            is_ending = (method, path) in ENDING_ROUTES
            callers["a user"] = Person.register(self.api).token if is_ending else self.user.token
        if "admins" in operation["description"]:
            callers["the owner"] = self.owner.token
        return callers

    def _send(self, case: Case, has_known_ids: bool, caller: str, token: str | None) -> None:
        checks = [not_a_server_error, *CHECKS.get_by_names(CHECKED)]
        if has_known_ids:  # The replaced id may have been the only invalid part.
            _use(self.ids, case)
            checks = [check for check in checks if check.__name__ != "negative_data_rejection"]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = case.call(base_url=self.api.url, session=self._session, headers=headers, timeout=60)
        self.sent += 1
        self.soak_counts[f"generated requests by {caller}, answered as documented"] += 1
        media_type = response.headers.get("content-type", [""])[0]
        text = (response.content or b"").decode()
        received = RecordedResponse(
            case.method, case.operation.path, response.status_code, text, str(response.headers), media_type
        )
        self.api.response_recorder.answers.append(received)
        assert list(self._check.find_problems(received)) == [], case.as_curl_command()
        case.validate_response(response, checks=checks, headers=headers)


def _send_generated(operation: Any, mode: GenerationMode, cases: int, send: Callable[[Case, bool], None]) -> None:
    """The same cases each time, without shrinking, because each request changes the state."""

    @settings(
        max_examples=cases,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), strategies.booleans())
    def send_case(case: Case, has_known_ids: bool) -> None:
        send(case, has_known_ids)

    with suppress(Unsatisfiable) if mode is NEGATIVE else nullcontext():  # A route without input has no invalid input.
        send_case()


def _use(ids: dict[str, str], case: Case) -> None:
    """Replace ids in the request by existing ones."""
    for place in (case.path_parameters, case.query, case.body):
        if isinstance(place, dict):
            place.update({name: existing_id for name, existing_id in ids.items() if isinstance(place.get(name), str)})
