"""How text is compared in a search, and where in the original text a match is."""

import pytest
from hypothesis import given, strategies as st

from chalicelib.transcripts.folding import FoldedTexts, find_missing, fold, parse_terms
from chalicelib.transcripts.snippets import CONTEXT_CHARACTERS, cut_snippet

# Letters with and without case, accents, blanks, compositions and marks of their own.
LETTERS = st.sampled_from([*"aAzßIiİıéÉøŁæ你好กิ่한국がｶﾞ한محَـकि्ش", "e\u0301", "\u200d", "\ufe0f", *" \n.,-_'’"])
texts = st.lists(st.lists(LETTERS, max_size=12).map("".join), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("spelled", "typed"),
    [
        ("Good morning, everybody.", "GOOD MORNING everybody"),
        ("Die Straße", "die strasse"),
        ("DIE STRASSE", "die straße"),
        ("İSTANBUL, ışık", "istanbul isik"),
        ("e\u0301te\u0301", "été"),
        ("Łódź, Ærø", "lodz aero"),
        ("مُحَمَّـد", "محمد"),
        ("שָׁלוֹם", "שלום"),
        ("Ὀδυσσεύς", "οδυσσευς"),
        ("ﬁne x²", "fine x2"),
        ("ｶﾞ", "ガ"),
        ("\u1112\u1161\u11ab국", "한국"),
        ("don’t, co-operate, co\u00adoperate", "don't co operate cooperate"),
        ("می\u200cخواهم", "میخواهم"),
        ("你好， 世界", "你好世界"),
        ("สวัสดี ครับ", "สวัสดีครับ"),
        ("❤\ufe0f 3.5 %", "3 5"),
    ],
)
def test_spellings_of_the_same_words_fold_alike(spelled: str, typed: str) -> None:
    assert fold(spelled) == fold(typed) != ""


@pytest.mark.parametrize(
    ("spelled", "typed"),
    [
        ("か", "が"),  # another sound
        ("ไม", "ไม่"),  # another tone
        ("क्या", "कया"),  # without the virama
        ("한", "하"),  # another syllable
        ("the rapist", "therapist"),
        ("a 你", "a你"),
    ],
)
def test_other_words_do_not_fold_alike(spelled: str, typed: str) -> None:
    assert fold(spelled) != fold(typed)


@pytest.mark.parametrize("text", ["", " \n", "?!", "🎧 — …", "\u200d\u0301", "_"])
def test_text_without_letters_or_digits_folds_to_nothing(text: str) -> None:
    assert fold(text) == ""


@given(texts)
def test_folding_twice_changes_nothing_more(lines: list[str]) -> None:
    folded = fold(" ".join(lines))

    assert fold(folded) == folded


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("budget Budget BUDGET", ("budget",)),
        ('next "the  Budget" year', ("next", "year", "the budget")),
        ("„Guten Morgen“ sagte «er»", ("sagte", "guten morgen", "er")),
        ('the "open phrase', ("the", "open phrase")),
        ('"" ? " ', ()),
        ("don't", ("don t",)),
        ("你好 世界", ("你好", "世界")),
    ],
)
def test_a_query_is_words_and_phrases(query: str, terms: tuple[str, ...]) -> None:
    assert parse_terms(query) == terms


def test_a_phrase_goes_on_in_the_next_text_and_in_no_other() -> None:
    found = FoldedTexts(["So we say good", "", "Morning! 你", "好。"])

    assert found.find("good morning") == ((0, 10), (2, 7))
    assert found.find("你好") == ((2, 9), (3, 1))
    assert found.find("say morning") is None


@given(texts, st.integers(0, 40), st.integers(1, 12))
def test_a_match_is_the_text_that_folds_to_its_term(lines: list[str], start: int, length: int) -> None:
    term = fold(" ".join(lines))[start : start + length].strip()
    folded = FoldedTexts(lines)
    if not term or fold(term) != term:  # Part of a letter, or none.
        return

    places = folded.find(term)

    assert (places is None) == bool(find_missing(lines, [term]))
    if places:
        snippet = cut_snippet(lines, *places)
        assert term in fold(snippet.match)
        around = fold(f"{snippet.before}{snippet.match}{snippet.after}".replace("…", ""))
        assert around in fold("\n".join(lines))


def test_a_snippet_shows_the_text_as_it_was_said_cut_between_words() -> None:
    words = [f"Wörter-{number}," for number in range(60)]
    texts = [" ".join(words[:30]), " ".join(words[30:])]

    start, end = FoldedTexts(texts).find(fold("wörter 29 wörter 30"))  # type: ignore[misc]
    snippet = cut_snippet(texts, start, end)

    assert snippet.match == "Wörter-29, Wörter-30"
    assert f"{snippet.before}{snippet.match}{snippet.after}".strip("…") in " ".join(texts)
    assert snippet.before.startswith("…Wörter-")
    assert snippet.after.endswith(",…")
    assert len(snippet.before) <= CONTEXT_CHARACTERS + 1 >= len(snippet.after)


def test_a_snippet_is_on_one_line_and_splits_no_letter() -> None:
    texts = ["e\u0301" * 100 + "\nX\r\n" + "👩\u200d👩\u200d👧" * 60]

    snippet = cut_snippet(texts, *FoldedTexts(texts).find("x"))  # type: ignore[misc]

    assert snippet.match == "X"
    assert snippet.before.startswith("…e\u0301e\u0301")
    assert snippet.before.endswith("e\u0301 ")
    assert snippet.after.startswith(" 👩")
    assert snippet.after.endswith("👧…")


def test_a_mark_without_a_letter_joins_no_word() -> None:
    assert fold("่ ﾞ") == "\u0e48 \u3099"
    assert FoldedTexts(["か", "\u3099"]).find("が") is None
