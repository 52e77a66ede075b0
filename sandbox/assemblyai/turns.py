"""The turns of a live session, as AssemblyAI sends them: partial ones during speech, a final one at its end."""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from sandbox.assemblyai.streaming_options import StreamingOptions
from sandbox.recognition.live_speech import LiveSpeech, Span
from sandbox.recognition.transcript import Transcript, Word

PARTIAL_MS = 600
"""A partial turn follows each time so much new speech has arrived, unless recognition takes longer."""

Message = dict[str, Any]


class Turns:
    """Recognises one session's audio and sends its turns.

    Recognition runs in a thread while audio arrives. The current phrase is always recognised as a whole, up to the
    audio received by then; skipped partial turns are never sent later, so one stream keeps up with real time.
    """

    def __init__(self, options: StreamingOptions, speech: LiveSpeech, send: Callable[[Message], Awaitable[None]]):
        self.options = options
        self._send = send
        self._speech = speech
        self._ended_phrases: deque[Span] = deque()
        self._audio_arrived = asyncio.Event()
        self._finished = False
        self._all_sent = asyncio.Event()
        self._order = 0
        self._partial_words: list[Word] | None = None
        """The words of the current turn's last partial; None before the first."""
        self._partial_until_ms = 0
        """The end of the speech that the last recognition covered."""

    def add_audio(self, frames: bytes) -> None:
        self._ended_phrases.extend(self._speech.add(frames))
        self._audio_arrived.set()

    def update_options(self, options: StreamingOptions) -> None:
        """Apply new options from now on; the sample rate stays."""
        self.options = options
        self._speech.silence_ms = options.silence_ms

    def force_end_of_turn(self) -> None:
        """End the current turn without waiting for silence."""
        phrase = self._speech.end()
        if phrase is not None:
            self._ended_phrases.append(phrase)
        self._audio_arrived.set()

    async def finish(self) -> None:
        """End the stream, and wait until `run` has sent its last final turn."""
        self._finished = True
        self.force_end_of_turn()
        await self._all_sent.wait()

    async def run(self) -> None:
        """Recognise and send turns until the stream ends; final turns first."""
        while True:
            await self._audio_arrived.wait()
            self._audio_arrived.clear()
            while self._ended_phrases:
                await self._send_final(self._ended_phrases.popleft())
            if self._finished:
                self._all_sent.set()
                return
            phrase = self._speech.current()
            if phrase is not None and self._speech_ms(phrase) >= PARTIAL_MS:
                await self._send_partial(phrase)

    async def _send_partial(self, phrase: Span) -> None:
        transcript = await self._recognise(phrase)
        self._partial_until_ms = phrase.speech_end_ms
        if self._ended_phrases:
            return  # The turn has ended in the meantime; its final turn supersedes this one.
        words = _shift_to_stream(transcript.words, phrase)
        stable = _count_stable_words(self._partial_words or [], words)
        self._partial_words = words
        if words:
            await self._send(self._turn(words, stable, end_of_turn=False, formatted=False))

    async def _send_final(self, phrase: Span) -> None:
        words = _shift_to_stream((await self._recognise(phrase)).words, phrase)
        partial_words, self._partial_words = self._partial_words, None
        self._partial_until_ms = phrase.end_ms
        if not words and not partial_words:
            return  # Only noise. A turn with partials must end, even without words.
        if not self.options.has_revisable_partials:
            await self._send(self._turn(words, len(words), end_of_turn=True, formatted=False))
        if self.options.has_formatted_turns:
            await self._send(self._turn(words, len(words), end_of_turn=True, formatted=True))
        self._order += 1

    async def _recognise(self, phrase: Span) -> Transcript:
        # Not Starlette's thread pool, which waits for its threads even when the session is cancelled.
        return await asyncio.to_thread(phrase.recognise)

    def _speech_ms(self, phrase: Span) -> int:
        """How much of the phrase no partial turn has covered yet."""
        return phrase.speech_end_ms - max(phrase.start_ms, self._partial_until_ms)

    def _turn(self, words: list[Word], stable: int, end_of_turn: bool, formatted: bool) -> Message:
        if not formatted and not self.options.has_revisable_partials:
            words = [replace(word, text=strip_punctuation(word.text)) for word in words]
        transcript_words = words if end_of_turn or self.options.has_revisable_partials else words[:stable]
        transcript = " ".join(word.text for word in transcript_words if word.text)
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
                    "word_is_final": index < stable,
                }
                for index, word in enumerate(words)
                if word.text
            ],
        }
        if self.options.language_detection:
            message |= {"language_code": "en", "language_confidence": 1.0}
        return message


def strip_punctuation(text: str) -> str:
    """A word without punctuation and capitals; empty if it was only punctuation."""
    return re.sub(r"[^\w'’-]", "", text).strip("'’-").lower()


def _shift_to_stream(words: list[Word], phrase: Span) -> list[Word]:
    """A phrase's words with their times in the stream, limited to the end of the audio."""
    return [
        replace(
            word,
            start_ms=min(phrase.start_ms + word.start_ms, phrase.end_ms),
            end_ms=min(phrase.start_ms + word.end_ms, phrase.end_ms),
        )
        for word in words
    ]


def _count_stable_words(before: list[Word], now: list[Word]) -> int:
    """How many leading words are the same as in the previous recognition: these will hardly change."""
    count = 0
    for old, new in zip(before, now, strict=False):
        if strip_punctuation(old.text) != strip_punctuation(new.text):
            break
        count += 1
    return count
