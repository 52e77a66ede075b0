"""One range of a recording of any length: decoded alone, recognised in pieces."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Any

import numpy as np

from sandbox.recognition.audio import MODEL_RATE_HZ, NotAudioError, Samples
from sandbox.recognition.recogniser import Recogniser, Transcript, Word

BEFORE_SECONDS = 1.0
"""Decoded before the range begins: some codecs need what came before."""
PIECE_SECONDS, CUT_SECONDS = 28, 8
"""A piece fits one window of the model. It ends where it is quietest in its last CUT_SECONDS."""
WINDOW_SAMPLES = MODEL_RATE_HZ // 50
SILENCE = 0.001
"""Root mean square; a piece that is nowhere louder holds no speech."""


@dataclass(frozen=True)
class Range:
    """The samples of a range that begins `start_ms` into a recording of `duration_ms`."""

    samples: Samples
    start_ms: int
    duration_ms: int


def read_range(file: IO[bytes], start_ms: int, end_ms: int | None) -> Range:
    """A range of a file in any container FFmpeg reads, up to its end where `end_ms` is None. Raises NotAudioError.

    Only the range is decoded; the rest is passed over packet by packet, which tells the duration exactly.
    """
    import av

    try:
        with av.open(file, mode="r", metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise NotAudioError("the file holds no audio")
            return _Reader(start_ms, end_ms).read(container)
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise NotAudioError("no audio could be decoded") from error


def recognise(recogniser: Recogniser, part: Range) -> Transcript:
    """What was said; words carry their times in the whole recording. Callers that take turns get one between pieces."""
    words: list[Word] = []
    texts: list[str] = []
    for offset, samples in _pieces(part.samples):
        if _loudest(samples) < SILENCE:
            continue
        heard = recogniser.recognise(samples)
        moved_ms = part.start_ms + offset * 1000 // MODEL_RATE_HZ
        texts.append(heard.text)
        for word in heard.words:
            words.append(replace(word, start_ms=word.start_ms + moved_ms, end_ms=word.end_ms + moved_ms))
    return Transcript(" ".join(text for text in texts if text), words)


class _Reader:
    """Passes over a container's audio once. Times are seconds from its first packet."""

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
        ended = 0.0
        for packet in container.demux(stream):
            if packet.size == 0:  # The end: what the decoder still holds comes out.
                if self._decoded_from is not None:
                    self._decode(packet, ended)
                continue
            begins = ended
            if packet.pts is not None:
                first = packet.pts if first is None else first
                begins = (packet.pts - first) * base
            ended = max(ended, begins + (packet.duration or 0) * base)
            if ended >= self._start - BEFORE_SECONDS and (self._end is None or begins <= self._end):
                self._decode(packet, begins)
        for frame in self._resampler.resample(None) if self._decoded else []:
            self._decoded.append(frame.to_ndarray()[0])
        duration = max(ended, (self._decoded_from or 0) + sum(map(len, self._decoded)) / MODEL_RATE_HZ)
        if not duration:
            raise NotAudioError("the file holds no audio")
        return Range(self._cut(), self._start_ms, round(duration * 1000))

    def _decode(self, packet: Any, begins: float) -> None:
        from av.error import InvalidDataError

        if self._decoded_from is None:
            self._decoded_from = begins
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


def _pieces(samples: Samples) -> Iterator[tuple[int, Samples]]:
    """Pieces with the place where each begins, cut where it is quiet."""
    place = 0
    while len(samples) - place > PIECE_SECONDS * MODEL_RATE_HZ:
        end = place + PIECE_SECONDS * MODEL_RATE_HZ
        begin = end - CUT_SECONDS * MODEL_RATE_HZ
        cut = begin + (int(np.argmin(_loudness(samples[begin:end]))) * WINDOW_SAMPLES) + WINDOW_SAMPLES // 2
        yield place, samples[place:cut]
        place = cut
    if place < len(samples):
        yield place, samples[place:]


def _loudest(samples: Samples) -> float:
    return float(np.max(_loudness(samples), initial=0))


def _loudness(samples: Samples) -> Samples:
    """Root mean square by window of 20 ms; what is left at the end counts as one window."""
    windows = np.pad(samples, (0, -len(samples) % WINDOW_SAMPLES)).reshape(-1, WINDOW_SAMPLES)
    loudness: Samples = np.sqrt(np.mean(windows * windows, axis=1))
    return loudness
