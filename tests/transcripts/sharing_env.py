"""Sharing on the tables of a backend, with tokens that are known."""

import itertools

from msgspec.structs import replace

from chalicelib.http.shared_page import render_transcript
from chalicelib.models.accounts import Caller
from chalicelib.repositories.searched_items import SearchedItems
from chalicelib.transcripts.search import Search
from chalicelib.transcripts.sharing import Sharing, SharingRules
from tests.fakes import CURSORS, Backend

BASE_URL = "https://api.example/api"
RULES = SharingRules(bytes_per_share_day=1_000_000, bytes_per_account_day=10_000_000)


def sharing_on(backend: Backend, rules: SharingRules = RULES) -> Sharing:
    """Its tokens are `canary-token-0` and so on."""
    numbers = itertools.count()
    return Sharing(
        ledger=backend.ledger,
        tables=backend.tables,
        transcripts=backend.transcripts,
        render=render_transcript,
        rules=rules,
        now=backend.clock,
        new_token=lambda: f"canary-token-{next(numbers)}",
    )


def search_on(backend: Backend) -> Search:
    return Search(backend.ledger, SearchedItems(backend.tables), CURSORS)


def confirm_email(caller: Caller) -> Caller:
    """The same caller, whose token says that the email address is confirmed."""
    return replace(caller, is_email_verified=True)


def token_of(url: str) -> str:
    return url.rpartition("/")[2]
