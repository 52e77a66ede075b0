"""Files that a person saves."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Download:
    """A file to save. `next_cursor`: where the next file of a long list starts; None at its end."""

    content: str
    content_type: str
    file_name: str
    next_cursor: str | None = None
