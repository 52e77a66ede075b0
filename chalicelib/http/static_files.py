"""The pages that ship with the backend: files of the package, each known by name. No data is in them."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..errors import NotFoundError

ASSETS = Path(__file__).parent / "assets"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class Page:
    """A file for a browser. `etag` changes with its content."""

    content: str
    content_type: str
    etag: str


def page(folder: str, name: str) -> Page:
    """The file of that name. Raises NotFoundError for any that does not ship with us."""
    found = _pages(folder).get(name)
    if found is None:
        raise NotFoundError("There is no such page.")
    return found


@lru_cache
def _pages(folder: str) -> dict[str, Page]:
    """What is in a folder, read once; a name from outside is looked up here and never becomes a path."""
    found = {}
    for path in sorted((ASSETS / folder).iterdir()):
        content = path.read_text(encoding="utf-8")
        etag = f'"{hashlib.sha256(content.encode()).hexdigest()[:20]}"'
        found[path.name] = Page(content, TYPES[path.suffix], etag)
    return found
