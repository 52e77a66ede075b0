"""A piece of uncompressed audio."""

import hashlib
import struct

import msgspec

BYTES_PER_SAMPLE = 2
FORMAT_PCM = 1  # the WAV format code


class Audio(msgspec.Struct, frozen=True):
    """Signed 16-bit little-endian PCM, mono or stereo."""

    frames: bytes
    sample_rate: int
    channels: int

    @property
    def duration_ms(self) -> int:
        """Rounded down: a part of a millisecond is never billed."""
        return len(self.frames) * 1000 // (self.sample_rate * self.channels * BYTES_PER_SAMPLE)

    @property
    def fingerprint(self) -> str:
        """A hash of the frames and their format: the same bytes at another sample rate are other audio."""
        return hashlib.sha256(f"{self.sample_rate}/{self.channels}/".encode() + self.frames).hexdigest()

    def as_wav(self) -> bytes:
        """A WAV file of exactly these frames."""
        block = self.channels * BYTES_PER_SAMPLE
        head = struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            b"RIFF", 36 + len(self.frames), b"WAVE",
            b"fmt ", 16, FORMAT_PCM, self.channels, self.sample_rate, self.sample_rate * block, block, 16,
            b"data", len(self.frames),
        )  # fmt: skip
        return head + self.frames
