"""Audio before recognition: uploads, fetched files, and the range that is decoded."""

import asyncio
import io

import numpy as np
import pytest

from sandbox import loopback
from sandbox.assemblyai.stored_audio import KEPT_SECONDS, FetchError, TooLargeError, Uploads, fetch
from sandbox.clock import Clock
from sandbox.recognition.audio import MODEL_RATE_HZ, NotAudioError
from sandbox.recognition.ranges import Range, read_range, recognise_range
from sandbox.recognition.transcript import Transcript, Word

CONTAINERS = [
    ("wav", "pcm_s16le", 16_000),
    ("wav", "pcm_s16le", 44_100),
    ("flac", "flac", 16_000),
    ("mp3", "libmp3lame", 16_000),
    ("ogg", "libopus", 48_000),
    ("webm", "libopus", 48_000),
    ("mp4", "aac", 44_100),
]


class ManualClock(Clock):
    """A clock that tests set."""

    seconds = 1_000.0

    def now(self) -> float:
        return self.seconds


async def pieces(*chunks: bytes):
    for chunk in chunks:
        yield chunk


def tones(*tones_hz: float) -> np.ndarray:
    """A second of each tone, at 16 kHz; 0 Hz is silence."""
    times = np.arange(MODEL_RATE_HZ) / MODEL_RATE_HZ
    return np.concatenate([0.5 * np.sin(2 * np.pi * tone * times) for tone in tones_hz]).astype(np.float32)


def encode(samples: np.ndarray, container: str, codec: str, rate_hz: int) -> io.BytesIO:
    import av  # Loading it takes long, in each process of a run.

    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate_hz, layout="mono")
        resampler = av.AudioResampler(format=stream.format.name, layout="mono", rate=rate_hz)
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype("<i2")[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = MODEL_RATE_HZ
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            output.mux(stream.encode(part))
    file.seek(0)
    return file


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.argmax(spectrum) * MODEL_RATE_HZ / len(samples))


@pytest.mark.parametrize(("container", "codec", "rate_hz"), CONTAINERS)
def test_the_requested_range_is_read_from_every_container(container, codec, rate_hz):
    file = encode(tones(300, 600, 900, 1200, 1500), container, codec, rate_hz)

    part = read_range(file, start_ms=3_000, end_ms=4_000)

    assert abs(len(part.samples) - MODEL_RATE_HZ) < 0.1 * MODEL_RATE_HZ
    assert abs(loudest_hz(part.samples) - 1200) < 10
    assert abs(part.duration_ms - 5_000) < 120
    assert part.start_ms == 3_000


def test_without_an_end_the_range_goes_to_the_end():
    file = encode(tones(300, 600, 900), "wav", "pcm_s16le", 16_000)

    part = read_range(file, start_ms=1_500, end_ms=None)

    assert (len(part.samples), part.duration_ms) == (24_000, 3_000)


def test_a_range_beyond_the_end_is_empty_but_knows_how_long_the_recording_is():
    file = encode(tones(300), "flac", "flac", 16_000)

    part = read_range(file, start_ms=60_000, end_ms=90_000)

    assert (len(part.samples), part.duration_ms) == (0, 1_000)


@pytest.mark.parametrize("data", [b"", b"text", b"RIFF" + bytes(100), bytes(4_000)])
def test_bytes_that_are_not_audio_are_reported(data):
    with pytest.raises(NotAudioError):
        read_range(io.BytesIO(data), 0, None)


class ScriptedRecogniser:
    """Recognises one word in the middle of each piece, and records the length of each piece."""

    def __init__(self):
        self.seconds = []

    def recognise(self, samples) -> Transcript:
        seconds = len(samples) / MODEL_RATE_HZ
        self.seconds.append(seconds)
        middle_ms = round(seconds * 500)
        return Transcript("word", [Word("word", middle_ms, middle_ms + 10, 1.0)])


def test_a_long_range_is_split_at_silence_with_times_in_the_whole():
    noise = np.random.default_rng(1).normal(0, 0.1, 70 * MODEL_RATE_HZ).astype(np.float32)
    noise[24 * MODEL_RATE_HZ : 25 * MODEL_RATE_HZ] = 0
    listener = ScriptedRecogniser()

    received = recognise_range(listener, Range(noise, start_ms=100_000, duration_ms=200_000))

    assert 24 <= listener.seconds[0] <= 25
    assert max(listener.seconds) <= 28
    assert sum(listener.seconds) == pytest.approx(70)
    assert received.text == "word word word"
    assert received.words[0].start_ms == 100_000 + round(listener.seconds[0] * 500)
    assert received.words[2].start_ms == pytest.approx(170_000 - listener.seconds[2] * 500, abs=2)


def test_silence_is_not_recognised():
    listener = ScriptedRecogniser()

    received = recognise_range(listener, Range(np.zeros(60 * MODEL_RATE_HZ, dtype=np.float32), 0, 60_000))

    assert (received, listener.seconds) == (Transcript("", []), [])


def test_an_upload_is_kept_for_two_days():
    clock = ManualClock()
    uploads = Uploads(clock)
    name = asyncio.run(uploads.store(pieces(b"a", b"b")))

    clock.seconds += KEPT_SECONDS
    stored = uploads.find(name)
    assert (stored.file.seek(0), stored.file.read(), stored.size_bytes) == (0, b"ab", 2)
    clock.seconds += 1
    assert uploads.find(name) is None


def test_an_upload_has_a_size_limit_and_is_read_to_its_end():
    uploads, read = Uploads(ManualClock(), max_bytes=3), []

    async def body():
        for chunk in (b"ab", b"cd", b"ef"):
            read.append(chunk)
            yield chunk

    with pytest.raises(TooLargeError, match="6 bytes exceed the limit of 3"):
        asyncio.run(uploads.store(body()))
    assert len(read) == 3
    assert asyncio.run(uploads.store(pieces(b"abc")))


def test_a_fetched_file_has_a_size_limit(receiver):
    receiver.files["/a.wav"] = bytes(3_000_000)

    with pytest.raises(FetchError):
        fetch(f"{receiver.url}/a.wav", now=0, max_bytes=2_999_999)
    assert fetch(f"{receiver.url}/a.wav", now=0, max_bytes=3_000_000).size_bytes == 3_000_000


def test_a_proxy_from_the_environment_is_ignored(receiver, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    receiver.files["/a"] = b"here"

    assert fetch(f"{receiver.url}/a", now=0).size_bytes == 4


@pytest.mark.parametrize(
    ("url", "address", "host"),
    [
        ("http://127.0.0.1:80/a?b=%2F", "http://127.0.0.1:80/a?b=%2F", "127.0.0.1:80"),
        ("http://localhost", "http://127.0.0.1/", "localhost"),
        ("http://api.execute-api.LOCALHOST:4566/x#y", "http://127.0.0.1:4566/x", "api.execute-api.localhost:4566"),
        ("http://[::1]:8/", "http://[::1]:8/", None),
    ],
)
def test_loopback_names_resolve_to_the_address_and_keep_the_host_header(url, address, host):
    assert loopback.resolve(url) == (address, {"Host": host} if host else {})


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "http://example.org/",
        "http://localhost.example.org/",
        "http://notlocalhost/",
        "http://169.254.169.254/",
        "http://0.0.0.0/",
        "http://[::ffff:10.0.0.1]/",
        "http://127.1/",
        "http://user@127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http://[/",
        "/a",
        "",
    ],
)
def test_every_other_address_is_refused(url):
    with pytest.raises(loopback.NotLoopbackError):
        loopback.resolve(url)
