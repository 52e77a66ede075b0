"""What every shape is made of: the two bases, and bounded words, numbers and times."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

# Python's `$` also stands before a last line break; `$(?!\n)` is the end in Python and in JSON Schema.
Text = Annotated[str, Meta(min_length=1, max_length=2_000)]
Email = Annotated[
    str, Meta(min_length=3, max_length=128, pattern=r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}$(?!\n)")
]
Password = Annotated[str, Meta(min_length=10, max_length=256)]
Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z-]+$(?!\n)")]
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f<>]+$(?!\n)")]
NewName = Annotated[str, Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f<>]*$(?!\n)")]
Token = Annotated[str, Meta(min_length=1, max_length=8_192)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z-]+$(?!\n)")]
# The languages that speech models of this kind know (those of Whisper), with or without a region.
LANGUAGES = (
    "af|am|ar|as|az|ba|be|bg|bn|bo|br|bs|ca|cs|cy|da|de|el|en|es|et|eu|fa|fi|fo|fr|gl|gu|ha|haw|he|hi|hr|ht|hu|hy|id|is"
    "|it|ja|jw|ka|kk|km|kn|ko|la|lb|ln|lo|lt|lv|mg|mi|mk|ml|mn|mr|ms|mt|my|ne|nl|nn|no|oc|pa|pl|ps|pt|ro|ru|sa|sd|si|sk"
    "|sl|sn|so|sq|sr|su|sv|sw|ta|te|tg|th|tk|tl|tr|tt|uk|ur|uz|vi|yi|yo|yue|zh"
)
Language = Annotated[str, Meta(max_length=10, pattern=rf"^(({LANGUAGES})(-[A-Z]{{2}})?)?$(?!\n)")]
Title = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
SourceUrl = Annotated[
    str, Meta(max_length=2_000, pattern=r"^https?://[^\s/?#@\\\x00-\x1f\x7f]+([/?#][^\s\x00-\x1f\x7f]*)?$(?!\n)")
]
# Of answers, which are not checked when they are sent: what the reference says of them, and tests hold them to.
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Day = Annotated[str, Meta(extra_json_schema={"format": "date"})]
# Thirty days: an interrupted session may be taken up again within a day, and that as often as it is interrupted.
Milliseconds = Annotated[int, Meta(ge=0, le=2_592_000_000)]
Sequence = Annotated[int, Meta(ge=0, le=9_999_999)]
KeyTerm = Annotated[str, Meta(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
LeaseSeconds = Annotated[int, Meta(ge=60, le=10_800)]
SampleRate = Literal[8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]


def one_of(*words: str) -> Meta:
    """What a word of an answer may be; as with `Time`, it is said and not checked."""
    return Meta(extra_json_schema={"enum": sorted(words)})


class Request(Struct, forbid_unknown_fields=True):
    """A body or query that a client sends."""

    def __repr__(self) -> str:
        """Without a value: some are passwords and tokens, and a repr ends up in logs."""
        return f"{type(self).__name__}(…)"


class Answer(Struct, omit_defaults=True):
    """A body that we send. A field that does not apply is left out."""

    def __repr__(self) -> str:
        """Without a value, as of a request."""
        return f"{type(self).__name__}(…)"


class PageQuery(Request):
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
