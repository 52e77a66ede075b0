"""What labels a thing is cleaned and never refused; blanks around an address or a code are removed."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib import contract
from chalicelib.contract.base import RequestShape, find_cleaned_fields
from chalicelib.contract.cleaning import (
    EDGE,
    clean_provider_names,
    round_milliseconds,
    round_report_seconds,
    strip_edges,
)
from chalicelib.contract.streaming import place_chunk
from chalicelib.errors import InvalidRequestError
from chalicelib.http import request
from chalicelib.http.parameters import MAX_LARGE_JSON_BYTES

SESSION = {"session_id": "5a1de7d4"}


def read(shape: Any, **fields: Any) -> Any:
    return request.body(SimpleNamespace(raw_body=json.dumps(fields).encode()), shape)  # type: ignore[arg-type]


def refusal_of(shape: Any, **fields: Any) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as found:
        read(shape, **fields)
    return found.value


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("x" * 300, "x" * 200),
        ("one\r\ntwo\x00three\u2028four", "one two three four"),
        (" padded\n", "padded"),
        ("\u200fעברית", "\u200fעברית"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("x" * 199 + "👨\u200d👩\u200d👧", "x" * 199),
        ("x" * 199 + "e\u0301", "x" * 199),
        ("🇩🇪" * 150, "🇩🇪" * 100),
        ("x" * 195 + " word", "x" * 195 + " word"),
        ("cut \ud83d", "cut \ufffd"),
        ("\n", ""),
        ("e" + "\u0301" * 300, "e" + "\u0301" * 199),
    ],
    ids=ascii,
)
def test_a_title_is_put_on_one_line_and_cut_between_letters(title: str, expected: str) -> None:
    assert read(contract.StreamAction, action="start", title=title).title == expected
    assert read(contract.Catchup, title=title).title == expected


NULLS = [
    (contract.StreamAction, {"action": "start"}, ["title", "source_url", "language", "key_terms", "transport"]),
    (contract.Catchup, {"upload_id": "5a1de7d4", "from_ms": 0}, ["title", "language"]),
    (contract.StreamAction, {"action": "renew", **SESSION}, ["interrupted"]),
    (contract.Register, {"email": "ada@example.com", "password": "correct horse"}, ["name"]),
    (contract.StreamAction, {"action": "stop", **SESSION}, ["segments", "provider_session_seconds"]),
]


@pytest.mark.parametrize(
    ("shape", "fields", "null"),
    [(shape, fields, [name]) for shape, fields, names in NULLS for name in names] + NULLS,
)
def test_null_is_read_as_left_out(shape: Any, fields: dict[str, Any], null: list[str]) -> None:
    assert read(shape, **fields, **dict.fromkeys(null)) == read(shape, **fields)


@pytest.mark.parametrize(
    ("shape", "fields", "name"),
    [
        (contract.StreamAction, {"action": "save", **SESSION}, "segments"),
        (contract.StreamAction, {"action": "stop"}, "session_id"),
        (contract.Login, {"email": "ada@example.com"}, "password"),
        (contract.Catchup, {}, "quote"),
    ],
)
def test_null_is_refused_where_something_is_needed(shape: Any, fields: dict[str, Any], name: str) -> None:
    assert refusal_of(shape, **fields, **{name: None}).details["field"] == name


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["OpenAI", "AssemblyAI"], ["openai", "assemblyai"]),
        ([" assemblyai ", "\u200bOPENAI\n"], ["assemblyai", "openai"]),
        (["google-cloud", "", "Ünknown name", "x" * 300], ["google-cloud", "", "ünknown name", "x" * 300]),
        ([], []),
        (None, None),
    ],
    ids=ascii,
)
def test_the_names_of_providers_are_read_in_any_spelling(names: list[str] | None, expected: list[str] | None) -> None:
    assert read(contract.StreamAction, action="start", providers=names).providers == expected


@pytest.mark.parametrize("title", [None, "", " "])
def test_no_title_removes_it_and_a_change_without_one_is_refused(title: str | None) -> None:
    assert read(contract.UpdateTranscript, title=title).title == ""
    assert refusal_of(contract.UpdateTranscript).details == {"field": "title"}


def test_null_removes_the_name_of_a_profile() -> None:
    assert read(contract.UpdateUser, name=None) == read(contract.UpdateUser, name="")
    assert refusal_of(contract.UpdateUser).details == {"field": "name"}


def test_an_empty_name_is_none() -> None:
    assert read(contract.Register, email="ada@example.com", password="correct horse", name="").name == ""


def test_a_list_that_was_null_is_not_shared() -> None:
    first, second = (read(contract.StreamAction, action="start", key_terms=None) for _ in range(2))

    first.key_terms.append("word")
    assert second.key_terms == []


STORED = [
    "https://example.com/watch?v=1#t=2",
    "http://localhost:3000/",
    "https://münchen.example/ä",
    "HTTPS://EXAMPLE.COM",
]
LEFT_OUT = [
    "file:///c:/talk.mp4", "javascript:alert(1)", "chrome://newtab/", "about:blank", "data:,a",
    "blob:https://a.example/1", "https://ada:secret@example.com/",
    "https://example.com/" + "x" * 2_000, "https://example.com/a\r\nX: y",
    "https://example.com/a b", "https://", "example.com", "\ud83d", "https://example.com/\x00",
]  # fmt: skip


@pytest.mark.parametrize("url", STORED)
def test_the_address_of_a_page_is_kept(url: str) -> None:
    assert read(contract.StreamAction, action="start", source_url=f" {url}\n").source_url == url


@pytest.mark.parametrize("url", LEFT_OUT, ids=lambda url: ascii(url)[:40])
def test_an_address_that_cannot_be_kept_is_left_out(url: str) -> None:
    assert read(contract.StreamAction, action="start", source_url=url).source_url == ""


@pytest.mark.parametrize(
    ("media_type", "expected"),
    [
        ("audio/webm;codecs=opus", "audio/webm"),
        ("Audio/MP4", "audio/mp4"),
        ("application/ogg", "application/ogg"),
        ("application/x-ogg", "application/x-ogg"),
        ("application/x-flac", "application/x-flac"),
        ("application/x-wav", "application/x-wav"),
        ("application/wav", "application/wav"),
        ("application/webm; codecs=opus", "application/webm"),
        ("application/mpeg", "application/mpeg"),
        ("application/x-ms-wmv", "application/x-ms-wmv"),
        ("application/vnd.ms-asf", "application/vnd.ms-asf"),
        ("application/mp3", "application/mp3"),
        ("binary/octet-stream", "binary/octet-stream"),
        # Names of other systems and servers, which say less.
        ("application/x-mp3", "application/x-mp3"),
        ("application/x-flv", "application/x-flv"),
        ("application/x-troff-msvideo", "application/x-troff-msvideo"),
        ("application/octetstream", "application/octetstream"),
        ("application/force-download", "application/force-download"),
        ("application/vnd.smaf; v=1", "application/vnd.smaf"),
        ("", "application/octet-stream"),
        (" ", "application/octet-stream"),
        ('video/mp4; codecs="avc1.42E01E, mp4a.40.2"', "video/mp4"),
        ("AUDIO/X-M4A ; x=1", "audio/x-m4a"),
        ("video/x-matroska", "video/x-matroska"),
        ("audio/wav; codecs=1", "audio/wav"),
        ("audio/vnd.wave", "audio/vnd.wave"),
        ("application/octet-stream", "application/octet-stream"),
        ("audio/", "application/octet-stream"),
        ("audio", "application/octet-stream"),
        ("audio/wav\r\nX: y", "application/octet-stream"),
        ("audio/" + "x" * 300, "application/octet-stream"),
    ],
)
def test_a_media_type_is_read_with_its_parameters_and_in_any_case(media_type: str, expected: str) -> None:
    assert read(contract.NewUpload, content_type=media_type).content_type == expected


@pytest.mark.parametrize(
    "media_type",
    [
        "audio/pcm", "audio/PCM; rate=16000", "audio/L16;rate=16000", "audio/x-raw", "audio/s16le", "audio/S16BE",
        "audio/x-L16;rate=8000",
    ],
)  # fmt: skip
def test_raw_samples_are_refused_as_an_upload_with_what_to_do(media_type: str) -> None:
    refusal = refusal_of(contract.NewUpload, content_type=media_type)

    assert refusal.details == {"field": "content_type"}
    assert "WAV file" in refusal.message
    assert "relay session" in refusal.message


@pytest.mark.parametrize(
    "media_type",
    [
        "audio/mpegurl", "audio/x-mpegurl", "application/x-mpegURL", "application/vnd.apple.mpegurl; charset=utf-8",
        "application/dash+xml", "audio/x-scpls", "application/xspf+xml", "application/x-dash+xml", "application/smil",
        "application/smil+xml", "application/vnd.ms-wpl",
    ],
)  # fmt: skip
def test_a_playlist_is_refused_as_an_upload_with_what_to_do(media_type: str) -> None:
    refusal = refusal_of(contract.NewUpload, content_type=media_type)

    assert refusal.details == {"field": "content_type"}
    assert refusal.message == "This is a playlist, not a recording. Upload the audio or video file itself."


@pytest.mark.parametrize(
    "media_type",
    [
        "text/html",
        "image/png",
        "application/pdf",
        "text/plain; charset=utf-8",
        "application/x-pdf",
        "font/woff2",
        "application/msword",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.ms-excel",
        "application/zip",
        "application/x-zip-compressed",
        "application/x-7z-compressed",
        "application/gzip",
        "application/x-tar",
        "application/json",
        "application/ld+json",
        "application/xml",
        "application/rss+xml",
        "application/xhtml+xml",
        "application/epub+zip",
        "application/vnd.oasis.opendocument.text",
        "application/x-msdownload",
        "application/javascript",
        "application/vnd.rar",
        "application/x-rar-compressed",
    ],
)
def test_a_file_without_sound_is_refused_as_an_upload(media_type: str) -> None:
    assert refusal_of(contract.NewUpload, content_type=media_type).message == "Upload an audio or video file."


@pytest.mark.parametrize("edge", [" ", "\n", "\t\r\n", "\u00a0", "\u200b", "\ufeff", "\u202a", " \u2060 "], ids=ascii)
def test_what_is_copied_along_with_an_address_or_a_code_is_removed(edge: str) -> None:
    confirm = read(contract.Confirm, email=f"{edge}ada@example.com{edge}", code=f"{edge}123456{edge}")

    assert (confirm.email, confirm.code) == ("ada@example.com", "123456")
    url = "https://example.com/talk.mp3"
    assert read(contract.Catchup, audio_url=edge + url + edge).audio_url == url
    buy = read(contract.Buy, package_id="popular", success_url=edge + url, cancel_url=url + edge)
    assert (buy.success_url, buy.cancel_url) == (url, url)
    longest = f"{'a' * 64}@{'b' * 59}.com"
    assert read(contract.Register, email=edge + longest + edge, password="correct horse").email == longest


@pytest.mark.parametrize(
    "code",
    ["123 456", "12 34 56", " 1 2 3 4 5 6 ", "123\u00a0456", "\uff11\uff12\uff13\uff14\uff15\uff16", "123\u200b456\n"],
)
def test_a_code_is_read_without_blanks_and_with_wide_digits(code: str) -> None:
    assert read(contract.Confirm, email="ada@example.com", code=code).code == "123456"
    body = {"email": "ada@example.com", "password": "correct horse"}
    assert read(contract.ResetPassword, code=code, **body).code == "123456"


@pytest.mark.parametrize("code", ["", " ", "12.34", "<1>", "1\x00", "12,34", "x" * 65, "\ud83d"], ids=ascii)
def test_what_is_no_code_is_refused_by_its_field(code: str) -> None:
    assert refusal_of(contract.Confirm, email="ada@example.com", code=code).details == {"field": "code"}


@pytest.mark.parametrize(
    "email", ["", " ", "ada", "a da@example.com", "ada@exam ple.com", f"{'a' * 64}@{'b' * 61}.com", "\ud83d@b.cd"]
)
def test_other_addresses_are_refused(email: str) -> None:
    assert refusal_of(contract.ForgotPassword, email=email).details == {"field": "email"}


def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    composed, decomposed = "pässwörd-canary", "pa\u0308sswo\u0308rd-canary"

    for shape, more in ((contract.Register, {}), (contract.Login, {}), (contract.ResetPassword, {"code": "1"})):
        assert read(shape, email="a@b.cd", password=decomposed, **more).password == composed
    assert refusal_of(contract.Register, email="a@b.cd", password="half a pair \ud83d").details == {"field": "password"}


@pytest.mark.parametrize(
    ("sent", "rounded"),
    [
        (12.4, 12),
        (12, 12),
        (0.6, 1),
        (-3, 0),
        (-0.2, 0),
        (2_592_000, 2_592_000),
        (1e300, 2_592_000),
        (None, None),
        (0.5, 1),
        (1.5, 2),
        (2.5, 3),
        ("12.5", 13),
        (True, None),
        ("soon", None),
        ([1], None),
        (10**400, 2_592_000),
    ],
)
def test_reported_seconds_are_rounded_and_clamped(sent: Any, rounded: int | None) -> None:
    stop = read(contract.StreamAction, action="stop", provider_session_seconds=sent, **SESSION)

    assert (stop.provider_session_seconds, type(stop.provider_session_seconds)) == (rounded, type(rounded))


@pytest.mark.parametrize(
    ("sent", "rounded"),
    [
        (1.5, 2), (0.5, 1), (2.5, 3), (1_234.5, 1_235), (1_235.5, 1_236), (1.4, 1), (0.49999999999999994, 0), (-1, 0),
        (-0.4, 0), (-1e300, 0), (61_000, 61_000), (12_345.678, 12_346), (2_592_000_000, 2_592_000_000), (None, None),
    ],
)  # fmt: skip
def test_the_ends_of_a_range_are_rounded_halves_up_and_clamped(sent: float | None, rounded: int | None) -> None:
    catchup = read(contract.Catchup, from_ms=sent, to_ms=sent)

    for value in (catchup.from_ms, catchup.to_ms):
        assert (value, type(value)) == (rounded, type(rounded))


@pytest.mark.parametrize("sent", [2_592_000_001, "1", True])
def test_an_end_of_a_range_that_is_no_place_in_a_recording_is_refused(sent: Any) -> None:
    assert refusal_of(contract.Catchup, from_ms=sent).details == {"field": "from_ms"}


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        (rb"\ud83d\ude00", "😀"),
        (rb"\ud83d", "\ufffd"),
        (rb"\uDC00\uD83D", "\ufffd\ufffd"),
        (rb"\ud83d\ud83d\ude00", "\ufffd😀"),
        (rb"\\ud83d", r"\ud83d"),
        (rb"\\\ud83d", "\\\ufffd"),
        (rb"\"\ud83d\"", '"\ufffd"'),
        (rb"\ud83d\n", "\ufffd"),
    ],
)
def test_half_a_pair_of_surrogates_is_read_as_a_replacement_character(raw: bytes, title: str) -> None:
    body = SimpleNamespace(raw_body=b'{"action": "start", "title": "' + raw + b'"}')

    assert request.body(body, contract.StreamAction).title == title  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "password",
    ["e\u0301" * 5, "e\u0301" * 9, "\u1100\u1161" * 7, "a" + "o\u0308" * 8, "\u0958" * 129,
     "\u0958" * 256, "\U0001d15e" * 256],
)  # fmt: skip
@pytest.mark.parametrize(
    ("shape", "more"),
    [(contract.Register, {}), (contract.Confirm, {"code": "1"}), (contract.ResetPassword, {"code": "1"})],
)
def test_the_length_of_a_new_password_is_that_of_its_one_spelling(shape: Any, more: Any, password: str) -> None:
    refused = refusal_of(shape, email="ada@example.com", password=password, **more)

    assert refused.details == {"field": "password"}
    assert "A password has at " in refused.message


@pytest.mark.parametrize(
    ("password", "characters"), [("e\u0301" * 10, 10), ("e\u0301" * 128, 128), ("\u0958" * 128, 256), ("a" * 10, 10)]
)
def test_a_new_password_whose_one_spelling_fits_is_accepted(password: str, characters: int) -> None:
    assert len(read(contract.Register, email="ada@example.com", password=password).password) == characters


def test_a_sign_in_takes_short_passwords_but_none_that_is_too_long() -> None:
    assert read(contract.Login, email="ada@example.com", password="e\u0301" * 5).password == "\xe9" * 5
    assert refusal_of(contract.Login, email="ada@example.com", password="\u0958" * 129).details == {"field": "password"}


# Size


def all_shapes(kind: type[Any] = RequestShape) -> Iterator[type[Any]]:
    for shape in kind.__subclasses__():
        yield shape
        yield from all_shapes(shape)


CLEANED_TEXTS = {
    (shape.__name__, name): clean
    for shape in all_shapes()
    for name, clean in find_cleaned_fields(shape)
    if clean not in (round_milliseconds, round_report_seconds, clean_provider_names, place_chunk)
}
CLEANERS = {clean.__name__: clean for clean in CLEANED_TEXTS.values()}
LARGEST_BYTES = MAX_LARGE_JSON_BYTES
INNER = [" ", "\t", "\n", "\u200b", "\u3000", "\ufeff", " \u200b", "a ", "a\n", "-", "a-", ";", "/", "a/", "\u2028a"]


def test_the_fields_that_are_cleaned_are_found() -> None:
    assert {name for _, name in CLEANED_TEXTS} >= {"email", "code", "title", "language", "source_url", "content_type"}
    assert set(CLEANERS) >= {"clean_email", "strip_edges", "clean_title", "clean_language", "clean_source_url"}


@pytest.mark.sampled(55)
@pytest.mark.parametrize("inner", INNER, ids=ascii)
@pytest.mark.parametrize("clean", CLEANERS.values(), ids=CLEANERS)
def test_cleaning_takes_linear_work_for_a_text_as_large_as_a_body(clean: Callable[[str], str], inner: str) -> None:
    """At this size, work that grows with the square of the text would take hours."""
    text = "x" + inner * (LARGEST_BYTES // len(inner)) + "y"

    with suppress(ValueError):
        assert len(clean(text)) <= len(text)


@pytest.mark.parametrize("inner", INNER, ids=ascii)
def test_the_edges_of_a_text_as_large_as_a_body_are_stripped_in_linear_work(inner: str) -> None:
    text = "x" + inner * (LARGEST_BYTES // len(inner)) + "y"

    assert strip_edges(f" \u200b{text}\ufeff\n") == text


@pytest.mark.sampled(11)
@pytest.mark.parametrize("clean", CLEANERS.values(), ids=CLEANERS)
@pytest.mark.parametrize("inner", [" ", "\u200b\n", "\u3000"], ids=ascii)
def test_a_text_of_nothing_but_blanks_is_cleaned_too(clean: Callable[[str], str], inner: str) -> None:
    text = inner * (LARGEST_BYTES // len(inner))

    with suppress(ValueError):
        assert len(clean(text)) <= len(text)


@pytest.mark.parametrize("inner", [" ", "\u200b\n", "\u3000"], ids=ascii)
def test_nothing_is_left_of_a_text_of_nothing_but_blanks(inner: str) -> None:
    assert strip_edges(inner * (LARGEST_BYTES // len(inner))) == ""


def test_the_edges_are_those_of_the_pattern_that_the_contract_shows() -> None:
    for letter in map(chr, range(0x11000)):
        assert (strip_edges(letter) == "") == bool(re.fullmatch(EDGE, letter)), ascii(letter)
