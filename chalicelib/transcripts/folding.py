"""How a search compares text: without case, accents, punctuation and line ends, in any script. Pure functions.

Texts are equal if they fold to the same letters. Whatever is neither letter, digit nor mark parts words, as a blank
does; a phrase so matches `Hello, world` and `hello world` alike. Between two letters of scripts that are written
without blanks, a blank counts as none: there, the end of a segment is no end of a word.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

# Marks that decorate a letter: overlays, points of Hebrew, Arabic and Syriac, and what stands above or below. Others
# are letters of their script: the tones of Thai, the virama of Devanagari, the voicing of Kana.
# Source: Unicode Character Database, "Canonical_Combining_Class Values".
ACCENT_CLASSES = frozenset({1, *range(10, 37), *range(200, 256)})
VARIATION_SELECTORS = frozenset({*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)})
TATWEEL = 0x640  # stretches an Arabic word
# Letters that people type without their stroke or dot, and that do not decompose.
PLAIN_LETTERS = {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "æ": "ae", "œ": "oe"}
# Thai and Lao, Burmese, Khmer; radicals, Kana and Han, without the punctuation of their blocks.
WITHOUT_BLANKS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3005-\u3007\u3040-\u312f\u31a0-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
BLANK_OF_NO_WORD = re.compile(f"(?<=[{WITHOUT_BLANKS}]) ([{WITHOUT_BLANKS}])")
QUOTES = re.compile('["\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02]')
MAX_REMEMBERED = 50_000  # letters; no language has more


class _FoldedLetters(dict[int, str]):
    """What each character becomes, found out when it is first folded."""

    def __missing__(self, code: int) -> str:
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        self[code] = folded = _fold_letter(chr(code))
        return folded


_FOLDED_LETTERS = _FoldedLetters()


def fold(text: str) -> str:
    """The words of the text as they are compared, with one blank between two."""
    words = " ".join(text.translate(_FOLDED_LETTERS).split())
    if words.isascii():
        return words
    # Composed again, so that a syllable of Hangul is not found by its beginning.
    return _join_words(unicodedata.normalize("NFC", words))


def parse_terms(query: str) -> tuple[str, ...]:
    """The words and the quoted phrases of a query, folded, each once; a quote that is not closed runs to the end."""
    parts = QUOTES.split(query)
    words = (word for part in parts[::2] for word in part.split())
    return tuple(filter(None, dict.fromkeys(map(fold, [*words, *parts[1::2]]))))


class FoldedTexts:
    """Texts that follow each other, folded as one, so that a phrase may go on from one text to the next.

    A place is the index of a text and an index into it.
    """

    def __init__(self, texts: Sequence[str]):
        self.texts = texts
        self._starts: list[int] = []
        pieces: list[str] = []
        length, last = 0, ""
        for text in texts:
            piece = fold(text)
            if piece and last and " " in _join_words(f"{last} {piece[0]}"):
                pieces.append(" ")
                length += 1
            self._starts.append(length)
            pieces.append(piece)
            length += len(piece)
            last = piece[-1:] or last
        self._folded = "".join(pieces)

    def find(self, term: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """The first place of a folded term in the texts as they are, and the place after it; None if there is none."""
        start = self._folded.find(term)
        if start < 0:
            return None
        return self._place_of_start(start), self._place_of_end(start + len(term))

    def _place_of_start(self, folded_index: int) -> tuple[int, int]:
        number = bisect_right(self._starts, folded_index) - 1
        return number, _shortest_prefix(self.texts[number], folded_index - self._starts[number] + 1) - 1

    def _place_of_end(self, folded_index: int) -> tuple[int, int]:
        number = bisect_right(self._starts, folded_index - 1) - 1
        text = self.texts[number]
        end = _shortest_prefix(text, folded_index - self._starts[number])
        while end < len(text) and is_mark(text[end]):
            end += 1
        return number, end


def find_missing(texts: Sequence[str], terms: Sequence[str]) -> tuple[str, ...]:
    """Those of the folded terms that are not in the texts, read as `FoldedTexts` reads them."""
    folded = fold("\n".join(texts))
    return tuple(term for term in terms if term not in folded)


def is_mark(letter: str) -> bool:
    """Whether it belongs to the letter before it."""
    return unicodedata.category(letter).startswith("M")


def _join_words(words: str) -> str:
    """The words without the blanks between those that are written without; a mark alone would join the word before."""
    return BLANK_OF_NO_WORD.sub(lambda found: found[0] if is_mark(found[1]) else found[1], words)


def _shortest_prefix(text: str, characters: int) -> int:
    """How much of the text gives so many folded characters. What more of the text adds never makes them fewer."""
    return bisect_left(range(len(text)), characters, key=lambda end: len(fold(text[:end])))


def _fold_letter(letter: str) -> str:
    """The letters that one character is compared as: empty for an accent, a blank for what parts words."""
    code = ord(letter)
    if code in VARIATION_SELECTORS or code == TATWEEL or unicodedata.category(letter) == "Cf" or _is_accent(letter):
        return ""
    decomposed = "".join(part for part in unicodedata.normalize("NFKD", letter) if not _is_accent(part))
    parts = unicodedata.normalize("NFKD", decomposed.casefold())
    return "".join(
        PLAIN_LETTERS.get(part, part) if _is_of_word(part) else " " for part in parts if not _is_accent(part)
    )


def _is_accent(mark: str) -> bool:
    return unicodedata.combining(mark) in ACCENT_CLASSES


def _is_of_word(part: str) -> bool:
    return unicodedata.category(part)[0] in "LNM"
