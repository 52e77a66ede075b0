"""A deleted account: refused at once, and then nothing is left of it but books that name nobody."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from msgspec import structs

from chalicelib.accounts.deletion import MESSAGE, ErasureRules
from chalicelib.errors import AccountBlockedError, AppError, UnauthenticatedError
from chalicelib.logs.request_log import counting
from chalicelib.models.transcripts import Segment
from chalicelib.payments.purchase_state import Payment
from chalicelib.providers.upload_files import TICKET_SECONDS
from chalicelib.repositories.deletions import erasure
from chalicelib.repositories.exports import export_key
from chalicelib.repositories.expressions import packed
from chalicelib.repositories.jobs import job, job_key
from chalicelib.repositories.purchases import purchase, purchase_key
from chalicelib.repositories.transcripts import segments_put
from tests.accounts.deletion_env import MARKER, Household, Names
from tests.engines import Engine
from tests.fault_injection import no_faults
from tests.payments.payments_env import refund


@pytest.fixture
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.fixture
def house(engine: Engine, names: Names) -> Household:
    return Household.on(engine, names)


def test_nothing_is_left_of_a_deleted_account_but_its_books(house: Household) -> None:
    house.fill()
    kinds = {text.split(MARKER)[0] for text in house.where_words_are()}
    assert len(kinds) > 12  # The search finds what is there to be found.

    told = house.erasures.begin(house.who)
    assert told.deleted
    house.settle_down()

    kept = house.check_gone()
    assert house.where_words_are() == []
    assert {entry.kind for entry in kept.entries} == {"free_credits", "purchase", "usage"}


def test_the_account_is_refused_before_anything_is_erased(house: Household) -> None:
    house.fill()
    house.erasures.begin(house.who)

    for refused in (
        lambda: house.quiet.ledger.admit(house.who),
        lambda: house.quiet.start(house.who),
        lambda: house.quiet.streaming.renew(house.who, house.left["direct"], interrupted=True),
        lambda: house.quiet.send(house.who, house.left["relay"], 9),
        lambda: house.shop.buy(house.who),
        lambda: house.exports.start(house.who),
        lambda: house.erasures.begin(house.who),
    ):
        with pytest.raises(UnauthenticatedError):
            refused()


def test_a_blocked_account_is_not_deleted_by_its_owner(house: Household) -> None:
    house.quiet.ledger.set_blocked(house.who.user_id, True)

    with pytest.raises(AccountBlockedError):
        house.erasures.begin(house.who)

    assert not house.quiet.ledger.balance(house.who.user_id).deleted
    assert erasure(house.quiet.tables, house.who.user_id) is None


def test_a_signed_out_token_deletes_nothing(house: Household) -> None:
    house.quiet.ledger.sign_out(house.who.user_id, house.clock() + 1)

    with pytest.raises(UnauthenticatedError):
        house.erasures.begin(house.who)

    assert not house.quiet.ledger.balance(house.who.user_id).deleted


def test_an_account_that_never_got_its_profile_can_be_deleted_too(house: Household) -> None:
    nobody = structs.replace(house.who, user_id="somebody-without-a-balance")
    house.erasures.begin(nobody)

    assert house.quiet.ledger.balance(nobody.user_id).deleted
    with pytest.raises(UnauthenticatedError):
        house.quiet.ledger.open_account(nobody.user_id)


def test_open_leases_end_before_their_sessions_go_and_a_direct_one_is_billed_to_its_end(house: Household) -> None:
    house.fill()
    house.erasures.begin(house.who)
    house.minutes_pass(3)

    live = [entry for entry in house.books.usage if entry.reference == house.left["direct"]]
    assert [(-entry.credits, entry.audio_ms) for entry in live] == [(20, 120_000)]
    assert house.books.open_holds == []


def test_a_chunk_that_is_with_a_provider_is_waited_for(house: Household) -> None:
    house.fill()
    session_id = house.left["relay"]

    def asked() -> None:
        house.erasures.begin(house.who)
        house.deliver()
        assert any(hold.kind == "stream" for hold in house.quiet.open_holds(house.who.user_id))

    recogniser = house.desk.backend.recogniser
    heard = recogniser.recognise
    recogniser.recognise = lambda *words: (asked(), heard(*words))[1]  # type: ignore[method-assign]
    house.desk.backend.send(house.who, session_id, 0, seconds=6.0)
    house.settle_down()

    kept = house.check_gone()
    assert [-entry.credits for entry in kept.usage if entry.reference == session_id] == [1]


def test_a_catch_up_that_runs_is_given_up_and_costs_nothing(house: Household) -> None:
    house.fill()
    house.erasures.begin(house.who)
    house.minutes_pass(2)

    item = house.quiet.tables.get(job_key(house.left["running"]))
    assert item
    assert (job(item).state.value, job(item).charged) == ("failed", 0)


def test_a_webhook_that_comes_after_all_is_over_still_makes_the_provider_forget(house: Household) -> None:
    house.fill()
    house.erasures.begin(house.who)
    house.settle_down()

    house.desk.webhook(house.left["running"], "transcript-1")
    house.recordings.deleted.remove("transcript-1")
    house.deliver()

    assert "transcript-1" in house.recordings.deleted


def test_what_was_under_way_when_the_account_was_refused_is_erased_in_the_last_pass(house: Household) -> None:
    """A save that was admitted, an upload whose form was good, an export that was being written."""
    house.fill()
    house.erasures.begin(house.who)
    house.minutes_pass(5)
    late = [Segment(1, 0, 5, f"late {MARKER}")]
    house.quiet.tables.write(segments_put(house.who.user_id, house.left["transcript"], "late", late))
    house.desk.upload(house.who)
    house.files.files[house.who.user_id, "late"] = MARKER.encode()
    house.settle_down()

    house.check_gone()
    assert house.where_words_are() == []


def test_an_export_that_was_wanted_is_not_made_any_more(house: Household) -> None:
    house.fill()
    house.exports.start(house.who)
    house.desk.queue.sent.clear()
    house.erasures.begin(house.who)
    house.settle_down()

    assert house.quiet.tables.get(export_key(house.who.user_id)) is None
    assert house.exports.advance(house.who.user_id) is False
    assert house.files.files == {}


def test_the_last_pass_comes_after_everything_that_may_have_been_under_way() -> None:
    longest_lambda_seconds = 900

    rules = ErasureRules()
    assert rules.last_pass_after_seconds > max(longest_lambda_seconds, TICKET_SECONDS) + 600
    assert rules.pass_seconds + 120 < longest_lambda_seconds < rules.lost_after_seconds


def test_a_message_that_is_lost_is_sent_again(house: Household) -> None:
    house.desk.queue.is_down = True
    house.erasures.begin(house.who)
    house.desk.queue.sent.clear()

    house.settle_down()

    house.check_gone()


def test_a_pass_that_takes_too_long_goes_on_with_the_next_message(house: Household) -> None:
    house.fill()
    house.erasures.begin(house.who)
    hurried = replace(house.erasures, rules=replace(ErasureRules(), pass_seconds=0))
    house.desk.queue.sent.clear()

    assert hurried.advance(house.who.user_id) is False

    assert house.desk.queue.sent == [MESSAGE + house.who.user_id]
    house.settle_down()
    house.check_gone()


def test_an_account_that_cannot_be_erased_for_a_day_is_counted(house: Household) -> None:
    house.fill()
    house.erasures.begin(house.who)
    assert house.erasures.overdue() == 0

    house.clock.forward(ErasureRules().overdue_after_seconds + 1)
    assert house.erasures.overdue() == 1

    house.settle_down()
    assert house.erasures.overdue() == 0


def test_an_erasure_of_nobody_does_nothing(house: Household) -> None:
    assert house.erasures.advance("nobody") is False
    assert house.erasures.sweep() == 0


# Payments


def test_a_payment_after_the_account_was_deleted_is_booked_and_rings(house: Household) -> None:
    house.fill()
    house.erasures.begin(house.who)
    house.settle_down()

    with counting() as counted:
        heard = house.shop.hears(house.left["begun"], Payment.PAID)

    assert (heard.outcome, counted.notes["payment_alarm"]) == ("applied", "deleted account")
    kept = house.check_gone()
    assert sum(entry.cents for entry in kept.entries) == 2 * 999
    with counting() as counted:
        house.shop.hears(house.left["begun"], Payment.PAID)
        house.shop.hears(house.left["begun"], refund("re_1", 999))
    assert "payment_alarm" not in counted.notes
    assert sum(entry.cents for entry in house.check_gone().entries) == 999


def test_a_purchase_without_a_checkout_has_failed_and_money_that_comes_all_the_same_counts(house: Household) -> None:
    house.payments.script.append(AppError("The process ended here."))
    with pytest.raises(AppError):
        house.shop.buy(house.who, purchase_id="never-opened")
    house.erasures.begin(house.who)
    house.settle_down()

    item = house.quiet.tables.get(purchase_key("never-opened"))
    assert item
    assert (purchase(item).facts.payment, purchase(item).success_url) == (Payment.FAILED, "")
    house.payments.open(purchase(item))
    house.shop.hears("never-opened", Payment.PAID)
    assert [entry.cents for entry in house.check_gone().entries if entry.kind == "purchase"] == [999]


# Size


def plant(house: Household, many: int) -> None:
    """So many saves of one transcript, 25 a call."""
    user, transcript = house.who.user_id, house.left["transcript"]
    for first in range(0, many, 25):
        puts = [
            {
                "PutRequest": {
                    "Item": packed({"pk": f"USER#{user}", "sk": f"SEGMENT#{transcript}#S#{n:09d}", "segments": []})
                }
            }
            for n in range(first, first + 25)
        ]
        house.engine.client.batch_write_item(RequestItems={house.names[1]: puts})


def check_paged(house: Household, many: int) -> list[str]:
    """One pass takes a call for each 25 items, and a few more; nothing is left. Its calls."""
    house.fill()
    house.recordings.is_slow = False
    plant(house, many)
    house.erasures.begin(house.who)
    house.minutes_pass(2)
    plant(house, many)
    house.desk.queue.sent.clear()
    house.wire.under(no_faults)
    house.erasures.advance(house.who.user_id)
    calls = list(house.wire.calls)
    house.settle_down()
    house.check_gone()
    assert Counter(calls)["BatchWriteItem"] <= many / 25 + 10
    assert len(calls) <= 1.02 * many / 25 + 30
    return calls


def test_a_large_account_is_erased_a_page_at_a_time(house: Household) -> None:
    assert check_paged(house, 2_500)


@pytest.mark.soak
def test_an_account_of_a_hundred_thousand_items_is_erased_within_a_workers_time(
    house: Household, tally: Counter[str]
) -> None:
    """At 20 ms a call, which is slow for DynamoDB, a pass has time for 30,000 calls, and goes on if it has more."""
    calls = check_paged(house, 100_000)

    assert len(calls) * 0.02 < ErasureRules().pass_seconds
    tally.update({"calls to erase an account of 100,000 items": len(calls)})
