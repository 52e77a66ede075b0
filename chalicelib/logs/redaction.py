"""The last safeguard of the log: removes what looks like a secret or an email address from everything that is written.

Our own lines contain neither, and a test fails if the mark appears in one. The safeguard covers the unforeseen: the
text of an exception, or a library whose logging is set to debug. The text of a transcript has no pattern; it is kept
out of the log because no code that handles it can write log lines.
"""

import json
import logging
import re
import traceback
from functools import lru_cache
from typing import Any

MARK = "[redacted]"
MIN_SECRET_CHARACTERS = 8  # a shorter text would match everywhere

_NAME = r"(?:passw|secret|token|signature|credential|authorization|cookie|api[_-]?key|policy)"
# A text without any of these contains nothing that the pattern below matches. This check takes microseconds.
_HINTS = (
    *("passw", "secret", "token", "signature", "credential", "authorization", "cookie", "api", "policy"),
    *("bearer", "basic", "eyj", "sk_", "rk_", "sk-", "ek_", "akia", "asia", "v0=", "v1="),
    *("/pay/", "/shared/", "@", "%40"),
)
_registered: set[str] = set()


@lru_cache
def _secret_pattern() -> re.Pattern[str]:
    """Compiled when first needed, which in most processes is never.

    Every repetition is bounded or consumes what it matches, so that no text makes it slow.
    """
    return re.compile(
        "|".join(
            (
                # A named value: password=x, "secret": "x", Authorization: Bearer x, X-Amz-Signature=x.
                rf"""(?P<name>(?i:{_NAME})[\w-]{{0,40}}\\{{0,8}}["']?\s{{0,8}}(?:[=:]|%3[Aa]|%3[Dd])\s{{0,8}})"""
                r"""(?:(?i:bearer|basic)\s{1,8})?"""
                r"""(?:b?\\{0,8}"(?:[^"\\]|\\+[^\\])*"?|b?\\{0,8}'(?:[^'\\]|\\+[^\\])*'?|[^\s"'&,;<>()\[\]{}]+)""",
                r"(?i:bearer|basic)\s{1,8}[\w.~+/=-]{16,}",
                r"eyJ[\w-]{8,}(?:\.[\w-]*)*",  # tokens of Cognito, policies of upload forms
                r"(?:sk|rk)_(?:test|live)_\w+|whsec_\w+|sk-[\w-]{16,}|ek_\w{8,}",  # keys of Stripe and OpenAI
                r"(?:AKIA|ASIA)[A-Z0-9]{12,}",
                r"v[01]=[0-9a-f]{32,}",  # signatures of Stripe
                r"""https?://[^\s"'<>\\]{0,300}/pay/[^\s"'<>\\]*""",  # checkout pages
                r"/shared/[\w-]{16,}",  # shared transcripts
                r"[\w.+%-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+",
            )
        ),
        re.DOTALL,
    )


def register_secret_for_redaction(secret: str) -> None:
    """Redact this secret from every line from now on."""
    if len(secret) >= MIN_SECRET_CHARACTERS:
        _registered.update((secret, json.dumps(secret, ensure_ascii=False)[1:-1]))


def is_suspicious(text: str) -> bool:
    """Whether the text may contain something to redact."""
    lowered = text.lower()
    return any(hint in lowered for hint in _HINTS) or any(secret in text for secret in _registered)


def redact(text: str) -> str:
    """The text without registered secrets and without what looks like a secret or an email address."""
    if not is_suspicious(text):
        return text
    for secret in _registered:
        text = text.replace(secret, MARK)
    return _secret_pattern().sub(_replace_with_mark, text)


def redact_fields(value: Any) -> Any:
    """JSON-like data with every text redacted; a text under a private name, such as `password`, is replaced whole."""
    return _redact_fields(value, is_private=False)


def _redact_fields(value: Any, *, is_private: bool) -> Any:
    match value:
        case str():
            return MARK if is_private else redact(value)
        case dict():
            return {
                redact(str(name)): _redact_fields(inner, is_private=is_private or _is_private(name))
                for name, inner in value.items()
            }
        case list() | tuple():
            return [_redact_fields(inner, is_private=is_private) for inner in value]
    return value


def redact_logging() -> None:
    """Redact every record of Python's `logging`, at any level, before a handler receives it.

    This covers the message with its arguments, and the traceback with the texts of its exceptions. Calling it again
    changes nothing.
    """
    create = logging.getLogRecordFactory()
    if getattr(create, "redacts", False):
        return

    def create_redacted(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = create(*args, **kwargs)
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - arguments that do not match the message must not make the caller fail
            message = str(record.msg)
        record.msg, record.args = redact(message), ()
        if record.exc_info and record.exc_info[0]:
            lines = traceback.format_exception(*record.exc_info)
            record.exc_info, record.exc_text = None, redact("".join(lines).rstrip("\n"))
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return record

    create_redacted.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(create_redacted)


def _is_private(name: Any) -> bool:
    return re.search(_NAME, str(name), re.IGNORECASE) is not None


def _replace_with_mark(match: re.Match[str]) -> str:
    return f"{match['name'] or ''}{MARK}"
