"""Reads one range of a recording of any length, and recognises it in pieces."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Any

import numpy as np

from sandbox.recognition.audio import MODEL_RATE_HZ, NotAudioError, Samples
from sandbox.recognition.recogniser import Recogniser
from sandbox.recognition.transcript import Transcript, Word

BEFORE_SECONDS = 1.0
"""Decoded before the range start: some codecs depend on earlier packets."""
PIECE_SECONDS, CUT_SECONDS = 28, 8
"""A piece fits one window of the model. It ends at the quietest point of its last CUT_SECONDS."""
WINDOW_SAMPLES = MODEL_RATE_HZ // 50
SILENCE = 0.001
"""Root mean square; a piece that is nowhere louder contains no speech."""


@dataclass(frozen=True)
class Range:
    """The samples of a range that start `start_ms` into a recording of `duration_ms`."""

    samples: Samples
    start_ms: int
    duration_ms: int


def read_range(file: IO[bytes], start_ms: int, end_ms: int | None) -> Range:
    """One range of a file in any container that FFmpeg reads; `end_ms` None is its end. Raises NotAudioError.

    Only the range is decoded. All other packets are only counted, which gives the exact duration.
    """
    import av

    try:
        with av.open(file, mode="r", metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise NotAudioError("the file contains no audio")
            return _RangeDecoder(start_ms, end_ms).read(container)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise NotAudioError("no audio could be decoded") from error


def recognise_range(recogniser: Recogniser, part: Range) -> Transcript:
    """Recognise the speech; the times of its words are relative to the whole recording.

    The recogniser is free for other callers between pieces.
    """
    words: list[Word] = []
    texts: list[str] = []
    for offset, samples in _split_at_silence(part.samples):
        if _loudest(samples) < SILENCE:
            continue
        transcript = recogniser.recognise(samples)
        offset_ms = part.start_ms + offset * 1000 // MODEL_RATE_HZ
        texts.append(transcript.text)
        for word in transcript.words:
            words.append(replace(word, start_ms=word.start_ms + offset_ms, end_ms=word.end_ms + offset_ms))
    return Transcript(" ".join(text for text in texts if text), words)


class _RangeDecoder:
    """Reads a container's audio once. Times are seconds from its first packet."""

    def __init__(self, start_ms: int, end_ms: int | None):
        from av.audio.resampler import AudioResampler

        self._start_ms = start_ms
        self._start = start_ms / 1000
        self._end = None if end_ms is None else end_ms / 1000
        self._resampler = AudioResampler(format="s16", layout="mono", rate=MODEL_RATE_HZ)
        self._decoded: list[Any] = []
        self._decoded_from: float | None = None

    def read(self, container: Any) -> Range:
        stream = container.streams.audio[0]
        first, base = None, float(stream.time_base)
        end = 0.0
        for packet in container.demux(stream):
            if packet.size == 0:  # The end of the stream: flush the decoder.
                if self._decoded_from is not None:
                    self._decode(packet, end)
                continue
            start = end
            if packet.pts is not None:
                first = packet.pts if first is None else first
                start = (packet.pts - first) * base
            end = max(end, start + (packet.duration or 0) * base)
            if end >= self._start - BEFORE_SECONDS and (self._end is None or start <= self._end):
                self._decode(packet, start)
        for frame in self._resampler.resample(None) if self._decoded else []:
            self._decoded.append(frame.to_ndarray()[0])
        duration = max(end, (self._decoded_from or 0) + sum(map(len, self._decoded)) / MODEL_RATE_HZ)
        if not duration:
            raise NotAudioError("the file contains no audio")
        return Range(self._cut(), self._start_ms, round(duration * 1000))

    def _decode(self, packet: Any, start: float) -> None:
        from av.error import InvalidDataError

        if self._decoded_from is None:
            self._decoded_from = start
        try:
            frames = packet.decode()
        except InvalidDataError:
            return
        for frame in frames:
            frame.pts = None
            self._decoded.extend(out.to_ndarray()[0] for out in self._resampler.resample(frame))

    def _cut(self) -> Samples:
        if not self._decoded:
            return np.zeros(0, dtype=np.float32)
        samples = np.concatenate(self._decoded)
        before = self._decoded_from or 0.0
        first = max(0, round((self._start - before) * MODEL_RATE_HZ))
        last = None if self._end is None else max(0, round((self._end - before) * MODEL_RATE_HZ))
        return np.asarray(samples[first:last] / np.float32(32768), dtype=np.float32)


def _split_at_silence(samples: Samples) -> Iterator[tuple[int, Samples]]:
    """Pieces with their positions, split where it is quiet."""
    position = 0
    while len(samples) - position > PIECE_SECONDS * MODEL_RATE_HZ:
        end = position + PIECE_SECONDS * MODEL_RATE_HZ
        window_start = end - CUT_SECONDS * MODEL_RATE_HZ
        cut = (
            window_start + (int(np.argmin(_loudness(samples[window_start:end]))) * WINDOW_SAMPLES) + WINDOW_SAMPLES // 2
        )
        yield position, samples[position:cut]
        position = cut
    if position < len(samples):
        yield position, samples[position:]


def _loudest(samples: Samples) -> float:
    return float(np.max(_loudness(samples), initial=0))


def _loudness(samples: Samples) -> Samples:
    """Root mean square per window of 20 ms; the rest at the end counts as one window."""
    windows = np.pad(samples, (0, -len(samples) % WINDOW_SAMPLES)).reshape(-1, WINDOW_SAMPLES)
    loudness: Samples = np.sqrt(np.mean(windows * windows, axis=1))
    return loudness
