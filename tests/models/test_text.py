"""Letters and their widths: as the library measures them, in bounded memory; names of files."""

import pytest
from wcwidth import iter_graphemes, wcswidth

from chalicelib.models.text import (
    MAX_REMEMBERED_CHARACTERS,
    _letter_width,
    _remembered_width,
    file_stem,
    letters,
    width,
)

SCRIPTS = {
    "Latin": "Zürich, naïve, o\u0308 and e\u0301\u0323",
    "Greek and Cyrillic": "ἀρχή Привет",
    "Hebrew and Arabic": "שָׁלוֹם مَرْحَبًا",
    "Hindi": "क्षत्रियनमस्ते",
    "Tamil": "வணக்கம் நிர்வாகம்",
    "Thai": "ภาษาไทย กำลัง",
    "Chinese": "漢字，全形：ＡＢ",
    "Japanese": "春はあけぼの ｶﾞｷﾞ",
    "Korean": "한글 \u1112\u1161\u11ab",
    "flags": "🇩🇪🇫🇷🇯🇵🇩",
    "families": "👨\u200d👩\u200d👧👩\u200d❤\ufe0f\u200d👩",
    "skin tones and signs": "👍🏽👍🏿❤❤\ufe0f☎\ufe0e1\ufe0f\u20e3",
    "marks alone": "\u0301 \u200b\u200d\ufeff",
    "many marks": "a" + "\u0301" * (2 * MAX_REMEMBERED_CHARACTERS),
}


@pytest.mark.parametrize("text", SCRIPTS.values(), ids=SCRIPTS)
def test_a_letter_is_as_wide_as_the_library_says(text: str) -> None:
    for letter in iter_graphemes(text):
        for _ in range(2):  # Measured, then remembered.
            assert _letter_width(letter) == max(0, wcswidth(letter)), letter
    assert list(letters(text)) == list(iter_graphemes(text))
    assert width(text) == sum(max(0, wcswidth(letter)) for letter in iter_graphemes(text))


def test_only_letters_of_usual_length_are_remembered() -> None:
    """A letter may have marks without an end: thousands of such letters would fill the memory of a process."""
    _remembered_width.cache_clear()

    for number in range(50):
        assert _letter_width(chr(0x4E00 + number) + "\u0301" * MAX_REMEMBERED_CHARACTERS) == 2
    assert _remembered_width.cache_info().currsize == 0
    for family in (
        "👨\u200d👩\u200d👧\u200d👦",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "क्ष",
    ):
        _letter_width(family)
    assert _remembered_width.cache_info().currsize == 3


HOSTILE_TITLES = ["../../x", "..\\..\\x", '"x"', "a\u2028b\u2029c\r\nd", "...", ". . .", "\u202ex", "/", ":*?<>|", ""]


@pytest.mark.parametrize("title", HOSTILE_TITLES)
def test_the_stem_of_a_file_stays_in_its_folder(title: str) -> None:
    stem = file_stem(title)

    assert not set(stem) & set('\\/:*?"<>|\r\n\u2028\u2029\u202e')
    assert stem == stem.strip(". ")
