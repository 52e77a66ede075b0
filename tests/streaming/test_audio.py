"""Reading relayed audio: every kind of file that comes, and that no bytes whatever are more than a refusal."""

import struct

import pytest
from hypothesis import example, given, settings, strategies as st

from chalicelib.errors import AppError, InvalidRequestError, TooLargeError, UnsupportedMediaTypeError
from chalicelib.models.audio import Audio
from chalicelib.streaming import audio
from chalicelib.streaming.audio import MAX_BYTES, PCM_SUBFORMAT_TAIL

RATE = 16_000


def frames(ms: float, rate: int = RATE, channels: int = 1) -> bytes:
    return bytes(range(1, 3)) * (round(rate * ms / 1000) * channels)


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if size is None else size) + body + bytes(len(body) % 2)


def layout(
    rate: int = RATE,
    channels: int = 1,
    bits: int = 16,
    code: int = 1,
    block: int | None = None,
    second: int | None = None,
) -> bytes:
    block = channels * bits // 8 if block is None else block
    return struct.pack("<HHIIHH", code, channels, rate, rate * block if second is None else second, block, bits)


def extensible(subformat: bytes = b"\x01\x00" + PCM_SUBFORMAT_TAIL) -> bytes:
    return layout(code=0xFFFE) + struct.pack("<HHI", 22, 16, 4) + subformat


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def wav(fmt: bytes | None = None, sound: bytes | None = None, size: int | None = None) -> bytes:
    return riff(chunk(b"fmt ", fmt or layout()), chunk(b"data", frames(500) if sound is None else sound, size))


def read(body: bytes, content_type: str = "audio/wav") -> Audio:
    return audio.read(body, content_type, None, None)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", audio.SAMPLE_RATES)
def test_every_rate_and_both_layouts_are_read(rate: int, channels: int) -> None:
    sound = frames(500, rate, channels)

    audio_read = read(wav(layout(rate, channels), sound))

    assert (audio_read.frames, audio_read.sample_rate, audio_read.channels, audio_read.duration_ms) == (
        sound,
        rate,
        channels,
        500,
    )
    assert audio.read(sound, "audio/pcm", rate, channels) == audio_read
    assert read(audio_read.as_wav()) == audio_read


@pytest.mark.parametrize(
    "content_type", ["audio/wav", "audio/x-wav", "AUDIO/WAV; codecs=1", "audio/wave", "audio/vnd.wave"]
)
def test_every_media_type_of_wav_is_accepted(content_type: str) -> None:
    assert read(wav(), content_type).duration_ms == 500


@pytest.mark.parametrize("content_type", ["", "audio/mpeg", "audio/webm;codecs=opus", "application/json"])
def test_other_types_are_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        read(wav(), content_type)


@pytest.mark.parametrize("milliseconds", [80, 120_000])
def test_the_shortest_and_the_longest_chunk_are_accepted(milliseconds: int) -> None:
    assert read(wav(sound=frames(milliseconds))).duration_ms == milliseconds


def test_a_part_of_a_millisecond_is_not_billed() -> None:
    assert read(wav(sound=frames(500) + b"\0\0")).duration_ms == 500


def test_the_number_of_riff_chunks_before_the_audio_is_bounded() -> None:
    most = [chunk(b"fmt ", layout()), *[chunk(b"LIST", b"x")] * (audio.MOST_PARTS - 2), chunk(b"data", frames(500))]

    assert read(riff(*most)).duration_ms == 500
    with pytest.raises(InvalidRequestError):
        read(riff(chunk(b"JUNK", b""), *most))


REFUSED = {
    "nothing": b"",
    "no file": b"hello, this is not audio",
    "a name only": b"RIFF",
    "a list of pictures": b"RIFF" + bytes(4) + b"AVI " + chunk(b"fmt ", layout()),
    "a header cut short": wav()[:30],
    "a header cut before the audio": riff(chunk(b"fmt ", layout())),
    "a format cut short": riff(chunk(b"fmt ", layout()[:14]), chunk(b"data", frames(500))),
    "no audio in it": wav(sound=b""),
    "79 ms": wav(sound=frames(79)),
    "a sample under 80 ms": wav(sound=frames(80)[:-2]),
    "121 s": wav(sound=frames(121_000)),
    "a sample over 120 s": wav(sound=frames(120_000) + b"\0\0"),
    "half a sample": wav(sound=frames(500) + b"\0"),
    "half a stereo frame": wav(layout(channels=2), frames(500) + b"\0\0"),
    "half a sample in the second data chunk": riff(
        chunk(b"fmt ", layout()), chunk(b"data", frames(500)), chunk(b"data", frames(500) + b"\0")
    ),
    "two half samples": riff(chunk(b"fmt ", layout()), *[chunk(b"data", frames(500) + b"\0")] * 2),
    "more promised by the second data chunk": riff(
        chunk(b"fmt ", layout()), chunk(b"data", frames(500)), chunk(b"data", frames(500), len(frames(500)) + 2)
    ),
    "more promised than there is": wav(size=len(frames(500)) + 2),
    "as much promised as a body can hold": wav(size=MAX_BYTES - 44),
    "no sound, then metadata": riff(chunk(b"fmt ", layout()), chunk(b"data", b""), chunk(b"LIST", bytes(4_000))),
    "no sound, then metadata cut short": riff(chunk(b"fmt ", layout()), chunk(b"data", b""), b"LIST" + bytes(4_000)),
    "metadata after a sound of unknown length of 0": riff(
        chunk(b"fmt ", layout()), b"data\xff\xff\xff\xff", chunk(b"id3 ", bytes(5_000)), chunk(b"LIST", bytes(9))
    ),
    "a chunk larger than the file": riff(chunk(b"LIST", b"", 0xFFFFFFF0), chunk(b"fmt ", layout())),
    "data before its format": riff(chunk(b"data", frames(500)), chunk(b"fmt ", layout())),
    "24 bits": wav(layout(bits=24), bytes(48_000)),
    "8 bits": wav(layout(bits=8), bytes(8_000)),
    "floating point": wav(layout(code=3, bits=32), bytes(64_000)),
    "compressed": wav(layout(code=0x55)),
    "extensible and compressed": wav(extensible(b"\x55\x00" + PCM_SUBFORMAT_TAIL)),
    "extensible and cut short": wav(extensible()[:30]),
    "no channel": wav(layout(channels=0)),
    "six channels": wav(layout(channels=6), frames(500, channels=6)),
    "a rate of zero": wav(layout(rate=0)),
    "11,025 Hz": wav(layout(rate=11_025)),
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_audio_that_cannot_be_metered_exactly_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read(body)

    assert refused.value.details["field"] in {"body", "sample_rate"}


@pytest.mark.parametrize(("rate", "channels", "field"), [(None, 1, "sample_rate"), (RATE, None, "channels")])
def test_raw_audio_needs_its_parameters(rate: int | None, channels: int | None, field: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        audio.read(frames(500), "audio/pcm", rate, channels)

    assert refused.value.details["field"] == field


@pytest.mark.parametrize("content_type", ["audio/wav", "audio/pcm"])
def test_one_byte_over_four_megabytes_is_too_large(content_type: str) -> None:
    with pytest.raises(TooLargeError):
        audio.read(bytes(MAX_BYTES + 1), content_type, 48_000, 2)
    with pytest.raises(InvalidRequestError):
        audio.read(bytes(MAX_BYTES), content_type, 8_000, 1)


UNLISTED = [b"afmd", b"SAUR", b"XMP_", b"LGWV", b"MD5 ", b"CSET", b"DGDA", b"slnt"]
TRAILERS = {
    "nothing": b"",
    "a list": chunk(b"LIST", bytes(4_000)),
    "a list of 70,000 bytes": chunk(b"LIST", bytes(70_000)),
    "a picture of two megabytes, then a list": chunk(b"id3 ", bytes(2_000_000)) + chunk(b"LIST", bytes(26)),
    "a list of many lists": chunk(b"LIST", chunk(b"LIST", b"odd") * 300),
    "an odd chunk and another": chunk(b"id3 ", b"odd") + chunk(b"bext", bytes(602)),
    "an odd list without its last byte": b"LIST\5\0\0\0INFOx",
    "a list that ends 2 bytes short": chunk(b"LIST", bytes(4_000))[:-2],
    "a list that ends 3 bytes short": chunk(b"LIST", bytes(4_000))[:-3],
    "a chunk, then one without its second half": chunk(b"bext", bytes(602)) + chunk(b"id3 ", bytes(60_000))[:-30_000],
    **{f"the chunk {name!r}": chunk(name, b"xy" * 30) for name in UNLISTED},
    "many unlisted chunks": b"".join(chunk(name, b"odd") for name in UNLISTED),
    "an unlisted chunk without its last byte": chunk(b"SAUR", b"odd")[:-1],
    "unlisted chunks around a list": chunk(b"afmd", b"a") + chunk(b"LIST", bytes(26)) + chunk(b"MD5 ", bytes(16)),
    "an unlisted chunk, then a list that ends short": chunk(b"XMP_", b"a") + chunk(b"LIST", bytes(4_000))[:-3],
    "a chunk of which only the header came": chunk(b"LIST", bytes(4_000))[:8],
}


@pytest.mark.parametrize(
    "size",
    [0, MAX_BYTES - 43, MAX_BYTES, MAX_BYTES + 1, 0x7FFFFFFF, 0x7FFFFFDB, 0x80000000, 2 * 10**9, 2**32 - 2, 2**32 - 1],
)
@pytest.mark.parametrize(
    "trailer",
    TRAILERS.values(),
    ids=TRAILERS,
)
def test_a_wav_of_unknown_length_is_billed_for_the_sound_that_was_sent(size: int, trailer: bytes) -> None:
    body = riff(chunk(b"fmt ", layout()), b"data" + struct.pack("<I", size) + frames(640), trailer)

    assert read(body).frames == frames(640)


def test_sound_that_happens_to_look_like_a_chunk_is_still_sound() -> None:
    sound = frames(640) + b"LIST" + bytes(10) + frames(640) + b"data\xff\xff\xff\xff" + frames(2)
    far_too_long = b"LIST" + struct.pack("<I", 70_000 + len(sound))

    assert read(wav(sound=sound, size=0)).frames == sound
    assert read(wav(sound=frames(640) + far_too_long + sound, size=0)).frames == frames(640) + far_too_long + sound


def test_what_only_looks_like_unlisted_chunks_is_still_sound() -> None:
    cut = chunk(b"SAUR", bytes(60))[:-2]
    gap = chunk(b"SAUR", bytes(60)) + b"\x01\x02" + chunk(b"afmd", bytes(60))

    assert read(wav(sound=frames(640) + cut, size=0)).frames == frames(640) + cut
    assert read(wav(sound=frames(640) + gap, size=0)).frames == frames(640) + gap[:70]
    assert read(wav(sound=frames(640) + b"LOUD" + bytes(4), size=0)).frames == frames(640) + b"LOUD" + bytes(4)


def test_unlisted_chunks_before_the_sound_are_skipped() -> None:
    parts = chunk(b"fmt ", layout()), chunk(b"data", b""), chunk(b"SAUR", bytes(8)), chunk(b"data", frames(500))

    assert read(riff(*parts)).frames == frames(500)
    with pytest.raises(InvalidRequestError, match="no audio"):
        read(riff(*parts[:3]))


@pytest.mark.parametrize(
    "part", [b"SAUR\4\0\0\0abcd", b"LIST", b"LISTid3 ", chunk(b"LIST", b""), chunk(b"JUNK", b"") + chunk(b"LIST", b"")]
)
def test_sound_full_of_names_takes_a_bounded_number_of_steps(part: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    next_chunk = audio._next_chunk

    def count(body: bytes, start: int, size: int) -> int:
        steps.append(start)
        return next_chunk(body, start, size)

    monkeypatch.setattr(audio, "_next_chunk", count)
    sound = frames(640) + part * (3_500_000 // len(part)) + frames(2)

    assert read(wav(layout(48_000), sound, size=0)).frames == sound
    assert len(steps) <= audio.MOST_PARTS * audio.MOST_PARTS + 10


@pytest.mark.parametrize("second", [0, 1, 16_000, 64_000, 0xFFFFFFFF])
@pytest.mark.parametrize("block", [0, 1, 2, 3, 4, 8, 0xFFFF])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_wrong_byte_rate_or_frame_size_is_ignored(second: int, block: int, channels: int) -> None:
    header = layout(channels=channels, block=block, second=second)

    audio_read = read(wav(header, frames(500, channels=channels)))

    assert (audio_read.frames, audio_read.channels) == (frames(500, channels=channels), channels)
    assert audio_read.duration_ms == 500


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_file_of_recorder_js_is_read(rate: int, channels: int) -> None:
    """Its `encodeWAV` writes the bytes per second and per frame of stereo, whatever the channels are."""
    sound = frames(500, rate, channels)
    header = b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVEfmt "
    numbers = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * 4, 4, 16)

    audio_read = read(header + numbers + b"data" + struct.pack("<I", len(sound)) + sound)

    assert (audio_read.frames, audio_read.sample_rate, audio_read.channels) == (sound, rate, channels)
    assert audio_read.duration_ms == 500


@pytest.mark.parametrize("name", [b"LIST", b"JUNK", b"bext", b"id3 "])
@pytest.mark.parametrize("odd", [1, 5, 4_001])
def test_an_odd_chunk_is_read_with_and_without_its_last_byte(name: bytes, odd: int) -> None:
    padded = chunk(name, b"x" * odd)
    parts = chunk(b"fmt ", layout()), chunk(b"data", frames(500))

    for part in (padded, padded[:-1]):
        assert read(riff(part, *parts)).duration_ms == 500
        assert read(riff(parts[0], part, part, parts[1], part)).frames == frames(500)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
@pytest.mark.parametrize(("channels", "rest"), [(1, b"x"), (2, b"x"), (2, b"xy"), (2, b"xyz")])
def test_a_recording_of_unknown_length_that_was_cut_off_loses_the_started_frame_alone(
    size: int, channels: int, rest: bytes
) -> None:
    sound = frames(500, channels=channels)
    header = wav(layout(channels=channels), sound + rest, size)[: 44 + len(sound + rest)]

    assert read(header).frames == sound


@pytest.mark.parametrize("name", [b"RF64", b"BW64"])
@pytest.mark.parametrize("size", [0xFFFFFFFF, 16_000])
@pytest.mark.parametrize("trailer", [b"", chunk(b"LIST", b"INFO"), chunk(b"axml", b"<ebuCoreMain/>")])
def test_a_file_of_64_bits_is_read(name: bytes, size: int, trailer: bytes) -> None:
    sound = frames(500)
    sizes = chunk(b"ds64", struct.pack("<QQQI", 0, len(sound), len(sound) // 2, 0))
    body = riff(sizes, chunk(b"fmt ", layout()), chunk(b"data", sound, size), trailer)

    assert read(name + b"\xff\xff\xff\xff" + body[8:]).frames == sound


@pytest.mark.parametrize("without_head", [0, 8])
@pytest.mark.parametrize("before", [b"", chunk(b"LIST", b"INFOab")])
def test_the_size_of_the_file_in_place_of_that_of_its_sound_is_read(without_head: int, before: bytes) -> None:
    sound = frames(500)
    body = riff(before, chunk(b"fmt ", layout()), chunk(b"data", sound))
    wrong = struct.pack("<I", len(body) - without_head)

    assert read(body.replace(b"data" + struct.pack("<I", len(sound)), b"data" + wrong)).frames == sound


def test_all_data_chunks_are_one_sound() -> None:
    first, second, third = frames(500), b"\3\4" * 3_000, b"\5\6" * 2_000
    parts = chunk(b"fmt ", layout()), chunk(b"data", first), chunk(b"LIST", b"odd"), chunk(b"data", second)

    assert read(riff(*parts)).frames == first + second
    assert read(riff(*parts, chunk(b"data", b""), chunk(b"LIST", bytes(26)))).frames == first + second
    assert read(riff(*parts, b"data\xff\xff\xff\xff" + third)).frames == first + second + third


def test_an_empty_data_chunk_before_the_sound_is_skipped() -> None:
    body = riff(chunk(b"fmt ", layout()), chunk(b"data", b""), chunk(b"LIST", b"odd"), chunk(b"data", frames(500)))

    assert read(body).duration_ms == 500


def test_a_header_with_a_shorter_length_limits_what_is_sent_on() -> None:
    audio_read = read(wav(sound=frames(640), size=len(frames(320))))

    assert audio_read.duration_ms == 320
    assert len(audio_read.as_wav()) == 44 + len(frames(320))


def test_other_riff_chunks_before_the_audio_are_skipped() -> None:
    body = riff(
        chunk(b"JUNK", b"odd"), chunk(b"fmt ", layout()), chunk(b"LIST", bytes(26)), chunk(b"data", frames(500))
    )

    assert read(body).duration_ms == 500


def test_the_extensible_format_is_read() -> None:
    assert read(wav(extensible())).duration_ms == 500


headers = st.builds(
    lambda fmt, size, sound: riff(chunk(b"fmt ", fmt), chunk(b"data", sound, size)),
    st.binary(max_size=48) | st.builds(layout, rate=st.integers(0, 2**17), channels=st.integers(0, 9)),
    st.none() | st.integers(0, 2**32 - 1),
    st.binary(max_size=4_000),
)


@given(body=st.binary(max_size=300) | headers | st.binary(max_size=80).map(lambda tail: wav()[:44] + tail))
@example(body=b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff")
@settings(derandomize=True, deadline=None, max_examples=400)
def test_random_bytes_are_only_ever_refused(body: bytes) -> None:
    try:
        audio_read = read(body)
    except AppError:
        return
    assert 80 <= audio_read.duration_ms <= 120_000
    assert len(audio_read.frames) <= len(body)


def test_the_fingerprint_depends_on_samples_and_rate() -> None:
    sound = frames(500)

    assert read(wav(sound=sound)).fingerprint == audio.read(sound, "audio/pcm", RATE, 1).fingerprint
    assert audio.read(sound, "audio/pcm", 8_000, 1).fingerprint != read(wav(sound=sound)).fingerprint
