"""The reader of relayed audio. Accepted audio is within the limits, unchanged, and readable again.

The last two bytes select the media type and the silence after the body: the fuzzer cannot create files of 4 MB.
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
MEDIA_TYPES = [
    *(("audio/wav", None, None),) * 24,
    *product(["audio/pcm"], [None, *audio.SAMPLE_RATES], [None, 1, 2]),
    ("audio/mpeg", None, None),
]
SILENCE_FROM, SILENCE_BYTES = 224, 140_000  # up to 31 times: 4.3 MB


def seeds() -> Iterator[bytes]:
    valid = wav(sound=frames(90))
    files = [
        valid,
        riff(chunk(b"LIST", b"odd"), chunk(b"fmt ", extensible()), chunk(b"data", frames(90))),
        wav(layout(8_000, 2), frames(80, 8_000, 2)),
        wav(sound=frames(90), size=0),
        wav(sound=frames(90), size=0xFFFFFFFF),
        wav(layout(bits=24)),
        wav(layout(11_025), frames(90, 11_025)),
        valid[:40],
        riff(chunk(b"data", frames(90))),
    ]
    for number, file in enumerate(files):
        yield file + bytes([0, 0])
        yield file + bytes([0, SILENCE_FROM + number * 3])
    for index in range(24, len(MEDIA_TYPES)):
        yield frames(80, 8_000) + bytes([index, 0])


def run_input(data: bytes) -> None:
    if len(data) < 2:
        return
    media_type, rate, channels = MEDIA_TYPES[data[-2] % len(MEDIA_TYPES)]
    body = data[:-2] + bytes(SILENCE_BYTES * max(0, data[-1] - SILENCE_FROM))
    try:
        received = audio.read(body, media_type, rate, channels)
    except (InvalidRequestError, UnsupportedMediaTypeError, TooLargeError):
        return
    samples, rest = divmod(len(received.frames), 2 * received.channels)
    assert rest == 0
    assert received.sample_rate in audio.SAMPLE_RATES
    assert received.channels in (1, 2)
    assert audio.SHORTEST_MS * received.sample_rate <= samples * 1000 <= audio.LONGEST_MS * received.sample_rate
    assert received.duration_ms == samples * 1000 // received.sample_rate
    assert len(received.frames) <= len(body) <= audio.MAX_BYTES
    places = [0] if media_type == "audio/pcm" else [found.end() + 4 for found in re.finditer(b"data", body)]
    assert media_type != "audio/pcm" or received.frames == body
    # The sound of several data chunks is joined; each part has a whole frame at least.
    one_part = received.frames if len(places) == 1 else received.frames[: 2 * received.channels]
    assert any(body.startswith(one_part, place) for place in places)
    with wave.open(io.BytesIO(received.as_wav())) as again:
        assert again.getparams()[:4] == (received.channels, 2, received.sample_rate, samples)
        assert again.readframes(samples) == received.frames
    assert audio.read(received.as_wav(), "audio/wav", None, None) == received
