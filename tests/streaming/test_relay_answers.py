"""What a chunk is answered: where it begins, and the same again when it is sent again."""

import msgspec
import pytest

from chalicelib.models.transcripts import Word
from tests.fakes import Backend, silence


@pytest.mark.parametrize("confidence", [0.8009, 0.8005, 0.0005, 0.9995, 1.0, 0.0])
def test_a_repeated_chunk_gets_the_same_answer_byte_for_byte(backend: Backend, confidence: float) -> None:
    """Confidences are stored as thousandths, so the first answer has no more than these."""
    ada = backend.person(200)
    lease = backend.start(ada)
    backend.recogniser.words = (Word("some", 0, 40, confidence),)

    answers = [msgspec.json.encode(backend.send(ada, lease.session_id, 0)) for _ in range(2)]

    assert answers[0] == answers[1]
    assert len(backend.recogniser.received) == 1


def test_without_a_start_a_chunk_begins_at_the_length_of_the_audio_before_it(backend: Backend) -> None:
    ada = backend.person(200)
    lease = backend.start(ada)

    first, _ = backend.relay.chunk(ada, lease.session_id, 0, 60_000, silence(3.29))
    second = backend.send(ada, lease.session_id, 1)

    assert (first.start_ms, second.start_ms) == (60_000, 3_290)
