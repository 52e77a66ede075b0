"""Text on one line, measured and cut as people see it: a letter is a grapheme cluster (Unicode, UAX #29).

An emoji family is one, and so is a letter with its marks. The library is loaded when text is first split.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

# Control characters and line ends, also those that only Unicode knows; and halves of a pair of surrogates.
BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")

NOT_IN_FILE_NAMES = r"""[\\/:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]"""
MAX_REMEMBERED_CHARACTERS = 16  # of a letter: it may have any number of marks, and memory is bounded
MAX_STEM_CHARACTERS = 60  # at most 240 bytes of the 255 that a file system takes


def one_line(text: str) -> str:
    """The text with a blank for each run of control characters and line ends, and none around it.

    Nothing else changes: joiners, marks of direction and no-break spaces are part of the words.
    """
    return BREAKS.sub(" ", text).strip(" ")


def letters(text: str) -> Iterator[str]:
    """The grapheme clusters of the text."""
    from wcwidth import iter_graphemes

    return iter(text) if text.isascii() else iter_graphemes(text)


def width(text: str) -> int:
    """How many columns the text takes: wide letters and emoji two, marks and joiners none.

    Each letter is measured alone, because the library takes quadratic time for flags in a row.
    """
    return len(text) if text.isascii() else sum(map(_letter_width, letters(text)))


def _letter_width(letter: str) -> int:
    return _remembered_width(letter) if len(letter) <= MAX_REMEMBERED_CHARACTERS else _measure(letter)


@lru_cache(maxsize=4_096)
def _remembered_width(letter: str) -> int:
    return _measure(letter)


def _measure(letter: str) -> int:
    from wcwidth import wcswidth

    return max(0, wcswidth(letter))


def file_stem(title: str) -> str:
    """The title as the name of a file, without its ending; empty if nothing of it can be in one.

    Left out: what Windows forbids, marks that hide the real ending, and blanks and dots around it.
    """
    cleaned = " ".join(re.sub(NOT_IN_FILE_NAMES, " ", one_line(title)).split()).strip(". ")
    return cut_text(cleaned, MAX_STEM_CHARACTERS).strip(". ")


def cut_text(text: str, max_characters: int) -> str:
    """The beginning of the text, at most so many characters, that ends between two letters."""
    if len(text) <= max_characters:
        return text
    from wcwidth import grapheme_boundary_before

    start = text[: max_characters + 1]  # The letter of its last character is the first that does not fit.
    end = max_characters if start.isascii() else grapheme_boundary_before(start, len(start))
    return text[:end].rstrip() or text[:max_characters]
