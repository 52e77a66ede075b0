"""Builds the use cases of transcripts: history, search, sharing, questions, and what an administrator sees."""

from functools import lru_cache
from typing import TYPE_CHECKING

from . import providers
from .aws import settings, tables
from .common import common, cursors, ledger

if TYPE_CHECKING:
    from ..transcripts.history import History
    from ..transcripts.questions import Questions
    from ..transcripts.search import Search
    from ..transcripts.sharing import Sharing
    from ..transcripts.work import RecordedWork


@lru_cache
def history() -> "History":
    from ..repositories.transcripts import Transcripts
    from ..transcripts.history import History

    return History(**common().of(History), transcripts=Transcripts(tables()), cursors=cursors())


@lru_cache
def search() -> "Search":
    from ..repositories.searched_items import SearchedItems
    from ..transcripts.search import Search

    return Search(ledger(), SearchedItems(tables()), cursors())


@lru_cache
def recorded_work() -> "RecordedWork":
    from ..repositories.transcripts import Transcripts
    from ..transcripts.work import RecordedWork

    return RecordedWork(ledger(), Transcripts(tables()), cursors())


@lru_cache
def sharing() -> "Sharing":
    from secrets import token_urlsafe

    from ..http.shared_page import render_transcript
    from ..repositories.transcripts import Transcripts
    from ..transcripts.sharing import TOKEN_BYTES, Sharing, SharingRules

    used = settings()
    return Sharing(
        **common().of(Sharing),
        transcripts=Transcripts(tables()),
        render=render_transcript,
        rules=SharingRules(used.shared_bytes_per_transcript_day, used.shared_bytes_per_account_day),
        new_token=lambda: token_urlsafe(TOKEN_BYTES),
    )


@lru_cache
def questions() -> "Questions":
    from ..repositories.transcripts import Transcripts
    from ..transcripts.questions import Questions

    return Questions(
        **common().of(Questions),
        transcripts=Transcripts(tables()),
        text=providers.answer_model(),
        is_on=settings().has_text_model,
    )
