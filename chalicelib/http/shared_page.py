"""The page of a shared transcript: without a script, a sign-in or anything of its owner; its address is a secret.

Words are shown as text, also where they look like an address or like HTML.
"""

import base64
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from html import escape

import msgspec

from ..dates import utc_date
from ..models.transcripts import Segment, SharedTranscript, Summary
from . import static_files

HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{content}
</main>
</body>
</html>
"""
UNTITLED = "Transcript"
MOST_DIGITS = 9  # of the number of a segment


class SharedPage(msgspec.Struct, frozen=True):
    """A page at a secret address. `retry_after`: seconds, of a page that says to come back."""

    content: str
    status: int = 200
    retry_after: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The page may load nothing, be kept nowhere, and its address be told to nobody."""
        policy = (
            f"default-src 'none'; style-src '{_style_hash()}'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
        headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy,
            "Content-Type": "text/html; charset=utf-8",
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex",
        }
        return headers | ({"Retry-After": self.retry_after} if self.retry_after else {})


def render_transcript(shared: SharedTranscript) -> str:
    """The HTML of a part of a shared transcript."""
    title = shared.title or UNTITLED
    return _page(title, "\n".join(_content(title, shared)))


def error_page(status: int, message: str, retry_after: str = "") -> SharedPage:
    """A page that says only what is wrong."""
    return SharedPage(_page("Not shown", f"<h1>Not shown</h1>\n<p>{escape(message)}</p>"), status, retry_after)


def read_part(part: str) -> int:
    """The number of the segment with which a part begins; 0 for anything that is no number."""
    return int(part) if part.isascii() and part.isdigit() and len(part) <= MOST_DIGITS else 0


def _content(title: str, shared: SharedTranscript) -> Iterator[str]:
    yield f'<h1 dir="auto">{escape(title)}</h1>'
    yield f'<p class="about">Transcript of {utc_date(shared.started_at)}, shared as a page to read.</p>'
    language = f' lang="{escape(shared.language)}"' if shared.language else ""
    for summary in shared.summaries:
        yield from _summary(summary, language)
    yield "<h2>Words</h2>" if shared.first == 0 else "<h2>Words, continued</h2>"
    if not shared.segments:
        yield "<p>There are no words here.</p>"
    yield f"<div{language}>"
    yield from map(_segment, shared.segments)
    yield "</div>"
    links = {"First part": 0} if shared.first else {}
    links |= {"Next part": shared.following} if shared.following else {}
    if links:
        yield "<nav>"
        yield from (f'<a href="?part={number}">{text}</a>' for text, number in links.items())
        yield "</nav>"


def _summary(summary: Summary, language: str) -> Iterator[str]:
    yield f"<h2>Summary, {clock(summary.from_ms)} to {clock(summary.to_ms)}</h2>"
    yield f'<p dir="auto"{language}>{escape(summary.text)}</p>'
    for moment in summary.moments:
        yield _line(moment.start_ms, escape(moment.title))


def _segment(segment: Segment) -> str:
    speaker = f"<b>{escape(segment.speaker)}</b> " if segment.speaker else ""
    return _line(segment.start_ms, speaker + escape(segment.text))


def _line(start_ms: int, html: str) -> str:
    return f'<p class="said"><time>{clock(start_ms)}</time> <span dir="auto">{html}</span></p>'


def clock(milliseconds: int) -> str:
    """A moment of a recording as people write it: `1:02`, `1:00:02`."""
    minutes, seconds = divmod(milliseconds // 1_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _page(title: str, content: str) -> str:
    return HTML.format(title=escape(title), style=_style(), content=content)


@lru_cache
def _style() -> str:
    return static_files.page("shared", "page.css").content


@lru_cache
def _style_hash() -> str:
    """What lets this style and no other into the page. Source: W3C, "Content Security Policy Level 3"."""
    return f"sha256-{base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()}"
