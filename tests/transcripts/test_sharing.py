"""Shares: who can make one, what its page shows, and everything that ends it at once."""

import dataclasses
import re
from dataclasses import dataclass
from html import unescape

import pytest
from msgspec.structs import replace

from chalicelib import contract
from chalicelib.errors import (
    AppError,
    ConflictError,
    EmailUnverifiedError,
    NotFoundError,
    RateLimitedError,
    UnavailableError,
)
from chalicelib.http.shared_page import render_transcript
from chalicelib.models.accounts import Caller
from chalicelib.models.transcripts import Moment, Segment, SharedTranscript, Summary
from chalicelib.repositories.admin_actions import recent_actions
from chalicelib.repositories.shares import hash_of, load_share, share_key, token_in
from chalicelib.repositories.table import Tables, Write
from chalicelib.repositories.transcripts import transcript_key
from chalicelib.transcripts.sharing import MAX_PAGE_BYTES, TRIES, Sharing, SharingRules
from tests.admin.admin_env import AdminEnv
from tests.fakes import Backend, Clock
from tests.transcripts.sharing_env import BASE_URL, confirm_email, sharing_on, token_of
from tests.transcripts.stored_words import store_block, store_line

TITLE, TRANSCRIPT = "Weekly <b>Stand-up</b>", "T1"
HOSTILE = '<script>alert("x")</script> & https://evil.example/?a=1 \x00 \u202e'


@dataclass
class SharedEnv:
    """Ada, with one transcript, which she shares at `token`."""

    backend: Backend
    sharing: Sharing
    ada: Caller
    token: str = ""

    def share(self) -> str:
        self.token = token_of(self.sharing.share(self.ada, TRANSCRIPT, BASE_URL).url)
        return self.token

    def page(self, token: str | None = None, first: int = 0) -> str:
        return self.sharing.page(self.token if token is None else token, first)

    def is_open(self) -> bool:
        try:
            self.page()
        except NotFoundError:
            return False
        return True


@pytest.fixture
def env(backend: Backend) -> SharedEnv:
    ada = confirm_email(backend.person(200))
    store_line(backend.tables, ada.user_id, TRANSCRIPT, TITLE)
    segments = [Segment(0, 61_000, 62_000, "Good morning.", "Ada"), Segment(1, 3_723_000, 3_724_000, HOSTILE)]
    store_block(backend.tables, ada.user_id, TRANSCRIPT, 1, segments)
    made = SharedEnv(backend, sharing_on(backend), ada)
    made.share()
    return made


def test_the_page_shows_title_words_times_and_speakers_as_text(env: SharedEnv) -> None:
    html = env.page()

    assert "<title>Weekly &lt;b&gt;Stand-up&lt;/b&gt;</title>" in html
    assert re.findall(r"<time>(.*?)</time>", html) == ["1:01", "1:02:03"]
    assert "<b>Ada</b> Good morning." in html
    assert "<script" not in html
    assert "<a " not in html
    assert HOSTILE in unescape(html)


def test_the_page_has_nothing_of_its_owner_but_the_transcript(env: SharedEnv) -> None:
    env.backend.tables.write(
        Write(transcript_key(env.ada.user_id, TRANSCRIPT), put_in={"source_url": "https://private.example/page"})
    )

    html = env.page()

    for private in (env.ada.user_id, env.ada.email, "private.example", TRANSCRIPT + '"', env.token, hash_of(env.token)):
        assert private not in html


def test_summaries_are_on_the_first_page() -> None:
    summary = Summary("T1", "job", 0, 60_000, "They <agreed>.", (Moment(30_000, "The price"),))
    shared = SharedTranscript("", "de", 1_795_400_000, [], [summary], first=0, following=0)

    html = render_transcript(shared)

    assert "<h2>Summary, 0:00 to 1:00</h2>" in html
    assert "They &lt;agreed&gt;." in html
    assert '<time>0:30</time> <span dir="auto">The price</span>' in html
    assert '<p dir="auto" lang="de">' in html
    assert "There are no words here." in html


def test_a_long_transcript_is_shown_in_parts_that_have_all_of_it(env: SharedEnv) -> None:
    for number in range(3):
        segments = [Segment(10 + number * 60 + n, 9_000_000, 9_000_001, "<" * 1_000) for n in range(60)]
        store_block(env.backend.tables, env.ada.user_id, TRANSCRIPT, 2 + number, segments)
    env.sharing = dataclasses.replace(env.sharing, rules=SharingRules(10**9, 10**9))

    words, part, sizes = 0, 0, []
    while True:
        html = env.page(first=part)
        words += html.count("&lt;" * 1_000)
        sizes.append(len(html.encode()))
        links = dict(reversed(link) for link in re.findall(r'<a href="\?part=(\d+)">(.*?)</a>', html))
        assert ("First part" in links) == (part > 0)
        if "Next part" not in links:
            break
        part = int(links["Next part"])

    assert words == 180
    assert len(sizes) == 2
    assert max(sizes) < MAX_PAGE_BYTES * 1.1
    assert "There are no words here." in env.page(first=10**8)


def test_only_who_confirmed_the_address_shares(env: SharedEnv) -> None:
    with pytest.raises(EmailUnverifiedError):
        env.sharing.share(replace(env.ada, is_email_verified=False), TRANSCRIPT, BASE_URL)


def test_nobody_shares_or_ends_what_is_not_their_own(env: SharedEnv) -> None:
    other = confirm_email(env.backend.person())
    for call in (lambda: env.sharing.share(other, TRANSCRIPT, BASE_URL), lambda: env.sharing.end(other, TRANSCRIPT)):
        with pytest.raises(NotFoundError):
            call()
    assert env.is_open()


def test_sharing_again_makes_a_new_address_and_ends_the_first(env: SharedEnv) -> None:
    first = env.token

    assert env.share() != first

    assert env.is_open()
    with pytest.raises(NotFoundError):
        env.page(first)
    assert load_share(env.backend.tables, hash_of(first)) is None


def test_a_token_is_stored_nowhere(env: SharedEnv) -> None:
    stored = env.backend.tables.get(transcript_key(env.ada.user_id, TRANSCRIPT)) or {}

    assert stored["share_hash"] == hash_of(env.token)
    assert env.token not in str(stored) + str(env.backend.tables.get(share_key(hash_of(env.token))))
    assert env.backend.history.page(env.ada, contract.HistoryQuery()).items[0].shared_at == "2026-11-23T02:13:20Z"


def test_ending_a_share_ends_it_at_once_and_again_changes_nothing(env: SharedEnv) -> None:
    assert env.sharing.end(env.ada, TRANSCRIPT).ended
    assert not env.is_open()
    assert env.sharing.end(env.ada, TRANSCRIPT).ended
    assert "share_hash" not in (env.backend.tables.get(transcript_key(env.ada.user_id, TRANSCRIPT)) or {})
    assert load_share(env.backend.tables, hash_of(env.token)) is None
    assert env.backend.history.page(env.ada, contract.HistoryQuery()).items[0].shared_at == ""


def test_deleting_the_transcript_ends_its_share_at_once(env: SharedEnv) -> None:
    env.backend.history.delete(env.ada, TRANSCRIPT)

    assert not env.is_open()
    assert load_share(env.backend.tables, hash_of(env.token)) is None
    with pytest.raises(NotFoundError):
        env.share()


def test_a_transcript_that_is_shared_while_it_is_deleted_takes_that_share_along(env: SharedEnv) -> None:
    class SharesMeanwhile(Tables):
        """Shares the transcript again, right before each of the first writes that delete it."""

        def __init__(self, tables: Tables, times: int):
            self.__dict__ |= vars(tables)
            self.times = times

        def transact(self, writes: list[Write]) -> None:  # type: ignore[override]
            if self.times:
                self.times -= 1
                env.share()
            super().transact(writes)

    env.backend.history.__class__(
        env.backend.ledger,
        SharesMeanwhile(env.backend.tables, 2),
        env.backend.transcripts,
        env.backend.history.cursors,
        env.backend.clock,
    ).delete(env.ada, TRANSCRIPT)

    assert not env.is_open()
    assert load_share(env.backend.tables, hash_of(env.token)) is None


def test_a_running_session_is_shared_and_cannot_be_deleted(backend: Backend) -> None:
    ada = confirm_email(backend.person())
    lease = backend.start(ada, lease_seconds=60)
    sharing = sharing_on(backend)
    token = token_of(sharing.share(ada, lease.transcript_id, BASE_URL).url)

    with pytest.raises(ConflictError):
        backend.history.delete(ada, lease.transcript_id)
    backend.send(ada, lease.session_id, 0)

    assert "some words" in sharing.page(token, 0)
    backend.streaming.stop(ada, lease.session_id)
    assert "some words" in sharing.page(token, 0)  # Settlements keep the share.


def test_blocking_the_owner_hides_the_page_until_the_account_is_unblocked(env: SharedEnv) -> None:
    env.backend.ledger.set_blocked(env.ada.user_id, True)
    assert not env.is_open()
    env.backend.ledger.set_blocked(env.ada.user_id, False)
    assert env.is_open()


def test_deleting_the_account_ends_the_share_before_anything_is_erased(env: SharedEnv) -> None:
    env.backend.ledger.close(env.ada, at=env.backend.clock())

    assert not env.is_open()


def test_a_sign_out_ends_no_share(env: SharedEnv) -> None:
    env.backend.ledger.sign_out(env.ada.user_id, env.backend.clock() + 1)

    assert env.is_open()


def test_an_administrator_ends_a_reported_share_and_the_act_is_recorded(env: SharedEnv) -> None:
    admin_env = AdminEnv.on(env.backend)
    address = f" {BASE_URL}/shared/{env.token}/?utm_source=mail#top "

    ended = admin_env.admin.end_share(admin_env.owner, address, "Reported.")

    assert (ended.user_id, ended.is_shared) == (env.ada.user_id, False)
    assert not env.is_open()
    (action,) = recent_actions(env.backend.tables, 50)
    assert (action.admin_id, action.action, action.user_id, action.reason) == (
        admin_env.owner.user_id,
        "share_ended",
        env.ada.user_id,
        "Reported.",
    )
    with pytest.raises(NotFoundError):
        admin_env.admin.end_share(admin_env.owner, address, "Again.")
    assert len(recent_actions(env.backend.tables, 50)) == 1


@pytest.mark.parametrize(
    "address", ["https://a.example/api/shared/abc-_9", "abc-_9", "/shared/abc-_9/", "x/abc-_9?part=2", "abc-_9#a/b"]
)
def test_the_token_is_found_in_what_was_reported(address: str) -> None:
    assert token_in(address) == "abc-_9"


def test_every_address_that_leads_nowhere_has_the_same_answer_at_the_same_cost(env: SharedEnv) -> None:
    ended = env.token
    env.share()
    deleted_line, unnamed = "canary-orphan", "canary-unnamed"  # Nothing leaves such items, and nothing rests on that.
    env.backend.tables.write(
        Write(share_key(hash_of(deleted_line)), item={"user_id": env.ada.user_id, "transcript_id": "gone"})
    )
    env.backend.tables.write(
        Write(share_key(hash_of(unnamed)), item={"user_id": env.ada.user_id, "transcript_id": TRANSCRIPT})
    )

    answers = {token: (answer_of(env, token), calls_of(env, token)) for token in (
        "canary-unknown", ended, deleted_line, unnamed, "", "x" * 5_000, "ü\ud800/../\x00",
    )}  # fmt: skip

    assert len(set(answers.values())) == 1


def answer_of(env: SharedEnv, token: str) -> str:
    with pytest.raises(NotFoundError) as refused:
        env.page(token)
    return f"{refused.value.code} {refused.value.message} {refused.value.details}"


def calls_of(env: SharedEnv, token: str) -> tuple[str, ...]:
    calls: list[str] = []

    class Counted(Tables):
        def __init__(self, tables: Tables):
            self.__dict__ |= vars(tables)

        def _call(self, operation: str, **request: object) -> object:
            keys = request.get("RequestItems", {})
            calls.append(f"{operation} {sorted(len(each['Keys']) for each in keys.values())}")  # type: ignore[attr-defined]
            return super()._call(operation, **request)

    with pytest.raises(NotFoundError):
        dataclasses.replace(env.sharing, tables=Counted(env.backend.tables)).page(token, 0)
    return tuple(calls)


# What is served in a day


def test_what_a_share_serves_in_a_day_stays_below_its_cap(env: SharedEnv, clock: Clock) -> None:
    size = len(env.page().encode())
    env.sharing = dataclasses.replace(env.sharing, rules=SharingRules(size * 3 + 10, 10**9))

    served, refused = serve(env, 6)

    assert (served, len(refused)) == (2, 4)
    assert refused[0].details["retry_after_seconds"] == 86_400 - clock.at % 86_400
    env.share()
    assert serve(env, 2)[0] == 0  # A new address brings no more.
    clock.forward(int(str(refused[0].details["retry_after_seconds"])))
    assert serve(env, 2)[0] == 2


def test_a_small_part_of_a_long_transcript_counts_as_all_of_its_words(env: SharedEnv) -> None:
    store_block(env.backend.tables, env.ada.user_id, TRANSCRIPT, 2, [Segment(9, 0, 1, "x" * 50_000)])
    env.sharing = dataclasses.replace(env.sharing, rules=SharingRules(150_000, 10**9))

    assert len(env.page(first=10**8)) < 5_000
    assert serve(env, 1)[0] == 1
    with pytest.raises(RateLimitedError):
        env.page(first=10**8)


def test_all_shares_of_an_account_have_one_cap_too(env: SharedEnv) -> None:
    size = len(env.page().encode())
    store_line(env.backend.tables, env.ada.user_id, "T2", "Another")
    other = token_of(env.sharing.share(env.ada, "T2", BASE_URL).url)
    env.sharing = dataclasses.replace(env.sharing, rules=SharingRules(10**9, size * 2))

    env.page(other)

    assert serve(env, 3)[0] == 0
    with pytest.raises(RateLimitedError):
        env.page(other)


def test_above_the_cap_the_words_are_not_read_any_more(env: SharedEnv) -> None:
    env.sharing = dataclasses.replace(env.sharing, rules=SharingRules(10, 10**9))
    assert serve(env, 1)[0] == 0  # It did not fit.
    env.sharing.transcripts.segments = lambda *_: pytest.fail("they were read")  # type: ignore[method-assign]

    assert serve(env, 2)[0] == 0


def serve(env: SharedEnv, times: int) -> tuple[int, list[AppError]]:
    """How many of the requests were served, and the refusals of the others."""
    refused: list[AppError] = []
    for _ in range(times):
        try:
            env.page()
        except RateLimitedError as error:
            refused.append(error)
    return times - len(refused), refused


def test_a_share_that_always_changes_is_503_and_not_a_loop(env: SharedEnv) -> None:
    class Busy(Tables):
        def __init__(self, tables: Tables):
            self.__dict__ |= vars(tables)
            self.tries = 0

        def transact(self, writes: list[Write]) -> None:  # type: ignore[override]
            self.tries += 1
            env.backend.tables.write(
                Write(transcript_key(env.ada.user_id, TRANSCRIPT), put_in={"share_hash": f"other{self.tries}"})
            )
            super().transact(writes)

    busy = Busy(env.backend.tables)
    with pytest.raises(UnavailableError):
        dataclasses.replace(env.sharing, tables=busy).share(env.ada, TRANSCRIPT, BASE_URL)
    assert busy.tries == TRIES
    with pytest.raises(UnavailableError):
        dataclasses.replace(env.sharing, tables=busy).end(env.ada, TRANSCRIPT)
