"""What AWS bills of a streamed hour and of a month at rest: counted on the app itself, on a stage in this process.

`python -m benchmarks.billed_use` prints it as JSON.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from benchmarks.metered_stage import LISTENER, Counts, MeteredStage, Step, metered_stage
from chalicelib.repositories.ledger import Guard, Ledger
from chalicelib.repositories.sessions import session_key
from chalicelib.repositories.table import Tables, Write
from chalicelib.streaming.lease_rules import LeaseRules

STARTED_AT = 1_795_392_000
STREAM = "/transcription/stream"
SESSION_SECONDS, TICK_SECONDS, LEASE_SECONDS, SAVE_SECONDS = 3_600, 15, 300, 60
EARLIEST_RENEWAL_SECONDS = LEASE_SECONDS - LeaseRules().renew_before_end_seconds
HOURS_PER_MONTH = 730
SECONDS = {"minute": 60, "minutes": 60, "hour": 3_600, "hours": 3_600, "day": 86_400, "days": 86_400}
# A minute of speech, as a provider cuts it into turns.
MINUTE = (
    "Good morning everybody, and thank you for joining at such short notice.",
    "Before we start, has anyone not seen the numbers that went out yesterday evening?",
    "All right, then let me walk you through them quickly, and please stop me if something is unclear.",
    "The first thing you will notice is that the second quarter was better than we had planned.",
    "Most of it comes from two customers in the north who renewed early, so I would not read too much into it.",
    "What worries me a little is support: the time to a first answer has gone up by almost a third since March.",
    "We have two open positions there, and one of them has been open for half a year now.",
    "I spoke with Maria last week, and she thinks that we can fill the first one by the end of October.",
    "So my proposal would be to move some of the travel budget, and to decide about the rest in the next meeting.",
)


class FunctionUse(Struct):
    """What one function did."""

    function: str
    counts: Counts


class StreamedHour(Struct):
    """An hour of one listener: the calls of the API and of the consumer of the ledger's stream."""

    calls: list[FunctionUse]
    largest_save_units: float


class BilledUse(Struct):
    """Everything that was counted. `metric_hours`: of the month at rest, one for each metric sent in an hour.

    `steps`: the calls to DynamoDB of each kind of request.
    """

    steps: dict[str, list[Step]]
    hour: StreamedHour
    hour_renewed_early: StreamedHour
    hour_saved_often: StreamedHour
    month_at_rest: list[FunctionUse]
    metric_hours: float


def measure() -> BilledUse:
    """Count everything. Once in a process."""
    with metered_stage(STARTED_AT) as stage:
        month, metric_hours = _month_at_rest(stage)
        return BilledUse(
            steps=_steps(stage),
            hour=_streamed_hour(stage, LEASE_SECONDS, SAVE_SECONDS),
            hour_renewed_early=_streamed_hour(stage, EARLIEST_RENEWAL_SECONDS, SAVE_SECONDS),
            hour_saved_often=_streamed_hour(stage, LEASE_SECONDS, LeaseRules().save_interval_seconds),
            month_at_rest=month,
            metric_hours=metric_hours,
        )


def _steps(stage: MeteredStage) -> dict[str, list[Step]]:
    """Of a session of each kind that runs to the end of each lease."""
    steps = {}

    def request(name: str, **body: Any) -> Any:
        response, _ = stage.request("POST", STREAM, body)
        steps[name] = stage.steps
        return response

    _give_credits(stage)
    for transport in ("relay", "direct"):
        start = {"action": "start", "transport": transport, "lease_seconds": LEASE_SECONDS}
        session = {"session_id": request(f"start, {transport}", **start)["session_id"]}
        request("save", action="save", **session, segments=[next(_turns())])
        if transport == "relay":
            _relay_audio(stage, session["session_id"])
        stage.forward(LEASE_SECONDS)
        request(f"renew, {transport}", action="renew", **session)
        if transport == "relay":
            _relay_audio(stage, session["session_id"])
        stage.forward(LEASE_SECONDS)
        request("stop", action="stop", **session)
    return steps


def _relay_audio(stage: MeteredStage, session_id: str) -> None:
    """As if some seconds of audio were recognised: without any, an ending lease books nothing."""
    key = session_key(LISTENER.user_id, session_id)
    Tables(stage.reader, *stage.names).write(Write(key, add={"done_ms": 30_000, "free_ms": -30_000}))


def _streamed_hour(stage: MeteredStage, renewal_seconds: int, save_seconds: int) -> StreamedHour:
    """A direct session of an hour, whose leases are renewed and whose words are saved after so many seconds.

    Each entry is counted in a batch of its own, as on a stage with few listeners.
    """
    _give_credits(stage)
    entries_before = len(_entries(stage))
    start = {"action": "start", "transport": "direct", "lease_seconds": LEASE_SECONDS, "language": "en"}
    lease, api = stage.request("POST", STREAM, start | {"title": "Weekly meeting"})
    session = {"session_id": lease["session_id"]}
    largest_save_units, renewed_at, turns = 0.0, 0, _turns()
    for second in range(TICK_SECONDS, SESSION_SECONDS + 1, TICK_SECONDS):
        stage.forward(TICK_SECONDS)
        if second % save_seconds == save_seconds // 2 // TICK_SECONDS * TICK_SECONDS:
            segments = [next(turns) for _ in range(_turns_until(second, save_seconds))]
            saved, save = stage.request("POST", STREAM, {"action": "save", **session, "segments": segments})
            if len(saved["saved"]) != len(segments):
                raise RuntimeError(f"not saved: {saved}")
            largest_save_units = max(largest_save_units, save.write_units)
            api = api.add(save)
        if second - renewed_at >= renewal_seconds and second < SESSION_SECONDS:
            renewed_at = second
            api = api.add(stage.request("POST", STREAM, {"action": "renew", **session})[1])
    api = api.add(stage.request("POST", STREAM, {"action": "stop", **session})[1])
    counter = Counts()
    for entry in _entries(stage)[entries_before:]:
        counter = counter.add(stage.count([entry]))
    return StreamedHour([FunctionUse("api_handler", api), FunctionUse("count", counter)], largest_save_units)


def _give_credits(stage: MeteredStage) -> None:
    at = int(stage.clock.at)
    guard = Guard.reference(LISTENER.user_id, "bill", str(at))
    Ledger(Tables(stage.reader, *stage.names)).grant(
        LISTENER.user_id, 5_000, "free_credits", guard, at=at, reason="For the bill."
    )


def _entries(stage: MeteredStage) -> list[dict[str, Any]]:
    return stage.ledger_items(LISTENER.user_id, "ENTRY#")


def _turns() -> Iterator[dict[str, Any]]:
    apart_ms = 60_000 // len(MINUTE)
    for seq in range(SESSION_SECONDS // 60 * len(MINUTE)):
        times = {"start_ms": seq * apart_ms, "end_ms": (seq + 1) * apart_ms - 417}
        yield {"seq": seq, **times, "text": MINUTE[seq % len(MINUTE)]}


def _turns_until(second: int, save_seconds: int) -> int:
    """How many turns a save at this second has."""
    each, more = divmod(len(MINUTE) * save_seconds, 60)
    return each + (more > 0 and second // save_seconds % (60 // more) == 0)


def _month_at_rest(stage: MeteredStage) -> tuple[list[FunctionUse], float]:
    """All scheduled functions, and the worker for the messages that they send, for a month on empty tables."""
    uses, metric_hours, worker = [], 0.0, Counts()
    for name, period_seconds in _schedules(stage.app):
        runs = HOURS_PER_MONTH * 3_600 // period_seconds
        counted, worked = stage.schedule(name), stage.work()
        uses.append(FunctionUse(name, Counts().add(counted, runs)))
        worker = worker.add(worked, runs)
        metric_hours += min(runs, HOURS_PER_MONTH) * (len(counted.metrics) + len(worked.metrics))
    return [*uses, FunctionUse("work", worker)], metric_hours


def _schedules(app: Any) -> Iterator[tuple[str, int]]:
    """The scheduled functions and how many seconds their runs are apart."""
    for source in app.app.event_sources:
        if hasattr(source, "schedule_expression"):
            number, unit = source.schedule_expression.to_string().removeprefix("rate(").rstrip(")").split()
            yield source.name, int(number) * SECONDS[unit]


if __name__ == "__main__":
    print(msgspec.json.encode(measure()).decode())
