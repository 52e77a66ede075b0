"""The writes of shares: an address and the line of its transcript change together, or not at all."""

import pytest

from chalicelib.models.accounts import Caller
from chalicelib.models.transcripts import Share
from chalicelib.repositories.daily_caps import claim_daily_amount, daily_cap_key, use_up_daily_cap
from chalicelib.repositories.shares import begin_share, end_share, hash_of, load_share
from chalicelib.repositories.table import ItemKey, WriteRefusedError
from chalicelib.repositories.transcripts import delete_transcript_and_session, existing_transcript_from, transcript_key
from tests.fakes import Backend
from tests.transcripts.stored_words import store_line

FIRST, SECOND = hash_of("first"), hash_of("second")


@pytest.fixture
def line(backend: Backend, ada: Caller) -> ItemKey:
    store_line(backend.tables, ada.user_id, "T1", "Title")
    return transcript_key(ada.user_id, "T1")


def share_hash(backend: Backend, line: ItemKey) -> str:
    transcript = existing_transcript_from(backend.tables.get(line))
    return transcript.share_hash if transcript else "no line"


def test_a_new_address_replaces_the_earlier_one(backend: Backend, ada: Caller, line: ItemKey) -> None:
    tables, share = backend.tables, Share(ada.user_id, "T1")
    tables.transact(begin_share(line, share, "", FIRST, at=1))
    tables.transact(begin_share(line, share, FIRST, SECOND, at=2))

    assert (load_share(tables, FIRST), load_share(tables, SECOND)) == (None, share)
    assert share_hash(backend, line) == SECOND
    tables.transact(end_share(line, SECOND))
    assert (load_share(tables, SECOND), share_hash(backend, line)) == (None, "")


def test_what_rests_on_an_earlier_address_is_refused_and_changes_nothing(
    backend: Backend, ada: Caller, line: ItemKey
) -> None:
    tables, share = backend.tables, Share(ada.user_id, "T1")
    unshared = existing_transcript_from(tables.get(line))
    assert unshared
    tables.transact(begin_share(line, share, "", FIRST, at=1))

    for writes in (
        begin_share(line, share, "", SECOND, at=2),
        begin_share(line, share, SECOND, hash_of("third"), at=2),
        end_share(line, SECOND),
        delete_transcript_and_session(unshared, ada.user_id, None, at=2),
    ):
        with pytest.raises(WriteRefusedError):
            tables.transact(writes)
    assert (load_share(tables, FIRST), load_share(tables, SECOND)) == (share, None)
    assert share_hash(backend, line) == FIRST


def test_a_deletion_takes_the_address_along_and_nothing_is_shared_afterwards(
    backend: Backend, ada: Caller, line: ItemKey
) -> None:
    tables, share = backend.tables, Share(ada.user_id, "T1")
    tables.transact(begin_share(line, share, "", FIRST, at=1))
    shared = existing_transcript_from(tables.get(line))
    assert shared

    tables.transact(delete_transcript_and_session(shared, ada.user_id, None, at=2))

    assert (load_share(tables, FIRST), share_hash(backend, line)) == (None, "no line")
    with pytest.raises(WriteRefusedError):
        tables.transact(begin_share(line, share, "", SECOND, at=3))
    assert load_share(tables, SECOND) is None


def test_a_cap_that_is_used_up_leaves_nothing_of_its_day(backend: Backend) -> None:
    tables, day = backend.tables, 86_400
    assert claim_daily_amount(tables, "share#x", 10, 100, day)
    use_up_daily_cap(tables, "share#x", 100, day)

    assert not claim_daily_amount(tables, "share#x", 1, 100, day)
    assert claim_daily_amount(tables, "share#x", 100, 100, 2 * day)
    assert (tables.get(daily_cap_key("share#x", day)) or {})["count"] == 100
