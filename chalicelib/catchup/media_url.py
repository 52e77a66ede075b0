"""Which addresses of recordings are passed to a provider. Our own servers never fetch them. Pure rules."""

import re
from string import whitespace
from urllib.parse import unquote, urlsplit

from ..errors import InvalidRequestError

MAX_CHARACTERS = 2_000
HTTPS_PORT = 443
LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Names that are never public (RFC 6761, RFC 8375, RFC 9476, ICANN's .internal).
PRIVATE_ENDINGS = {
    "localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "test", "invalid",
    "example", "onion", "alt", "arpa",
}  # fmt: skip
PLAYLIST_ENDINGS = (
    ".m3u8", ".m3u", ".mpd", ".pls", ".xspf", ".asx", ".f4m", ".wpl", ".zpl", ".ram", ".smil", ".smi", ".wax", ".wvx",
    ".cue", ".rss", ".atom", ".opml", ".xml",
)  # fmt: skip
# Of servers that pack one recording as several playlists: Smooth Streaming, Azure Media Services.
MANIFEST = re.compile(r"\.isml?/manifest$|/manifest\(.*format=(m3u8|mpd)")
QUERY_SIGNS = re.compile(r"[?#&\x00]")
PAGE_ENDINGS = (".html", ".htm", ".xhtml", ".shtml")
DOCUMENT_ENDINGS = (
    ".pdf", ".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg", ".bmp", ".ico", ".heic", ".avif", ".txt", ".doc", ".docx",
    ".odt", ".ppt", ".pptx", ".xls", ".xlsx", ".csv", ".json", ".srt", ".vtt",
)  # fmt: skip
MEDIA_ENDINGS = (
    ".mp3", ".m4a", ".m4b", ".mp4", ".m4v", ".wav", ".ogg", ".oga", ".ogv", ".opus", ".webm", ".weba", ".flac", ".aac",
    ".aif", ".aiff", ".amr", ".wma", ".wmv", ".mov", ".mkv", ".avi", ".3gp", ".ts", ".mpg", ".mpeg",
)  # fmt: skip
# Sites whose addresses lead to a page with a player, also where the path does not tell.
PAGE_SITES = {
    "youtube.com", "youtu.be", "vimeo.com", "twitch.tv", "dailymotion.com", "tiktok.com", "facebook.com", "fb.watch",
    "instagram.com", "twitter.com", "x.com", "soundcloud.com", "spotify.com", "podcasts.apple.com", "netflix.com",
    "bilibili.com", "rumble.com", "youtube-nocookie.com", "1drv.ms", "loom.com", "ted.com", "linkedin.com",
    "reddit.com", "odysee.com", "kick.com", "mixcloud.com", "deezer.com", "music.apple.com", "tv.apple.com",
    "podcasts.google.com", "photos.google.com", "photos.app.goo.gl", "meet.google.com", "teams.microsoft.com",
    "onedrive.live.com", "wikipedia.org", "patreon.com", "nicovideo.jp", "vk.com", "threads.net", "bsky.app",
}  # fmt: skip
# These show a file on a page, but for the path from which it is downloaded.
FILE_SITES = {"drive.google.com": "/uc", "docs.google.com": "/uc"}
# These show a file on a page under its own name: the path or, of Dropbox, what the query lacks, tells.
PAGE_PATHS = {
    "archive.org": re.compile("^/details/"),
    "github.com": re.compile("^/[^/]+/[^/]+/blob/"),
    "zoom.us": re.compile("^/rec/(share|play)/"),
}
DROPBOX, DROPBOX_DOWNLOAD = "dropbox.com", re.compile(r"(^|&)(dl|raw)=1(&|$)")
IS_DOCUMENT = (
    "This is the address of a document or picture, not of a recording. Send the address of one audio or video file, or"
    " upload the file."
)
IS_PLAYLIST = (
    "This is the address of a playlist, not of a recording. Send the address of one audio or video file, or upload"
    " the file."
)
IS_PAGE = (
    "This is the address of a web page, not of a recording. Send the address of the audio or video file itself, or"
    " upload the file."
)


def check_public_https(url: str, field: str) -> str:
    """The address, if it is public https: a host name with a dot, no password, no other port, no IP address.

    Raises InvalidRequestError that names `field` and says what is wrong.
    """
    if len(url) > MAX_CHARACTERS:
        raise InvalidRequestError(f"The address may have at most {MAX_CHARACTERS:,} characters.", field)
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise InvalidRequestError(
            "The address may contain only printable ASCII characters. Percent-encode all others.", field
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidRequestError(
            "This is not a valid address. Send one such as https://example.com/talk.mp3.", field
        ) from error
    if parts.scheme != "https":
        raise InvalidRequestError("The address must start with https://.", field)
    if parts.username is not None or parts.password is not None:
        raise InvalidRequestError("The address must not contain a user name or a password.", field)
    if port not in (None, HTTPS_PORT) or parts.netloc.endswith(":"):
        raise InvalidRequestError("The address must use the default https port, 443.", field)
    if "[" in parts.netloc:  # urlsplit reads what is in brackets as the host, even with text before them.
        raise InvalidRequestError("The address must use a host name, not an IP address.", field)
    _check_host(host, field)
    return url


def _check_host(host: str, field: str) -> None:
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or len(labels) < 2 or not all(LABEL.fullmatch(label) for label in labels):
        raise InvalidRequestError("The address must use a public host name.", field)
    if NUMERIC.fullmatch(labels[-1]):
        raise InvalidRequestError("The address must use a host name, not an IP address.", field)
    if labels[-1] in PRIVATE_ENDINGS:
        raise InvalidRequestError("The address must use a public host name.", field)


def check_is_file(url: str, field: str) -> None:
    """Refuse an address that shows by itself that it leads to a playlist, a web page, a document or a picture.

    What only the content shows, the provider finds out. Raises InvalidRequestError.
    """
    parts = urlsplit(url)
    path = unquote(parts.path).partition(";")[0].rstrip(f"/{whitespace}").lower()
    before_query = QUERY_SIGNS.split(path, maxsplit=1)[0]  # Of a query whose first sign was encoded or misspelt.
    if path.endswith(PLAYLIST_ENDINGS) or before_query.endswith(PLAYLIST_ENDINGS) or MANIFEST.search(path):
        raise InvalidRequestError(IS_PLAYLIST, field)
    if path.endswith(PAGE_ENDINGS) or not (path or parts.query):
        raise InvalidRequestError(IS_PAGE, field)
    if path.endswith(DOCUMENT_ENDINGS):
        raise InvalidRequestError(IS_DOCUMENT, field)
    host = (parts.hostname or "").removesuffix(".").removeprefix("www.")
    labels = host.split(".")
    sites = {".".join(labels[first:]) for first in range(len(labels))}
    is_shown_on_page = (
        (host in FILE_SITES and path != FILE_SITES[host])
        or any(PAGE_PATHS[site].search(path) for site in sites & PAGE_PATHS.keys())
        or (host == DROPBOX and not DROPBOX_DOWNLOAD.search(parts.query))
    )
    if is_shown_on_page or (sites & PAGE_SITES and not path.endswith(MEDIA_ENDINGS)):
        raise InvalidRequestError(IS_PAGE, field)
