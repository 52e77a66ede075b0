"""Words that are saved before a session has its first token, or while its transcript is deleted.

Without that token the session is deleted, and its words with it: so no such word is acknowledged.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from chalicelib.errors import AppError, ConflictError, NotFoundError, ProviderError
from tests.default_prices import live_credits
from tests.engines import Engine
from tests.fakes import Backend, FakeLive
from tests.fault_injection import Crash
from tests.interleaving import interleave
from tests.streaming.direct_env import StreamingEnv
from tests.streaming.test_words_races import Names, WordsEnv, segments

SEGMENT = (0, 0, 900, "words")


def _crash() -> None:
    raise Crash


def _fail() -> None:
    raise ProviderError("down")


def _answer() -> None: ...


@pytest.mark.parametrize("texts", [{0: "words"}, {}])
def test_a_save_while_the_first_token_is_created_is_a_conflict_to_retry(
    streaming_env: StreamingEnv, texts: dict[int, str]
) -> None:
    ada, refusals = streaming_env.backend.person(200), list[dict[str, object]]()

    def save_meanwhile() -> None:
        (opened,) = streaming_env.backend.streaming.open_sessions(ada).sessions
        with pytest.raises(ConflictError) as refused:
            streaming_env.backend.streaming.save(ada, opened.session_id, segments(texts))
        refusals.append(refused.value.details)

    streaming_env.provider.script = [save_meanwhile]
    lease = streaming_env.start(ada)

    assert refusals == [{"reason": "lease_opening", "retry_after_seconds": 1}]
    assert lease.next_seq == 0
    assert streaming_env.save(ada, lease, SEGMENT).saved == [0]
    assert streaming_env.available(ada) == 200 - live_credits(600)


@pytest.mark.parametrize("seconds", [0, 40, 59])
def test_no_word_is_acknowledged_in_a_session_that_the_sweep_deletes(streaming_env: StreamingEnv, seconds: int) -> None:
    """Its process died while it asked for the first token."""
    ada = streaming_env.backend.person(200)
    streaming_env.provider.script = [_crash]
    with pytest.raises(Crash):
        streaming_env.start(ada, "session-1")
    (opened,) = streaming_env.backend.streaming.open_sessions(ada).sessions
    streaming_env.clock.forward(seconds)

    with pytest.raises(ConflictError) as refused:
        streaming_env.backend.streaming.save(ada, "session-1", segments({0: "words"}))
    streaming_env.sweep_everything()

    assert refused.value.details["reason"] == "lease_opening"
    assert streaming_env.backend.transcripts.segments(ada.user_id, opened.transcript_id) == []
    with pytest.raises(NotFoundError):
        streaming_env.backend.streaming.save(ada, "session-1", segments({0: "words"}))
    assert streaming_env.available(ada) == 200


def test_words_are_kept_once_a_retried_start_has_its_token(streaming_env: StreamingEnv) -> None:
    ada = streaming_env.backend.person(200)
    streaming_env.provider.script = [_crash]
    with pytest.raises(Crash):
        streaming_env.start(ada, "session-1")
    streaming_env.clock.forward(40)

    lease = streaming_env.start(ada, "session-1")
    assert streaming_env.save(ada, lease, SEGMENT).saved == [0]
    streaming_env.sweep_everything()

    (kept,) = streaming_env.backend.transcripts.segments(ada.user_id, lease.transcript_id)
    assert kept.text == "words"


@pytest.mark.parametrize("state", ["renewed", "stopped"])
def test_words_of_a_session_that_never_had_a_token_are_kept_once_it_goes_on(
    streaming_env: StreamingEnv, state: str
) -> None:
    """A second lease, and a stop, keep the transcript, whether or not the provider answers."""
    ada, streaming = streaming_env.backend.person(200), streaming_env.backend.streaming
    streaming_env.provider.script = [_crash, ProviderError("down")]
    with pytest.raises(Crash):
        streaming_env.start(ada, "session-1")
    (opened,) = streaming.open_sessions(ada).sessions
    streaming_env.clock.forward(40)

    if state == "renewed":
        with pytest.raises(ProviderError):
            streaming.renew(ada, "session-1", interrupted=True)
        assert streaming.save(ada, "session-1", segments({0: "words"})).saved == [0]
    else:
        assert streaming.stop(ada, "session-1", None, segments({0: "words"})).rejected == []
    streaming_env.sweep_everything()

    (kept,) = streaming_env.backend.transcripts.segments(ada.user_id, opened.transcript_id)
    assert kept.text == "words"
    assert streaming_env.available(ada) == 200


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as made:
        yield made


class OpeningEnv(WordsEnv):
    """A listener whose session is about to be opened; `token` is what its provider does."""

    token: Callable[[], None]
    session_id: str

    @classmethod
    def opening(cls, engine: Engine, names: Names, token: Callable[[], None]) -> "OpeningEnv":
        env = cls.on(engine, names, "direct")
        env.token, env.session_id = token, str(uuid.uuid4())
        return env

    def start(self) -> None:
        def create_token() -> None:
            self.fault_injector.next_fault("Token")
            self.token()

        provider = FakeLive(self.backend.clock, script=[create_token])
        backend = Backend.on(self.backend.tables, self.backend.clock, live=(provider,))
        with suppress(ProviderError):
            self.lease = backend.start(self.caller, self.session_id, transport="direct")

    def save_early(self) -> None:
        """Save in the session as another device does, which has found it among those that are open."""
        with suppress(ConflictError, NotFoundError):
            self.quiet.streaming.save(self.caller, self.session_id, segments({0: "words"}))
            self.saved[0] = "words"

    def check_saved(self) -> None:
        self.quiet.check_invariants(self.caller.user_id)
        lines, _ = self.quiet.transcripts.page(self.caller.user_id, 100, None)
        of_session = [line.transcript_id for line in lines if line.session_id == self.session_id]
        found = [s.text for each in of_session for s in self.quiet.transcripts.segments(self.caller.user_id, each)]
        assert found == list(self.saved.values()), "a word was acknowledged and lost, or kept and refused"


@pytest.mark.parametrize("token", [_fail, _answer])
def test_no_save_between_the_calls_of_a_start_loses_a_word(
    engine: Engine, names: Names, token: Callable[[], None]
) -> None:
    calls = interleave(
        lambda: OpeningEnv.opening(engine, names, token),
        OpeningEnv.start,
        OpeningEnv.save_early,
        OpeningEnv.check_saved,
        "a save before a call of a start",
    )
    assert calls >= 4


@pytest.mark.parametrize(("act", "transport"), [("save", "direct"), ("save", "relay"), ("chunk", "relay")])
def test_words_of_a_deleted_transcript_go_into_no_other(engine: Engine, names: Names, act: str, transport: str) -> None:
    """Deleted, and started again under the same Idempotency-Key, while a save or a chunk is on its way."""
    new: list[str] = []

    def delete_and_start(env: WordsEnv) -> None:
        env.quiet.clock.forward(36)  # A chunk that is with a provider no longer keeps the session from being stopped.
        env.quiet.streaming.stop(env.caller, env.lease.session_id)
        env.quiet.history.delete(env.caller, env.lease.transcript_id)
        env.quiet.history.delete_marked_segments()
        new.append(env.quiet.start(env.caller, env.lease.session_id, transport=transport).transcript_id)

    def act_late(env: WordsEnv) -> None:
        with suppress(AppError):
            env.save(3) if act == "save" else env.chunk(3)

    def check(env: WordsEnv) -> None:
        env.quiet.check_invariants(env.caller.user_id)
        assert env.texts() == {}, "something of the deleted transcript is left"
        kept = env.quiet.transcripts.segments(env.caller.user_id, new.pop())
        assert [segment.seq for segment in kept] == [*env.saved, *env.chunks]

    calls = interleave(
        lambda: WordsEnv.on(engine, names, transport), act_late, delete_and_start, check, f"a deletion in a {act}"
    )
    assert calls >= 2
