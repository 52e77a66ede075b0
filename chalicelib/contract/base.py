"""What all shapes of the contract share: the two bases, and bounded text, numbers and times."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

# Python's `$` also matches before a final line break; `$(?!\n)` is the end in Python and in JSON Schema.
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
# The languages of speech models (those of Whisper), with or without a region.
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
# For responses, which are not validated when they are sent: the reference documents it and tests check it.
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Day = Annotated[str, Meta(extra_json_schema={"format": "date"})]
# Thirty days: an interrupted session can be resumed within a day, any number of times.
Milliseconds = Annotated[int, Meta(ge=0, le=2_592_000_000)]
Sequence = Annotated[int, Meta(ge=0, le=9_999_999)]
KeyTerm = Annotated[str, Meta(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
LeaseSeconds = Annotated[int, Meta(ge=60, le=10_800)]
ProviderName = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[0-9a-z_-]+$(?!\n)")]
SilenceMs = Annotated[int, Meta(ge=0, le=60_000)]
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
