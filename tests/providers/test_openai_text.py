"""The text model by either API: the request, the answer, and how every failure is mapped."""

import json
from collections.abc import Callable
from typing import Any, Literal

import pytest

from chalicelib.catchup.summarise import build_summary_task, parse_summary
from chalicelib.errors import (
    ProviderDeniedError,
    ProviderError,
    ProviderRefusedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    UnusableAnswerError,
)
from chalicelib.models.catchup import TextAnswer
from chalicelib.models.text_tasks import TextTask
from chalicelib.models.transcripts import Segment
from chalicelib.providers.openai_text import OpenAIText
from chalicelib.transcripts.prompts import (
    ANSWER_INSTRUCTIONS,
    build_answer_task,
    parse_answer,
)
from tests.providers.stand_in import KEYS, SHORT_TIMEOUT_SECONDS, StandIn, failure_of

MODEL = "gpt-6-luna"
LINES = [
    Segment(0, 0, 4_000, "Mr. Dashwood had a legal right to the estate."),
    Segment(1, 4_000, 9_000, "His sisters were to live in a cottage in Devonshire."),
]
QUESTION = "Where were the sisters to live?"
TASK, ROOMY = build_answer_task(LINES, QUESTION, 800), build_answer_task(LINES, QUESTION, 4_000)
Api = Literal["chat", "responses"]
APIS: tuple[Api, Api] = ("chat", "responses")
PATHS = {"chat": "/openai/v1/chat/completions", "responses": "/openai/v1/responses"}
Client = Callable[..., OpenAIText]

HTTP_FAULTS: list[tuple[dict[str, Any], type[ProviderError]]] = [
    ({"kind": "401"}, ProviderDeniedError),
    ({"kind": "429", "retry_after_seconds": 7}, ProviderUnavailableError),
    ({"kind": "503"}, ProviderUnavailableError),
    ({"kind": "quota"}, ProviderUnavailableError),
    ({"kind": "500"}, ProviderError),
    ({"kind": "timeout", "delay_seconds": 0}, ProviderTimeoutError),
    ({"kind": "bad_json"}, ProviderError),
    ({"kind": "wrong_shape"}, ProviderError),
    ({"kind": "missing_text"}, ProviderError),
    ({"kind": "cut"}, ProviderError),
]
# The service responds, but the model fails.
MODEL_FAULTS: list[tuple[str, type[ProviderError], str]] = [
    ("refusal", UnusableAnswerError, "did not finish"),
    ("truncated", UnusableAnswerError, "did not finish"),
    ("not_json", UnusableAnswerError, "invalid response"),
    ("context_length", ProviderRefusedError, "rejected"),
]


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> Api:
    return request.param


@pytest.fixture
def client(stand_in: StandIn, transport, api: Api) -> Client:
    def client(
        key: str = KEYS.openai, deadline_seconds: float = 10, url: str = "", effort: str = "none", model: str = MODEL
    ) -> OpenAIText:
        url = url or f"{stand_in.url}/openai/v1/"
        return OpenAIText(transport(deadline_seconds), url, key, model, api=api, effort=effort)

    return client


def received_fields(stand_in: StandIn) -> dict[str, Any]:
    (call,) = stand_in.calls()
    return dict(call["fields"])


def error_of(call: Callable[[], Any], key: str = KEYS.openai) -> ProviderError:
    """The error of `call`, which contains neither the key nor text of the transcript or the question."""
    error = failure_of(call, key)
    shown = f"{error!r} {error.details} {error.log_note} {error.__cause__!r} {error.__context__!r}"
    assert not any(word in shown for word in ("Dashwood", "Devonshire", "sisters"))
    return error


def response_body(api: Api, text: Any, **changes: Any) -> bytes:
    """The shortest response of a compatible server: no usage, no id, no model."""
    if api == "chat":
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"} | changes
        return json.dumps({"choices": [choice]}).encode()
    content = [{"type": "output_text", "text": text}]
    response = {"status": "completed", "output": [{"type": "message", "content": content}]}
    return json.dumps(response | changes).encode()


def test_a_question_is_answered_from_the_lines(client: Client) -> None:
    answer = client().answer(TASK)

    parsed = parse_answer(answer.fields, LINES)
    assert parsed is not None
    assert LINES[1] in parsed.quotes
    assert answer.model == f"openai/{MODEL}"
    assert answer.input_tokens > 100
    assert answer.output_tokens > 10


def test_a_summary_is_made_of_the_lines(client: Client) -> None:
    answer = client().answer(build_summary_task(LINES, "A talk", 800))

    assert "Dashwood" in parse_summary(answer.fields, LINES).text


def test_the_request_stores_nothing_and_limits_the_output_to_a_json_object(
    client: Client, stand_in: StandIn, api: Api
) -> None:
    client().answer(TASK)

    (call,) = stand_in.calls()
    fields = call["fields"]
    assert (call["method"], call["path"], call["status"]) == ("POST", PATHS[api], 200)
    assert (fields["model"], fields["store"]) == (MODEL, False)
    form = fields["response_format"] if api == "chat" else fields["text"]["format"]
    schema = form["json_schema"] if api == "chat" else form
    assert (form["type"], schema["name"], schema["strict"]) == ("json_schema", "transcript_answer", True)
    assert schema["schema"] == TASK.schema
    assert fields["max_completion_tokens" if api == "chat" else "max_output_tokens"] == 800


def test_transcript_and_question_are_sent_apart_from_the_instructions(client: Client, stand_in: StandIn) -> None:
    client().answer(TASK)

    instructions, data = received_fields(stand_in)["said"]
    assert instructions == {"role": instructions["role"], "text": ANSWER_INSTRUCTIONS}
    assert instructions["role"] in ("system", "developer")
    assert data["role"] == "user"
    assert json.loads(data["text"])["question"] == QUESTION
    assert QUESTION not in instructions["text"]


@pytest.mark.parametrize("effort", ["none", "low", "high"])
def test_the_reasoning_effort_is_sent(client: Client, stand_in: StandIn, api: Api, effort: str) -> None:
    client(effort=effort).answer(ROOMY)

    fields = received_fields(stand_in)
    assert (fields["reasoning_effort"] if api == "chat" else fields["reasoning"]["effort"]) == effort


def test_an_empty_reasoning_effort_is_not_sent(client: Client, stand_in: StandIn) -> None:
    client(effort="").answer(ROOMY)

    assert not {"reasoning_effort", "reasoning"} & set(received_fields(stand_in))


def test_reasoning_that_uses_up_the_output_limit_is_a_provider_error(client: Client) -> None:
    assert "did not finish" in error_of(lambda: client(effort="high").answer(TASK)).message


@pytest.mark.parametrize(("fault", "error"), HTTP_FAULTS, ids=str)
def test_every_failure_of_the_service_is_mapped_to_an_error(
    client: Client, stand_in: StandIn, api: Api, fault: dict[str, Any], error: type[ProviderError]
) -> None:
    stand_in.fail(f"openai.{api}", fault)
    model = client()

    assert type(error_of(lambda: model.answer(TASK))) is error
    assert len(stand_in.calls()) == 1
    assert model.answer(TASK).fields


@pytest.mark.parametrize(
    "fault", [{"kind": "timeout"}, {"kind": "lost"}, {"kind": "slow", "delay_seconds": 3}], ids=str
)
def test_a_response_after_the_deadline_is_a_timeout(
    client: Client, stand_in: StandIn, api: Api, fault: dict[str, Any]
) -> None:
    stand_in.fail(f"openai.{api}", fault)

    assert type(error_of(lambda: client(deadline_seconds=SHORT_TIMEOUT_SECONDS).answer(TASK))) is ProviderTimeoutError


@pytest.mark.parametrize(("fault", "error", "message"), MODEL_FAULTS)
def test_every_failure_of_the_model_is_mapped_to_an_error(
    client: Client, stand_in: StandIn, api: Api, fault: str, error: type[ProviderError], message: str
) -> None:
    stand_in.fail(f"openai.{api}", {"kind": fault})

    failure = error_of(lambda: client().answer(TASK))

    assert type(failure) is error
    assert message in failure.message


def test_an_answer_of_another_schema_is_rejected_by_its_reader(client: Client, stand_in: StandIn, api: Api) -> None:
    stand_in.fail(f"openai.{api}", {"kind": "wrong_schema", "times": 2})
    model = client()

    answer = model.answer(TASK)

    assert answer.fields == {"unexpected": ["another shape"]}
    with pytest.raises(ProviderError, match=r"nonsense|invalid"):
        parse_answer(answer.fields, LINES)
    with pytest.raises(ProviderError, match=r"nonsense|invalid"):
        parse_summary(model.answer(TASK).fields, LINES)


def test_unknown_line_numbers_are_no_quotes(client: Client, stand_in: StandIn, api: Api) -> None:
    stand_in.fail(f"openai.{api}", {"kind": "wrong_lines"})

    assert parse_answer(client().answer(TASK).fields, LINES) is None


def test_an_unknown_model_is_rejected(client: Client) -> None:
    assert type(error_of(lambda: client(model="gpt-1").answer(TASK))) is ProviderRefusedError


def test_a_rejected_key_is_an_error_that_hides_the_key(client: Client) -> None:
    error = error_of(lambda: client(key="an-unknown-key").answer(TASK), "an-unknown-key")

    assert (type(error), error.log_note.split()[:2]) == (ProviderDeniedError, ["status", "401"])


def test_a_server_that_cannot_be_reached_is_a_provider_error(client: Client) -> None:
    assert error_of(lambda: client(url="http://127.0.0.1:1").answer(TASK)).code == "provider_error"


def test_tokens_are_estimated_for_a_server_that_does_not_count_them(client: Client, serve, http, api: Api) -> None:
    server = serve(http(200, response_body(api, '{"answered": true}')))

    answer = client(url=server.url, model="llama").answer(TASK)

    size = len((TASK.instructions + TASK.data).encode())
    assert answer == TextAnswer({"answered": True}, "openai/llama", -(-size // 3), 6)


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": 7}], ids=str)
def test_a_usage_without_counts_is_estimated(client: Client, serve, http, api: Api, usage: Any) -> None:
    response = json.loads(response_body(api, "{}")) | {"usage": usage}
    server = serve(http(200, json.dumps(response).encode()))

    assert client(url=server.url).answer(TASK).output_tokens == 1


@pytest.mark.parametrize(
    "text", [None, "", "[]", "7", '{"a": 1', "{}" * 2, "[" * 100_000, "```json\n{}\n```"], ids=ascii
)
def test_an_answer_that_is_no_json_object_is_a_provider_error(
    client: Client, serve, http, api: Api, text: str | None
) -> None:
    server = serve(http(200, response_body(api, text)))

    assert "invalid response" in error_of(lambda: client(url=server.url).answer(TASK)).message


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"choices": []},
        {"choices": [{}]},
        {"choices": [{"message": {"content": ["a"]}}]},
        {"choices": [{"message": {"content": "{}"}, "finish_reason": "content_filter"}]},
        {"choices": [{"message": {"content": "{}"}, "finish_reason": "length"}]},
        {"choices": [{"message": {"content": "{}"}}], "usage": {"prompt_tokens": "many"}},
        {"status": "completed"},
        {"status": "completed", "output": {}},
        {"status": "incomplete", "output": [], "incomplete_details": {"reason": "content_filter"}},
        {"status": "failed", "output": [], "error": {"code": "server_error", "message": "no"}},
        {"status": "queued", "output": []},
        {"status": "completed", "output": [{"type": "reasoning"}]},
        {"status": "completed", "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}]},
    ],
    ids=str,
)
def test_a_response_of_another_shape_is_a_provider_error(client: Client, serve, http, response: dict[str, Any]) -> None:
    server = serve(http(200, json.dumps(response).encode()))

    assert type(error_of(lambda: client(url=server.url).answer(TASK))) in (ProviderError, UnusableAnswerError)


@pytest.mark.parametrize(
    ("chat", "responses"),
    [
        ({"message": {"content": '{"summary": "The'}, "finish_reason": "length"}, {"status": "incomplete"}),
        ({"message": {"content": "no", "refusal": "no"}, "finish_reason": "stop"}, {"status": "failed"}),
        ({"message": {"content": None}, "finish_reason": "content_filter"}, {"status": "incomplete", "output": []}),
        ({"message": {"content": "plain words"}, "finish_reason": "stop"}, {"status": "completed"}),
    ],
)
def test_an_answer_that_cannot_be_used_names_its_tokens(
    client: Client, serve, http, api: Api, chat: dict[str, Any], responses: dict[str, Any]
) -> None:
    output = [{"type": "message", "content": [{"type": "output_text", "text": "plain words"}]}]
    body: dict[str, Any] = {"output": output, "usage": {"input_tokens": 321, "output_tokens": 45}} | responses
    if api == "chat":
        body = {"choices": [chat], "usage": {"prompt_tokens": 321, "completion_tokens": 45}}
    server = serve(http(200, json.dumps(body).encode()))

    failure = error_of(lambda: client(url=server.url).answer(TASK))

    assert isinstance(failure, UnusableAnswerError)
    assert (failure.model.partition("/")[0], failure.input_tokens, failure.output_tokens) == ("openai", 321, 45)
    assert failure.code == "provider_error"


def test_reasoning_beside_the_answer_is_ignored(client: Client, serve, http, api: Api) -> None:
    if api == "chat":
        body = response_body(api, None, message={"content": '{"a": 1}', "reasoning_content": "hm", "tool_calls": []})
    else:
        output = [
            {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
            {"type": "message", "content": [{"type": "output_text", "text": '{"a":', "annotations": []}]},
            {"type": "message", "content": [{"type": "output_text", "text": "1}"}]},
        ]
        body = response_body(api, None, output=output)
    server = serve(http(200, body))

    assert client(url=server.url).answer(TASK).fields == {"a": 1}


def test_a_long_transcript_is_accepted(client: Client) -> None:
    many = [Segment(n, n * 1_000, n * 1_000 + 900, f"Sentence number {n} of a long talk.") for n in range(2_000)]

    assert (
        client()
        .answer(TextTask("catchup_summary", "x", build_summary_task(many, "", 900).data, TASK.schema, 900))
        .fields
    )
