"""What people say in a live session, as AssemblyAI tells it: partial turns while they speak, final ones at the end."""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from sandbox.assemblyai.streaming_options import Options
from sandbox.recognition.phrases import Phrase, Phrases
from sandbox.recognition.recogniser import Recogniser, Transcript, Word

PARTIAL_MS = 600
"""A partial turn follows each time so much more speech was heard, unless recognition takes longer than that."""

Message = dict[str, Any]


class Turns:
    """Hears one session's audio and sends its turns.

    Recognition runs in a thread while more audio comes in. A running phrase is recognised again as a whole, always as
    far as it is heard by then: what was missed in between is never made up for, so one stream keeps up with real time.
    """

    def __init__(self, options: Options, recogniser: Recogniser, send: Callable[[Message], Awaitable[None]]):
        self.options = options
        self._recogniser = recogniser
        self._send = send
        self._phrases = Phrases(options.rate_hz, options.silence_ms)
        self._ended: deque[Phrase] = deque()
        self._heard = asyncio.Event()
        self._over = False
        self._order = 0
        self._partial_words: list[Word] | None = None
        """Those of the running turn's last partial; None before its first."""
        self._partial_until_ms = 0
        """How much speech the last recognition covered."""

    def hear(self, frames: bytes) -> None:
        self._ended.extend(self._phrases.add(frames))
        self._heard.set()

    def configure(self, options: Options) -> None:
        """From now on; the rate stays what it was."""
        self.options = options
        self._phrases.silence_ms = options.silence_ms

    def end_turn(self) -> None:
        """End the running turn without waiting for silence."""
        phrase = self._phrases.end()
        if phrase is not None:
            self._ended.append(phrase)
        self._heard.set()

    def end(self) -> None:
        """The stream is over: `work` returns after the last final turn."""
        self._over = True
        self.end_turn()

    async def work(self) -> None:
        """Recognise and send until the end. Final turns go first."""
        while True:
            await self._heard.wait()
            self._heard.clear()
            while self._ended:
                await self._final(self._ended.popleft())
            if self._over:
                return
            phrase = self._phrases.running()
            if phrase is not None and self._speech_ms(phrase) >= PARTIAL_MS:
                await self._partial(phrase)

    async def _partial(self, phrase: Phrase) -> None:
        transcript = await self._recognise(phrase)
        self._partial_until_ms = phrase.speech_end_ms
        if self._ended:
            return  # Its turn, or one after it, has ended meanwhile; the final turn says more.
        words = _placed(transcript.words, phrase)
        steady = _steady(self._partial_words or [], words)
        self._partial_words = words
        if words:
            await self._send(self._turn(words, steady, end_of_turn=False, formatted=False))

    async def _final(self, phrase: Phrase) -> None:
        words = _placed((await self._recognise(phrase)).words, phrase)
        partial_words, self._partial_words = self._partial_words, None
        self._partial_until_ms = phrase.end_ms
        if not words and not partial_words:
            return  # A noise. A turn that was begun must end, even if no word of it is left.
        if not self.options.revises:
            await self._send(self._turn(words, len(words), end_of_turn=True, formatted=False))
        if self.options.formats:
            await self._send(self._turn(words, len(words), end_of_turn=True, formatted=True))
        self._order += 1

    async def _recognise(self, phrase: Phrase) -> Transcript:
        # Not Starlette's thread pool: that one waits for its threads even when the session is cancelled.
        return await asyncio.to_thread(lambda: self._recogniser.recognise_quickly(phrase.sound.samples()))

    def _speech_ms(self, phrase: Phrase) -> int:
        """How much of it no partial turn has covered yet."""
        return phrase.speech_end_ms - max(phrase.start_ms, self._partial_until_ms)

    def _turn(self, words: list[Word], steady: int, end_of_turn: bool, formatted: bool) -> Message:
        if not formatted and not self.options.revises:
            words = [replace(word, text=plain(word.text)) for word in words]
        said = words if end_of_turn or self.options.revises else words[:steady]
        transcript = " ".join(word.text for word in said if word.text)
        message: Message = {
            "type": "Turn",
            "turn_order": self._order,
            "turn_is_formatted": formatted,
            "end_of_turn": end_of_turn,
            "transcript": transcript,
            "utterance": transcript if end_of_turn else "",
            "end_of_turn_confidence": 1.0 if end_of_turn else 0.0,
            "words": [
                {
                    "text": word.text,
                    "start": word.start_ms,
                    "end": word.end_ms,
                    "confidence": word.confidence,
                    "word_is_final": place < steady,
                }
                for place, word in enumerate(words)
                if word.text
            ],
        }
        if self.options.language_detection:
            message |= {"language_code": "en", "language_confidence": 1.0}
        return message


def plain(text: str) -> str:
    """A word as it is said: without punctuation and capitals. Empty where it was only punctuation."""
    return re.sub(r"[^\w'’-]", "", text).strip("'’-").lower()


def _placed(words: list[Word], phrase: Phrase) -> list[Word]:
    """The words of a phrase with their times in the stream; the model's may lie a little beyond the audio."""
    return [
        replace(
            word,
            start_ms=min(phrase.start_ms + word.start_ms, phrase.end_ms),
            end_ms=min(phrase.start_ms + word.end_ms, phrase.end_ms),
        )
        for word in words
    ]


def _steady(before: list[Word], now: list[Word]) -> int:
    """How many of the first words were the same when less was heard: those that will hardly change."""
    count = 0
    for old, new in zip(before, now, strict=False):
        if plain(old.text) != plain(new.text):
            break
        count += 1
    return count
