"""From a provider's words to the segments of a transcript. Pure rules."""

from collections.abc import Iterable, Iterator

from ..models.catchup import Recording
from ..models.transcripts import Segment, Word

SENTENCE_ENDS = (".", "?", "!", "。", "？", "！", "…")
SHORTEST_SENTENCE_CHARACTERS = 20  # "And Mr." is not a sentence
LONGEST_SEGMENT_CHARACTERS = 400
LONGEST_WORD_CHARACTERS = 200
LONGEST_PAUSE_MS = 2_000
EARLY_MS = 1_000  # a word that starts this long before the range shows how the provider counts


def words_in_range(recording: Recording, from_ms: int, to_ms: int) -> list[Word]:
    """The words of the range, with times from the start of the whole recording.

    AssemblyAI does not document whether the times of a part count from the part or from the start of the recording:
    words well before the range show that they count from the part. A word that reaches over the end is cut there.
    """
    words = [word for word in recording.words if word.text.strip()]
    shift_ms = from_ms if words and min(word.start_ms for word in words) < from_ms - EARLY_MS else 0
    shifted_words = (Word(w.text, w.start_ms + shift_ms, w.end_ms + shift_ms, w.confidence) for w in words)
    return [
        Word(w.text, max(w.start_ms, from_ms), min(max(w.end_ms, w.start_ms, from_ms), to_ms), w.confidence)
        for w in shifted_words
        if w.start_ms < to_ms
    ]


def build_segments(words: Iterable[Word]) -> list[Segment]:
    """The words as segments, numbered from 0: a new one after a sentence's end, a pause or too much text."""
    return [
        Segment(seq, sentence[0].start_ms, max(sentence[0].start_ms, sentence[-1].end_ms), _text(sentence))
        for seq, sentence in enumerate(_sentences(words))
    ]


def recorded_ms(audio_ms: int, from_ms: int, to_ms: int) -> int:
    """How much of the range the recording really covers."""
    return min(max(audio_ms - from_ms, 0), to_ms - from_ms)


def _sentences(words: Iterable[Word]) -> Iterator[list[Word]]:
    sentence: list[Word] = []
    characters = 0
    for word in words:
        is_after_pause = bool(sentence) and word.start_ms - sentence[-1].end_ms > LONGEST_PAUSE_MS
        if sentence and (is_after_pause or characters + len(word.text) >= LONGEST_SEGMENT_CHARACTERS):
            yield sentence
            sentence, characters = [], 0
        sentence.append(word)
        characters += len(word.text) + 1
        if word.text.endswith(SENTENCE_ENDS) and characters >= SHORTEST_SENTENCE_CHARACTERS:
            yield sentence
            sentence, characters = [], 0
    if sentence:
        yield sentence


def _text(sentence: list[Word]) -> str:
    return " ".join(word.text[:LONGEST_WORD_CHARACTERS] for word in sentence)
