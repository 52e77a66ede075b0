"""What all shapes of the contract share: the two bases, and bounded text, numbers and times."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

PATTERN_SENTENCES: dict[str, str] = {}


def describe_pattern(pattern: str, sentence: str) -> str:
    """The pattern. `sentence`: the message to someone whose text does not match it."""
    PATTERN_SENTENCES[pattern] = sentence
    return pattern


WHOLE_ADDRESS = "Give a whole email address, such as ada@example.com."
ONE_LINE_SENTENCE = "Use one line, without line breaks or other control characters."
ONE_LINE = describe_pattern(r"^[^\x00-\x1f\x7f]*$(?!\n)", ONE_LINE_SENTENCE)
FILLED_LINE = describe_pattern(r"^[^\x00-\x1f\x7f]+$(?!\n)", ONE_LINE_SENTENCE)
ID_SENTENCE = "Give this as you received it: letters, digits and hyphens only."
RECEIVED = describe_pattern(r"^[0-9A-Za-z-]+$(?!\n)", ID_SENTENCE)  # ids and codes
NAME_SENTENCE = "A name has no < or >, no line breaks and no other control characters."
# Python's `$` also matches before a final line break; `$(?!\n)` is the end in Python and in JSON Schema.
Text = Annotated[str, Meta(min_length=1, max_length=2_000)]
Email = Annotated[
    str,
    Meta(
        max_length=128,
        pattern=describe_pattern(
            r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}$(?!\n)",
            WHOLE_ADDRESS,
        ),
    ),
]
Password = Annotated[str, Meta(min_length=10, max_length=256)]
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=RECEIVED)]
Name = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=describe_pattern(r"^[^\x00-\x1f\x7f<>]+$(?!\n)", NAME_SENTENCE))
]
NewName = Annotated[str, Meta(max_length=100, pattern=describe_pattern(r"^[^\x00-\x1f\x7f<>]*$(?!\n)", NAME_SENTENCE))]
Token = Annotated[str, Meta(min_length=1, max_length=8_192)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern=RECEIVED)]
# The languages of speech models (those of Whisper), with or without a region.
LANGUAGES = (
    "af|am|ar|as|az|ba|be|bg|bn|bo|br|bs|ca|cs|cy|da|de|el|en|es|et|eu|fa|fi|fo|fr|gl|gu|ha|haw|he|hi|hr|ht|hu|hy|id|is"
    "|it|ja|jw|ka|kk|km|kn|ko|la|lb|ln|lo|lt|lv|mg|mi|mk|ml|mn|mr|ms|mt|my|ne|nl|nn|no|oc|pa|pl|ps|pt|ro|ru|sa|sd|si|sk"
    "|sl|sn|so|sq|sr|su|sv|sw|ta|te|tg|th|tk|tl|tr|tt|uk|ur|uz|vi|yi|yo|yue|zh"
)
Language = Annotated[
    str,
    Meta(
        max_length=10,
        pattern=describe_pattern(
            rf"^(({LANGUAGES})(-[A-Z]{{2}})?)?$(?!\n)",
            "Give a language, such as en, de or pt-BR, or leave it out to have it detected.",
        ),
    ),
]
Title = Annotated[str, Meta(max_length=200, pattern=ONE_LINE)]
SourceUrl = Annotated[
    str,
    Meta(
        max_length=2_000,
        pattern=describe_pattern(
            r"^https?://[^\s/?#@\\\x00-\x1f\x7f]+([/?#][^\s\x00-\x1f\x7f]*)?$(?!\n)",
            "Give the http or https address of a page, such as https://example.com/talk.",
        ),
    ),
]
# For responses, which are not validated when they are sent: the reference documents it and tests check it.
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Day = Annotated[str, Meta(extra_json_schema={"format": "date"})]
# Thirty days: an interrupted session can be resumed within a day, any number of times.
Milliseconds = Annotated[int, Meta(ge=0, le=2_592_000_000)]
Sequence = Annotated[int, Meta(ge=0, le=9_999_999)]
KeyTerm = Annotated[str, Meta(min_length=1, max_length=50, pattern=FILLED_LINE)]
LeaseSeconds = Annotated[int, Meta(ge=60, le=10_800)]
SampleRate = Literal[8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]


def one_of(*values: str) -> Meta:
    """The values of a text field of a response; documented but, as with `Time`, not validated."""
    return Meta(extra_json_schema={"enum": sorted(values)})


class RequestShape(Struct, forbid_unknown_fields=True):
    """A body or query parameters that a client sends. Subclasses set `kw_only`, which is not inherited."""

    def __repr__(self) -> str:
        """Without values: some are passwords and tokens, and a repr may get into logs."""
        return f"{type(self).__name__}(…)"


class ResponseShape(Struct, omit_defaults=True):
    """A body that this API returns. A field that does not apply is left out. Subclasses set `kw_only`."""

    def __repr__(self) -> str:
        """Without values, as for requests."""
        return f"{type(self).__name__}(…)"


class PageQuery(RequestShape, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


class EmptyBody(RequestShape, kw_only=True):
    """An empty body: nothing, or `{}`."""
