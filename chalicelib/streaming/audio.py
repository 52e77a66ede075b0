"""Reading the audio that clients relay: how long it is, exactly, before anything is spent.

The length is counted from the frames that are there, never from what a header claims, and the provider gets a WAV made
from those frames: what we meter is what it receives. Limits are those of AssemblyAI's Sync API (docs/providers.md).
"""

import struct

from ..errors import InvalidRequestError, TooLargeError, UnsupportedMediaTypeError
from ..models.audio import BYTES_PER_SAMPLE, FORMAT_PCM, Audio

SAMPLE_RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
SHORTEST_MS, LONGEST_MS = 80, 120_000
MAX_BYTES = 4 * 1024 * 1024
FORMAT_EXTENSIBLE = 0xFFFE
PCM_SUBFORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")
MOST_PARTS = 100  # before the audio; files have a handful, and half a million empty ones would cost seconds to pass
UNKNOWN_SIZES = {0, 0xFFFFFFFF}  # What recorders write that do not know the length yet.


def read(body: bytes, content_type: str, sample_rate: int | None, channels: int | None) -> Audio:
    """The audio in a request body.

    Raises UnsupportedMediaTypeError, TooLargeError, or InvalidRequestError naming the field that is wrong.
    """
    media_type = content_type.split(";")[0].strip().lower()
    if media_type not in {"audio/wav", "audio/x-wav", "audio/wave", "audio/pcm"}:
        raise UnsupportedMediaTypeError("Send audio/wav or audio/pcm (signed 16-bit, little-endian).")
    if len(body) > MAX_BYTES:
        raise TooLargeError(f"A chunk may have at most {MAX_BYTES:,} bytes.", max_bytes=MAX_BYTES)
    if not body:
        raise InvalidRequestError("The body is empty: send the audio.", "body")
    audio = _raw(body, sample_rate, channels) if media_type == "audio/pcm" else _wav(body)
    if audio.sample_rate not in SAMPLE_RATES:
        rates = ", ".join(map(str, SAMPLE_RATES))
        raise InvalidRequestError(f"The sample rate must be one of: {rates}.", "sample_rate")
    if len(audio.frames) % (audio.channels * BYTES_PER_SAMPLE):
        raise InvalidRequestError("The audio ends in the middle of a frame.", "body")
    if audio.duration_ms < SHORTEST_MS:
        raise InvalidRequestError(f"The audio is shorter than {SHORTEST_MS} ms.", "body")
    if audio.duration_ms > LONGEST_MS or (audio.duration_ms == LONGEST_MS and not _is_exact(audio)):
        raise InvalidRequestError(f"The audio is longer than {LONGEST_MS // 1000} s.", "body")
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
    """The first data chunk of a RIFF file. Chunks are walked over, so many at most."""
    if len(body) < 12 or body[:4] != b"RIFF" or body[8:12] != b"WAVE":
        raise InvalidRequestError("This is not a WAV file.", "body")
    position, layout = 12, None
    for _ in range(MOST_PARTS):
        if position + 8 > len(body):
            break
        name, size = struct.unpack_from("<4sI", body, position)
        start = position + 8
        if name == b"fmt ":
            layout = _layout(body[start : start + size])
        elif name == b"data":
            if layout is None:
                raise InvalidRequestError("The WAV file has its data before its format.", "body")
            if size in UNKNOWN_SIZES:
                size = len(body) - start
            if start + size > len(body):
                raise InvalidRequestError("The WAV header promises more audio than there is.", "body")
            return Audio(body[start : start + size], *layout)
        position = start + size + size % 2
    raise InvalidRequestError("The WAV file ends before its audio, or has too many parts before it.", "body")


def _layout(chunk: bytes) -> tuple[int, int]:
    """Sample rate and channels of a format chunk."""
    if len(chunk) < 16:
        raise InvalidRequestError("The WAV header is cut short.", "body")
    code, channels, sample_rate, bytes_per_second, block, bits = struct.unpack_from("<HHIIHH", chunk)
    is_pcm = code == FORMAT_PCM or (
        code == FORMAT_EXTENSIBLE and chunk[24:26] == b"\x01\x00" and chunk[26:40] == PCM_SUBFORMAT_TAIL
    )
    if not is_pcm or bits != 16:
        raise InvalidRequestError("The WAV file must hold 16-bit PCM.", "body")
    if channels not in (1, 2):
        raise InvalidRequestError("The WAV file must be mono or stereo.", "body")
    if block != channels * BYTES_PER_SAMPLE or bytes_per_second != sample_rate * block:
        raise InvalidRequestError("The numbers in the WAV header contradict each other.", "body")
    return sample_rate, channels
