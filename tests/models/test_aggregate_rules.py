"""What one movement adds to the sums over all users."""

from chalicelib.models.aggregates import Line, lines_of, together
from chalicelib.models.ledger import Entry, ModelUse

AT = 1_795_478_399  # 2026-11-23T23:59:59Z


def test_a_use_adds_to_its_service_and_each_of_its_models() -> None:
    uses = (ModelUse("assemblyai/universal-2", 60_000, 2_500), ModelUse("openai/gpt-6-luna", 0, 40, 900, 70))
    entry = Entry("e", "usage", -10, AT, service="catchup", audio_ms=60_000, cost_micro_usd=2_540, uses=uses)

    assert lines_of(entry) == {
        Line("2026-11-23", "catchup"): {
            "entries": 1, "credits": -10, "audio_ms": 60_000, "cost_micro_usd": 2_540,
        },
        Line("2026-11-23", "catchup", "assemblyai", "universal-2"): {
            "uses": 1, "audio_ms": 60_000, "cost_micro_usd": 2_500,
        },
        Line("2026-11-23", "catchup", "openai", "gpt-6-luna"): {
            "uses": 1, "cost_micro_usd": 40, "input_tokens": 900, "output_tokens": 70,
        },
    }  # fmt: skip


def test_two_uses_of_one_model_are_added_up() -> None:
    uses = (ModelUse("openai/gpt-6-luna", 0, 40, 900, 70), ModelUse("openai/gpt-6-luna", 0, 2, 100, 30))

    sums = lines_of(Entry("e", "usage", -5, AT, service="ask", uses=uses))[
        Line("2026-11-23", "ask", "openai", "gpt-6-luna")
    ]

    assert sums == {"uses": 2, "cost_micro_usd": 42, "input_tokens": 1_000, "output_tokens": 100}


def test_money_stands_under_the_kind_of_its_movement_with_its_sign() -> None:
    bought = Entry("e", "purchase", 500, AT, cents=299, cost_micro_usd=386_710)
    refunded = Entry("f", "clawback", -250, AT + 1, cents=-150)

    assert lines_of(bought) == {
        Line("2026-11-23", "purchase"): {"entries": 1, "credits": 500, "cents": 299, "cost_micro_usd": 386_710}
    }
    assert lines_of(refunded) == {Line("2026-11-24", "clawback"): {"entries": 1, "credits": -250, "cents": -150}}


def test_what_the_client_told_stands_beside_what_was_billed_of_the_same_sessions() -> None:
    told = Entry("e", "usage", -1, AT, service="live", audio_ms=6_000, reported_ms=0, reported_of_ms=66_000)

    (sums,) = lines_of(told).values()

    assert (sums["reported_sessions"], sums.get("reported_ms", 0), sums["reported_of_ms"]) == (1, 0, 66_000)


def test_sums_of_nothing_are_nothing() -> None:
    assert together([]) == together([{}, {}]) == {}
