"""AssemblyAI's temporary tokens: how they are asked for, what is refused, and that each opens one session in time."""

import pytest

from sandbox.assemblyai.streaming_token import InvalidTokenError, Tokens
from sandbox.calls import Calls
from sandbox.faults import Faults


class StandingClock:
    """Goes on only when told to."""

    def __init__(self):
        self.seconds = 1_000.0

    def now(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def tokens(clock) -> Tokens:
    return Tokens("the key", clock, Faults({}), Calls())


@pytest.fixture
def create_token(tokens):
    """Gives a token away, past the HTTP route."""

    def create_token(expires_in_seconds: int = 60, max_session_seconds: int = 600) -> str:
        return tokens.create_token(expires_in_seconds, max_session_seconds)

    return create_token


@pytest.fixture
def ask(desk, keys):
    def ask(key: str | None = None, **parameters):
        return desk.get(
            "/v3/token", params=parameters, headers={"Authorization": keys.assemblyai if key is None else key}
        )

    return ask


def test_a_token_opens_one_session_of_the_length_asked_for(tokens, create_token):
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
def test_anything_else_opens_none(tokens, credential):
    with pytest.raises(InvalidTokenError):
        tokens.redeem_credential(credential)


def test_the_answer_has_the_documented_shape(ask):
    answer = ask(expires_in_seconds=60, max_session_duration_seconds=600)

    assert answer.status_code == 200
    assert answer.json() == {"token": answer.json()["token"], "expires_in_seconds": 60}
    assert answer.json()["token"] != ask(expires_in_seconds=60).json()["token"]


@pytest.mark.parametrize("key", ["", "another key", "Bearer {key}"])
def test_without_the_key_as_it_is_there_is_no_token(ask, keys, key):
    answer = ask(key.format(key=keys.assemblyai), expires_in_seconds=60)

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
def test_times_outside_their_limits_are_400_and_named(ask, parameters):
    answer = ask(**parameters)

    named = list(parameters)[-1] if parameters else "expires_in_seconds"
    assert (answer.status_code, set(answer.json())) == (400, {"error"})
    assert named in answer.json()["error"]


@pytest.mark.parametrize(("expires", "longest"), [(1, 60), (600, 10_800)])
def test_the_limits_themselves_are_taken(ask, expires, longest):
    assert ask(expires_in_seconds=expires, max_session_duration_seconds=longest).status_code == 200


@pytest.mark.parametrize(
    ("kind", "status", "retry_after"),
    [("401", 401, None), ("429", 429, "7"), ("quota", 400, None), ("500", 500, None), ("503", 503, "7")],
)
def test_a_refusal_on_request_is_in_assemblyais_words(ask, order, desk, kind, status, retry_after):
    order("assemblyai.token", kind, retry_after_seconds=7)

    answer = ask(expires_in_seconds=60)

    assert (answer.status_code, set(answer.json())) == (status, {"error"})
    assert answer.headers.get("retry-after") == retry_after
    assert desk.get("/sandbox/calls").json()["last"][0]["fault"] == kind


@pytest.mark.parametrize("kind", ["wrong_shape", "missing_text"])
def test_an_answer_without_a_token_on_request(ask, order, kind):
    order("assemblyai.token", kind)

    answer = ask(expires_in_seconds=60)

    assert answer.status_code == 200
    assert "token" not in answer.json()


def test_the_call_is_kept_with_what_was_asked_for_but_without_its_key(ask, desk, keys):
    ask(expires_in_seconds=60, max_session_duration_seconds=600)

    calls = desk.get("/sandbox/calls")
    call = calls.json()["last"][0]
    assert call["fields"] == {"expires_in_seconds": "60", "max_session_duration_seconds": "600"}
    assert (call["service"], call["path"], call["status"]) == ("assemblyai.token", "/v3/token", 200)
    assert keys.assemblyai not in calls.text
