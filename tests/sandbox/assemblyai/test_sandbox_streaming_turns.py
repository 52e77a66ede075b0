"""Phrases, partial turns and the options of a live session."""

import asyncio

import numpy as np
import pytest

from sandbox.assemblyai.streaming_options import StreamingOptions, apply_changes, parse_query
from sandbox.assemblyai.turns import Turns, strip_punctuation
from sandbox.recognition.live_speech import ModelSpeech
from sandbox.recognition.phrases import LEAD_IN_MS, MAX_PHRASE_MS, Phrases
from sandbox.recognition.transcript import Transcript, Word

RATE_HZ = 16_000
QUERY = {"speech_model": "universal-streaming-english", "sample_rate": "16000"}


def tone(milliseconds: int, loudness: float = 0.1, rate_hz: int = RATE_HZ) -> bytes:
    seconds = np.arange(rate_hz * milliseconds // 1000) / rate_hz
    return (np.sin(2 * np.pi * 300 * seconds) * loudness * 32_768).astype("<i2").tobytes()


def noise(milliseconds: int, rate_hz: int = RATE_HZ) -> bytes:
    """Background noise as in a quiet room."""
    samples = np.random.default_rng(1).normal(scale=0.002, size=rate_hz * milliseconds // 1000)
    return (samples * 32_768).astype("<i2").tobytes()


@pytest.fixture
def phrases() -> Phrases:
    return Phrases(RATE_HZ, silence_ms=400)


@pytest.mark.parametrize("piece_bytes", [2, 1_600, 6_400, 1_000_000])
def test_silence_ends_a_phrase_regardless_of_the_chunk_size(phrases, piece_bytes):
    data = noise(1_000) + tone(600) + noise(500) + tone(300) + noise(500)

    ended = [
        phrase
        for start in range(0, len(data), piece_bytes)
        for phrase in phrases.add(data[start : start + piece_bytes])
    ]

    assert [phrase.start_ms for phrase in ended] == [1_000 - LEAD_IN_MS, 2_100 - LEAD_IN_MS]
    assert [phrase.speech_end_ms for phrase in ended] == [1_600, 2_400]
    assert [phrase.end_ms for phrase in ended] == [2_000, 2_800]
    assert phrases.current() is None


def test_the_rate_of_the_audio_does_not_move_a_phrase():
    (phrase,) = Phrases(44_100, silence_ms=400).add(
        noise(1_000, 44_100) + tone(600, rate_hz=44_100) + noise(500, 44_100)
    )

    assert (phrase.start_ms, phrase.speech_end_ms) == (1_000 - LEAD_IN_MS, 1_600)


def test_a_pause_shorter_than_the_limit_ends_no_phrase(phrases):
    assert phrases.add(tone(300) + noise(380) + tone(300)) == []
    assert phrases.current().speech_end_ms == 980


def test_silence_noise_and_clicks_are_not_phrases(phrases):
    assert phrases.add(bytes(32_000) + noise(2_000) + tone(100, loudness=0.5) + noise(1_000)) == []
    assert phrases.end() is None


def test_speech_without_a_pause_is_split_at_the_limit(phrases):
    (phrase,) = phrases.add(tone(MAX_PHRASE_MS + 1_000))

    assert phrase.audio.duration_ms == MAX_PHRASE_MS
    assert phrases.current().audio.duration_ms == 1_000


def test_a_forced_end_neither_loses_nor_repeats_audio(phrases):
    phrases.add(tone(1_000))
    first = phrases.end()
    phrases.add(tone(1_000))
    second = phrases.end()

    assert (first.end_ms, second.start_ms, second.end_ms) == (1_000, 1_000, 2_000)


class ScriptedRecogniser:
    """A recogniser with prepared results."""

    def __init__(self, *texts: str):
        self._texts = list(texts)

    def recognise_short(self, samples) -> Transcript:
        text = self._texts.pop(0)
        words = [Word(word, index * 100, index * 100 + 90, 0.9) for index, word in enumerate(text.split())]
        return Transcript(text, words)


def send_turns(options: StreamingOptions, *texts: str) -> list[dict]:
    """The turns sent when each of `texts` but the last is recognised during speech."""
    messages = []

    async def send(message: dict) -> None:
        messages.append(message)

    async def speak() -> None:
        turns = Turns(options, ModelSpeech(ScriptedRecogniser(*texts), RATE_HZ, options.silence_ms), send)
        work = asyncio.create_task(turns.run())
        turns.add_audio(noise(1_000))
        for expected in range(1, len(texts)):
            turns.add_audio(tone(700))
            async with asyncio.timeout(60):
                while len(messages) < expected:
                    await asyncio.sleep(0.001)
        await turns.finish()
        await work

    asyncio.run(speak())
    return messages


def test_a_partial_transcript_contains_only_stable_words():
    first, second, raw, formatted = send_turns(
        StreamingOptions("universal-streaming-english", RATE_HZ, format_turns=True),
        "He mite",
        "He might. Even",
        "He might, even so.",
    )

    assert [first["transcript"], second["transcript"]] == ["", "he"]
    assert [word["text"] for word in second["words"]] == ["he", "might", "even"]
    assert [word["word_is_final"] for word in second["words"]] == [True, False, False]
    assert (raw["transcript"], formatted["transcript"]) == ("he might even so", "He might, even so.")
    assert [(turn["end_of_turn"], turn["turn_is_formatted"], turn["turn_order"]) for turn in (raw, formatted)] == [
        (True, False, 0),
        (True, True, 0),
    ]
    assert raw["words"][1] == {
        "text": "might",
        "start": 1_000 - LEAD_IN_MS + 100,
        "end": 1_000 - LEAD_IN_MS + 190,
        "confidence": 0.9,
        "word_is_final": True,
    }


def test_a_pro_model_always_formats_and_sends_all_words():
    partial, final = send_turns(StreamingOptions("u3-rt-pro", RATE_HZ), "He mite", "He might.")

    assert (partial["transcript"], partial["end_of_turn"]) == ("He mite", False)
    assert (final["transcript"], final["end_of_turn"], final["turn_is_formatted"]) == ("He might.", True, True)


def test_the_language_is_sent_only_on_request():
    model = "universal-streaming-multilingual"

    without = send_turns(StreamingOptions(model, RATE_HZ), "Hello", "Hello.")
    requested = send_turns(StreamingOptions(model, RATE_HZ, language_detection=True), "Hello", "Hello.")

    assert [turn.get("language_code") for turn in without + requested] == [None, None, "en", "en"]


@pytest.mark.parametrize(
    ("word", "stripped"),
    [("Mr.", "mr"), ("“Cold-hearted,”", "cold-hearted"), ("don't!", "don't"), ("-", ""), ("I", "i")],
)
def test_stripping_removes_punctuation_and_capitals(word, stripped):
    assert strip_punctuation(word) == stripped


def test_options_are_read_as_the_sdk_sends_them_and_unknown_ones_ignored():
    options = parse_query(
        {**QUERY, "format_turns": "True", "keyterms_prompt": '["a b"]', "inactivity_timeout": "30", "sppech": "x"}
    )

    assert (options.format_turns, options.inactivity_seconds, options.rate_hz) == (True, 30, 16_000)
    assert parse_query(QUERY).inactivity_seconds is None


@pytest.mark.parametrize(
    "options",
    [
        {"speech_model": "universal-9"},
        {"sample_rate": "0"},
        {"sample_rate": "16k"},
        {"encoding": "opus"},
        {"inactivity_timeout": "4"},
        {"inactivity_timeout": "3601"},
        {"format_turns": "yes"},
        {"language_detection": "1"},
        {"keyterms_prompt": "a, b"},
        {"keyterms_prompt": "[1]"},
        {"max_turn_silence": "-1"},
    ],
    ids=str,
)
def test_options_outside_their_limits_are_refused_by_name(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        parse_query({**QUERY, **options})


@pytest.mark.parametrize("missing", ["speech_model", "sample_rate"])
def test_model_and_rate_are_required(missing):
    with pytest.raises(ValueError, match=f"{missing} is missing"):
        parse_query({name: value for name, value in QUERY.items() if name != missing})


def test_a_running_session_can_be_changed():
    options = apply_changes(parse_query(QUERY), {"max_turn_silence": 200, "format_turns": True, "vad_threshold": 0.3})

    assert (options.silence_ms, options.has_formatted_turns) == (200, True)
    with pytest.raises(ValueError, match="format_turns"):
        apply_changes(options, {"format_turns": "perhaps"})
