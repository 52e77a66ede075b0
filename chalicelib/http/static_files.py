"""The files of the pages that ship with the backend, by name. They contain no data."""

import hashlib
from functools import lru_cache
from pathlib import Path

import msgspec

from ..errors import NotFoundError

ASSETS = Path(__file__).parent / "assets"
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


class Page(msgspec.Struct, frozen=True):
    """A file for a browser. `etag` changes with its content."""

    content: str
    content_type: str
    etag: str


def page_of(content: str, suffix: str) -> Page:
    """A page with this content. `suffix`: of a file of its kind, such as `.html`."""
    return Page(content, CONTENT_TYPES[suffix], f'"{hashlib.sha256(content.encode()).hexdigest()[:20]}"')


def page(folder: str, name: str) -> Page:
    """The file of that name in a folder of assets. Raises NotFoundError."""
    page_file = _pages(folder).get(name)
    if page_file is None:
        raise NotFoundError("There is no such file.")
    return page_file


@lru_cache
def _pages(folder: str) -> dict[str, Page]:
    """The pages of a folder, read once. A name from a request is looked up here and never becomes a path."""
    found = {}
    for path in sorted((ASSETS / folder).iterdir()):
        found[path.name] = page_of(path.read_text(encoding="utf-8"), path.suffix)
    return found
