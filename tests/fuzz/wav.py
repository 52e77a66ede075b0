"""The reader of relayed audio. What it takes lies within its bounds, is what was sent, and comes back the same.

The last two bytes say what the body is sent as, and how much silence follows it: files of 4 MB are too long to make up.
"""

import io
import re
import wave
from collections.abc import Iterator
from itertools import product

from chalicelib.errors import InvalidRequestError, TooLargeError, UnsupportedMediaTypeError
from chalicelib.streaming import audio
from tests.streaming.test_audio import chunk, extensible, frames, layout, riff, wav

MOST_BYTES = 8_192
WORDS = [b"RIFF", b"WAVE", b"fmt ", b"data", b"LIST", b"\xff\xff\xff\xff", bytes(4), audio.PCM_SUBFORMAT_TAIL]
WAYS = [
    *(("audio/wav", None, None),) * 24,
    *product(["audio/pcm"], [None, *audio.SAMPLE_RATES], [None, 1, 2]),
    ("audio/mpeg", None, None),
]
SILENCE_FROM, SILENCE_BYTES = 224, 140_000  # up to 31 times: 4.3 MB


def seeds() -> Iterator[bytes]:
    good = wav(sound=frames(90))
    files = [
        good,
        riff(chunk(b"LIST", b"odd"), chunk(b"fmt ", extensible()), chunk(b"data", frames(90))),
        wav(layout(8_000, 2), frames(80, 8_000, 2)),
        wav(sound=frames(90), size=0),
        wav(sound=frames(90), size=0xFFFFFFFF),
        wav(layout(bits=24)),
        wav(layout(11_025), frames(90, 11_025)),
        good[:40],
        riff(chunk(b"data", frames(90))),
    ]
    for number, file in enumerate(files):
        yield file + bytes([0, 0])
        yield file + bytes([0, SILENCE_FROM + number * 3])
    for way in range(24, len(WAYS)):
        yield frames(80, 8_000) + bytes([way, 0])


def one(data: bytes) -> None:
    if len(data) < 2:
        return
    media_type, rate, channels = WAYS[data[-2] % len(WAYS)]
    body = data[:-2] + bytes(SILENCE_BYTES * max(0, data[-1] - SILENCE_FROM))
    try:
        heard = audio.read(body, media_type, rate, channels)
    except (InvalidRequestError, UnsupportedMediaTypeError, TooLargeError):
        return
    samples, rest = divmod(len(heard.frames), 2 * heard.channels)
    assert rest == 0
    assert heard.sample_rate in audio.SAMPLE_RATES
    assert heard.channels in (1, 2)
    assert audio.SHORTEST_MS * heard.sample_rate <= samples * 1000 <= audio.LONGEST_MS * heard.sample_rate
    assert heard.duration_ms == samples * 1000 // heard.sample_rate
    assert len(heard.frames) <= len(body) <= audio.MAX_BYTES
    places = [0] if media_type == "audio/pcm" else [found.end() + 4 for found in re.finditer(b"data", body)]
    assert any(body.startswith(heard.frames, place) for place in places)
    with wave.open(io.BytesIO(heard.as_wav())) as again:
        assert again.getparams()[:4] == (heard.channels, 2, heard.sample_rate, samples)
        assert again.readframes(samples) == heard.frames
    assert audio.read(heard.as_wav(), "audio/wav", None, None) == heard
