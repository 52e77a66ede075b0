"""What a realtime transcription session at OpenAI may be configured to: by a client secret, or by `session.update`.

Source: OpenAI's Python SDK 3.54.0 (types/realtime) and developers.openai.com/api/docs/guides/realtime-transcription,
read 2026-11. The models that transcribe live have no voice activity detection: `turn_detection` is null or left out,
and the client commits each turn.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from sandbox.openai.transcriptions import RefusalError

MODELS = {"gpt-live-transcribe", "gpt-transcribe", "gpt-realtime-whisper"}
MODELS_WITHOUT_KEYWORDS = {"gpt-realtime-whisper"}
RATE_HZ = 24_000
MAX_KEYWORDS = 100
MAX_TEXT_CHARACTERS = 2_000

Session = Mapping[str, Any]
"""A configuration that has been checked: `type` and `audio.input.…`."""

NEW: Session = {
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
"""What holds until something else is said: nothing is transcribed before a model is named."""


def configured(session: Session, changes: Any) -> Session:
    """The session after `changes`, out of JSON; what they leave out stays. Raises RefusalError."""
    _known(changes, "session", {"type", "audio"})
    if changes.get("type") != "transcription":
        raise _refused("session.type", "Supported values are: 'transcription'; the sandbox holds no conversations.")
    given = _known(changes.get("audio", {}), "session.audio", {"input"}).get("input", {})
    path = "session.audio.input"
    _known(given, path, {"format", "transcription", "turn_detection"})
    kept = session["audio"]["input"]
    changed = {
        "format": _format(given.get("format", kept["format"]), f"{path}.format"),
        "transcription": _transcription(given, kept["transcription"], f"{path}.transcription"),
        "noise_reduction": None,
        "turn_detection": None,
    }
    if given.get("turn_detection") is not None:
        raise _refused(f"{path}.turn_detection", "Turn detection is not supported with this model: set it to null.")
    return {"type": "transcription", "audio": {"input": changed}, "include": None}


def _format(value: Any, path: str) -> Session:
    _known(value, path, {"type", "rate"})
    if value.get("type") != "audio/pcm":
        raise _refused(f"{path}.type", "The sandbox takes 'audio/pcm' only.")
    if value.get("rate", RATE_HZ) != RATE_HZ:
        raise _refused(f"{path}.rate", f"Supported values are: {RATE_HZ}.")
    return {"type": "audio/pcm", "rate": RATE_HZ}


def _transcription(given: Mapping[str, Any], kept: Session | None, path: str) -> Session | None:
    if "transcription" not in given:
        return kept
    if given["transcription"] is None:
        return None
    changes = _known(given["transcription"], path, {"model", "language", "keywords"})
    value = {**(kept or {}), **changes}
    if "model" not in value:
        message = f"Missing required parameter: '{path}.model'."
        raise RefusalError(400, message, code="missing_required_parameter", param=f"{path}.model")
    model = value["model"]
    if not isinstance(model, str) or model not in MODELS:
        raise _refused(f"{path}.model", f"Supported values are: {sorted(MODELS)}.")
    language = value.get("language")
    if language is not None and not (isinstance(language, str) and re.fullmatch("[a-z]{2,3}", language)):
        raise _refused(f"{path}.language", "Expected an ISO-639-1 code.")
    keywords = value.get("keywords") or []
    if not isinstance(keywords, list) or len(keywords) > MAX_KEYWORDS or not all(map(_is_text, keywords)):
        raise _refused(f"{path}.keywords", "Expected an array of strings.")
    if keywords and model in MODELS_WITHOUT_KEYWORDS:
        raise _refused(f"{path}.keywords", f"Not supported with '{model}'.")
    return value


def _known(value: Any, path: str, names: Collection[str]) -> Mapping[str, Any]:
    """`value` as an object with no other fields than `names`. Raises RefusalError."""
    if not isinstance(value, dict):
        raise _refused(path, "Expected an object.", code="invalid_type")
    for name in value:
        if name not in names:
            message = f"Unknown parameter: '{path}.{name}'."
            raise RefusalError(400, message, code="unknown_parameter", param=f"{path}.{name}")
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT_CHARACTERS


def _refused(path: str, message: str, code: str = "invalid_value") -> RefusalError:
    return RefusalError(400, f"Invalid value for '{path}'. {message}", code=code, param=path)
