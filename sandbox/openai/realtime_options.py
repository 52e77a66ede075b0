"""The configuration of a realtime transcription session at OpenAI, from a client secret or `session.update`.

Source: OpenAI's Python SDK 3.54.0 (types/realtime) and developers.openai.com/api/docs/guides/realtime-transcription,
read 2026-11. The models that transcribe live have no voice activity detection: `turn_detection` is null or omitted, and
the client commits each turn. Options that this backend never sends are refused as unknown.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from sandbox.openai.responses import OpenAIError

MODELS = {"gpt-live-transcribe", "gpt-transcribe", "gpt-realtime-whisper"}
MODELS_WITHOUT_KEYWORDS = {"gpt-realtime-whisper"}
RATE_HZ = 24_000
MAX_KEYWORDS = 100
MAX_TEXT_CHARACTERS = 2_000

SessionConfig = Mapping[str, Any]
"""A checked configuration: `type` and `audio.input.…`."""

DEFAULT_CONFIG: SessionConfig = {
    "type": "transcription",
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": RATE_HZ},
            "transcription": None,
            "noise_reduction": None,
            "turn_detection": None,
        }
    },
    "include": None,
}
"""The configuration before any update: nothing is transcribed until a model is named."""


def apply_session_update(session: SessionConfig, changes: Any) -> SessionConfig:
    """The configuration after `changes`, decoded JSON; omitted fields stay. Raises OpenAIError."""
    _check_object(changes, "session", {"type", "audio"})
    if changes.get("type") != "transcription":
        raise _invalid_value("session.type", "Supported values are: 'transcription'.")
    input_changes = _check_object(changes.get("audio", {}), "session.audio", {"input"}).get("input", {})
    path = "session.audio.input"
    _check_object(input_changes, path, {"format", "transcription", "turn_detection"})
    current = session["audio"]["input"]
    changed = {
        "format": _format(input_changes.get("format", current["format"]), f"{path}.format"),
        "transcription": _transcription(input_changes, current["transcription"], f"{path}.transcription"),
        "noise_reduction": None,
        "turn_detection": None,
    }
    if input_changes.get("turn_detection") is not None:
        raise _invalid_value(
            f"{path}.turn_detection", "Turn detection is not supported with this model: set it to null."
        )
    return {"type": "transcription", "audio": {"input": changed}, "include": None}


def _format(value: Any, path: str) -> SessionConfig:
    _check_object(value, path, {"type", "rate"})
    if value.get("type") != "audio/pcm":
        raise _invalid_value(f"{path}.type", "Supported values are: 'audio/pcm'.")
    if value.get("rate", RATE_HZ) != RATE_HZ:
        raise _invalid_value(f"{path}.rate", f"Supported values are: {RATE_HZ}.")
    return {"type": "audio/pcm", "rate": RATE_HZ}


def _transcription(input_changes: Mapping[str, Any], current: SessionConfig | None, path: str) -> SessionConfig | None:
    if "transcription" not in input_changes:
        return current
    if input_changes["transcription"] is None:
        return None
    changes = _check_object(input_changes["transcription"], path, {"model", "language", "keywords"})
    value = {**(current or {}), **changes}
    if "model" not in value:
        message = f"Missing required parameter: '{path}.model'."
        raise OpenAIError(400, message, code="missing_required_parameter", param=f"{path}.model")
    model = value["model"]
    if not isinstance(model, str) or model not in MODELS:
        raise _invalid_value(f"{path}.model", f"Supported values are: {sorted(MODELS)}.")
    language = value.get("language")
    if language is not None and not (isinstance(language, str) and re.fullmatch("[a-z]{2,3}", language)):
        raise _invalid_value(f"{path}.language", "Expected an ISO-639-1 code.")
    keywords = value.get("keywords") or []
    if not isinstance(keywords, list) or len(keywords) > MAX_KEYWORDS or not all(map(_is_text, keywords)):
        raise _invalid_value(f"{path}.keywords", "Expected an array of strings.")
    if keywords and model in MODELS_WITHOUT_KEYWORDS:
        raise _invalid_value(f"{path}.keywords", f"Not supported with '{model}'.")
    return value


def _check_object(value: Any, path: str, names: Collection[str]) -> Mapping[str, Any]:
    """`value` if it is an object with no fields other than `names`. Raises OpenAIError."""
    if not isinstance(value, dict):
        raise _invalid_value(path, "Expected an object.", code="invalid_type")
    for name in value:
        if name not in names:
            message = f"Unknown parameter: '{path}.{name}'."
            raise OpenAIError(400, message, code="unknown_parameter", param=f"{path}.{name}")
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT_CHARACTERS


def _invalid_value(path: str, message: str, code: str = "invalid_value") -> OpenAIError:
    return OpenAIError(400, f"Invalid value for '{path}'. {message}", code=code, param=path)
