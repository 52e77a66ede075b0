"""A place in texts that follow each other, with some of what is around it, in the letters of the texts themselves."""

from collections.abc import Sequence

import msgspec

from ..models.text import cut_text, one_line
from .folding import is_mark

CONTEXT_CHARACTERS = 80  # on each side
MATCH_CHARACTERS = 400  # of a phrase that has many blanks or marks between its words
WORD_CHARACTERS = 20  # as far, a context begins and ends between two words
ELLIPSIS = "…"
TextIndex = tuple[int, int]  # the index of a text, and an index into it


class Snippet(msgspec.Struct, frozen=True):
    """What is before the match, the match, and what is after it."""

    before: str
    match: str
    after: str


def cut_snippet(texts: Sequence[str], start: TextIndex, end: TextIndex) -> Snippet:
    """The text from `start` to `end`, across texts with a blank between two, and its context."""
    (first, start_index), (last, end_index) = start, end
    if first == last:
        match = texts[first][start_index:end_index]
    else:
        match = " ".join((texts[first][start_index:], *texts[first + 1 : last], texts[last][:end_index]))
    before, after = texts[first][:start_index], texts[last][end_index:]
    while len(before) <= CONTEXT_CHARACTERS and first > 0:
        first -= 1
        before = f"{texts[first]} {before}"
    while len(after) <= CONTEXT_CHARACTERS and last + 1 < len(texts):
        last += 1
        after = f"{after} {texts[last]}"
    return Snippet(_end_of(before), cut_text(match, MATCH_CHARACTERS), _beginning_of(after))


def _end_of(text: str) -> str:
    """The last characters of the text, from the beginning of a word or of a letter."""
    cut = text[-CONTEXT_CHARACTERS:]
    if cut == text:
        return _on_one_line(text).lstrip(" ")
    _, blank, words = cut.partition(" ")
    if blank and len(cut) - len(words) <= WORD_CHARACTERS:
        return f"{ELLIPSIS}{_on_one_line(words)}"
    while cut and is_mark(cut[0]):
        cut = cut[1:]
    return f"{ELLIPSIS}{_on_one_line(cut)}"


def _beginning_of(text: str) -> str:
    """The first characters of the text, to the end of a word or of a letter."""
    if len(text) <= CONTEXT_CHARACTERS:
        return _on_one_line(text).rstrip(" ")
    cut = text[:CONTEXT_CHARACTERS]
    words, blank, _ = cut.rpartition(" ")
    if not blank or len(cut) - len(words) > WORD_CHARACTERS:
        words = cut_text(text, CONTEXT_CHARACTERS)
    return f"{_on_one_line(words)}{ELLIPSIS}"


def _on_one_line(text: str) -> str:
    """As `one_line`, with the blanks at its ends, which part it from the match."""
    return one_line(f"|{text}|")[1:-1]
