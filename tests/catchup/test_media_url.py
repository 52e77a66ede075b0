"""Only public https addresses are passed to a provider; every other address is refused."""

import ipaddress
import os
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings, strategies as st

from chalicelib.catchup.media_url import MAX_CHARACTERS, check_is_file, check_public_https
from chalicelib.errors import InvalidRequestError

EXAMPLES = 1_500 if os.environ.get("SOAK") else 400

GOOD = [
    "https://media.example.com/talk.mp3",
    "https://example.com",
    "https://example.com/",
    "https://example.com:443/a.wav",
    "https://example.com:0443/a.wav",
    "https://example.com./a.wav",
    "HTTPS://Media.Example.COM/A.mp3",
    "https://a.b.c.d.example.co.uk/a?b=c&d=%2F..#t=10",
    "https://bucket.s3.eu-central-1.amazonaws.com/u/1.mp3?X-Amz-Signature=0a~b-c_d.e",
    "https://xn--bcher-kva.example.org/x",
    "https://example.xn--p1ai/x",
    "https://1.2.3.4a/x",
    "https://127.0.0.1.example.com/x",
    "https://0x7f.example.com/x",
    "https://localhost.example.com/x",
    "https://example.com/@127.0.0.1/x",
    "https://example.com?next=@127.0.0.1",
    "https://example.com#@127.0.0.1",
    "https://example.com/[1]",
    "https://example.com/a%0d%0ab",
    "https://" + "a" * 63 + ".example.com/",
    "https://" + "a." * 100 + "example.com/",
]
NO_PUBLIC_NAME = [
    "localhost", "LOCALHOST", "localhost.", "api.localhost", "a.localhost.", "printer.local", "db.internal",
    "metadata.google.internal", "wiki.intranet", "a.private", "a.corp", "a.home", "nas.lan", "a.home.arpa",
    "1.0.0.127.in-addr.arpa", "a.test", "a.invalid", "a.example", "a.localdomain", "a.onion", "a.alt",
    "intranet", "com", "com.", "", ".", "..", ".com", "a..com", "example.com..", "-a.com", "a-.com", "a.-com",
    "a_b.com", "a" * 64 + ".com", "a." * 126 + "com", "exa mple.com", "*.example.com", "a,b.com", "%6cocalhost",
    "a%2ecom", "127%2e0%2e0%2e1", "%00.com", "a'b.com", "a(b).com", "a~b.com", "a!b.com", "a$b.com", "a|b.com",
    "a^b.com", "a`b.com",
]  # fmt: skip
NUMBERS = [
    "127.0.0.1", "127.0.0.1.", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0", "255.255.255.255",
    "8.8.8.8", "100.64.0.1", "127.1", "127.0.1", "10.1", "1.1", "0.0", "127.0.0.1.1", "1.2.3.4.5", "256.256.256.256",
    "2130706433", "2130706433.", "3232235777", "017700000001", "0177.0.0.1", "0177.1", "127.0.0.01", "0300.0250.01.01",
    "0x7f000001", "0x7f.0.0.1", "0x7f.1", "0X7F.0X1", "0xa9.0xfe.0xa9.0xfe", "0xa9fea9fe", "0x.0x", "1.0x",
    "127.0.0.0x1", "a.1", "example.com.1", "example.0x1f", "a.09", "a.00000000000000000000000000000000001",
]  # fmt: skip
BRACKETS = [
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[fe80::1]",
    "[fe80::1%25eth0]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]", "[64:ff9b::7f00:1]",
    "[2606:4700::1111]", "[127.0.0.1]", "[example.com]", "[v1.example.com]", "127.0.0.1[v1.example.com]",
    "example.com[::1]", "[::1]example.com", "[::1].example.com", "[", "]", "[]", "[::1", "::1]", "::1", "[[::1]]",
]  # fmt: skip
URL_FORMS = ["https://{}", "https://{}/", "https://{}/a.mp3?b#c", "https://{}:443/"]
UNICODE_HOSTS = [
    "bücher.example.org", "例え.テスト", "ⓔⓧⓐⓜⓟⓛⓔ.com", "127。0。0。1", "１２７.０.０.１", "①②⑦.⓪.⓪.①",
    "example。com", "exa\u00admple.com",
    "ｌｏｃａｌｈｏｓｔ", "l\u200bocalhost.com",
    "example.com\u2215@evil.com", "example.com\uff0fevil.com",
    "ex\u0430mple.com",
    "\u202eexample.com", "exam\ud800ple.com", "faß.de", "a.\u0660", "\u2488example.com", "\u212a.com",
]  # fmt: skip
USERINFO = [
    "https://user@example.com/", "https://user:password@example.com/", "https://:@example.com/", "https://@example.com/",
    "https://:password@example.com/", "https://example.com@127.0.0.1/", "https://example.com:443@127.0.0.1/",
    "https://a@b@example.com/", "https://127.0.0.1@example.com/", "https://127.0.0.1;@example.com/",
    "https://example.com%40127.0.0.1/", "https://user%3Apw@example.com/", "https://[::1]@example.com/",
]  # fmt: skip
PORTS = ["80", "8443", "22", "0", "65535", "65536", "99999999999", "444", "4430", "-443", "+443", "4_43", "443.0",
         "0x1bb", "443a", "", "443:443", "80:443", "443@127.0.0.1", "%34%34%33"]  # fmt: skip
OTHER_SCHEMES = [
    "http://example.com/", "HTTP://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/",
    "data:audio/wav;base64,AAAA", "javascript:alert(1)", "wss://example.com/", "s3://bucket/key", "httpss://example.com",
    "https+unix://example.com", "//example.com/a", "/a/b", "example.com", "example.com:443", "", "https", "https:",
    "https:/", "https://", "https:///", "https:example.com", "https:/example.com", "https:///example.com",
    "https:////example.com", "https://?example.com", "https://#example.com", "https//example.com", ":https://example.com",
    "view-source:https://example.com", "url:https://example.com", "jar:https://example.com!/", "h ttps://example.com",
]  # fmt: skip
FORBIDDEN_CHARACTERS = [
    "\x00", "\t", "\n", "\r", "\r\n", "\x0b", "\x0c", "\x1b", "\x1f", "\x7f", "\x85", "\xa0", " ", "\u2028",
    "\u3000", "\ufeff", "\\",
]  # fmt: skip
TEMPLATES = [
    "{}https://example.com/", "https{}://example.com/", "https:{}//example.com/", "https:/{}/example.com/",
    "https://{}example.com/", "https://exam{}ple.com/", "https://example.com{}/", "https://example.com{}@127.0.0.1/",
    "https://example.com/{}", "https://example.com/?a={}b", "https://example.com/#{}", "https://example.com/a{}",
]  # fmt: skip


def is_accepted(url: str) -> bool:
    """Whether the address is accepted unchanged."""
    try:
        return check_public_https(url, "audio_url") == url
    except InvalidRequestError:
        return False


def test_a_refusal_names_the_field_and_does_not_repeat_the_address() -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        check_public_https("https://user:password@example.com/", "audio_url")

    assert refusal.value.details == {"field": "audio_url"}
    assert "example.com" not in refusal.value.message


@pytest.mark.parametrize("url", GOOD)
def test_a_public_address_passes_unchanged(url: str) -> None:
    assert is_accepted(url)


@pytest.mark.parametrize("host", NO_PUBLIC_NAME + NUMBERS + BRACKETS)
def test_a_host_that_is_not_a_public_name_is_refused(host: str) -> None:
    assert not any(is_accepted(form.format(host)) for form in URL_FORMS)


@pytest.mark.parametrize("host", UNICODE_HOSTS)
def test_a_host_with_characters_beyond_ascii_is_refused(host: str) -> None:
    assert not any(is_accepted(form.format(host)) for form in URL_FORMS)


@pytest.mark.parametrize("url", USERINFO)
def test_an_address_with_a_name_or_password_is_refused(url: str) -> None:
    assert not is_accepted(url)


@pytest.mark.parametrize("host", ["example.com", "example.com.", "[::1]"])
@pytest.mark.parametrize("port", PORTS)
def test_another_port_is_refused(host: str, port: str) -> None:
    assert not is_accepted(f"https://{host}:{port}/")
    assert not is_accepted(f"https://{host}:{port}")


@pytest.mark.parametrize("url", OTHER_SCHEMES)
def test_an_address_without_https_is_refused(url: str) -> None:
    assert not is_accepted(url)


@pytest.mark.parametrize("character", FORBIDDEN_CHARACTERS)
def test_control_characters_spaces_and_backslashes_are_refused_anywhere(character: str) -> None:
    assert not any(is_accepted(place.format(character)) for place in TEMPLATES)


@pytest.mark.parametrize("length", [MAX_CHARACTERS + 1, 10_240, 1_000_000])
def test_an_address_that_is_too_long_is_refused(length: int) -> None:
    start = "https://example.com/"

    assert is_accepted(start + "a" * (MAX_CHARACTERS - len(start)))
    assert not is_accepted(start + "a" * (length - len(start)))
    assert not is_accepted("https://" + "a." * (length // 2) + "com/")


SIGNS = ["https:", "//", "/", "@", ":", ".", "#", "?", "[v1.", "]", ";", "%", "0x", "com"]
pieces = st.sampled_from(GOOD + NUMBERS + BRACKETS + UNICODE_HOSTS + FORBIDDEN_CHARACTERS + PORTS + SIGNS)
random_urls = st.text(max_size=60) | st.lists(pieces | st.text(max_size=3), max_size=8).map("".join)


@pytest.mark.long
@given(
    url=st.one_of(random_urls, random_urls.map("https://{}".format), random_urls.map("https://example.com{}".format))
)
@example(url="https://[v1.example.com]/")
@example(url="https://0[v1.a.com]")
@settings(derandomize=True, deadline=None, max_examples=EXAMPLES, database=None)
def test_every_accepted_address_is_https_with_a_host_name(url: str) -> None:
    if not is_accepted(url):
        return
    parts = urlsplit(url)
    host = (parts.hostname or "").removesuffix(".")

    assert (parts.scheme, parts.username, parts.password, parts.port or 443) == ("https", None, None, 443)
    assert "." in host.strip(".")
    assert parts.netloc.lower().partition(":")[0].removesuffix(".") == host
    last = host.rpartition(".")[2]
    assert last not in ("local", "localhost", "internal")
    assert not last.isdigit()
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 address"):
        ipaddress.ip_address(host)
    with pytest.raises(ValueError, match="invalid literal"):  # nor a number in any notation of C
        int(last, 0)


PLAYLISTS = [
    "https://cdn.example.com/talk/master.m3u8",
    "https://cdn.example.com/talk/MASTER.M3U8?token=a#t=1",
    "https://cdn.example.com/radio.m3u",
    "https://cdn.example.com/radio.pls",
    "https://cdn.example.com/talk/manifest.mpd?x=.mp3",
    "https://cdn.example.com/talk%2Em3u8",
    *(f"https://cdn.example.com/talk.{ending}" for ending in ("wpl", "ram", "smil", "wax", "cue", "rss", "XML")),
    "https://cdn.example.com/master.m3u8/",
    "https://cdn.example.com/master.m3u8;jsessionid=1",
    "https://cdn.example.com/master.m3u8%20",
    "https://cdn.example.com/master.m3u8%0D%0A",
    "https://cdn.example.com/master.mpd%09/%20/",
    "https://cdn.example.com/talk.ism/manifest",
    "https://cdn.example.com/talk.ism/Manifest?x=1",
    "https://cdn.example.com/live.isml/manifest/",
    "https://cdn.example.com/talk.ism/manifest(format=m3u8-aapl)",
    "https://cdn.example.com/talk/manifest(format=mpd-time-csf)",
    "https://cdn.example.com/talk.ism/manifest(encryption=cbc,format=m3u8-cmaf)",
    "https://cdn.example.com/talk.ism/manifest%28format%3Dm3u8-aapl%29",
    # A query whose first sign was encoded or misspelt; a NUL; a name with a sign of queries.
    "https://cdn.example.com/master.m3u8%3Ftoken=1",
    "https://cdn.example.com/master.m3u8%23t=1",
    "https://cdn.example.com/master.m3u8&token=1",
    "https://cdn.example.com/master.m3u8%00",
    "https://cdn.example.com/Q&A.m3u8",
]
PAGES = [
    "https://example.com",
    "https://example.com/",
    "https://example.com/talks/today.html",
    "https://example.com/today.HTM?autoplay=1",
    "https://www.youtube.com/watch?v=abcdefghijk",
    "https://youtu.be/abcdefghijk",
    "https://m.youtube.com/shorts/abcdefghijk",
    "https://YouTube.com./live/abcdefghijk",
    "https://vimeo.com/123456",
    "https://www.twitch.tv/videos/123456",
    "https://open.spotify.com/episode/abc",
    "https://x.com/ada/status/1",
    "https://www.youtube-nocookie.com/embed/abcdefghijk",
    "https://drive.google.com/file/d/1abc/view?usp=sharing",
    "https://drive.google.com/file/d/1abc/preview",
    "https://drive.google.com/drive/folders/1abc",
    "https://drive.google.com/open?id=1abc",
    "https://docs.google.com/document/d/1abc/edit",
    "https://us02web.zoom.us/rec/share/abc",
    "https://zoom.us/rec/play/abc",
    "https://www.loom.com/share/abc",
    "https://www.ted.com/talks/ada_on_engines",
    "https://www.dropbox.com/s/abc/talk.mp3?dl=0",
    "https://www.dropbox.com/scl/fi/abc/talk.mp3?rlkey=b&dl=0",
    "https://dropbox.com/s/abc/talk.mp3",
    "https://onedrive.live.com/?id=1",
    "https://teams.microsoft.com/l/meetup/1",
    "https://archive.org/details/talks",
    "https://github.com/ada/talks/blob/main/talk.mp3",
    "https://en.wikipedia.org/wiki/Ada_Lovelace",
    "https://music.apple.com/us/album/talks/1",
    "https://www.reddit.com/r/talks/",
]
DOCUMENTS = [
    f"https://cdn.example.com/talk.{ending}" for ending in ("pdf", "jpg", "PNG", "jpeg", "webp", "pptx", "srt?x=1")
]
FILES = [
    "https://cdn.example.com/talk.mp3",
    "https://cdn.example.com/talk.webm?playlist=a.m3u8",
    "https://cdn.example.com/m3u8",
    "https://cdn.example.com/manifest",
    "https://cdn.example.com/talk.ism/manifest.mp3",
    "https://cdn.example.com/download?format=mpd",
    "https://cdn.example.com/talk.mp3%20",
    "https://cdn.example.com/download?id=5",
    "https://cdn.example.com/download.php?id=5",
    "https://example.com/?file=5",
    "https://notyoutube.com/watch",
    "https://youtube.com.example.com/watch",
    "https://player.vimeo.com/external/123.hd.mp4?s=abc",
    "https://cdn.example.com/today.html.mp3",
    "https://cdn.example.com/pdf",
    "https://cdn.example.com/talk.mp3?cover=a.jpg",
    "https://cdn.example.com/slides.pdf.mp4",
    "https://drive.google.com/uc?export=download&id=1abc",
    "https://drive.usercontent.google.com/download?id=1abc",
    "https://notdrive.google.com/file/d/1abc/view",
    "https://us02web.zoom.us/rec/download/abc",
    "https://www.dropbox.com/s/abc/talk.mp3?dl=1",
    "https://www.dropbox.com/scl/fi/abc/talk.mp3?rlkey=b&raw=1",
    "https://dl.dropboxusercontent.com/s/abc/talk.mp3",
    "https://archive.org/download/talks/talk.mp3",
    "https://github.com/ada/talks/raw/main/talk.mp3",
    "https://download.ted.com/talks/ada.mp4",
    "https://upload.wikimedia.org/wikipedia/commons/a/ab/Ada.ogg",
    "https://cdn.example.com/Q&A.mp3",
]


@pytest.mark.parametrize(
    ("url", "kind"),
    [(url, "playlist") for url in PLAYLISTS]
    + [(url, "web page") for url in PAGES]
    + [(url, "document or picture") for url in DOCUMENTS],
)
def test_the_address_of_a_playlist_page_or_document_is_refused_with_what_to_do(url: str, kind: str) -> None:
    check_public_https(url, "audio_url")

    with pytest.raises(
        InvalidRequestError, match=rf"address of a {kind}, not of a recording\. Send .*upload"
    ) as refusal:
        check_is_file(url, "audio_url")

    assert refusal.value.details == {"field": "audio_url"}


@pytest.mark.parametrize("url", FILES)
def test_an_address_that_may_lead_to_a_file_is_passed_on(url: str) -> None:
    check_is_file(check_public_https(url, "audio_url"), "audio_url")
