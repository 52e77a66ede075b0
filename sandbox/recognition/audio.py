"""Audio as it arrives, and as the model wants it: float samples, mono, 16 kHz."""

import io
import wave
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MODEL_RATE_HZ = 16_000
SAMPLE_BYTES = 2

Samples = npt.NDArray[np.float32]
"""Mono, 16 kHz, between -1 and 1."""


class NotAudioError(Exception):
    """The bytes are not the audio they claim to be."""


class UnsupportedAudioError(Exception):
    """Audio, but none of the kind that is taken."""


@dataclass(frozen=True)
class Sound:
    """16-bit little-endian samples; with two channels left and right take turns."""

    frames: bytes
    rate_hz: int
    channels: int

    def __post_init__(self) -> None:
        """Raises NotAudioError where the bytes do not make whole frames."""
        if len(self.frames) % (SAMPLE_BYTES * self.channels):
            raise NotAudioError(f"{len(self.frames)} bytes are no whole number of {self.channels}-channel frames")

    @property
    def frame_count(self) -> int:
        return len(self.frames) // (SAMPLE_BYTES * self.channels)

    @property
    def duration_ms(self) -> int:
        """Rounded down."""
        return self.frame_count * 1000 // self.rate_hz

    def samples(self) -> Samples:
        """The sound as the model wants it; stereo is mixed down."""
        mono = np.frombuffer(self.frames, dtype="<i2").reshape(-1, self.channels).mean(axis=1) / 32768
        if self.rate_hz != MODEL_RATE_HZ and mono.size:
            ratio = MODEL_RATE_HZ / self.rate_hz
            # Cutting or extending the spectrum changes the rate without the echoes that interpolation leaves. It is
            # many times faster on lengths without large prime factors, hence the silence up to a whole second.
            padded = np.pad(mono, (0, -mono.size % self.rate_hz))
            moved = np.fft.irfft(np.fft.rfft(padded), padded.size * MODEL_RATE_HZ // self.rate_hz) * ratio
            mono = moved[: round(mono.size * ratio)]
        return np.asarray(mono, dtype=np.float32)


def read_wav(data: bytes) -> Sound:
    """The sound in a WAV file. Raises NotAudioError, UnsupportedAudioError for anything but 16-bit mono or stereo."""
    try:
        with wave.open(io.BytesIO(data)) as wav:
            bits, channels = wav.getsampwidth() * 8, wav.getnchannels()
            if bits != SAMPLE_BYTES * 8 or channels not in (1, 2):
                raise UnsupportedAudioError(f"{bits}-bit, {channels} channels; 16-bit mono or stereo is taken")
            return Sound(wav.readframes(wav.getnframes()), wav.getframerate(), channels)
    except (wave.Error, EOFError) as error:
        raise NotAudioError(f"no WAV of 16-bit PCM: {error}") from error


def read_any(data: bytes) -> Samples:
    """The samples of a file in any container FFmpeg reads (webm, ogg, mp3, m4a, flac, wav). Raises NotAudioError."""
    import av
    from faster_whisper.audio import decode_audio

    try:
        samples: Samples = decode_audio(io.BytesIO(data), sampling_rate=MODEL_RATE_HZ)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise NotAudioError("no audio could be decoded") from error
    if not samples.size:
        raise NotAudioError("the file holds no audio")
    return samples
