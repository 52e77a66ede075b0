"""What a file without audio is, as AssemblyAI's errors name it: a media type, and a description in brackets.

AssemblyAI's sentence is quoted in public code ("File type is text/html (HTML document, …)"); the list of types is ours.
"""

from sandbox.assemblyai.stored_audio import StoredAudio

HEAD_BYTES = 512
PLAYLIST, PAGE = "application/vnd.apple.mpegurl (M3U playlist, ASCII text)", "text/html (HTML document, ASCII text)"
TEXT_STARTS = ((b"#extm3u", PLAYLIST), (b"<!doctype html", PAGE), (b"<html", PAGE))
UNKNOWN = "application/octet-stream (data)"


def describe_type(stored: StoredAudio) -> str:
    """The type of the file, from its first bytes."""
    head = _head(stored)
    for start, description in TEXT_STARTS:
        if head.lstrip().lower().startswith(start):
            return description
    if head[4:8] == b"ftyp":
        return "video/mp4 (ISO Media, MP4 Base Media v1)"
    return UNKNOWN


def is_text(stored: StoredAudio) -> bool:
    """Whether the file is a page or a playlist. FFmpeg must not open one: it would fetch what a playlist names."""
    return describe_type(stored) in (PLAYLIST, PAGE)


def _head(stored: StoredAudio) -> bytes:
    with stored.lock:
        stored.file.seek(0)
        return stored.file.read(HEAD_BYTES)
