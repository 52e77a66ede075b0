"""The log's last line of defence: what looks like a secret or an address is taken out of whatever is to be written.

A line of ours holds none to begin with, and the tests take the mark in one for a fault. This is for what nobody thought
of: the text of an exception, a library that is told to log everything. Words of a transcript look like nothing; they
are kept out by never being handed to a logger.
"""

import json
import logging
import re
import traceback
from functools import lru_cache
from typing import Any

MARK = "[redacted]"
SHORTEST_SECRET = 8  # what is shorter would be found everywhere

_NAME = r"(?:passw|secret|token|signature|credential|authorization|cookie|api[_-]?key|policy)"
# Without any of these a text holds nothing that the pattern below finds. Looking for them costs microseconds.
_HINTS = (
    *("passw", "secret", "token", "signature", "credential", "authorization", "cookie", "api", "policy"),
    *("bearer", "basic", "eyj", "sk_", "rk_", "sk-", "ek_", "akia", "asia", "v0=", "v1=", "/pay/", "@", "%40"),
)
_known: set[str] = set()


@lru_cache
def _looks_secret() -> re.Pattern[str]:
    """Made when it is first needed, which in a good process is never. Every repetition is bounded or consumes what it
    meets, so that no text makes it slow."""
    return re.compile(
        "|".join(
            (
                # A value that is named: password=x, "secret": "x", Authorization: Bearer x, X-Amz-Signature=x.
                rf"""(?P<name>(?i:{_NAME})[\w-]{{0,40}}\\{{0,8}}["']?\s{{0,8}}(?:[=:]|%3[Aa]|%3[Dd])\s{{0,8}})"""
                r"""(?:(?i:bearer|basic)\s{1,8})?"""
                r"""(?:b?\\{0,8}"(?:[^"\\]|\\+[^\\])*"?|b?\\{0,8}'(?:[^'\\]|\\+[^\\])*'?|[^\s"'&,;<>()\[\]{}]+)""",
                r"(?i:bearer|basic)\s{1,8}[\w.~+/=-]{16,}",
                r"eyJ[\w-]{8,}(?:\.[\w-]*)*",  # the tokens of Cognito, the policies of forms
                r"(?:sk|rk)_(?:test|live)_\w+|whsec_\w+|sk-[\w-]{16,}|ek_\w{8,}",  # Stripe's and OpenAI's
                r"(?:AKIA|ASIA)[A-Z0-9]{12,}",
                r"v[01]=[0-9a-f]{32,}",  # how Stripe signs
                r"""https?://[^\s"'<>\\]{0,300}/pay/[^\s"'<>\\]*""",  # somebody's checkout
                r"[\w.+%-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+",
            )
        ),
        re.DOTALL,
    )


def register_secret_for_redaction(secret: str) -> None:
    """From now on no line has this word in it."""
    if len(secret) >= SHORTEST_SECRET:
        _known.update((secret, json.dumps(secret, ensure_ascii=False)[1:-1]))


def is_suspicious(text: str) -> bool:
    """Whether `redacted` may have something to do."""
    lowered = text.lower()
    return any(hint in lowered for hint in _HINTS) or any(secret in text for secret in _known)


def redacted(text: str) -> str:
    """The text without what looks like a secret or an address, or is a hidden word."""
    if not is_suspicious(text):
        return text
    for secret in _known:
        text = text.replace(secret, MARK)
    return _looks_secret().sub(_marked, text)


def redacted_fields(value: Any) -> Any:
    """The same for every text in JSON-like data, and for every text under a name that says that it is private."""
    return _redacted_fields(value, is_private=False)


def _redacted_fields(value: Any, *, is_private: bool) -> Any:
    match value:
        case str():
            return MARK if is_private else redacted(value)
        case dict():
            return {
                redacted(str(name)): _redacted_fields(inner, is_private=is_private or _is_private(name))
                for name, inner in value.items()
            }
        case list() | tuple():
            return [_redacted_fields(inner, is_private=is_private) for inner in value]
    return value


def redact_logging() -> None:
    """What anybody logs by Python's `logging`, at any level, is redacted before a handler sees it: the message with its
    arguments, and the traceback with the texts of its exceptions."""
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

    def record(*args: Any, **kwargs: Any) -> logging.LogRecord:
        made = make(*args, **kwargs)
        try:
            said = made.getMessage()
        except Exception:  # noqa: BLE001 - arguments that do not fit must not make the caller fail
            said = str(made.msg)
        made.msg, made.args = redacted(said), ()
        if made.exc_info and made.exc_info[0]:
            lines = traceback.format_exception(*made.exc_info)
            made.exc_info, made.exc_text = None, redacted("".join(lines).rstrip("\n"))
        if made.stack_info:
            made.stack_info = redacted(made.stack_info)
        return made

    record.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(record)


def _is_private(name: Any) -> bool:
    return re.search(_NAME, str(name), re.IGNORECASE) is not None


def _marked(found: re.Match[str]) -> str:
    return f"{found['name'] or ''}{MARK}"
