"""The messages in the examples of errors: texts that a route really answers with, one for each code and reason.

A class of `errors.py` has its own example; here are those that compose their message, and the details.
"""

from collections.abc import Iterator
from inspect import isclass

from ... import errors
from ...errors import AppError, Detail, InsufficientCreditsError, ProviderNotOfferedError
from ..responses import INTERNAL_ERROR_MESSAGE
from .reasons import REASONS

# Errors that compose their message.
COMPOSED: tuple[AppError, ...] = (
    InsufficientCreditsError(100, 40, 60),
    ProviderNotOfferedError("None of these providers is offered.", ["assemblyai", "openai"]),
)
DETAILS: dict[str, dict[str, Detail]] = {
    "invalid_request": {"field": "colour"},
    "too_large": {"max_bytes": 524288},
    **{error.code: error.details for error in COMPOSED},
}


def _class_examples() -> Iterator[tuple[str, str]]:
    for error in vars(errors).values():
        if isclass(error) and issubclass(error, AppError) and vars(error).get("example"):
            yield error.code, error.example


MESSAGES = {
    **dict(_class_examples()),
    **{name: reason.message for name, reason in REASONS.items()},
    **{error.code: error.message for error in COMPOSED},
    AppError.code: INTERNAL_ERROR_MESSAGE,
}
