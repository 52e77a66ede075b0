"""The word error rate, the samples, and the audio as the model receives it."""

import numpy as np
import pytest

from sandbox.recognition.audio import NotAudioError, PcmAudio, decode_file
from sandbox.speech import samples, word_error_rate


@pytest.mark.parametrize(
    ("reference", "hypothesis", "rate"),
    [
        ("one two three four", "one two three four", 0),
        ("one two three four", "One, two: three - four!", 0),
        ("mister cold hearted", "Mr. cold-hearted", 0),
        ("one two three four", "one two four", 0.25),
        ("one two three four", "one two and three four", 0.25),
        ("one two three four", "one two tree four", 0.25),
        ("one two three four", "", 1),
        ("one", "two three four", 3),
    ],
)
def test_the_rate_counts_insertions_deletions_and_replacements(reference, hypothesis, rate):
    assert word_error_rate(reference, hypothesis) == rate


def test_a_reference_without_words_is_an_error():
    with pytest.raises(ValueError, match="has no words"):
        word_error_rate("...", "one")


def test_the_samples_are_all_recordings():
    paths = [path for path, _ in samples()]

    assert paths == sorted(paths[0].parent.glob("*.wav"))
    assert all(words.islower() for _, words in samples())


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000])
def test_a_tone_keeps_its_pitch_and_loudness_at_the_models_rate(rate_hz):
    seconds = np.arange(rate_hz) / rate_hz
    tone = (np.sin(2 * np.pi * 440 * seconds) * 16_384).astype("<i2")

    samples_16_khz = PcmAudio(np.repeat(tone, 2).tobytes(), rate_hz, channels=2).samples()

    spectrum = np.abs(np.fft.rfft(samples_16_khz))
    assert (len(samples_16_khz), samples_16_khz.dtype) == (16_000, np.float32)
    assert np.argmax(spectrum) == 440
    assert np.max(samples_16_khz) == pytest.approx(0.5, abs=0.01)


def test_resampling_removes_frequencies_above_the_models_rate():
    seconds = np.arange(48_000) / 48_000
    tone = (np.sin(2 * np.pi * 15_000 * seconds) * 16_384).astype("<i2")

    assert np.max(np.abs(PcmAudio(tone.tobytes(), 48_000, channels=1).samples())) < 0.001


@pytest.mark.parametrize("data", [b"", b"RIFF", b"no audio at all", bytes(1_000)])
def test_a_file_that_is_not_audio_is_an_error(data):
    with pytest.raises(NotAudioError):
        decode_file(data)
