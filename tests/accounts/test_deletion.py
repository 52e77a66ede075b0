"""A deleted account: refused at once, and then nothing is left of it but books that name nobody."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from msgspec import structs

from chalicelib.accounts.deletion import MESSAGE, DeletionRules
from chalicelib.errors import AccountBlockedError, AppError, UnauthenticatedError
from chalicelib.logs.request_log import collect_request_log
from chalicelib.models.transcripts import Segment
from chalicelib.payments.purchase_state import Payment
from chalicelib.providers.upload_files import TICKET_SECONDS
from chalicelib.repositories.deletions import erasure
from chalicelib.repositories.exports import export_key
from chalicelib.repositories.expressions import packed
from chalicelib.repositories.jobs import job_from, job_key
from chalicelib.repositories.purchases import purchase, purchase_key
from chalicelib.repositories.transcripts import put_segments
from tests.accounts.deletion_env import MARKER, DeletionEnv, Names
from tests.engines import Engine
from tests.fault_injection import no_faults
from tests.payments.payments_env import refund


@pytest.fixture
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.fixture
def accounts_env(engine: Engine, names: Names) -> DeletionEnv:
    return DeletionEnv.on(engine, names)


def test_nothing_is_left_of_a_deleted_account_but_its_books(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    kinds = {text.split(MARKER)[0] for text in accounts_env.where_words_are()}
    assert len(kinds) > 12  # The search finds what is there to be found.

    told = accounts_env.erasures.begin(accounts_env.who)
    assert told.deleted
    accounts_env.settle_down()

    kept = accounts_env.check_gone()
    assert accounts_env.where_words_are() == []
    assert {entry.kind for entry in kept.entries} == {"free_credits", "purchase", "usage"}


def test_the_account_is_refused_before_anything_is_erased(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.erasures.begin(accounts_env.who)

    for refused in (
        lambda: accounts_env.quiet.ledger.admit(accounts_env.who),
        lambda: accounts_env.quiet.start(accounts_env.who),
        lambda: accounts_env.quiet.streaming.renew(accounts_env.who, accounts_env.left["direct"], interrupted=True),
        lambda: accounts_env.quiet.send(accounts_env.who, accounts_env.left["relay"], 9),
        lambda: accounts_env.payments_env.buy(accounts_env.who),
        lambda: accounts_env.exports.start(accounts_env.who),
        lambda: accounts_env.erasures.begin(accounts_env.who),
    ):
        with pytest.raises(UnauthenticatedError):
            refused()


def test_a_blocked_account_is_not_deleted_by_its_owner(accounts_env: DeletionEnv) -> None:
    accounts_env.quiet.ledger.set_blocked(accounts_env.who.user_id, True)

    with pytest.raises(AccountBlockedError):
        accounts_env.erasures.begin(accounts_env.who)

    assert not accounts_env.quiet.ledger.balance(accounts_env.who.user_id).deleted
    assert erasure(accounts_env.quiet.tables, accounts_env.who.user_id) is None


def test_a_signed_out_token_deletes_nothing(accounts_env: DeletionEnv) -> None:
    accounts_env.quiet.ledger.sign_out(accounts_env.who.user_id, accounts_env.clock() + 1)

    with pytest.raises(UnauthenticatedError):
        accounts_env.erasures.begin(accounts_env.who)

    assert not accounts_env.quiet.ledger.balance(accounts_env.who.user_id).deleted


def test_an_account_that_never_got_its_profile_can_be_deleted_too(accounts_env: DeletionEnv) -> None:
    nobody = structs.replace(accounts_env.who, user_id="somebody-without-a-balance")
    accounts_env.erasures.begin(nobody)

    assert accounts_env.quiet.ledger.balance(nobody.user_id).deleted
    with pytest.raises(UnauthenticatedError):
        accounts_env.quiet.ledger.open_account(nobody.user_id)


def test_open_leases_end_before_their_sessions_go_and_a_direct_one_is_billed_to_its_end(
    accounts_env: DeletionEnv,
) -> None:
    accounts_env.fill()
    accounts_env.erasures.begin(accounts_env.who)
    accounts_env.minutes_pass(3)

    live = [entry for entry in accounts_env.books.usage if entry.reference == accounts_env.left["direct"]]
    assert [(-entry.credits, entry.audio_ms) for entry in live] == [(20, 120_000)]
    assert accounts_env.books.open_holds == []


def test_a_chunk_that_is_with_a_provider_is_waited_for(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    session_id = accounts_env.left["relay"]

    def asked() -> None:
        accounts_env.erasures.begin(accounts_env.who)
        accounts_env.deliver()
        assert any(hold.kind == "stream" for hold in accounts_env.quiet.open_holds(accounts_env.who.user_id))

    recogniser = accounts_env.catchup_env.backend.recogniser
    heard = recogniser.recognise
    recogniser.recognise = lambda *words: (asked(), heard(*words))[1]  # type: ignore[method-assign]
    accounts_env.catchup_env.backend.send(accounts_env.who, session_id, 0, seconds=6.0)
    accounts_env.settle_down()

    kept = accounts_env.check_gone()
    assert [-entry.credits for entry in kept.usage if entry.reference == session_id] == [1]


def test_a_catch_up_that_runs_is_given_up_and_costs_nothing(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.erasures.begin(accounts_env.who)
    accounts_env.minutes_pass(2)

    item = accounts_env.quiet.tables.get(job_key(accounts_env.left["running"]))
    assert item
    assert (job_from(item).state.value, job_from(item).charged) == ("failed", 0)


def test_a_webhook_that_comes_after_all_is_over_still_makes_the_provider_forget(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.erasures.begin(accounts_env.who)
    accounts_env.settle_down()

    accounts_env.catchup_env.webhook(accounts_env.left["running"], "transcript-1")
    accounts_env.recordings.deleted.remove("transcript-1")
    accounts_env.deliver()

    assert "transcript-1" in accounts_env.recordings.deleted


def test_what_was_under_way_when_the_account_was_refused_is_erased_in_the_last_pass(accounts_env: DeletionEnv) -> None:
    """A save that was admitted, an upload whose form was good, an export that was being written."""
    accounts_env.fill()
    accounts_env.erasures.begin(accounts_env.who)
    accounts_env.minutes_pass(5)
    late = [Segment(1, 0, 5, f"late {MARKER}")]
    accounts_env.quiet.tables.write(
        put_segments(accounts_env.who.user_id, accounts_env.left["transcript"], "late", late)
    )
    accounts_env.catchup_env.upload(accounts_env.who)
    accounts_env.files.files[accounts_env.who.user_id, "late"] = MARKER.encode()
    accounts_env.settle_down()

    accounts_env.check_gone()
    assert accounts_env.where_words_are() == []


def test_an_export_that_was_wanted_is_not_made_any_more(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.exports.start(accounts_env.who)
    accounts_env.catchup_env.queue.sent.clear()
    accounts_env.erasures.begin(accounts_env.who)
    accounts_env.settle_down()

    assert accounts_env.quiet.tables.get(export_key(accounts_env.who.user_id)) is None
    assert accounts_env.exports.advance(accounts_env.who.user_id) is False
    assert accounts_env.files.files == {}


def test_the_last_pass_comes_after_everything_that_may_have_been_under_way() -> None:
    longest_lambda_seconds = 900

    rules = DeletionRules()
    assert rules.last_pass_after_seconds > max(longest_lambda_seconds, TICKET_SECONDS) + 600
    assert rules.pass_seconds + 120 < longest_lambda_seconds < rules.lost_after_seconds


def test_a_message_that_is_lost_is_sent_again(accounts_env: DeletionEnv) -> None:
    accounts_env.catchup_env.queue.is_down = True
    accounts_env.erasures.begin(accounts_env.who)
    accounts_env.catchup_env.queue.sent.clear()

    accounts_env.settle_down()

    accounts_env.check_gone()


def test_a_pass_that_takes_too_long_goes_on_with_the_next_message(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.erasures.begin(accounts_env.who)
    hurried = replace(accounts_env.erasures, rules=replace(DeletionRules(), pass_seconds=0))
    accounts_env.catchup_env.queue.sent.clear()

    assert hurried.advance(accounts_env.who.user_id) is False

    assert accounts_env.catchup_env.queue.sent == [MESSAGE + accounts_env.who.user_id]
    accounts_env.settle_down()
    accounts_env.check_gone()


def test_an_account_that_cannot_be_erased_for_a_day_is_counted(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.erasures.begin(accounts_env.who)
    assert accounts_env.erasures.overdue() == 0

    accounts_env.clock.forward(DeletionRules().overdue_after_seconds + 1)
    assert accounts_env.erasures.overdue() == 1

    accounts_env.settle_down()
    assert accounts_env.erasures.overdue() == 0


def test_an_erasure_of_nobody_does_nothing(accounts_env: DeletionEnv) -> None:
    assert accounts_env.erasures.advance("nobody") is False
    assert accounts_env.erasures.sweep() == 0


# Payments


def test_a_payment_after_the_account_was_deleted_is_booked_and_rings(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.erasures.begin(accounts_env.who)
    accounts_env.settle_down()

    with collect_request_log() as counted:
        heard = accounts_env.payments_env.hears(accounts_env.left["begun"], Payment.PAID)

    assert (heard.outcome, counted.notes["payment_alarm"]) == ("applied", "deleted account")
    kept = accounts_env.check_gone()
    assert sum(entry.cents for entry in kept.entries) == 2 * 999
    with collect_request_log() as counted:
        accounts_env.payments_env.hears(accounts_env.left["begun"], Payment.PAID)
        accounts_env.payments_env.hears(accounts_env.left["begun"], refund("re_1", 999))
    assert "payment_alarm" not in counted.notes
    assert sum(entry.cents for entry in accounts_env.check_gone().entries) == 999


def test_a_purchase_without_a_checkout_has_failed_and_money_that_comes_all_the_same_counts(
    accounts_env: DeletionEnv,
) -> None:
    accounts_env.payments.script.append(AppError("The process ended here."))
    with pytest.raises(AppError):
        accounts_env.payments_env.buy(accounts_env.who, purchase_id="never-opened")
    accounts_env.erasures.begin(accounts_env.who)
    accounts_env.settle_down()

    item = accounts_env.quiet.tables.get(purchase_key("never-opened"))
    assert item
    assert (purchase(item).facts.payment, purchase(item).success_url) == (Payment.FAILED, "")
    accounts_env.payments.open(purchase(item))
    accounts_env.payments_env.hears("never-opened", Payment.PAID)
    assert [entry.cents for entry in accounts_env.check_gone().entries if entry.kind == "purchase"] == [999]


# Size


def plant(accounts_env: DeletionEnv, many: int) -> None:
    """So many saves of one transcript, 25 a call."""
    user, transcript = accounts_env.who.user_id, accounts_env.left["transcript"]
    for first in range(0, many, 25):
        puts = [
            {
                "PutRequest": {
                    "Item": packed({"pk": f"USER#{user}", "sk": f"SEGMENT#{transcript}#S#{n:09d}", "segments": []})
                }
            }
            for n in range(first, first + 25)
        ]
        accounts_env.engine.client.batch_write_item(RequestItems={accounts_env.names[1]: puts})


def check_paged(accounts_env: DeletionEnv, many: int) -> list[str]:
    """One pass takes a call for each 25 items, and a few more; nothing is left. Its calls."""
    accounts_env.fill()
    accounts_env.recordings.is_slow = False
    plant(accounts_env, many)
    accounts_env.erasures.begin(accounts_env.who)
    accounts_env.minutes_pass(2)
    plant(accounts_env, many)
    accounts_env.catchup_env.queue.sent.clear()
    accounts_env.wire.under(no_faults)
    accounts_env.erasures.advance(accounts_env.who.user_id)
    calls = list(accounts_env.wire.calls)
    accounts_env.settle_down()
    accounts_env.check_gone()
    assert Counter(calls)["BatchWriteItem"] <= many / 25 + 10
    assert len(calls) <= 1.02 * many / 25 + 30
    return calls


def test_a_large_account_is_erased_a_page_at_a_time(accounts_env: DeletionEnv) -> None:
    assert check_paged(accounts_env, 2_500)


@pytest.mark.soak
def test_an_account_of_a_hundred_thousand_items_is_erased_within_a_workers_time(
    accounts_env: DeletionEnv, tally: Counter[str]
) -> None:
    """At 20 ms a call, which is slow for DynamoDB, a pass has time for 30,000 calls, and goes on if it has more."""
    calls = check_paged(accounts_env, 100_000)

    assert len(calls) * 0.02 < DeletionRules().pass_seconds
    tally.update({"calls to erase an account of 100,000 items": len(calls)})
