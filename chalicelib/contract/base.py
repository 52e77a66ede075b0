"""What all shapes of the contract share: the two bases, and bounded text, numbers and times."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional, TypeVar, get_args, get_type_hints

from msgspec import NODEFAULT, Meta, Struct, structs

from .cleaning import (
    EDGE,
    MAX_EMAIL_CHARACTERS,
    MAX_PASSWORD_CHARACTERS,
    MIN_PASSWORD_CHARACTERS,
    clean_code,
    clean_email,
    clean_language,
    clean_media_type,
    clean_provider_names,
    clean_recording_language,
    clean_source_url,
    clean_title,
    normalise_new_password,
    normalise_password,
    round_milliseconds,
    round_report_seconds,
)

PATTERN_SENTENCES: dict[str, str] = {}


def describe_pattern(pattern: str, sentence: str) -> str:
    """The pattern. `sentence`: the message to someone whose text does not match it."""
    PATTERN_SENTENCES[pattern] = sentence
    return pattern


WHOLE_ADDRESS = "Give a whole email address, such as ada@example.com."
BROKEN_SENTENCE = "This has half a letter, which no keyboard sends. Type it again."
CODE_SENTENCE = "Give the code as it was sent by email, such as 123456."
ONE_LINE_SENTENCE = "Use one line, without line breaks or other control characters."
FILLED_LINE = describe_pattern(r"^[^\x00-\x1f\x7f]+$(?!\n)", ONE_LINE_SENTENCE)
ID_SENTENCE = "Give this as you received it: letters, digits and hyphens only."
RECEIVED = describe_pattern(r"^[0-9A-Za-z-]+$(?!\n)", ID_SENTENCE)
NAME_SENTENCE = "A name has no < or >, no line breaks and no other control characters."


class Cleaned(Struct, frozen=True, kw_only=True):
    """Marks a field of a request whose value is replaced. `by` raises ValueError with a sentence for the person."""

    by: Callable[[Any], Any]


class FieldError(ValueError):
    """What `Cleaned` refused: a sentence for the person, and the name of the field."""

    def __init__(self, message: str, field: str):
        super().__init__(message)
        self.field = field


# Python's `$` also matches before a final line break; `$(?!\n)` is the end in Python and in JSON Schema.
# Blanks around an address or a code come with copying it, so they are accepted and removed.
Email = Annotated[
    str,
    Cleaned(by=clean_email),
    Meta(
        max_length=2 * MAX_EMAIL_CHARACTERS,
        pattern=describe_pattern(
            rf"^{EDGE}*[^@\s\x00-\x1f\x7f\ufffd]{{1,64}}@[^@\s\x00-\x1f\x7f\ufffd]{{1,189}}{EDGE}*$(?!\n)",
            WHOLE_ADDRESS,
        ),
    ),
]
Password = Annotated[
    str,
    Cleaned(by=normalise_new_password),
    Meta(
        min_length=MIN_PASSWORD_CHARACTERS,
        max_length=MAX_PASSWORD_CHARACTERS,
        pattern=describe_pattern(r"^[^\ufffd]*$(?!\n)", BROKEN_SENTENCE),
    ),
]
CurrentPassword = Annotated[str, Cleaned(by=normalise_password), Meta(min_length=1, max_length=MAX_PASSWORD_CHARACTERS)]
# A person may type it in two groups, and a Japanese or Chinese keyboard types wide digits.
Code = Annotated[
    str,
    Cleaned(by=clean_code),
    Meta(
        min_length=1,
        max_length=64,
        pattern=describe_pattern(
            rf"^{EDGE}*[0-9A-Za-z\uff10-\uff19-](?:{EDGE}*[0-9A-Za-z\uff10-\uff19-])*{EDGE}*$(?!\n)", CODE_SENTENCE
        ),
    ),
]
Name = Annotated[str, Meta(max_length=100, pattern=describe_pattern(r"^[^\x00-\x1f\x7f<>]*$(?!\n)", NAME_SENTENCE))]
Token = Annotated[str, Meta(min_length=1, max_length=8_192)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern=RECEIVED)]
# What labels a thing never refuses it: these are cleaned instead. A language is refused where no model recognises it.
Language = Annotated[str, Cleaned(by=clean_language)]
RecordingLanguage = Annotated[str, Cleaned(by=clean_recording_language)]
Title = Annotated[str, Cleaned(by=clean_title)]
SourceUrl = Annotated[str, Cleaned(by=clean_source_url)]
MediaType = Annotated[str, Cleaned(by=clean_media_type)]
# For responses, which are not validated when they are sent: the reference documents it and tests check it.
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Day = Annotated[str, Meta(extra_json_schema={"format": "date"})]
# Thirty days: an interrupted session can be resumed within a day, any number of times.
LONGEST_MS = 2_592_000_000
Milliseconds = Annotated[int, Meta(ge=0, le=LONGEST_MS)]
Sequence = Annotated[int, Meta(ge=0, le=9_999_999)]
if TYPE_CHECKING:
    T = TypeVar("T")
    OrNull = Annotated[T, "null is read as left out"]
    ReportedSeconds = int  # what `Cleaned` leaves of a number
    RoundedMilliseconds = int
    SilenceMs = int
else:
    OrNull = Optional  # A browser sends null for what it does not know; `RequestShape` puts the default there.
    ReportedSeconds = Annotated[Any, Cleaned(by=round_report_seconds), Meta(description="A number.")]
    # A player's position times 1,000.
    RoundedMilliseconds = Annotated[float, Meta(le=LONGEST_MS), Cleaned(by=round_milliseconds)]
    # Seconds times 1,000: 0.56 gives 560.0000000000001 in JavaScript.
    SilenceMs = Annotated[float, Meta(ge=0, le=60_000), Cleaned(by=round_milliseconds)]
KeyTerm = Annotated[str, Meta(min_length=1, max_length=50, pattern=FILLED_LINE)]
LeaseSeconds = Annotated[int, Meta(ge=60, le=10_800)]
# Names that the stage does not know are ignored: a client may speak more providers than there are here.
ProviderNames = Annotated[list[str], Cleaned(by=clean_provider_names), Meta(max_length=20)]
SampleRate = Literal[8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]


def one_of(*values: str) -> Meta:
    """The values of a text field of a response; documented but, as with `Time`, not validated."""
    return Meta(extra_json_schema={"enum": sorted(values)})


class RequestShape(Struct, forbid_unknown_fields=True):
    """A body or query parameters that a client sends. Subclasses set `kw_only`, which is not inherited."""

    def __post_init__(self) -> None:
        for field in find_fields_with_defaults(type(self)):
            if getattr(self, field.name) is None:
                default = field.default_factory() if field.default is NODEFAULT else field.default
                setattr(self, field.name, default)
        for name, clean in find_cleaned_fields(type(self)):
            value = getattr(self, name)
            if value is not None:
                try:
                    setattr(self, name, clean(value))
                except ValueError as error:
                    raise FieldError(str(error), name) from error

    def __repr__(self) -> str:
        """Without values: some are passwords and tokens, and a repr may get into logs."""
        return f"{type(self).__name__}(…)"


@cache
def find_fields_with_defaults(shape: type[Struct]) -> tuple[structs.FieldInfo, ...]:
    """The fields of a shape that have another default than None."""
    return tuple(field for field in structs.fields(shape) if not field.required and field.default is not None)


@cache
def find_cleaned_fields(shape: type[Struct]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """The fields of a shape that are marked with `Cleaned`, optional ones too, and what cleans each."""
    hints = get_type_hints(shape, include_extras=True)
    return tuple(
        (name, mark.by)
        for name, hint in hints.items()
        for annotation in (hint, *get_args(hint))
        for mark in getattr(annotation, "__metadata__", ())
        if isinstance(mark, Cleaned)
    )


class ResponseShape(Struct, omit_defaults=True):
    """A body that this API returns. A field that does not apply is left out. Subclasses set `kw_only`."""

    def __repr__(self) -> str:
        """Without values, as for requests."""
        return f"{type(self).__name__}(…)"


class PageQuery(RequestShape, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


class NoQuery(RequestShape, kw_only=True):
    """No query parameters."""


class AnyQuery(Struct, kw_only=True):
    """Any query parameters, which are ignored: of an address that others decorate, register or cache."""


class EmptyBody(RequestShape, kw_only=True):
    """An empty body: nothing, or `{}`."""
