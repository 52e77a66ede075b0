"""Recorded speech with its transcript, and the word error rate of a recognised one."""

import re
from pathlib import Path

SPEECH = Path(__file__).parent.parent / "demo" / "speech"


def samples() -> list[tuple[Path, str]]:
    """The recordings in demo/speech, each with the words spoken in it, read from the table in the README there."""
    rows = re.findall(r"^\| `(\S+\.wav)`[^|]*\| (.+?) \|$", (SPEECH / "README.md").read_text(), re.MULTILINE)
    return [(SPEECH / name, words) for name, words in rows]


def word_error_rate(reference: str, hypothesis: str) -> float:
    """The share of words to insert, delete or replace to turn `hypothesis` into `reference`; 0 is perfect.

    Case, punctuation, hyphens and "Mr" for "mister" do not count. Raises ValueError if `reference` has no words.
    """
    expected, recognised = _words(reference), _words(hypothesis)
    if not expected:
        raise ValueError("the reference has no words")
    # Edit distance by dynamic programming, one row at a time.
    distances = list(range(len(recognised) + 1))
    for row, word in enumerate(expected, start=1):
        previous = distances
        distances = [row]
        for column, candidate in enumerate(recognised, start=1):
            replaced = previous[column - 1] + (word != candidate)
            distances.append(min(replaced, previous[column] + 1, distances[-1] + 1))
    return distances[-1] / len(expected)


def _words(text: str) -> list[str]:
    normalised = re.sub(r"[^\w\s]", "", text.lower().replace("-", " "))
    return ["mister" if word == "mr" else word for word in normalised.split()]
