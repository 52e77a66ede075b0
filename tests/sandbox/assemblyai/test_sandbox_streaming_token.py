"""AssemblyAI's temporary tokens: requests, refusals, and one session per token."""

import pytest

from sandbox.assemblyai.streaming_token import InvalidTokenError, Tokens
from sandbox.calls import Calls
from sandbox.faults import Faults


class FixedClock:
    """A clock that tests advance."""

    def __init__(self):
        self.seconds = 1_000.0

    def now(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def tokens(clock) -> Tokens:
    return Tokens("the key", clock, Faults({}), Calls())


@pytest.fixture
def create_token(tokens):
    """Creates a token without the HTTP route."""

    def create_token(expires_in_seconds: int = 60, max_session_seconds: int = 600) -> str:
        return tokens.create_token(expires_in_seconds, max_session_seconds)

    return create_token


@pytest.fixture
def request_token(http, keys):
    def request_token(key: str | None = None, **parameters):
        return http.get(
            "/v3/token", params=parameters, headers={"Authorization": keys.assemblyai if key is None else key}
        )

    return request_token


def test_a_token_opens_one_session_of_the_requested_length(tokens, create_token):
    token = create_token(max_session_seconds=600)

    assert tokens.redeem_credential(token) == 600
    with pytest.raises(InvalidTokenError, match="already been used"):
        tokens.redeem_credential(token)


def test_a_token_must_be_used_in_time_but_its_session_may_go_on(tokens, create_token, clock):
    in_time, too_late = create_token(expires_in_seconds=60), create_token(expires_in_seconds=60)

    clock.seconds += 60
    assert tokens.redeem_credential(in_time) == 600
    clock.seconds += 0.1

    with pytest.raises(InvalidTokenError, match="expired"):
        tokens.redeem_credential(too_late)


def test_the_key_itself_opens_any_number_of_the_longest_sessions(tokens):
    assert [tokens.redeem_credential("the key"), tokens.redeem_credential("the key")] == [10_800, 10_800]


@pytest.mark.parametrize("credential", ["", "no token of ours", "Bearer the key"])
def test_no_other_credential_opens_a_session(tokens, credential):
    with pytest.raises(InvalidTokenError):
        tokens.redeem_credential(credential)


def test_the_response_has_the_documented_shape(request_token):
    answer = request_token(expires_in_seconds=60, max_session_duration_seconds=600)

    assert answer.status_code == 200
    assert answer.json() == {"token": answer.json()["token"], "expires_in_seconds": 60}
    assert answer.json()["token"] != request_token(expires_in_seconds=60).json()["token"]


@pytest.mark.parametrize("key", ["", "another key", "Bearer {key}"])
def test_without_the_bare_key_there_is_no_token(request_token, keys, key):
    answer = request_token(key.format(key=keys.assemblyai), expires_in_seconds=60)

    assert (answer.status_code, set(answer.json())) == (401, {"error"})


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"expires_in_seconds": 0},
        {"expires_in_seconds": 601},
        {"expires_in_seconds": "1.5"},
        {"expires_in_seconds": "٦٠"},
        {"expires_in_seconds": 60, "max_session_duration_seconds": 59},
        {"expires_in_seconds": 60, "max_session_duration_seconds": 10_801},
        {"expires_in_seconds": 60, "max_session_duration_seconds": ""},
    ],
    ids=str,
)
def test_durations_outside_their_limits_are_400_and_named(request_token, parameters):
    answer = request_token(**parameters)

    named = list(parameters)[-1] if parameters else "expires_in_seconds"
    assert (answer.status_code, set(answer.json())) == (400, {"error"})
    assert named in answer.json()["error"]


@pytest.mark.parametrize(("expires", "longest"), [(1, 60), (600, 10_800)])
def test_the_limits_themselves_are_accepted(request_token, expires, longest):
    assert request_token(expires_in_seconds=expires, max_session_duration_seconds=longest).status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "retry_after"),
    [("401", 401, None), ("429", 429, "7"), ("quota", 400, None), ("500", 500, None), ("503", 503, "7")],
)
def test_an_error_fault_returns_assemblyais_error(request_token, add_fault, http, kind, status, retry_after):
    add_fault("assemblyai.token", kind, retry_after_seconds=7)

    answer = request_token(expires_in_seconds=60)

    assert (answer.status_code, set(answer.json())) == (status, {"error"})
    assert answer.headers.get("retry-after") == retry_after
    assert http.get("/sandbox/calls").json()["last"][0]["fault"] == kind


@pytest.mark.parametrize("kind", ["wrong_shape", "missing_text"])
def test_a_response_can_lack_the_token_on_request(request_token, add_fault, kind):
    add_fault("assemblyai.token", kind)

    answer = request_token(expires_in_seconds=60)

    assert answer.status_code == 200
    assert "token" not in answer.json()


def test_the_call_is_recorded_with_its_query_but_without_its_key(request_token, http, keys):
    request_token(expires_in_seconds=60, max_session_duration_seconds=600)

    calls = http.get("/sandbox/calls")
    call = calls.json()["last"][0]
    assert call["fields"] == {"expires_in_seconds": "60", "max_session_duration_seconds": "600"}
    assert (call["service"], call["path"], call["status"]) == ("assemblyai.token", "/v3/token", 200)
    assert keys.assemblyai not in calls.text
