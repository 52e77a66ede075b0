"""What the ruler reads in coded samples, and what it does with others."""

import numpy as np
import pytest

from sandbox.recognition.live_speech import RulerSpeech
from sandbox.recognition.ruler import Ruler, Rulers, encode_samples

SECOND = 16_000


@pytest.fixture
def ruler() -> Ruler:
    return Ruler("a service", SECOND)


@pytest.mark.parametrize("is_soft", [False, True])
@pytest.mark.parametrize("position", [0, 4, 63 * 4, 64 * 4, 8_000 * 4, 64 * 64 * 4, 3_600 * SECOND])
def test_each_group_of_samples_tells_its_own_position(ruler, position, is_soft):
    ruler.add(encode_samples(position, 8, is_soft))

    assert ruler.ranges == [[position, position + 8]]


def test_samples_that_follow_each_other_are_one_range_however_they_are_cut(ruler):
    audio = encode_samples(0, 1_600, False) + encode_samples(1_600, 1_600, True) + encode_samples(3_200, 1_600, False)
    for start in range(0, len(audio), 1_006):
        ruler.add(audio[start : start + 1_006])

    assert ruler.ranges == [[0, 4_800]]
    assert ruler.received_ms == 300


def test_lost_repeated_and_reordered_samples_begin_a_new_range(ruler):
    for position in (0, 400, 400, 1_200, 800):
        ruler.add(encode_samples(position, 400, False))

    assert ruler.ranges == [[0, 800], [400, 800], [1_200, 1_600], [800, 1_200]]


def test_a_word_is_recognised_at_the_middle_of_each_half_second(ruler):
    ruler.add(encode_samples(10 * SECOND, SECOND, False))  # from word 20 on; its time is that in the socket
    words = ruler.add(encode_samples(11 * SECOND, SECOND, True))

    assert [(word.text, word.start_ms, word.end_ms) for word in words] == [("w22", 1_050, 1_450), ("w23", 1_550, 1_950)]


def test_a_word_ends_with_the_audio_so_far(ruler):
    (word,) = ruler.add(encode_samples(0, SECOND // 2 - 1_600, False))

    assert (word.start_ms, word.end_ms) == (50, 400)


def test_silence_that_fills_a_frame_and_other_sounds_are_counted_apart(ruler):
    ruler.add(encode_samples(400, 400, False) + bytes(800) + np.full(40, -5, "<i2").tobytes())

    assert ruler.report() == {
        "service": "a service",
        "rate_hz": SECOND,
        "ranges": [[400, 800]],
        "added_samples": 400,
        "unreadable_samples": 40,
    }


def test_four_words_are_a_phrase_and_an_end_takes_the_rest(ruler):
    speech = RulerSpeech(ruler, silence_ms=400)
    (phrase,) = speech.add(encode_samples(0, 3 * SECOND, False))

    assert phrase.recognise().text == "w0 w1 w2 w3"
    assert (phrase.start_ms, phrase.speech_end_ms, phrase.end_ms) == (50, 1_950, 3_000)
    assert [word.start_ms for word in phrase.recognise().words] == [0, 500, 1_000, 1_500]
    assert speech.current().recognise().text == "w4 w5"
    assert speech.end().recognise().text == "w4 w5"
    assert (speech.current(), speech.end()) == (None, None)


def test_the_sockets_are_listed_in_the_order_in_which_they_were_opened():
    rulers = Rulers()
    rulers.open("first", SECOND)
    rulers.open("second", SECOND)

    assert [socket["service"] for socket in rulers.report()["sockets"]] == ["first", "second"]
    rulers.reset()
    assert rulers.report() == {"sockets": []}
