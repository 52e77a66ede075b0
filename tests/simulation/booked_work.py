"""What providers were asked is what is booked: the calls that they count, beside the uses that the entries have.

Every answer that the backend got is booked once, with what it cost. It may be missing only where nobody could book it:
its process died after it, or so many of its calls to the tables failed after it that all tries of a booking may have.
One that was lost on its way to the backend was never received.

Recordings are transcribed without an answer that somebody waits for: jobs_rest.py compares them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

from tests.default_prices import PRICES
from tests.simulation.books import Item, number, text
from tests.simulation.provider_prices import audio_cost, text_cost
from tests.simulation.provider_work import ReceivedWork, Work, WorkLog
from tests.simulation.scheduler import ViolationError

if TYPE_CHECKING:
    from tests.simulation.core import Simulation

Amounts = tuple[int, int, int, int]  # milliseconds, tokens sent, tokens received, micro-USD for audio
NO_AMOUNTS: Amounts = (0, 0, 0, 0)


def uses_of(entry: Item) -> Iterator[Work]:
    """What the models did for an entry, as it is stored."""
    for stored in entry.get("uses", {"L": []})["L"]:
        use = stored["M"]
        yield Work(
            text(entry, "reference"),
            text(use, "model"),
            number(use, "cost_micro_usd"),
            number(use, "audio_ms"),
            number(use, "input_tokens"),
            number(use, "output_tokens"),
        )


def check_booked_work(simulation: "Simulation") -> None:
    """At rest: each entry costs what its uses cost, and the uses are those that the providers count."""
    booked: defaultdict[tuple[str, str], Amounts] = defaultdict(lambda: NO_AMOUNTS)
    models_of_hold = _models_of_holds(simulation)
    for user_id, account in simulation.observer.books.accounts.items():
        for entry in account.entries.values():
            if text(entry, "kind") != "usage":
                continue
            uses = list(uses_of(entry))
            _check_entry(user_id, entry, uses, models_of_hold.get(text(entry, "hold_id")))
            for use in uses:
                booked[use.reference, use.model] = _add(booked[use.reference, use.model], _amounts(use))
    for log in (simulation.providers.recogniser.log, simulation.providers.text.log):
        _check_log(simulation.counts, log, booked)


def _models_of_holds(simulation: "Simulation") -> dict[str, set[str]]:
    """Of each hold of a direct lease the model that a client got a token for, or else those that made one."""
    made: defaultdict[str, set[str]] = defaultdict(set)
    received: defaultdict[str, set[str]] = defaultdict(set)
    for provider in simulation.providers.live:
        for hold_id in provider.holds.values():
            made[hold_id].add(provider.model)
        for hold_id in provider.received:
            received[hold_id].add(provider.model)
    return made | received


def _check_entry(user_id: str, entry: Item, uses: list[Work], socket_models: set[str] | None) -> None:
    """The entry costs what its uses cost, and text and sockets what their provider charges for them."""
    cost = number(entry, "cost_micro_usd")
    if cost != sum(use.cost_micro_usd for use in uses):
        _fail(user_id, f"an entry costs {cost}, its uses are {uses}")
    for use in uses:
        if use.model in PRICES.text_models:
            charged = text_cost(use.model, use.input_tokens, use.output_tokens)
            if use.cost_micro_usd != charged:
                _fail(user_id, f"the text model charges {charged} for {use}")
    if socket_models is not None:
        audio_ms = number(entry, "audio_ms")
        allowed = [(model, audio_ms, audio_cost(model, audio_ms)) for model in sorted(socket_models)]
        booked = [(use.model, use.audio_ms, use.cost_micro_usd) for use in uses]
        if audio_ms and not any(booked == [use] for use in allowed):
            _fail(user_id, f"a lease of {audio_ms} ms is booked as {uses}, its socket costs one of {allowed}")


def _check_log(counts: Counter[str], log: WorkLog, booked: dict[tuple[str, str], Amounts]) -> None:
    """Of each reference and model the books have what was received. Counts what was not."""
    received: defaultdict[tuple[str, str], list[ReceivedWork]] = defaultdict(list)
    for answer in log.received:
        received[answer.work.reference, answer.work.model].append(answer)
    models = {work.model for work in log.performed}
    for key in sorted(received.keys() | {key for key in booked if key[1] in models}):
        _check_reference(counts, key, booked.get(key, NO_AMOUNTS), received[key])
    counts["unbooked work: its answer was lost on its way"] += len(log.performed) - len(log.received)
    counts["micro-USD that providers of text and relayed audio count"] += sum(
        work.cost_micro_usd for work in log.performed
    )
    counts["micro-USD that is booked of it"] += sum(
        text_cost(model, amounts[1], amounts[2]) if model in PRICES.text_models else amounts[3]
        for (_, model), amounts in booked.items()
        if model in models
    )


def _check_reference(counts: Counter[str], key: tuple[str, str], booked: Amounts, answers: list[ReceivedWork]) -> None:
    """Some of the answers whose booking is not certain may be missing, and nothing else."""
    possible: dict[Amounts, list[ReceivedWork]] = {NO_AMOUNTS: []}  # what may be booked → what is missing then
    for answer in answers:
        amounts, excuse = _amounts(answer.work), answer.excuse
        with_it = {_add(sum_, amounts): missing for sum_, missing in possible.items()}
        without_it = {sum_: [*missing, answer] for sum_, missing in possible.items()} if excuse else {}
        possible = without_it | with_it
    if booked not in possible:
        shown = [(_amounts(answer.work), answer.excuse) for answer in answers]
        raise ViolationError(f"the work of {key[1]} for {key[0]} is booked as {booked}, it did {shown}")
    counts.update(f"unbooked work: {answer.excuse}" for answer in possible[booked])


def _amounts(work: Work) -> Amounts:
    """What is compared of a use. The tokens of several calls are rounded up to micro-USD together."""
    cost = 0 if work.model in PRICES.text_models else work.cost_micro_usd
    return work.audio_ms, work.input_tokens, work.output_tokens, cost


def _add(first: Amounts, second: Amounts) -> Amounts:
    return first[0] + second[0], first[1] + second[1], first[2] + second[2], first[3] + second[3]


def _fail(user_id: str, message: str) -> NoReturn:
    raise ViolationError(f"the books of {user_id}: {message}")
