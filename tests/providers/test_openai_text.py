"""The text model: asked by either API in its own words, nothing stored; every way to fail has its name."""

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
)
from chalicelib.models.catchup import TextAnswer
from chalicelib.models.text_tasks import TextTask
from chalicelib.models.transcripts import Segment
from chalicelib.providers.openai_text import OpenAIText
from chalicelib.transcripts.prompts import ANSWER_INSTRUCTIONS, build_answer_task, parse_answer
from tests.providers.stand_in import HASTY_SECONDS, KEYS, StandIn, failure_of

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
# The service works, the model does not.
MODEL_FAULTS: list[tuple[str, type[ProviderError], str]] = [
    ("refusal", ProviderError, "did not finish"),
    ("truncated", ProviderError, "did not finish"),
    ("not_json", ProviderError, "nonsense"),
    ("context_length", ProviderRefusedError, "refused"),
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


def said(stand_in: StandIn) -> dict[str, Any]:
    (call,) = stand_in.calls()
    return dict(call["fields"])


def told(ask: Callable[[], Any], key: str = KEYS.openai) -> ProviderError:
    """The failure; neither the key nor a word of transcript or question stands in it."""
    error = failure_of(ask, key)
    shown = f"{error!r} {error.details} {error.log_note} {error.__cause__!r} {error.__context__!r}"
    assert not any(word in shown for word in ("Dashwood", "Devonshire", "sisters"))
    return error


def answering(api: Api, text: Any, **changes: Any) -> bytes:
    """The least that a compatible server answers: no usage, no id, no model."""
    if api == "chat":
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"} | changes
        return json.dumps({"choices": [choice]}).encode()
    content = [{"type": "output_text", "text": text}]
    answer = {"status": "completed", "output": [{"type": "message", "content": content}]}
    return json.dumps(answer | changes).encode()


def test_a_question_is_answered_from_the_lines(client: Client) -> None:
    answer = client().answer(TASK)

    found = parse_answer(answer.fields, LINES)
    assert found is not None
    assert LINES[1] in found.quotes
    assert answer.model == f"openai/{MODEL}"
    assert answer.input_tokens > 100
    assert answer.output_tokens > 10


def test_a_summary_is_made_of_the_lines(client: Client) -> None:
    answer = client().answer(build_summary_task(LINES, "A talk", 800))

    assert "Dashwood" in parse_summary(answer.fields, LINES).text


def test_it_is_asked_to_store_nothing_for_a_json_object_within_the_cap(
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


def test_transcript_and_question_are_data_apart_from_the_instructions(client: Client, stand_in: StandIn) -> None:
    client().answer(TASK)

    told, asked = said(stand_in)["said"]
    assert told == {"role": told["role"], "text": ANSWER_INSTRUCTIONS}
    assert told["role"] in ("system", "developer")
    assert asked["role"] == "user"
    assert json.loads(asked["text"])["question"] == QUESTION
    assert QUESTION not in told["text"]


@pytest.mark.parametrize("effort", ["none", "low", "high"])
def test_the_effort_is_told(client: Client, stand_in: StandIn, api: Api, effort: str) -> None:
    client(effort=effort).answer(ROOMY)

    fields = said(stand_in)
    assert (fields["reasoning_effort"] if api == "chat" else fields["reasoning"]["effort"]) == effort


def test_no_effort_is_not_told(client: Client, stand_in: StandIn) -> None:
    client(effort="").answer(ROOMY)

    assert not {"reasoning_effort", "reasoning"} & set(said(stand_in))


def test_thinking_that_eats_the_cap_is_no_answer(client: Client) -> None:
    assert "did not finish" in told(lambda: client(effort="high").answer(TASK)).message


@pytest.mark.parametrize(("fault", "error"), HTTP_FAULTS, ids=str)
def test_every_failure_of_the_service_has_its_name(
    client: Client, stand_in: StandIn, api: Api, fault: dict[str, Any], error: type[ProviderError]
) -> None:
    stand_in.fail(f"openai.{api}", fault)
    model = client()

    assert type(told(lambda: model.answer(TASK))) is error
    assert len(stand_in.calls()) == 1
    assert model.answer(TASK).fields


@pytest.mark.parametrize(
    "fault", [{"kind": "timeout"}, {"kind": "lost"}, {"kind": "slow", "delay_seconds": 3}], ids=str
)
def test_an_answer_that_does_not_come_in_time_is_a_timeout(
    client: Client, stand_in: StandIn, api: Api, fault: dict[str, Any]
) -> None:
    stand_in.fail(f"openai.{api}", fault)

    assert type(told(lambda: client(deadline_seconds=HASTY_SECONDS).answer(TASK))) is ProviderTimeoutError


@pytest.mark.parametrize(("fault", "error", "message"), MODEL_FAULTS)
def test_every_failure_of_the_model_has_its_name(
    client: Client, stand_in: StandIn, api: Api, fault: str, error: type[ProviderError], message: str
) -> None:
    stand_in.fail(f"openai.{api}", {"kind": fault})

    failure = told(lambda: client().answer(TASK))

    assert type(failure) is error
    assert message in failure.message


def test_another_schema_is_for_the_reader_to_refuse(client: Client, stand_in: StandIn, api: Api) -> None:
    stand_in.fail(f"openai.{api}", {"kind": "wrong_schema", "times": 2})
    model = client()

    answer = model.answer(TASK)

    assert answer.fields == {"unexpected": ["another shape"]}
    with pytest.raises(ProviderError, match="invalid response"):
        parse_answer(answer.fields, LINES)
    with pytest.raises(ProviderError, match="invalid response"):
        parse_summary(model.answer(TASK).fields, LINES)


def test_lines_that_are_not_there_are_no_quotes(client: Client, stand_in: StandIn, api: Api) -> None:
    stand_in.fail(f"openai.{api}", {"kind": "wrong_lines"})

    assert parse_answer(client().answer(TASK).fields, LINES) is None


def test_a_model_that_is_not_there_is_refused(client: Client) -> None:
    assert type(told(lambda: client(model="gpt-1").answer(TASK))) is ProviderRefusedError


def test_a_key_that_is_not_taken_is_not_told(client: Client) -> None:
    error = told(lambda: client(key="a-key-that-nobody-knows").answer(TASK), "a-key-that-nobody-knows")

    assert (type(error), error.log_note.split()[:2]) == (ProviderDeniedError, ["status", "401"])


def test_nobody_there_is_a_provider_error(client: Client) -> None:
    assert told(lambda: client(url="http://127.0.0.1:1").answer(TASK)).code == "provider_error"


def test_a_compatible_server_that_counts_nothing_is_counted_for(client: Client, serve, http, api: Api) -> None:
    server = serve(http(200, answering(api, '{"answered": true}')))

    answer = client(url=server.url, model="llama").answer(TASK)

    size = len((TASK.instructions + TASK.data).encode())
    assert answer == TextAnswer({"answered": True}, "openai/llama", -(-size // 3), 6)


@pytest.mark.parametrize("usage", [None, {}, {"total_tokens": 7}], ids=str)
def test_a_usage_without_figures_counts_as_none(client: Client, serve, http, api: Api, usage: Any) -> None:
    answer = json.loads(answering(api, "{}")) | {"usage": usage}
    server = serve(http(200, json.dumps(answer).encode()))

    assert client(url=server.url).answer(TASK).output_tokens == 1


@pytest.mark.parametrize(
    "text", [None, "", "[]", "7", '{"a": 1', "{}" * 2, "[" * 100_000, "```json\n{}\n```"], ids=ascii
)
def test_what_is_no_json_object_is_nonsense(client: Client, serve, http, api: Api, text: str | None) -> None:
    server = serve(http(200, answering(api, text)))

    assert "nonsense" in told(lambda: client(url=server.url).answer(TASK)).message


@pytest.mark.parametrize(
    "answer",
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
def test_any_other_answer_is_a_provider_error(client: Client, serve, http, answer: dict[str, Any]) -> None:
    server = serve(http(200, json.dumps(answer).encode()))

    assert type(told(lambda: client(url=server.url).answer(TASK))) is ProviderError


def test_thoughts_beside_the_answer_are_left_out(client: Client, serve, http, api: Api) -> None:
    if api == "chat":
        body = answering(api, None, message={"content": '{"a": 1}', "reasoning_content": "hm", "tool_calls": []})
    else:
        output = [
            {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
            {"type": "message", "content": [{"type": "output_text", "text": '{"a":', "annotations": []}]},
            {"type": "message", "content": [{"type": "output_text", "text": "1}"}]},
        ]
        body = answering(api, None, output=output)
    server = serve(http(200, body))

    assert client(url=server.url).answer(TASK).fields == {"a": 1}


def test_a_long_transcript_goes_through(client: Client) -> None:
    many = [Segment(n, n * 1_000, n * 1_000 + 900, f"Sentence number {n} of a long talk.") for n in range(2_000)]

    assert (
        client()
        .answer(TextTask("catchup_summary", "x", build_summary_task(many, "", 900).data, TASK.schema, 900))
        .fields
    )
