"""The protocol of one realtime transcription session of OpenAI: audio in, words out, one turn per commit of the client.

Source: OpenAI's Python SDK 3.54.0 (types/realtime) and developers.openai.com/api/docs/guides/realtime-transcription,
read 2026-11: text arrives in deltas during speech, and as a whole once the client commits. The texts of the errors and
the close of an expired session are as users reported them. Chosen here, because neither is documented:
MAX_BUFFER_SECONDS, and that audio may arrive at any pace.
"""

import asyncio
import base64
import binascii
import json
import math
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.breakdown import run_beside
from sandbox.clock import Clock
from sandbox.openai.client_secrets import session_json
from sandbox.openai.realtime_events import Event, new_event_id, parse_event
from sandbox.openai.realtime_options import RATE_HZ, SessionConfig, apply_session_update
from sandbox.openai.responses import OpenAIError
from sandbox.recognition.audio import SAMPLE_BYTES, PcmAudio
from sandbox.recognition.recogniser import Recogniser
from sandbox.recognition.ruler import Ruler
from sandbox.recognition.transcript import Word

MAX_SESSION_SECONDS = 3_600
MAX_BUFFER_SECONDS = 120
MIN_COMMIT_MS = 100
PARTIAL_MS = 1_000
"""Deltas follow each time so much new audio has arrived, unless recognition takes longer."""
SETTLED_MS = 1_000
"""A word is sent once so much audio follows it: until then it may change."""
QUICK_SECONDS = 20
"""Longer turns are recognised once, when they are committed."""
TRANSCRIPTION = "conversation.item.input_audio_transcription"


@dataclass
class Turn:
    """The audio from one commit to the next.

    `sent_words`: how many of its words were sent. `recognised_ms`: how much of it was recognised so far.
    `ruler_words`: those that the ruler read, where it is in place of the recogniser.
    """

    id: str = field(default_factory=lambda: f"item_{secrets.token_hex(10)}")
    audio: bytearray = field(default_factory=bytearray)
    sent_words: int = 0
    recognised_ms: int = 0
    ruler_words: list[Word] = field(default_factory=list)

    @property
    def milliseconds(self) -> int:
        return len(self.audio) // SAMPLE_BYTES * 1000 // RATE_HZ


class SessionExpiredError(Exception):
    """The session has reached its maximum duration."""


class RealtimeProtocol:
    """A session from `session.created` to the end of its socket. `recognised` is called once per transcribed turn."""

    def __init__(
        self,
        socket: WebSocket,
        session: SessionConfig,
        fails_first_turn: bool,
        clock: Clock,
        recogniser: Recogniser,
        ruler: Ruler | None,
        recognised: Callable[[], None],
    ):
        self._socket = socket
        self._session = session
        self._description = session_json(session)
        self._fails_next_turn = fails_first_turn
        self._clock = clock
        self._recogniser = recogniser
        self._ruler = ruler
        self._recognised = recognised
        self._turn = Turn()
        self._previous_id: str | None = None
        self._committed: deque[Turn] = deque()
        self._audio_arrived = asyncio.Event()

    async def run(self) -> None:
        """Run the session. Raises WebSocketDisconnect when the client has gone, SessionExpiredError at the limit."""
        expires_at = self._clock.now() + MAX_SESSION_SECONDS
        self._description["expires_at"] = int(expires_at)
        try:
            async with asyncio.timeout(self._clock.to_real_seconds(MAX_SESSION_SECONDS)):
                await run_beside(self._transcribe_turns(), self._receive_events())
        except TimeoutError as error:
            raise SessionExpiredError from error

    async def _receive_events(self) -> None:
        """Process the events of the client. Raises WebSocketDisconnect when it has gone."""
        await self._send("session.created", session=self._session_json())
        while True:
            received = await self._socket.receive()
            if received["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(received.get("code", 1005))
            await self._handle_event(received)

    async def _handle_event(self, received: Any) -> None:
        """Process one event of the client. An invalid one is answered with an error, and the session goes on."""
        event_id = None
        try:
            event = parse_event(received)
            event_id = event.get("event_id") if isinstance(event.get("event_id"), str) else None
            match event.get("type"):
                case "session.update":
                    self._session = apply_session_update(self._session, event.get("session"))
                    await self._send("session.updated", session=self._session_json())
                case "input_audio_buffer.append":
                    self._append(event.get("audio"))
                case "input_audio_buffer.commit":
                    await self._commit()
                case "input_audio_buffer.clear":
                    self._turn = Turn()
                    await self._send("input_audio_buffer.cleared")
                case other:
                    message = f"Invalid value: {str(other)[:100]!r}. The sandbox only transcribes."
                    raise OpenAIError(400, message, code="invalid_value", param="type")
        except OpenAIError as refusal:
            await self._send("error", error=refusal.error | {"event_id": event_id})

    def _append(self, audio: Any) -> None:
        if not isinstance(audio, str):
            raise _invalid_audio("Expected base64-encoded audio bytes.")
        try:
            frames = base64.b64decode(audio, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _invalid_audio("Expected base64-encoded audio bytes.") from error
        if len(frames) % SAMPLE_BYTES:
            raise _invalid_audio(f"{len(frames)} bytes are not a whole number of 16-bit samples.")
        if len(self._turn.audio) + len(frames) > MAX_BUFFER_SECONDS * RATE_HZ * SAMPLE_BYTES:
            raise _invalid_audio(f"The buffer holds at most {MAX_BUFFER_SECONDS} s: commit or clear it.")
        if self._ruler:
            self._turn.ruler_words += self._read_words(self._ruler, frames)
        self._turn.audio += frames
        self._audio_arrived.set()

    async def _commit(self) -> None:
        turn = self._turn
        if turn.milliseconds < MIN_COMMIT_MS:
            message = (
                f"Error committing input audio buffer: buffer too small. Expected at least {MIN_COMMIT_MS}ms of audio, "
                f"but buffer only has {turn.milliseconds:.2f}ms of audio."
            )
            raise OpenAIError(400, message, code="input_audio_buffer_commit_empty")
        previous_id, self._previous_id, self._turn = self._previous_id, turn.id, Turn()
        await self._send("input_audio_buffer.committed", item_id=turn.id, previous_item_id=previous_id)
        content = [{"type": "input_audio", "transcript": None}]
        item = {"id": turn.id, "object": "realtime.item", "type": "message", "status": "completed", "role": "user"}
        item_fields = {"previous_item_id": previous_id, "item": item | {"content": content}}
        for stage in ("added", "done"):
            await self._send(f"conversation.item.{stage}", **item_fields)
        if self._is_transcribing:
            self._committed.append(turn)
            self._audio_arrived.set()

    @property
    def _is_transcribing(self) -> bool:
        return self._session["audio"]["input"]["transcription"] is not None

    async def _transcribe_turns(self) -> None:
        """Recognise and send until cancelled; committed turns first."""
        while True:
            await self._audio_arrived.wait()
            self._audio_arrived.clear()
            while self._committed:
                await self._send_completed(self._committed.popleft())
            turn = self._turn
            if self._is_transcribing and turn.milliseconds - turn.recognised_ms >= PARTIAL_MS:
                await self._send_partial(turn)

    async def _send_partial(self, turn: Turn) -> None:
        if turn.milliseconds > QUICK_SECONDS * 1000:
            return
        turn.recognised_ms = turn.milliseconds
        words = await self._recognise_turn(turn)
        if turn is not self._turn:
            return  # It was committed or cleared in the meantime; the completed turn supersedes this.
        await self._send_new_words(turn, [word for word in words if word.end_ms <= turn.recognised_ms - SETTLED_MS])

    async def _send_completed(self, turn: Turn) -> None:
        if self._fails_next_turn:
            self._fails_next_turn = False
            error = {
                "type": "server_error",
                "code": "transcription_failed",
                "message": "The transcription failed.",
                "param": None,
            }
            await self._send(f"{TRANSCRIPTION}.failed", item_id=turn.id, content_index=0, error=error)
            return
        words = await self._recognise_turn(turn)
        self._recognised()
        await self._send_new_words(turn, words)
        usage = {"type": "duration", "seconds": math.ceil(turn.milliseconds / 1000)}
        transcript = " ".join(word.text for word in words)
        await self._send(
            f"{TRANSCRIPTION}.completed", item_id=turn.id, content_index=0, transcript=transcript, usage=usage
        )

    async def _send_new_words(self, turn: Turn, words: list[Word]) -> None:
        """Send the words of the turn that were not sent yet."""
        new_text = "".join(f" {word.text}" for word in words[turn.sent_words :])
        if new_text:
            delta = new_text if turn.sent_words else new_text.lstrip()
            turn.sent_words = len(words)
            await self._send(f"{TRANSCRIPTION}.delta", item_id=turn.id, content_index=0, delta=delta)

    def _read_words(self, ruler: Ruler, frames: bytes) -> list[Word]:
        """The words that the ruler reads in the next frames of the turn, timed from the start of the turn."""
        began_ms = ruler.received_ms - self._turn.milliseconds
        return [
            replace(word, start_ms=max(0, word.start_ms - began_ms), end_ms=word.end_ms - began_ms)
            for word in ruler.add(frames)
        ]

    async def _recognise_turn(self, turn: Turn) -> list[Word]:
        if self._ruler:
            return list(turn.ruler_words)
        sound = PcmAudio(bytes(turn.audio), RATE_HZ, channels=1)
        is_short = sound.duration_ms <= QUICK_SECONDS * 1000
        recognise = self._recogniser.recognise_short if is_short else self._recogniser.recognise
        # Not Starlette's thread pool, which waits for its threads even when the session is cancelled.
        return (await asyncio.to_thread(lambda: recognise(sound.samples()))).words

    def _session_json(self) -> Event:
        return {**self._description, **self._session}

    async def _send(self, type: str, **fields: Any) -> None:
        # If the client has gone, the next `receive` raises. Starlette raises RuntimeError on the second send.
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._socket.send_text(json.dumps({"type": type, "event_id": new_event_id(), **fields}))


def _invalid_audio(message: str) -> OpenAIError:
    return OpenAIError(400, f"Invalid 'audio'. {message}", code="invalid_value", param="audio")
