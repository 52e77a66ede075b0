"""The prompt of a question about a transcript, and how the model's answer is read. Pure rules.

What is quoted to the reader comes from the transcript itself, never from the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ..models.text_tasks import (
    DATA_ONLY,
    LINE_NUMBER,
    TextTask,
    clean_text,
    convert_answer,
    encode_data,
    leaks,
    object_schema,
    split_words,
)
from ..models.transcripts import Segment
from ..pricing.text_budget import segment_bytes, shorten_segment

MAX_ANSWER_CHARACTERS = 3_000
MAX_QUOTES = 5
ANSWER_INSTRUCTIONS = (
    "You answer a reader's question about a transcript from the transcript alone. `lines` are numbered segments of it."
    " If they answer the `question`, set `answered` to true, write `answer` in a few sentences of plain text in the"
    " language of the question, and list in `quotes` the numbers of the lines that support it, at most 5. If they do"
    " not, set `answered` to false, say in `answer` that the transcript does not say it, and leave `quotes` empty. "
    + DATA_ONLY
)
ANSWER_SCHEMA = object_schema(
    answered={"type": "boolean"},
    answer={"type": "string"},
    quotes={"type": "array", "items": object_schema(line=LINE_NUMBER)},
)


@dataclass(frozen=True)
class ParsedAnswer:
    """A usable answer of the text model: its text, and the segments that it quotes."""

    text: str
    quotes: tuple[Segment, ...]


class _QuoteFields(msgspec.Struct):
    line: int


class _AnswerFields(msgspec.Struct):
    answered: bool
    answer: str
    quotes: list[_QuoteFields] = []


def select_passages(segments: Sequence[Segment], question: str, max_bytes: int) -> list[Segment]:
    """All segments if they fit; otherwise those that share words with the question and their neighbours, in order.

    A word that is rare in the transcript weighs more than a frequent one.
    """
    if sum(map(segment_bytes, segments)) <= max_bytes:
        return list(segments)
    question_words = set(split_words(question))
    shared_words = [question_words.intersection(split_words(segment.text)) for segment in segments]
    counts: dict[str, int] = {}
    for words in shared_words:
        for word in words:
            counts[word] = counts.get(word, 0) + 1
    scores = [sum(1 / counts[word] for word in words) for words in shared_words]
    ranks = [max(scores[max(0, n - 2) : n + 3], default=0) / 2 + scores[n] for n in range(len(segments))]
    selected: dict[int, Segment] = {}
    free_bytes = max_bytes
    for number in sorted(range(len(segments)), key=lambda n: (-ranks[n], n)):
        if shortened := shorten_segment(segments[number], free_bytes):
            selected[number] = shortened
            free_bytes -= segment_bytes(shortened)
    return [selected[number] for number in sorted(selected)]


def build_answer_task(segments: Sequence[Segment], question: str, output_tokens: int) -> TextTask:
    data = encode_data(segments, question=question)
    return TextTask("transcript_answer", ANSWER_INSTRUCTIONS, data, ANSWER_SCHEMA, output_tokens)


def parse_answer(fields: dict[str, object], segments: Sequence[Segment]) -> ParsedAnswer | None:
    """The model's answer about `segments`; None where the transcript does not answer the question.

    An answer that quotes no line that we sent, or repeats our instructions, counts as no answer. Raises ProviderError.
    """
    answer = convert_answer(fields, _AnswerFields)
    text = clean_text(answer.answer, MAX_ANSWER_CHARACTERS)
    numbers = dict.fromkeys(quote.line for quote in answer.quotes if 0 <= quote.line < len(segments))
    quotes = tuple(segments[number] for number in sorted(numbers)[:MAX_QUOTES])
    if not answer.answered or not text or not quotes or leaks(text, ANSWER_INSTRUCTIONS):
        return None
    return ParsedAnswer(text, quotes)
