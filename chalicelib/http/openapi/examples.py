"""One example of each shape that a route reads or returns: the reference shows it, and tests send it first."""

from typing import Any, get_args

import msgspec

from .samples import (
    accounts,
    admin,
    audit,
    catchup,
    credits,
    health,
    payments,
    service,
    streaming,
    support,
    transcripts,
)
from .samples.ids import JOB, PURCHASE, SESSION, TRANSCRIPT, USER

PATH_EXAMPLES = {
    "session_id": SESSION,
    "job_id": JOB,
    "export_id": JOB,
    "transcript_id": TRANSCRIPT,
    "user_id": USER,
    "purchase_id": PURCHASE,
    "name": "style.css",
    "token": "the-token-of-this-transcript",
}
SECTIONS = (accounts, streaming, catchup, transcripts, credits, payments, admin, support, health, audit, service)
EXAMPLES: dict[Any, msgspec.Struct] = {type(example): example for section in SECTIONS for example in section.EXAMPLES}


def examples(shape: Any) -> dict[str, Any]:
    """The examples of a shape by name, as plain data without defaults. Raises LookupError if there is none."""
    shapes = get_args(shape) or (shape,)
    return {_name(member): _without_defaults(_example(member)) for member in shapes}


def _example(shape: Any) -> msgspec.Struct:
    try:
        return EXAMPLES[shape]
    except KeyError:
        raise LookupError(f"{shape} needs an example in chalicelib/http/openapi/samples") from None


def _name(shape: Any) -> str:
    tag = shape.__struct_config__.tag
    return str(tag or shape.__name__)


def _without_defaults(example: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(example)
    defaults = {field.encode_name: _default(field) for field in msgspec.structs.fields(example)}
    return {name: value for name, value in plain.items() if name not in defaults or value != defaults[name]}


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
