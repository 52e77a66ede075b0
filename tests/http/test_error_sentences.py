"""Every error says what to do: in a second sentence, as an order, or as the rule that a value has to follow."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from inspect import isclass
from pathlib import Path

from chalicelib import errors

REPOSITORY = Path(__file__).parents[2]
# The code alone says it (there is no such thing; the key was used), a class adds it, or only a program reads it.
NEEDS_NO_ADVICE = {
    "NotFoundError", "IdempotencyMismatchError", "ConflictError", "ProviderNotOfferedError", "InvalidSignatureError",
}  # fmt: skip
# What only the operator can do something about.
ABOUT_THE_SERVER = {
    "Payments are not configured on this server.",
    "No provider of speech recognition is configured.",
}
NAMES = {name for name, kind in vars(errors).items() if isclass(kind) and issubclass(kind, errors.AppError)}
ORDERS = {"Choose", "Confirm", "Enter", "Give", "Send", "Start", "Use", "Wait"}
RULES = re.compile(r" must | at (most|least) | needs ")


def raised_messages() -> Iterator[tuple[str, str]]:
    """The class and the message of each error that is made with its message, with `…` for what is inserted."""
    texts = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "chalicelib").rglob("*.py")]
    for text_of_file in texts:
        if not any(f"{name}(" in text_of_file for name in NAMES):  # Most files, and each process parses the others.
            continue
        for node in ast.walk(ast.parse(text_of_file)):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(text)), *_]) if name in NAMES:
                    yield name, text
                case ast.Call(func=ast.Name(id=name), args=[ast.JoinedStr(values=parts), *_]) if name in NAMES:
                    yield name, "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)


@cache
def messages() -> list[str]:
    """In no parameter of a test: each process of a run would parse all files to name the tests."""
    return sorted({text for name, text in raised_messages() if name not in NEEDS_NO_ADVICE} - ABOUT_THE_SERVER)


def test_the_messages_are_found() -> None:
    assert len(messages()) > 60
    assert NEEDS_NO_ADVICE < NAMES


def test_every_error_says_what_to_do() -> None:
    def says(text: str) -> bool:
        return bool(". " in text or ": " in text or text.partition(" ")[0] in ORDERS or RULES.search(text))

    assert [text for text in messages() if not says(text)] == []
