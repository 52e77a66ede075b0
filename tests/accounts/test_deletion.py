"""A deleted account is refused at once; then only accounting records without personal data are left."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from msgspec import structs

from chalicelib.accounts.deletion import MESSAGE, DeletionRules
from chalicelib.errors import AccountBlockedError, AppError, UnauthenticatedError
from chalicelib.logs.request_facts import collect_request_facts
from chalicelib.models.purchase_facts import PaymentState
from chalicelib.models.transcripts import Segment
from chalicelib.providers.files import UPLOAD_FORM_SECONDS
from chalicelib.repositories.deletions import load_deletion
from chalicelib.repositories.exports import export_key
from chalicelib.repositories.expressions import serialize
from chalicelib.repositories.jobs import job_from, job_key
from chalicelib.repositories.purchases import purchase_from, purchase_key
from chalicelib.repositories.transcripts import put_segments
from tests.accounts.deletion_env import MARKER, DeletionEnv, Names
from tests.default_prices import live_credits
from tests.engines import Engine
from tests.fault_injection import Fault, no_faults
from tests.payments.payments_env import CENTS, refund


@pytest.fixture
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as fresh:
        yield fresh


@pytest.fixture
def accounts_env(engine: Engine, names: Names) -> DeletionEnv:
    return DeletionEnv.on(engine, names)


def test_a_deleted_account_leaves_only_its_accounting_records(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    kinds = {text.split(MARKER)[0] for text in accounts_env.texts_with_marker()}
    assert len(kinds) > 12  # The search finds what was stored.

    response = accounts_env.deletion.start(accounts_env.caller)
    assert response.deleted
    accounts_env.settle_down()

    kept = accounts_env.check_gone()
    assert accounts_env.texts_with_marker() == []
    assert {entry.kind for entry in kept.entries} == {"free_credits", "purchase", "usage"}


def test_the_account_is_refused_before_anything_is_erased(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.deletion.start(accounts_env.caller)

    for refused in (
        lambda: accounts_env.quiet.ledger.admit(accounts_env.caller),
        lambda: accounts_env.quiet.start(accounts_env.caller),
        lambda: accounts_env.quiet.streaming.renew(accounts_env.caller, accounts_env.left["direct"], interrupted=True),
        lambda: accounts_env.quiet.send(accounts_env.caller, accounts_env.left["relay"], 9),
        lambda: accounts_env.payments_env.buy(accounts_env.caller),
        lambda: accounts_env.exports.start(accounts_env.caller),
        lambda: accounts_env.deletion.start(accounts_env.caller),
    ):
        with pytest.raises(UnauthenticatedError):
            refused()


def test_a_blocked_account_is_not_deleted_by_its_owner(accounts_env: DeletionEnv) -> None:
    accounts_env.quiet.ledger.set_blocked(accounts_env.caller.user_id, True)

    with pytest.raises(AccountBlockedError):
        accounts_env.deletion.start(accounts_env.caller)

    assert not accounts_env.quiet.ledger.balance(accounts_env.caller.user_id).deleted
    assert load_deletion(accounts_env.quiet.tables, accounts_env.caller.user_id) is None


def test_a_signed_out_token_deletes_nothing(accounts_env: DeletionEnv) -> None:
    accounts_env.quiet.ledger.sign_out(accounts_env.caller.user_id, accounts_env.clock() + 1)

    with pytest.raises(UnauthenticatedError):
        accounts_env.deletion.start(accounts_env.caller)

    assert not accounts_env.quiet.ledger.balance(accounts_env.caller.user_id).deleted


def test_an_account_without_a_profile_can_be_deleted(accounts_env: DeletionEnv) -> None:
    unknown_caller = structs.replace(accounts_env.caller, user_id="somebody-without-a-balance")
    accounts_env.deletion.start(unknown_caller)

    assert accounts_env.quiet.ledger.balance(unknown_caller.user_id).deleted
    with pytest.raises(UnauthenticatedError):
        accounts_env.quiet.ledger.open_account(unknown_caller.user_id)


def test_open_leases_end_first_and_a_direct_one_is_billed_to_its_end(
    accounts_env: DeletionEnv,
) -> None:
    accounts_env.fill()
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.minutes_pass(3)

    live = [entry for entry in accounts_env.books.usage if entry.reference == accounts_env.left["direct"]]
    assert [(-entry.credits, entry.audio_ms) for entry in live] == [(live_credits(120), 120_000)]
    assert accounts_env.books.open_holds == []


def test_a_deletion_waits_for_a_chunk_that_is_with_a_provider(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    session_id = accounts_env.left["relay"]

    def delete_account() -> None:
        accounts_env.deletion.start(accounts_env.caller)
        accounts_env.deliver()
        assert any(hold.kind == "stream" for hold in accounts_env.quiet.open_holds(accounts_env.caller.user_id))

    recogniser = accounts_env.catchup_env.backend.recogniser
    recognise = recogniser.recognise
    recogniser.recognise = lambda *audio: (delete_account(), recognise(*audio))[1]  # type: ignore[method-assign]
    accounts_env.catchup_env.backend.send(accounts_env.caller, session_id, 0, seconds=6.0)
    accounts_env.settle_down()

    kept = accounts_env.check_gone()
    assert [-entry.credits for entry in kept.usage if entry.reference == session_id] == [live_credits(6)]


def test_a_running_catch_up_is_cancelled_free_of_charge(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.minutes_pass(2)

    item = accounts_env.quiet.tables.get(job_key(accounts_env.left["running"]))
    assert item
    assert (job_from(item).state.value, job_from(item).charged) == ("failed", 0)


@pytest.mark.parametrize("calls", [1, 2])
def test_an_account_deleted_while_it_is_summarised_ends_the_job_and_books_the_calls(
    accounts_env: DeletionEnv, calls: int
) -> None:
    """Deleting the account is never refused, unlike deleting the transcript."""
    accounts_env.fill()
    useless: dict[str, object] = {"summary": ""}
    accounts_env.catchup_env.text.script = [useless] * (calls - 1) + [lambda: delete_account(accounts_env)]
    given = accounts_env.catchup_env.text.answers_given

    accounts_env.catchup_env.start(accounts_env.caller, "summarised", session_id=accounts_env.left["direct"], minutes=5)
    accounts_env.catchup_env.worker.advance("summarised")

    item = accounts_env.quiet.tables.get(job_key("summarised"))
    assert item
    assert (job_from(item).state.value, job_from(item).charged) == ("failed", 0)
    assert accounts_env.catchup_env.text.answers_given - given == calls
    (entry,) = [e for e in accounts_env.quiet.entries(accounts_env.caller.user_id) if e.reference == "summarised"]
    assert (entry.credits, sum(use.input_tokens for use in entry.uses)) == (0, 1_000 * calls)


def delete_account(accounts_env: DeletionEnv) -> None:
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.deletion.advance(accounts_env.caller.user_id)


def test_a_late_webhook_still_deletes_the_provider_copy(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.settle_down()

    accounts_env.catchup_env.webhook(accounts_env.left["running"], "transcript-1")
    accounts_env.recordings.deleted.remove("transcript-1")
    accounts_env.deliver()

    assert "transcript-1" in accounts_env.recordings.deleted


def test_the_erasure_waits_until_every_named_transcript_is_deleted(accounts_env: DeletionEnv) -> None:
    """A webhook named one after the job had ended; the job does not know it, and its message is lost."""
    accounts_env.fill()
    accounts_env.catchup_env.webhook(accounts_env.left["done"], "transcript-late")
    accounts_env.catchup_env.queue.sent.clear()
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.fault_injector.use_plan(lambda _, call: Fault.UNSENT if call == "DeleteTranscript" else None)
    accounts_env.minutes_pass(accounts_env.deletion.rules.last_pass_after_seconds // 60 + 5)
    assert load_deletion(accounts_env.quiet.tables, accounts_env.caller.user_id)

    accounts_env.settle_down()

    assert "transcript-late" in accounts_env.recordings.deleted


def test_the_last_pass_erases_what_running_requests_still_wrote(accounts_env: DeletionEnv) -> None:
    """A save that was admitted, an upload with a valid form, an export that was being written."""
    accounts_env.fill()
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.minutes_pass(5)
    late = [Segment(1, 0, 5, f"late {MARKER}")]
    accounts_env.quiet.tables.write(
        put_segments(accounts_env.caller.user_id, accounts_env.left["transcript"], "late", late)
    )
    accounts_env.catchup_env.upload(accounts_env.caller)
    accounts_env.files.files[accounts_env.caller.user_id, "late"] = MARKER.encode()
    accounts_env.settle_down()

    accounts_env.check_gone()
    assert accounts_env.texts_with_marker() == []


def test_a_requested_export_of_a_deleted_account_is_not_made(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.exports.start(accounts_env.caller)
    accounts_env.catchup_env.queue.sent.clear()
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.settle_down()

    assert accounts_env.quiet.tables.get(export_key(accounts_env.caller.user_id)) is None
    assert accounts_env.exports.advance(accounts_env.caller.user_id) is False
    assert accounts_env.files.files == {}


def test_the_last_pass_starts_after_the_longest_request_and_upload() -> None:
    longest_lambda_seconds = 900

    rules = DeletionRules()
    assert rules.last_pass_after_seconds > max(longest_lambda_seconds, UPLOAD_FORM_SECONDS) + 600
    assert rules.pass_seconds + 120 < longest_lambda_seconds < rules.lost_after_seconds


def test_a_lost_message_is_sent_again(accounts_env: DeletionEnv) -> None:
    accounts_env.catchup_env.queue.is_down = True
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.catchup_env.queue.sent.clear()

    accounts_env.settle_down()

    accounts_env.check_gone()


def test_a_pass_over_its_time_limit_continues_with_the_next_message(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.deletion.start(accounts_env.caller)
    short_pass = replace(accounts_env.deletion, rules=replace(DeletionRules(), pass_seconds=0))
    accounts_env.catchup_env.queue.sent.clear()

    assert short_pass.advance(accounts_env.caller.user_id) is False

    assert accounts_env.catchup_env.queue.sent == [MESSAGE + accounts_env.caller.user_id]
    accounts_env.settle_down()
    accounts_env.check_gone()


def test_an_account_that_is_not_erased_within_a_day_is_counted(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.deletion.start(accounts_env.caller)
    assert accounts_env.deletion.count_overdue() == 0

    accounts_env.clock.forward(DeletionRules().overdue_after_seconds + 1)
    assert accounts_env.deletion.count_overdue() == 1

    accounts_env.settle_down()
    assert accounts_env.deletion.count_overdue() == 0


def test_erasing_an_account_that_is_not_deleted_does_nothing(accounts_env: DeletionEnv) -> None:
    assert accounts_env.deletion.advance("nobody") is False
    assert accounts_env.deletion.sweep() == 0


# Payments


def test_a_payment_after_the_deletion_is_booked_and_triggers_an_alarm(accounts_env: DeletionEnv) -> None:
    accounts_env.fill()
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.settle_down()

    with collect_request_facts() as counted:
        received = accounts_env.payments_env.receive_fact(accounts_env.left["begun"], PaymentState.PAID)

    assert (received.outcome, counted.notes["payment_alarm"]) == ("applied", "deleted account")
    kept = accounts_env.check_gone()
    assert sum(entry.cents for entry in kept.entries) == 2 * CENTS
    with collect_request_facts() as counted:
        accounts_env.payments_env.receive_fact(accounts_env.left["begun"], PaymentState.PAID)
        accounts_env.payments_env.receive_fact(accounts_env.left["begun"], refund("re_1", CENTS))
    assert "payment_alarm" not in counted.notes
    assert sum(entry.cents for entry in accounts_env.check_gone().entries) == CENTS


def test_a_purchase_without_a_checkout_fails_but_its_payment_still_counts(
    accounts_env: DeletionEnv,
) -> None:
    accounts_env.payments.script.append(AppError("The process ended here."))
    with pytest.raises(AppError):
        accounts_env.payments_env.buy(accounts_env.caller, purchase_id="never-opened")
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.settle_down()

    item = accounts_env.quiet.tables.get(purchase_key("never-opened"))
    assert item
    assert (purchase_from(item).facts.payment, purchase_from(item).success_url) == (PaymentState.FAILED, "")
    accounts_env.payments.open_checkout(purchase_from(item))
    accounts_env.payments_env.receive_fact("never-opened", PaymentState.PAID)
    assert [entry.cents for entry in accounts_env.check_gone().entries if entry.kind == "purchase"] == [CENTS]


# Size


def add_saves(accounts_env: DeletionEnv, many: int) -> None:
    """Add `many` saves of one transcript, 25 per call."""
    user, transcript = accounts_env.caller.user_id, accounts_env.left["transcript"]
    for first in range(0, many, 25):
        puts = [
            {
                "PutRequest": {
                    "Item": serialize({"pk": f"USER#{user}", "sk": f"SEGMENT#{transcript}#S#{n:09d}", "segments": []})
                }
            }
            for n in range(first, first + 25)
        ]
        accounts_env.engine.client.batch_write_item(RequestItems={accounts_env.names[1]: puts})


def check_erased_by_page(accounts_env: DeletionEnv, many: int) -> list[str]:
    """Check that one pass makes a call for every 25 items and a few more, and leaves none; return its calls."""
    accounts_env.fill()
    accounts_env.recordings.is_slow = False
    add_saves(accounts_env, many)
    accounts_env.deletion.start(accounts_env.caller)
    accounts_env.minutes_pass(2)
    add_saves(accounts_env, many)
    accounts_env.catchup_env.queue.sent.clear()
    accounts_env.fault_injector.use_plan(no_faults)
    accounts_env.deletion.advance(accounts_env.caller.user_id)
    calls = list(accounts_env.fault_injector.calls)
    accounts_env.settle_down()
    accounts_env.check_gone()
    assert Counter(calls)["BatchWriteItem"] <= many / 25 + 10
    assert len(calls) <= 1.02 * many / 25 + 30
    return calls


@pytest.mark.long
def test_a_large_account_is_erased_a_page_at_a_time(accounts_env: DeletionEnv) -> None:
    assert check_erased_by_page(accounts_env, 2_500)


@pytest.mark.soak
def test_a_hundred_thousand_items_are_erased_within_a_workers_time_limit(
    accounts_env: DeletionEnv, soak_counts: Counter[str]
) -> None:
    """At 20 ms per call, which is slow for DynamoDB, a pass has time for 30,000 calls; the next pass continues."""
    calls = check_erased_by_page(accounts_env, 100_000)

    assert len(calls) * 0.02 < DeletionRules().pass_seconds
    soak_counts.update({"calls to erase an account of 100,000 items": len(calls)})
