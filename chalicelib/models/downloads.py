"""Files that a person saves."""

import msgspec


class Download(msgspec.Struct, frozen=True):
    """A file to save. `next_cursor`: where the next file of a long list starts; None at its end."""

    content: str
    content_type: str
    file_name: str
    next_cursor: str | None = None
