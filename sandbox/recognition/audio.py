"""Audio as clients send it, and as the model needs it: float samples, mono, 16 kHz."""

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
    """The bytes are not audio of the declared format."""


class UnsupportedAudioError(Exception):
    """The audio has an unsupported format."""


@dataclass(frozen=True)
class PcmAudio:
    """16-bit little-endian samples; with two channels, left and right samples alternate."""

    frames: bytes
    rate_hz: int
    channels: int

    def __post_init__(self) -> None:
        """Raises NotAudioError if the bytes are not a whole number of frames."""
        if len(self.frames) % (SAMPLE_BYTES * self.channels):
            raise NotAudioError(f"{len(self.frames)} bytes are not a whole number of {self.channels}-channel frames")

    @property
    def frame_count(self) -> int:
        return len(self.frames) // (SAMPLE_BYTES * self.channels)

    @property
    def duration_ms(self) -> int:
        """Rounded down."""
        return self.frame_count * 1000 // self.rate_hz

    def samples(self) -> Samples:
        """The audio as the model needs it; stereo is mixed down."""
        mono = np.frombuffer(self.frames, dtype="<i2").reshape(-1, self.channels).mean(axis=1) / 32768
        if self.rate_hz != MODEL_RATE_HZ and mono.size:
            ratio = MODEL_RATE_HZ / self.rate_hz
            # Truncating or padding the spectrum changes the rate without the aliasing of interpolation. The FFT is many
            # times faster on lengths without large prime factors, so the audio is padded to a whole second.
            padded = np.pad(mono, (0, -mono.size % self.rate_hz))
            resampled = np.fft.irfft(np.fft.rfft(padded), padded.size * MODEL_RATE_HZ // self.rate_hz) * ratio
            mono = resampled[: round(mono.size * ratio)]
        return np.asarray(mono, dtype=np.float32)


def read_wav(data: bytes) -> PcmAudio:
    """The audio of a WAV file. Raises NotAudioError; UnsupportedAudioError unless it is 16-bit mono or stereo."""
    try:
        with wave.open(io.BytesIO(data)) as wav:
            bits, channels = wav.getsampwidth() * 8, wav.getnchannels()
            if bits != SAMPLE_BYTES * 8 or channels not in (1, 2):
                raise UnsupportedAudioError(f"{bits}-bit, {channels} channels; only 16-bit mono or stereo is supported")
            return PcmAudio(wav.readframes(wav.getnframes()), wav.getframerate(), channels)
    except (wave.Error, EOFError) as error:
        raise NotAudioError(f"not a WAV file of 16-bit PCM: {error}") from error


def decode_file(data: bytes) -> Samples:
    """The samples of a file in any container that FFmpeg reads (webm, ogg, mp3, m4a, flac, wav).

    Raises NotAudioError.
    """
    import av
    from faster_whisper.audio import decode_audio

    try:
        samples: Samples = decode_audio(io.BytesIO(data), sampling_rate=MODEL_RATE_HZ)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise NotAudioError("no audio could be decoded") from error
    if not samples.size:
        raise NotAudioError("the file contains no audio")
    return samples
