"""A relayed chunk and a saved segment with one `seq`: whichever is written last is in the transcript."""

from collections.abc import Iterator
from functools import partial

import pytest

from chalicelib.models.accounts import Caller
from chalicelib.models.transcripts import Segment
from chalicelib.repositories.sessions import chunk_key, session_from, session_key
from chalicelib.repositories.table import Write
from chalicelib.repositories.transcripts import put_segments
from chalicelib.streaming.words import MAX_TRANSCRIPT_BYTES
from tests.engines import Engine
from tests.fakes import Backend
from tests.interleaving import interleave
from tests.streaming.test_words import full_segments, reasons, save, segment, stored_segments
from tests.streaming.test_words_races import Names, WordsEnv, accept_conflicts

RECOGNISED = "some words"  # what the recogniser of these tests always returns
ORDERS = [
    (["save", "chunk"], RECOGNISED),
    (["chunk", "save"], "save 1"),
    (["save", "save", "chunk"], RECOGNISED),
    (["save", "chunk", "save"], "save 2"),
    (["chunk", "save", "save"], "save 2"),
    (["chunk", "save", "chunk"], "save 1"),  # The same chunk again gets its first answer: it writes nothing.
    (["save", "chunk", "same save"], "save 0"),
    (["chunk", "save", "same save"], "save 1"),
    (["save", "chunk", "other chunk", "same save"], "save 0"),
    (["save", "other save", "chunk"], RECOGNISED),
    (["save", "chunk", "other save"], RECOGNISED),
    (["save", "chunk", "stop"], "save 2"),
    (["save", "chunk", "same stop"], "save 0"),
]


@pytest.mark.parametrize(("acts", "text"), ORDERS, ids=str)
def test_the_last_of_a_chunk_and_a_save_is_in_the_transcript(backend: Backend, acts: list[str], text: str) -> None:
    ada = backend.person(200)
    lease = backend.start(ada, transport="relay")
    last_saved = ""

    for number, act in enumerate(acts):
        match act.split()[-1]:
            case "chunk":
                backend.send(ada, lease.session_id, 7 if act == "other chunk" else 0)
            case "save" | "stop":
                last_saved = last_saved if act.startswith("same") else f"save {number}"
                words = segment(9, "other words") if act == "other save" else segment(0, last_saved)
                if act.endswith("stop"):
                    backend.streaming.stop(ada, lease.session_id, None, [words])
                else:
                    assert save(backend, ada, lease, words).rejected == []

    assert stored_segments(backend, ada, lease)[0].text == text
    assert next(each["text"] for each in exported_segments(backend, ada) if each["seq"] == 0) == text


def exported_segments(backend: Backend, caller: Caller) -> list[dict[str, object]]:
    from chalicelib.accounts.export_content import _export_segments

    items = [*backend.tables.query_all("app", f"USER#{caller.user_id}", "SEGMENT#")]
    return _export_segments(items)


def test_words_that_a_chunk_replaced_are_not_acknowledged_as_stored(backend: Backend) -> None:
    """The session is full, so what is saved again is compared with what is stored."""
    ada = backend.person(200)
    lease = backend.start(ada, transport="relay")
    save(backend, ada, lease, segment(0, "title"))
    backend.send(ada, lease.session_id, 0)
    save(backend, ada, lease, segment(1, "kept"))
    set_saved_bytes(backend, ada, lease.session_id)

    again = save(backend, ada, lease, segment(0, "title"), segment(1, "kept"), *full_segments(2, 1))

    assert (again.saved, reasons(again)) == ([1], {0: "words_limit", 2: "words_limit"})
    assert stored_segments(backend, ada, lease)[0].text == RECOGNISED


def set_saved_bytes(backend: Backend, caller: Caller, session_id: str) -> None:
    key = session_key(caller.user_id, session_id)
    backend.tables.write(Write(key, put_in={"saved_bytes": MAX_TRANSCRIPT_BYTES}))


def test_chunks_that_know_no_number_are_replaced_by_blocks(backend: Backend) -> None:
    """Those of sessions that were open when the order of chunks and saves came."""
    ada = backend.person(200)
    lease = backend.start(ada, transport="relay")
    item = backend.tables.get(session_key(ada.user_id, lease.session_id))
    assert item
    for seq in (0, 1):
        backend.send(ada, lease.session_id, seq)
        backend.tables.write(Write(chunk_key(session_from(item), seq), drop=["saves_before"]))
    backend.tables.write(put_segments(ada.user_id, lease.transcript_id, "0" * 26, [Segment(0, 0, 0, "old")]))
    save(backend, ada, lease, segment(1, "new"))

    found = stored_segments(backend, ada, lease)

    assert {seq: stored.text for seq, stored in found.items()} == {0: "old", 1: "new"}
    assert backend.send(ada, lease.session_id, 0).text == RECOGNISED  # It is still answered as before.


@pytest.mark.parametrize("first", ["chunk", "save"])
def test_after_any_interleaving_the_next_write_wins(engine: Engine, names: Names, first: str) -> None:
    acts = {"chunk": lambda env: env.chunk(3), "save": lambda env: env.save(3)}
    second = "save" if first == "chunk" else "chunk"

    def new_env() -> WordsEnv:
        env = WordsEnv.on(engine, names, "relay")
        env.save(3)
        return env

    def check(env: WordsEnv) -> None:
        env.check()
        assert env.texts()[3] in (RECOGNISED, env.saved[3])
        env.save(3)
        assert env.texts()[3] == env.saved[3]
        env.backend.clock.forward(-1_000)  # The next process has a clock that is slow.
        env.save(4)
        env.chunk(4)
        assert env.texts()[4] == RECOGNISED

    both = [partial(accept_conflicts, acts[name]) for name in (first, second)]
    assert interleave(new_env, *both, check, f"{second} before a call of {first}") >= 2


def test_chunks_at_once_never_lower_what_the_session_knows_of_saves(engine: Engine, names: Names) -> None:
    """One began before a save and one after it; the first is reserved last."""

    def new_env() -> WordsEnv:
        return WordsEnv.on(engine, names, "relay")

    def save_and_send(env: WordsEnv) -> None:
        env.save(1, by=env.quiet)
        env.quiet.send(env.caller, env.lease.session_id, 1)

    def check(env: WordsEnv) -> None:
        item = env.quiet.tables.get(session_key(env.caller.user_id, env.lease.session_id))
        assert item
        assert item["saves_before_chunk"] == 1
        assert env.texts()[1] == RECOGNISED

    assert interleave(new_env, lambda env: env.chunk(5), save_and_send, check, "a save and a chunk before a chunk") >= 2


@pytest.fixture(scope="module")
def names(engine: Engine) -> Iterator[Names]:
    with engine.tables() as made:
        yield made
