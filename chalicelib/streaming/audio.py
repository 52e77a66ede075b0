"""Reading the audio that clients relay: how long it is, exactly, before anything is spent.

The length is counted from the frames that are there, never from what a header claims, and the provider gets a WAV made
from those frames: what we meter is what it receives. Limits are those of AssemblyAI's Sync API (docs/providers.md).
"""

import re
import struct
from collections.abc import Iterator
from itertools import islice

from ..errors import InvalidRequestError, TooLargeError, UnsupportedMediaTypeError
from ..models.audio import BYTES_PER_SAMPLE, FORMAT_PCM, Audio

SAMPLE_RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
MEDIA_TYPES = {"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/pcm"}
SHORTEST_MS, LONGEST_MS = 80, 120_000
MAX_BYTES = 4 * 1024 * 1024
FORMAT_EXTENSIBLE = 0xFFFE
PCM_SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")
MOST_PARTS = 100  # before the audio; files have a handful, and half a million empty ones would cost seconds to pass
# A file of 64 bits (EBU Tech 3306, ITU-R BS.2088) differs in sizes that none of our bodies reaches.
RIFF_NAMES = (b"RIFF", b"RF64", b"BW64")
# The names of chunks that recorders and editors write. Source: EBU Tech 3285, Microsoft's "Multimedia Programming
# Interface" (RIFF), ExifTool's list of RIFF tags.
CHUNK_NAMES = {
    b"fmt ", b"data", b"LIST", b"fact", b"bext", b"iXML", b"JUNK", b"junk", b"PAD ", b"cue ", b"smpl", b"inst",
    b"plst", b"note", b"labl", b"ltxt", b"PEAK", b"id3 ", b"ID3 ", b"axml", b"chna", b"ds64", b"cart", b"levl",
    b"aXML", b"_PMX", b"acid", b"strc", b"afsp", b"AFAn", b"FLLR", b"INFO", b"DISP", b"umid", b"minf", b"elm1",
    b"regn", b"ovwf", b"SNDM",
}  # fmt: skip
# The head of a chunk, a printable name and a size below 4 MB, from its last byte to its first.
HEAD_BACKWARDS = re.compile(rb"(?=\x00[\x00-\x3f](?s:..)[ -~]{3}[!-~])")
HEAD_BYTES = 8
MOST_HEADS = 1_000  # that are tried
MAX_MISSING_BYTES = 64 * 1024  # of the last chunk of metadata; larger sizes are sound that looks like a name


def read(body: bytes, content_type: str, sample_rate: int | None, channels: int | None) -> Audio:
    """The audio in a request body.

    Raises UnsupportedMediaTypeError, TooLargeError, or InvalidRequestError naming the field that is wrong.
    """
    media_type = content_type.split(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise UnsupportedMediaTypeError("Send audio/wav or audio/pcm (signed 16-bit, little-endian).")
    if len(body) > MAX_BYTES:
        raise TooLargeError(f"A chunk may have at most {MAX_BYTES:,} bytes.", max_bytes=MAX_BYTES)
    if not body:
        raise InvalidRequestError("The body is empty: send the audio.", "body")
    audio = _raw(body, sample_rate, channels) if media_type == "audio/pcm" else _wav(body)
    if audio.sample_rate not in SAMPLE_RATES:
        rates = ", ".join(map(str, SAMPLE_RATES))
        raise InvalidRequestError(f"The sample rate must be one of: {rates}.", "sample_rate")
    _whole_frames(audio.frames, audio.channels, is_length_known=True)
    if audio.duration_ms < SHORTEST_MS:
        raise InvalidRequestError(f"The audio is shorter than {SHORTEST_MS} ms. Send a longer chunk.", "body")
    if audio.duration_ms > LONGEST_MS or (audio.duration_ms == LONGEST_MS and not _is_exact(audio)):
        raise InvalidRequestError(
            f"The audio is longer than {LONGEST_MS // 1000} s. Split it into shorter chunks.", "body"
        )
    return audio


def _is_exact(audio: Audio) -> bool:
    return len(audio.frames) * 1000 % (audio.sample_rate * audio.channels * BYTES_PER_SAMPLE) == 0


def _raw(body: bytes, sample_rate: int | None, channels: int | None) -> Audio:
    if sample_rate is None:
        raise InvalidRequestError("audio/pcm needs sample_rate.", "sample_rate")
    if channels is None:
        raise InvalidRequestError("audio/pcm needs channels.", "channels")
    return Audio(body, sample_rate, channels)


def _wav(body: bytes) -> Audio:
    """The sound of a RIFF file: its data chunks in a row. Chunks are walked over, so many at most."""
    if len(body) < 12 or body[:4] not in RIFF_NAMES or body[8:12] != b"WAVE":
        raise InvalidRequestError("This is not a WAV file. Send one, or raw samples as audio/pcm.", "body")
    position, layout, sound = 12, None, bytearray()
    for _ in range(MOST_PARTS):
        if position + HEAD_BYTES > len(body):
            break
        name, size = struct.unpack_from("<4sI", body, position)
        start = position + HEAD_BYTES
        if name == b"fmt " and not sound:
            layout = _layout(body[start : start + size])
        elif name == b"data":
            if layout is None:
                raise InvalidRequestError(
                    "The WAV file has its data before its format. Send a file with its format first.", "body"
                )
            # Some recorders did not know it yet, others wrote the size of the whole file, with or without its head.
            is_length_known = 0 < size <= MAX_BYTES - start and size not in (len(body), len(body) - HEAD_BYTES)
            if not is_length_known:
                size = _sound_bytes(body, start)
            if start + size > len(body):
                raise InvalidRequestError(
                    "The WAV header promises more audio than there is. Send the whole file.", "body"
                )
            sound += _whole_frames(body[start : start + size], layout[1], is_length_known)
        position = _next_chunk(body, start, size)
    if not sound or layout is None:
        raise InvalidRequestError(
            "The WAV file has no audio, or too many parts before it. Send a file with audio.", "body"
        )
    return Audio(bytes(sound), *layout)


def _whole_frames(sound: bytes, channels: int, is_length_known: bool) -> bytes:
    """The sound without the part of a frame after it, which is there where a recorder was cut off.

    Raises InvalidRequestError where the header says that this is the length.
    """
    rest = len(sound) % (channels * BYTES_PER_SAMPLE)
    if rest and is_length_known:
        raise InvalidRequestError("The audio ends in the middle of a frame. Send whole frames.", "body")
    return sound[: len(sound) - rest]


def _next_chunk(body: bytes, start: int, size: int) -> int:
    """Where the following chunk begins. A chunk of odd size has a byte after it, which some recorders omit."""
    end = start + size
    return end if size % 2 == 0 or body[end : end + 4] in CHUNK_NAMES else end + 1


def _sound_bytes(body: bytes, start: int) -> int:
    """How many bytes from `start` are sound, in a data chunk whose header does not tell: all until the metadata.

    That are chunks of known names that end with the body, and before them chunks of any name that follow each other
    exactly. Where such a chunk begins at `start`, there is no sound.
    """
    if body[start : start + 4] in CHUNK_NAMES:
        return 0
    ends = sorted(end for name in CHUNK_NAMES for end in islice(_find_all(body, name, start), MOST_PARTS))
    metadata_start = next((end for end in ends[:MOST_PARTS] if _are_chunks(body, end)), len(body))
    return _first_of_chain(body, start, metadata_start) - start


def _first_of_chain(body: bytes, start: int, end: int) -> int:
    """Where the longest row of chunks of any name begins that leads exactly to `end` or to the end of the body.

    Read backwards, because the last of what looks like the head of a chunk decides.
    """
    places = {end, len(body)}
    for head in islice(re.finditer(HEAD_BACKWARDS, body[start:][::-1]), MOST_HEADS):
        position = len(body) - head.start() - HEAD_BYTES
        (size,) = struct.unpack_from("<I", body, position + 4)
        following = position + HEAD_BYTES + size
        if size and (following in places or (size % 2 and following + 1 in places)):
            places.add(position)
    return min(places)


def _find_all(body: bytes, name: bytes, start: int) -> Iterator[int]:
    position = body.find(name, start)
    while position >= 0:
        yield position
        position = body.find(name, position + 1)


def _are_chunks(body: bytes, position: int) -> bool:
    """Whether the rest of the body consists of chunks of known names. The last one may be cut short."""
    for _ in range(MOST_PARTS):
        if len(body) <= position <= len(body) + MAX_MISSING_BYTES:
            return True
        if position + 8 > len(body) or body[position : position + 4] not in CHUNK_NAMES:
            return False
        position = _next_chunk(body, position + 8, struct.unpack_from("<I", body, position + 4)[0])
    return False


def _layout(chunk: bytes) -> tuple[int, int]:
    """Sample rate and channels of a format chunk."""
    if len(chunk) < 16:
        raise InvalidRequestError("The WAV header is cut short. Send the whole file.", "body")
    # The bytes per second and per frame are often wrong: Recorder.js writes those of stereo for mono too.
    code, channels, sample_rate, _, _, bits = struct.unpack_from("<HHIIHH", chunk)
    is_pcm = code == FORMAT_PCM or (
        code == FORMAT_EXTENSIBLE and chunk[24:26] == b"\x01\x00" and chunk[26:40] == PCM_SUBFORMAT_TAIL
    )
    if not is_pcm or bits != 16:
        raise InvalidRequestError("The WAV file must hold 16-bit PCM.", "body")
    if channels not in (1, 2):
        raise InvalidRequestError("The WAV file must be mono or stereo.", "body")
    return sample_rate, channels
