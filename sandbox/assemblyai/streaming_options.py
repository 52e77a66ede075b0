"""The options of a live session: the query of its socket, and `UpdateConfiguration`.

Source: AssemblyAI's API specification (usm-streaming.yml) and its Python SDK 1.8.2, read 2026-11. AssemblyAI ignores
unknown parameters, so the sandbox does too. Where the pages disagree (whether `speech_model` and `sample_rate` are
required), the stricter reading applies.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

UNIVERSAL_STREAMING = {"universal-streaming-english", "universal-streaming-multilingual"}
"""Models that format turns only on request, and whose partial transcripts contain only final words."""
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
class StreamingOptions:
    """The options that change what is sent; the small model ignores key terms, prompts and thresholds."""

    model: str
    rate_hz: int
    inactivity_seconds: int | None = None
    format_turns: bool = False
    language_detection: bool = False
    min_silence_ms: int = 400
    max_silence_ms: int = 1_280

    @property
    def has_formatted_turns(self) -> bool:
        return self.format_turns or self.has_revisable_partials

    @property
    def has_revisable_partials(self) -> bool:
        """Whether a partial transcript contains words that may still change."""
        return self.model not in UNIVERSAL_STREAMING

    @property
    def silence_ms(self) -> int:
        """The silence that ends a turn; the sandbox has no confidence in the end of a turn to go by."""
        return min(self.min_silence_ms, self.max_silence_ms)


def parse_query(query: Mapping[str, str]) -> StreamingOptions:
    """The options of a new session. Raises ValueError, whose text names the invalid parameter."""
    model = query.get("speech_model")
    if model not in MODELS:
        problem = "speech_model is missing" if model is None else "unknown speech_model"
        raise ValueError(f"{problem}; known: {', '.join(sorted(MODELS))}")
    if query.get("encoding", "pcm_s16le") != "pcm_s16le":
        raise ValueError("encoding must be pcm_s16le")
    if "sample_rate" not in query:
        raise ValueError("sample_rate is missing")
    inactivity = query.get("inactivity_timeout")
    options = StreamingOptions(
        model=model,
        rate_hz=_parse_integer(query["sample_rate"], "sample_rate", MIN_RATE_HZ, MAX_RATE_HZ),
        inactivity_seconds=None
        if inactivity is None
        else _parse_integer(inactivity, "inactivity_timeout", MIN_INACTIVITY_SECONDS, MAX_INACTIVITY_SECONDS),
        language_detection=_parse_boolean(query.get("language_detection", "false"), "language_detection"),
    )
    changes: dict[str, Any] = {name: query[name] for name in CHANGEABLE if name in query}
    if "keyterms_prompt" in changes:
        try:
            changes["keyterms_prompt"] = json.loads(changes["keyterms_prompt"])
        except (ValueError, RecursionError) as error:
            raise ValueError("keyterms_prompt must be a JSON array") from error
    return apply_changes(options, changes)


CHANGEABLE = {
    "end_of_turn_confidence_threshold",
    "format_turns",
    "keyterms_prompt",
    "max_turn_silence",
    "min_turn_silence",
    "min_end_of_turn_silence_when_confident",
}


def apply_changes(options: StreamingOptions, changes: Mapping[str, Any]) -> StreamingOptions:
    """The options after the known fields of `changes`, from JSON or a query. Raises ValueError."""
    terms = changes.get("keyterms_prompt", [])
    if not isinstance(terms, list) or len(terms) > MAX_TERMS or not all(isinstance(term, str) for term in terms):
        raise ValueError(f"keyterms_prompt must be a list of at most {MAX_TERMS} strings")
    if "format_turns" in changes:
        options = replace(options, format_turns=_parse_boolean(changes["format_turns"], "format_turns"))
    for name in ("min_end_of_turn_silence_when_confident", "min_turn_silence"):
        if name in changes:
            options = replace(options, min_silence_ms=_parse_integer(changes[name], name, 0, MAX_SILENCE_MS))
    if "end_of_turn_confidence_threshold" in changes:
        _check_fraction(changes["end_of_turn_confidence_threshold"], "end_of_turn_confidence_threshold")
    if "max_turn_silence" in changes:
        silence_ms = _parse_integer(changes["max_turn_silence"], "max_turn_silence", 0, MAX_SILENCE_MS)
        options = replace(options, max_silence_ms=silence_ms)
    return options


def _parse_integer(value: Any, name: str, lowest: int, highest: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if type(value) is not int or not lowest <= value <= highest:
        raise ValueError(f"{name} must be an integer from {lowest} to {highest}")
    return value


def _check_fraction(value: Any, name: str) -> None:
    try:
        is_fraction = 0 <= float(value) <= 1
    except (TypeError, ValueError):
        is_fraction = False
    if not is_fraction:
        raise ValueError(f"{name} must be a number from 0 to 1")


def _parse_boolean(value: Any, name: str) -> bool:
    """True or false; in a query in any case, because the Python SDK sends `True`."""
    text = str(value).lower()
    if text not in ("true", "false"):
        raise ValueError(f"{name} must be true or false")
    return text == "true"
