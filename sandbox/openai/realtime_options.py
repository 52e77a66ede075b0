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
UNGUIDED_MODELS = {"gpt-realtime-whisper"}
"""They take neither keywords nor a prompt."""
RATE_HZ = 24_000
DELAYS = {"minimal", "low", "medium", "high", "xhigh"}
MAX_KEYWORDS = 100
MAX_TEXT_CHARACTERS = 2_000

Session = Mapping[str, Any]
"""A configuration that has been checked: `type`, `audio.input.…`, `include`."""

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
    _known(changes, "session", {"type", "audio", "include"})
    if changes.get("type") != "transcription":
        raise _refused("session.type", "Supported values are: 'transcription'; the sandbox holds no conversations.")
    given = _known(changes.get("audio", {}), "session.audio", {"input"}).get("input", {})
    path = "session.audio.input"
    _known(given, path, {"format", "transcription", "noise_reduction", "turn_detection"})
    kept = session["audio"]["input"]
    changed = {
        "format": _format(given.get("format", kept["format"]), f"{path}.format"),
        "transcription": _transcription(given, kept["transcription"], f"{path}.transcription"),
        "noise_reduction": _noise_reduction(given.get("noise_reduction", kept["noise_reduction"]), path),
        "turn_detection": None,
    }
    if given.get("turn_detection") is not None:
        raise _refused(f"{path}.turn_detection", "Turn detection is not supported with this model: set it to null.")
    include = changes.get("include", session["include"])
    if include is not None and not isinstance(include, list):
        raise _refused("session.include", "Expected an array.")
    return {"type": "transcription", "audio": {"input": changed}, "include": include}


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
    changes = _known(given["transcription"], path, {"model", "language", "languages", "keywords", "prompt", "delay"})
    value = {**(kept or {}), **changes}
    if "model" not in value:
        message = f"Missing required parameter: '{path}.model'."
        raise RefusalError(400, message, code="missing_required_parameter", param=f"{path}.model")
    model = value["model"]
    if not isinstance(model, str) or model not in MODELS:
        raise _refused(f"{path}.model", f"Supported values are: {sorted(MODELS)}.")
    for name in ("language", "prompt"):
        if value.get(name) is not None and not _is_text(value[name]):
            raise _refused(f"{path}.{name}", "Expected a string.")
    if value.get("language") is not None and not re.fullmatch("[a-z]{2,3}", value["language"]):
        raise _refused(f"{path}.language", "Expected an ISO-639-1 code.")
    for name in ("languages", "keywords"):
        words = value.get(name) or []
        if not isinstance(words, list) or len(words) > MAX_KEYWORDS or not all(_is_text(word) for word in words):
            raise _refused(f"{path}.{name}", "Expected an array of strings.")
    if value.get("delay") is not None and value["delay"] not in DELAYS:
        raise _refused(f"{path}.delay", f"Supported values are: {sorted(DELAYS)}.")
    for name in ("prompt", "keywords"):
        if model in UNGUIDED_MODELS and value.get(name):
            raise _refused(f"{path}.{name}", f"Not supported with '{model}'.")
    return value


def _noise_reduction(value: Any, path: str) -> Session | None:
    if value is None:
        return None
    path = f"{path}.noise_reduction"
    _known(value, path, {"type", "strength"})
    if value.get("type") not in ("near_field", "far_field"):
        raise _refused(f"{path}.type", "Supported values are: 'near_field' and 'far_field'.")
    return dict(value)


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
