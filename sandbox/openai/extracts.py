"""Answers without a language model: extracts of the input, chosen by shared words. Each answer says so."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

SUMMARY_LINES, MOMENTS, QUOTES = 3, 8, 3
LINES_PER_MOMENT = 4
TITLE_WORDS = 8
PLAIN_CHARS = 400
EXTRACT_NOTICE = "Extract made by the sandbox, not written by a language model:"
NO_ANSWER = "Nothing in the transcript shares a word with the question (sandbox, not a language model)."
NO_SPEECH = "No speech was recognised (sandbox, not a language model)."
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
    """A line of a transcript; `number` is the caller's number."""

    number: int
    text: str


def read_lines(data: dict[str, Any]) -> list[Line]:
    """The valid lines in `data`."""
    given = data.get("lines")
    return [
        Line(line["n"], line["text"])
        for line in (given if isinstance(given, list) else [])
        if isinstance(line, dict) and type(line.get("n")) is int and isinstance(line.get("text"), str)
    ]


def build_summary(data: dict[str, Any]) -> dict[str, Any]:
    """The lines with the most frequent words, and one key moment from each part of the transcript."""
    lines = [line for line in read_lines(data) if line.text.strip()]
    if not lines:
        return {"summary": NO_SPEECH, "key_moments": []}
    stems = [_stems(line.text) for line in lines]
    counts = Counter(stem for line_stems in stems for stem in line_stems)
    scores = [sum(counts[stem] for stem in set(line_stems)) / math.sqrt(len(line_stems) + 1) for line_stems in stems]
    best = sorted(sorted(range(len(lines)), key=lambda index: -scores[index])[:SUMMARY_LINES])
    parts = min(MOMENTS, max(1, len(lines) // LINES_PER_MOMENT))
    borders = [len(lines) * part // parts for part in range(parts + 1)]
    moments = [max(range(borders[part], borders[part + 1]), key=lambda index: scores[index]) for part in range(parts)]
    return {
        "summary": f"{EXTRACT_NOTICE} {' … '.join(lines[index].text.strip() for index in best)}",
        "key_moments": [{"line": lines[index].number, "title": _title(lines[index].text)} for index in moments],
    }


def build_answer(data: dict[str, Any]) -> dict[str, Any]:
    """The lines that share the most words with the question; rare words count more."""
    lines = read_lines(data)
    question = data.get("question")
    question_stems = set(_stems(question if isinstance(question, str) else ""))
    stems = [question_stems & set(_stems(line.text)) for line in lines]
    counts = Counter(stem for line_stems in stems for stem in line_stems)
    scores = [sum(math.log(1 + len(lines) / counts[stem]) for stem in line_stems) for line_stems in stems]
    best = [index for index in sorted(range(len(lines)), key=lambda index: -scores[index]) if scores[index] > 0]
    chosen = sorted(best[:QUOTES])
    if not chosen:
        return {"answered": False, "answer": NO_ANSWER, "quotes": []}
    return {
        "answered": True,
        "answer": f"{EXTRACT_NOTICE} {' … '.join(lines[index].text.strip() for index in chosen)}",
        "quotes": [{"line": lines[index].number} for index in chosen],
    }


def quote_beginning(text: str) -> str:
    """The beginning of `text`."""
    return f"{EXTRACT_NOTICE} {' '.join(text.split())[:PLAIN_CHARS]}"


ANSWERS = {"catchup_summary": build_summary, "transcript_answer": build_answer}
"""The function for each name of a schema."""


def _stems(text: str) -> list[str]:
    words = re.findall(r"[^\W_]+", text.lower().replace("'", "").replace("’", ""))
    return [_stem(word) for word in words if word not in STOP_WORDS]


def _stem(word: str) -> str:
    """A word without common English endings."""
    for ending in ("ations", "ation", "ings", "ing", "edly", "ies", "ed", "es", "ly", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def _title(text: str) -> str:
    words = text.split()
    return " ".join(words[:TITLE_WORDS]) + (" …" if len(words) > TITLE_WORDS else "")
