"""Recorded speech whose words are known, and how far a transcript is from them."""

import re
from pathlib import Path

SPEECH = Path(__file__).parent.parent / "demo" / "speech"


def samples() -> list[tuple[Path, str]]:
    """The recordings in demo/speech with the words said in each, read from the table in its README."""
    rows = re.findall(r"^\| `(\S+\.wav)`[^|]*\| (.+?) \|$", (SPEECH / "README.md").read_text(), re.MULTILINE)
    return [(SPEECH / name, words) for name, words in rows]


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Words to insert, delete or replace to turn `hypothesis` into `reference`, per word of `reference`; 0 is perfect.

    Case, punctuation, hyphens and "Mr" for "mister" do not count. Raises ValueError if `reference` has no words.
    """
    expected, heard = _words(reference), _words(hypothesis)
    if not expected:
        raise ValueError("a reference without words")
    # Row by row through the table of edit distances between the first words of both.
    distances = list(range(len(heard) + 1))
    for row, word in enumerate(expected, start=1):
        above = distances
        distances = [row]
        for column, candidate in enumerate(heard, start=1):
            replaced = above[column - 1] + (word != candidate)
            distances.append(min(replaced, above[column] + 1, distances[-1] + 1))
    return distances[-1] / len(expected)


def _words(text: str) -> list[str]:
    plain = re.sub(r"[^\w\s]", "", text.lower().replace("-", " "))
    return ["mister" if word == "mr" else word for word in plain.split()]
