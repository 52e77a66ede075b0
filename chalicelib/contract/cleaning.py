"""Cleans what people and browsers send as labels. Pure functions.

A label never refuses the thing that it labels. A language or media type that we cannot use does, with ValueError: a
sentence for the person.
"""

import math
import re
import unicodedata
from functools import lru_cache

from ..models.languages import AUTO, LANGUAGES, primary_language, read_language_tag
from ..models.rounding import round_half_up
from ..models.text import cut_text, one_line

MAX_TITLE_CHARACTERS, MAX_URL_CHARACTERS, MAX_EMAIL_CHARACTERS, MAX_MEDIA_TYPE_CHARACTERS = 200, 2_000, 128, 100
MIN_PASSWORD_CHARACTERS, MAX_PASSWORD_CHARACTERS = 10, 256
LONGEST_REPORT_SECONDS = 2_592_000  # thirty days
UNKNOWN_MEDIA_TYPE = "application/octet-stream"  # of a browser that does not know the type of a file either
# Blanks and invisible characters that come along when an address or a code is copied.
EDGE = r"[\s\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
SOURCE_URL = r"(?i:https?)://[^\s/?#@\\]+([/?#]\S*)?"
MEDIA_TYPE = r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*"
# Of `application/`, what surely has no sound: documents, archives, data. Anything else may be audio or video, by one of
# the many names that systems and servers have for it.
NO_RECORDING = (
    r"(text|image|font|model|message|multipart)/.*"
    r"|application/(.*[.+-])?(pdf|rtf|json|xml|javascript|zip|zip-compressed|gzip|7z-compressed|rar|rar-compressed|tar"
    r"|bzip2?|html|css|csv|sql|msword|ms-(word|excel|powerpoint|works)(\..*)?|postscript|epub|wasm|x509.*|pkcs.*"
    r"|x-www-form-urlencoded)"
    r"|application/(vnd\.(openxmlformats|oasis|google-apps)|x-sh|x-msdownload|x-ms-shortcut).*"
)
RAW_AUDIO = {
    "audio/pcm", "audio/x-pcm", "audio/raw", "audio/x-raw", "audio/l8", "audio/l16", "audio/l20", "audio/l24",
    "audio/x-l16", "audio/s16le", "audio/s16be",
}  # fmt: skip
PLAYLIST_MEDIA_TYPE = r".*mpegurl|.*/((x-)?dash\+xml|x-scpls|xspf\+xml|smil(\+xml)?|vnd\.ms-wpl)"


def strip_edges(text: str) -> str:
    """The text without blanks and invisible characters around it."""
    return text.strip(_edge_characters())


@lru_cache
def _edge_characters() -> str:
    """What `EDGE` matches. A pattern for the end of a text would be tried at each blank inside it."""
    return "".join(re.findall(EDGE, "".join(map(chr, range(0x10000)))))


def clean_email(text: str) -> str:
    """The address without blanks around it. Raises ValueError if it is longer than the user pool stores."""
    email = strip_edges(text)
    if len(email) > MAX_EMAIL_CHARACTERS:
        raise ValueError(f"An email address has at most {MAX_EMAIL_CHARACTERS} characters.")
    return email


def clean_code(text: str) -> str:
    """The code of an email without blanks and invisible characters, with plain digits for wide ones."""
    return re.sub(EDGE, "", unicodedata.normalize("NFKC", text))


def normalise_password(password: str) -> str:
    """One spelling for letters that keyboards compose differently (Unicode NFC). Raises ValueError if it is too long.

    That spelling may have fewer letters, or more.
    """
    normalised = unicodedata.normalize("NFC", password)
    if len(normalised) > MAX_PASSWORD_CHARACTERS:
        raise ValueError(f"A password has at most {MAX_PASSWORD_CHARACTERS} characters.")
    return normalised


def normalise_new_password(password: str) -> str:
    """The same for a new password, which has a least length too. Raises ValueError."""
    normalised = normalise_password(password)
    if len(normalised) < MIN_PASSWORD_CHARACTERS:
        raise ValueError(f"A password has at least {MIN_PASSWORD_CHARACTERS} characters.")
    return normalised


def clean_title(title: str) -> str:
    """The title on one line, cut to its first 200 characters, never inside a letter."""
    return cut_text(one_line(title), MAX_TITLE_CHARACTERS)


def clean_source_url(url: str) -> str:
    """The address of a page; empty if it cannot be kept: not http or https, too long, or with a password."""
    stripped = strip_edges(url)
    is_kept = (
        len(stripped) <= MAX_URL_CHARACTERS and re.fullmatch(SOURCE_URL, stripped) and one_line(stripped) == stripped
    )
    return stripped if is_kept else ""


def clean_media_type(media_type: str) -> str:
    """The media type of an upload in small letters, without parameters.

    Raises ValueError for raw samples, whose rate nobody could tell, for a playlist, and for what has no sound.
    """
    name = strip_edges(media_type.partition(";")[0]).lower()
    if len(name) > MAX_MEDIA_TYPE_CHARACTERS or not re.fullmatch(MEDIA_TYPE, name):
        return UNKNOWN_MEDIA_TYPE
    if name in RAW_AUDIO:
        raise ValueError(
            "Raw PCM does not say its sample rate. Put it into a WAV file and upload that as audio/wav, "
            "or send it in chunks to a relay session."
        )
    if re.fullmatch(PLAYLIST_MEDIA_TYPE, name):
        raise ValueError("This is a playlist, not a recording. Upload the audio or video file itself.")
    if re.fullmatch(NO_RECORDING, name):
        raise ValueError("Upload an audio or video file.")
    return name


def clean_language(tag: str) -> str:
    """The language of a BCP 47 tag as models/languages.py writes it; empty for none. Raises ValueError."""
    language = read_language_tag(strip_edges(tag))
    if language is None:
        raise ValueError("Send a language tag such as en or pt-BR, or auto to have the language detected.")
    if (code := primary_language(language)) and code not in LANGUAGES:
        raise ValueError("No speech model recognises this language. Send another one, or auto to have it detected.")
    return language


def clean_recording_language(tag: str) -> str:
    """The same for a recording, whose language is detected unless one is named: `auto` is empty. Raises ValueError."""
    language = clean_language(tag)
    return "" if language == AUTO else language


def clean_provider_names(names: list[str]) -> list[str]:
    """The names as the settings write them: in small letters, without blanks around them."""
    return [strip_edges(name).lower() for name in names]


def round_milliseconds(milliseconds: float) -> int:
    """A place in a recording as whole milliseconds, halves up as JavaScript's Math.round; none is before its start."""
    return max(0, round_half_up(milliseconds))


def read_number(value: object) -> float | None:
    """A number, also one that was sent as text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    except OverflowError:  # Of a whole number that no float holds.
        number = math.inf if int(value) > 0 else -math.inf
    return None if math.isnan(number) else number


def round_report_seconds(seconds: object) -> int | None:
    """A reported duration as whole seconds, from none to thirty days; None for what is no number."""
    number = read_number(seconds)
    return None if number is None else round_half_up(min(max(0, number), LONGEST_REPORT_SECONDS))
