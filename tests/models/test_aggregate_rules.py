"""What one entry adds to the totals across all users."""

from chalicelib.models.aggregates import AggregateKey, add_amounts, amounts_by_key
from chalicelib.models.ledger import Entry, ModelUse

AT = 1_795_478_399  # 2026-11-23T23:59:59Z


def test_a_use_adds_to_its_service_and_to_each_of_its_models() -> None:
    uses = (ModelUse("assemblyai/universal-2", 60_000, 2_500), ModelUse("openai/gpt-6-luna", 0, 40, 900, 70))
    entry = Entry("e", "usage", -10, AT, service="catchup", audio_ms=60_000, cost_micro_usd=2_540, uses=uses)

    assert amounts_by_key(entry) == {
        AggregateKey("2026-11-23", "catchup"): {
            "entries": 1, "credits": -10, "audio_ms": 60_000, "cost_micro_usd": 2_540,
        },
        AggregateKey("2026-11-23", "catchup", "assemblyai", "universal-2"): {
            "uses": 1, "audio_ms": 60_000, "cost_micro_usd": 2_500,
        },
        AggregateKey("2026-11-23", "catchup", "openai", "gpt-6-luna"): {
            "uses": 1, "cost_micro_usd": 40, "input_tokens": 900, "output_tokens": 70,
        },
    }  # fmt: skip


def test_two_uses_of_one_model_are_added_up() -> None:
    uses = (ModelUse("openai/gpt-6-luna", 0, 40, 900, 70), ModelUse("openai/gpt-6-luna", 0, 2, 100, 30))

    amounts = amounts_by_key(Entry("e", "usage", -5, AT, service="ask", uses=uses))[
        AggregateKey("2026-11-23", "ask", "openai", "gpt-6-luna")
    ]

    assert amounts == {"uses": 2, "cost_micro_usd": 42, "input_tokens": 1_000, "output_tokens": 100}


def test_money_is_counted_with_its_sign_under_the_kind_of_its_entry() -> None:
    bought = Entry("e", "purchase", 500, AT, cents=299, cost_micro_usd=386_710)
    refunded = Entry("f", "clawback", -250, AT + 1, cents=-150)

    assert amounts_by_key(bought) == {
        AggregateKey("2026-11-23", "purchase"): {"entries": 1, "credits": 500, "cents": 299, "cost_micro_usd": 386_710}
    }
    assert amounts_by_key(refunded) == {
        AggregateKey("2026-11-24", "clawback"): {"entries": 1, "credits": -250, "cents": -150}
    }


def test_reported_time_is_counted_beside_the_billed_time_of_the_same_sessions() -> None:
    entry = Entry("e", "usage", -1, AT, service="live", audio_ms=6_000, reported_ms=0, reported_of_ms=66_000)

    (amounts,) = amounts_by_key(entry).values()

    assert (amounts["reported_sessions"], amounts.get("reported_ms", 0), amounts["reported_of_ms"]) == (1, 0, 66_000)


def test_an_implausible_report_is_counted_in_no_other_figure() -> None:
    entry = Entry("e", "usage", -1, AT, service="live", audio_ms=6_000, implausible_ms=90_000)

    (amounts,) = amounts_by_key(entry).values()

    assert {name: amounts[name] for name in amounts if "reported" in name or "implausible" in name} == {
        "implausible_sessions": 1,
        "implausible_ms": 90_000,
    }


def test_adding_no_amounts_is_empty() -> None:
    assert add_amounts([]) == add_amounts([{}, {}]) == {}
