"""Answers without a language model: lines out of what was given, chosen by the words they share. They say so."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

SUMMARY_LINES, MOMENTS, QUOTES = 3, 8, 3
LINES_A_MOMENT = 4
TITLE_WORDS = 8
PLAIN_CHARS = 400
SAYS_SO = "Extract made by the sandbox, not written by a language model:"
NOT_ANSWERED = "Nothing in the transcript shares a word with the question (sandbox, not a language model)."
NOTHING_SAID = "Nothing was said (sandbox, not a language model)."
COMMON_WORDS = (
    "a about after all also am an and any are as at be been before being but by can could did do does doing for from"
    " had has have having he her hers him his how i if in into is it its just like me might more most much must my no"
    " nor not of off on once one only or our out over own say said she should so some such than that the their them"
    " then there these they this those through to too under until up upon us very was we were what when where which"
    " while who whom why will with would yes you your"
)
STOP_WORDS = set(COMMON_WORDS.split())


@dataclass(frozen=True)
class Line:
    """A line of a transcript; `number` is the caller's own."""

    number: int
    text: str


def lines_of(data: dict[str, Any]) -> list[Line]:
    """The lines in `data`; what is none is passed over."""
    given = data.get("lines")
    return [
        Line(line["n"], line["text"])
        for line in (given if isinstance(given, list) else [])
        if isinstance(line, dict) and type(line.get("n")) is int and isinstance(line.get("text"), str)
    ]


def catchup_summary(data: dict[str, Any]) -> dict[str, Any]:
    """The most telling lines, and one moment from each part of the transcript."""
    lines = [line for line in lines_of(data) if line.text.strip()]
    if not lines:
        return {"summary": NOTHING_SAID, "key_moments": []}
    stems = [_stems(line.text) for line in lines]
    counts = Counter(stem for found in stems for stem in found)
    scores = [sum(counts[stem] for stem in set(found)) / math.sqrt(len(found) + 1) for found in stems]
    best = sorted(sorted(range(len(lines)), key=lambda place: -scores[place])[:SUMMARY_LINES])
    parts = min(MOMENTS, max(1, len(lines) // LINES_A_MOMENT))
    borders = [len(lines) * part // parts for part in range(parts + 1)]
    moments = [max(range(borders[part], borders[part + 1]), key=lambda place: scores[place]) for part in range(parts)]
    return {
        "summary": f"{SAYS_SO} {' … '.join(lines[place].text.strip() for place in best)}",
        "key_moments": [{"line": lines[place].number, "title": _title(lines[place].text)} for place in moments],
    }


def transcript_answer(data: dict[str, Any]) -> dict[str, Any]:
    """The lines that share most with the question; rare words count more."""
    lines = lines_of(data)
    question = data.get("question")
    wanted = set(_stems(question if isinstance(question, str) else ""))
    stems = [wanted & set(_stems(line.text)) for line in lines]
    spread = Counter(stem for found in stems for stem in found)
    scores = [sum(math.log(1 + len(lines) / spread[stem]) for stem in found) for found in stems]
    best = [place for place in sorted(range(len(lines)), key=lambda place: -scores[place]) if scores[place] > 0]
    chosen = sorted(best[:QUOTES])
    if not chosen:
        return {"answered": False, "answer": NOT_ANSWERED, "quotes": []}
    return {
        "answered": True,
        "answer": f"{SAYS_SO} {' … '.join(lines[place].text.strip() for place in chosen)}",
        "quotes": [{"line": lines[place].number} for place in chosen],
    }


def plain(text: str) -> str:
    """The beginning of what was given."""
    return f"{SAYS_SO} {' '.join(text.split())[:PLAIN_CHARS]}"


ANSWERS = {"catchup_summary": catchup_summary, "transcript_answer": transcript_answer}
"""By the name of the schema asked for."""


def _stems(text: str) -> list[str]:
    words = re.findall(r"[^\W_]+", text.lower().replace("'", "").replace("’", ""))
    return [_stem(word) for word in words if word not in STOP_WORDS]


def _stem(word: str) -> str:
    """The word without its commonest English endings."""
    for ending in ("ations", "ation", "ings", "ing", "edly", "ies", "ed", "es", "ly", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def _title(text: str) -> str:
    words = text.split()
    return " ".join(words[:TITLE_WORDS]) + (" …" if len(words) > TITLE_WORDS else "")
