"""The options of a transcript: the body of AssemblyAI's `POST /v2/transcript`, checked.

Source: AssemblyAI's openapi.yml (2026-03), docs/pre-recorded-audio (supported-languages, select-the-speech-model,
webhooks) and its Python SDK 1.8.2, read 2026-11. Options that this backend never sends are refused as unknown.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

ENGLISH = ("en", "en_au", "en_uk", "en_us")
PRO_LANGUAGES = {*ENGLISH, "es", "fr", "de", "it", "pt"}
OTHER_LANGUAGES = (
    "af am ar as az ba be bg bn bo br bs ca cs cy da de_ch el et eu fa fi fo gl gu ha haw he hi hr ht hu hy id is ja jw"
    " ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps ro ru sa sd si sk sl sn so sq"
    " sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo zh"
)
ALL_LANGUAGES = PRO_LANGUAGES | set(OTHER_LANGUAGES.split())
MODELS = {
    "assemblyai-stt-3-7": PRO_LANGUAGES,
    "universal-3-5-pro": PRO_LANGUAGES,
    "universal-3-pro": PRO_LANGUAGES,
    "universal-2": ALL_LANGUAGES,
}
"""The languages of each model. Only those of `universal-3-pro` and `universal-2` are documented."""
DEFAULT_MODELS = ["universal-3-5-pro", "universal-2"]
DEFAULT_LANGUAGE = "en_us"
MAX_MS = 10 * 3_600_000
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")

Check = Callable[[Any], bool]


class OptionError(Exception):
    """An option is invalid; the text says why."""


@dataclass(frozen=True)
class Webhook:
    """Where to send the webhook, and the header that authenticates it; None without one."""

    url: str
    header_name: str | None
    header_value: str | None


@dataclass(frozen=True)
class TranscriptOptions:
    """Checked options. Times are ms into the recording; `end_ms` None is its end."""

    audio_url: str
    model: str
    language_code: str
    start_ms: int
    end_ms: int | None
    webhook: Webhook | None
    echoed: dict[str, Any]
    """The options as sent, for responses; without the value of the webhook header."""

    @property
    def speaker_labels(self) -> bool:
        return bool(self.echoed.get("speaker_labels"))


def parse_options(body: Any) -> TranscriptOptions:
    """Check a body. Raises OptionError."""
    if not isinstance(body, dict):
        raise OptionError("the body must be a JSON object")
    options = {name: value for name, value in body.items() if value is not None}
    unknown = sorted(set(options) - set(CHECKS))
    if unknown:
        raise OptionError(f"unknown parameters: {', '.join(unknown)}")
    if "audio_url" not in options:
        raise OptionError("audio_url is required")
    invalid = [
        f"{name}: {rule}"
        for name, (rule, is_valid) in CHECKS.items()
        if name in options and not is_valid(options[name])
    ]
    if invalid:
        raise OptionError("; ".join(invalid))
    language = options.get("language_code", DEFAULT_LANGUAGE)
    if options.get("language_detection") and "language_code" in options:
        raise OptionError("send either language_code or language_detection, not both")
    return TranscriptOptions(
        audio_url=options["audio_url"],
        model=_model(options, language),
        language_code=language,
        start_ms=options.get("audio_start_from", 0),
        end_ms=_end_ms(options),
        webhook=_webhook(options),
        echoed={name: value for name, value in options.items() if name != "webhook_auth_header_value"},
    )


def _model(options: dict[str, Any], language: str) -> str:
    models: list[str] = options.get("speech_models", DEFAULT_MODELS)
    unknown = [model for model in models if model not in MODELS]
    if unknown:
        raise OptionError(f"speech_models: unknown {', '.join(unknown)}; known: {', '.join(MODELS)}")
    if language not in ALL_LANGUAGES:
        raise OptionError(f"language_code: unknown {language}")
    supporting = [model for model in models if language in MODELS[model]]
    if not supporting:
        raise OptionError(f"The following models are not available in this language: {', '.join(models)}")
    return supporting[0]


def _end_ms(options: dict[str, Any]) -> int | None:
    end_ms: int | None = options.get("audio_end_at")
    if end_ms is not None and end_ms <= options.get("audio_start_from", 0):
        raise OptionError("audio_end_at must be after audio_start_from")
    return end_ms


def _webhook(options: dict[str, Any]) -> Webhook | None:
    name, value = options.get("webhook_auth_header_name"), options.get("webhook_auth_header_value")
    if (name is None) != (value is None):
        raise OptionError("webhook_auth_header_name and webhook_auth_header_value must be sent together")
    if "webhook_url" not in options:
        if name is not None:
            raise OptionError("webhook_auth_header_name needs webhook_url")
        return None
    return Webhook(options["webhook_url"], name, value)


def _is_url(value: Any) -> bool:
    try:
        return isinstance(value, str) and urlsplit(value).scheme in ("http", "https") and bool(urlsplit(value).hostname)
    except ValueError:
        return False


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_ms(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_MS


def _are_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


CHECKS: dict[str, tuple[str, Check]] = {
    "audio_url": ("an http or https URL", _is_url),
    "speech_models": ("a list of model names", lambda value: _are_strings(value) and bool(value)),
    "language_code": ("a string", lambda value: isinstance(value, str)),
    "language_detection": ("true or false", _is_bool),
    "audio_start_from": (f"integer ms from 0 to {MAX_MS}", _is_ms),
    "audio_end_at": (f"integer ms from 0 to {MAX_MS}", _is_ms),
    "webhook_url": ("an http or https URL", _is_url),
    "webhook_auth_header_name": (
        "the name of a header",
        lambda value: isinstance(value, str) and HEADER_NAME.fullmatch(value) is not None,
    ),
    "webhook_auth_header_value": (
        "the value of a header",
        lambda value: isinstance(value, str) and HEADER_VALUE.fullmatch(value) is not None,
    ),
    "speaker_labels": ("true or false", _is_bool),
}
"""For each option, what it must be and the check for it."""
