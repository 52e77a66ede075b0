"""What a live session may be asked for: the query of its socket, and `UpdateConfiguration`.

Source: AssemblyAI's API specification (usm-streaming.yml) and its Python SDK 1.8.2, read 2026-11. Parameters nobody
knows are ignored there, so a misspelt one goes unnoticed here too. Where pages disagree (whether `speech_model` and
`sample_rate` may be left out), the stricter reading holds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

UNIVERSAL_STREAMING = {"universal-streaming-english", "universal-streaming-multilingual"}
"""They format only where asked to, and their partial transcripts hold only words that will stay; the others neither."""
MODELS = UNIVERSAL_STREAMING | {
    "u3-rt-pro",
    "u3-rt-pro-beta-1",
    "u3-pro",
    "universal-3-5-pro",
    "universal-3-6",
    "universal-3-6-pro",
    "whisper-rt",
}
MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 48_000
MIN_INACTIVITY_SECONDS, MAX_INACTIVITY_SECONDS = 5, 3_600
MAX_TERMS = 100
MAX_SILENCE_MS = 60_000


@dataclass(frozen=True)
class Options:
    """The options that change what is sent; key terms, prompts and thresholds are not used by the small model."""

    model: str
    rate_hz: int
    inactivity_seconds: int | None = None
    format_turns: bool = False
    language_detection: bool = False
    min_silence_ms: int = 400
    max_silence_ms: int = 1_280

    @property
    def formats(self) -> bool:
        return self.format_turns or self.revises

    @property
    def revises(self) -> bool:
        """Whether a partial transcript holds words that may still change."""
        return self.model not in UNIVERSAL_STREAMING

    @property
    def silence_ms(self) -> int:
        """The silence that ends a turn. How sure the model is that the turn is over is not known here."""
        return min(self.min_silence_ms, self.max_silence_ms)


def from_query(query: Mapping[str, str]) -> Options:
    """The options of a new session. Raises ValueError naming what is wrong."""
    model = query.get("speech_model")
    if model not in MODELS:
        named = "speech_model is missing" if model is None else "unknown speech_model"
        raise ValueError(f"{named}; known: {', '.join(sorted(MODELS))}")
    if query.get("encoding", "pcm_s16le") != "pcm_s16le":
        raise ValueError("the sandbox takes encoding pcm_s16le only")
    if "sample_rate" not in query:
        raise ValueError("sample_rate is missing")
    inactivity = query.get("inactivity_timeout")
    options = Options(
        model=model,
        rate_hz=_whole(query["sample_rate"], "sample_rate", MIN_RATE_HZ, MAX_RATE_HZ),
        inactivity_seconds=None
        if inactivity is None
        else _whole(inactivity, "inactivity_timeout", MIN_INACTIVITY_SECONDS, MAX_INACTIVITY_SECONDS),
        language_detection=_boolean(query.get("language_detection", "false"), "language_detection"),
    )
    changes: dict[str, Any] = {name: query[name] for name in CHANGEABLE if name in query}
    if "keyterms_prompt" in changes:
        try:
            changes["keyterms_prompt"] = json.loads(changes["keyterms_prompt"])
        except (ValueError, RecursionError) as error:
            raise ValueError("keyterms_prompt is no JSON array") from error
    return changed(options, changes)


CHANGEABLE = {
    "format_turns",
    "keyterms_prompt",
    "max_turn_silence",
    "min_turn_silence",
    "min_end_of_turn_silence_when_confident",
}


def changed(options: Options, changes: Mapping[str, Any]) -> Options:
    """The options after the known ones of `changes`, out of JSON or a query. Raises ValueError."""
    terms = changes.get("keyterms_prompt", [])
    if not isinstance(terms, list) or len(terms) > MAX_TERMS or not all(isinstance(term, str) for term in terms):
        raise ValueError(f"keyterms_prompt: at most {MAX_TERMS} strings")
    if "format_turns" in changes:
        options = replace(options, format_turns=_boolean(changes["format_turns"], "format_turns"))
    for name in ("min_end_of_turn_silence_when_confident", "min_turn_silence"):
        if name in changes:
            options = replace(options, min_silence_ms=_whole(changes[name], name, 0, MAX_SILENCE_MS))
    if "max_turn_silence" in changes:
        silence_ms = _whole(changes["max_turn_silence"], "max_turn_silence", 0, MAX_SILENCE_MS)
        options = replace(options, max_silence_ms=silence_ms)
    return options


def _whole(value: Any, name: str, lowest: int, highest: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if type(value) is not int or not lowest <= value <= highest:
        raise ValueError(f"{name} must be a whole number from {lowest} to {highest}")
    return value


def _boolean(value: Any, name: str) -> bool:
    """True or false, in a query in any case: Python's SDK sends `True`."""
    text = str(value).lower()
    if text not in ("true", "false"):
        raise ValueError(f"{name} must be true or false")
    return text == "true"
