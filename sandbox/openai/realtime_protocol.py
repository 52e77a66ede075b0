"""One realtime transcription session of OpenAI: audio in, words out, a turn for each commit of the client's.

Source: OpenAI's Python SDK 3.54.0 (types/realtime) and developers.openai.com/api/docs/guides/realtime-transcription,
read 2026-11: text comes in deltas as speech arrives, and whole once the client commits. The words of the errors and the
close of a session that is too old are as people reported them. Chosen here: MAX_BUFFER_SECONDS, and that no pace is
kept, for neither is documented.
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
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.clock import Clock
from sandbox.openai.client_secrets import described
from sandbox.openai.realtime_options import RATE_HZ, Session, configured
from sandbox.openai.transcriptions import RefusalError
from sandbox.recognition.audio import SAMPLE_BYTES, Sound
from sandbox.recognition.recogniser import Recogniser, Word

MAX_SESSION_SECONDS = 3_600
MAX_BUFFER_SECONDS = 120
MIN_COMMIT_MS = 100
PARTIAL_MS = 1_000
"""Deltas follow each time so much more was heard, unless recognition takes longer than that."""
SETTLED_MS = 1_000
"""A word is told once so much was heard after it: until then it may become another."""
QUICK_SECONDS = 20
"""Longer turns are recognised once, when they are committed."""
TRANSCRIPTION = "conversation.item.input_audio_transcription"

Event = dict[str, Any]


@dataclass
class Turn:
    """The audio from one commit to the next. `told`: how many of its words went out; `heard_ms`: how much of it was
    recognised so far."""

    id: str = field(default_factory=lambda: f"item_{secrets.token_hex(10)}")
    audio: bytearray = field(default_factory=bytearray)
    told: int = 0
    heard_ms: int = 0

    @property
    def milliseconds(self) -> int:
        return len(self.audio) // SAMPLE_BYTES * 1000 // RATE_HZ


class ExpiredError(Exception):
    """The session is as old as one may be."""


class Talk:
    """A session from `session.created` to the end of its socket. `recognised` is called for each turn transcribed."""

    def __init__(
        self,
        socket: WebSocket,
        session: Session,
        fails: bool,
        clock: Clock,
        recogniser: Recogniser,
        recognised: Callable[[], None],
    ):
        self._socket = socket
        self._session = session
        self._description = described(session)
        self._fails = fails
        self._clock = clock
        self._recogniser = recogniser
        self._recognised = recognised
        self._turn = Turn()
        self._last_id: str | None = None
        self._committed: deque[Turn] = deque()
        self._heard = asyncio.Event()

    async def run(self) -> None:
        """Raises WebSocketDisconnect when the client has gone, ExpiredError when its time is over."""
        expires_at = self._clock.now() + MAX_SESSION_SECONDS
        self._description["expires_at"] = int(expires_at)
        work = asyncio.create_task(self._work())
        try:
            await self._send("session.created", session=self._told_session())
            async with asyncio.timeout(self._clock.real_seconds(MAX_SESSION_SECONDS)):
                while True:
                    received = await self._socket.receive()
                    if received["type"] == "websocket.disconnect":
                        raise WebSocketDisconnect(received.get("code", 1005))
                    await self._obey(received)
                    if work.done():
                        await work  # It ends before the session only by an error, raised here.
        except TimeoutError as over:
            raise ExpiredError from over
        finally:
            work.cancel()

    async def _obey(self, received: Any) -> None:
        """Do as the client's event says; what is wrong with it is told, and the session goes on."""
        event_id = None
        try:
            event = _event(received)
            event_id = event.get("event_id") if isinstance(event.get("event_id"), str) else None
            match event.get("type"):
                case "session.update":
                    self._session = configured(self._session, event.get("session"))
                    await self._send("session.updated", session=self._told_session())
                case "input_audio_buffer.append":
                    self._append(event.get("audio"))
                case "input_audio_buffer.commit":
                    await self._commit()
                case "input_audio_buffer.clear":
                    self._turn = Turn()
                    await self._send("input_audio_buffer.cleared")
                case other:
                    message = f"Invalid value: {str(other)[:100]!r}. The sandbox transcribes and does nothing else."
                    raise RefusalError(400, message, code="invalid_value", param="type")
        except RefusalError as refusal:
            await self._send("error", error=refusal.error | {"event_id": event_id})

    def _append(self, audio: Any) -> None:
        if not isinstance(audio, str):
            raise _wrong_audio("Expected base64-encoded audio bytes.")
        try:
            frames = base64.b64decode(audio, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _wrong_audio("Expected base64-encoded audio bytes.") from error
        if len(frames) % SAMPLE_BYTES:
            raise _wrong_audio(f"{len(frames)} bytes are no whole number of 16-bit samples.")
        if len(self._turn.audio) + len(frames) > MAX_BUFFER_SECONDS * RATE_HZ * SAMPLE_BYTES:
            raise _wrong_audio(f"The buffer holds {MAX_BUFFER_SECONDS} s at most: commit or clear it.")
        self._turn.audio += frames
        self._heard.set()

    async def _commit(self) -> None:
        turn = self._turn
        if turn.milliseconds < MIN_COMMIT_MS:
            message = (
                f"Error committing input audio buffer: buffer too small. Expected at least {MIN_COMMIT_MS}ms of audio, "
                f"but buffer only has {turn.milliseconds:.2f}ms of audio."
            )
            raise RefusalError(400, message, code="input_audio_buffer_commit_empty")
        before, self._last_id, self._turn = self._last_id, turn.id, Turn()
        await self._send("input_audio_buffer.committed", item_id=turn.id, previous_item_id=before)
        content = [{"type": "input_audio", "transcript": None}]
        item = {"id": turn.id, "object": "realtime.item", "type": "message", "status": "completed", "role": "user"}
        for happened in ("added", "done"):
            await self._send(f"conversation.item.{happened}", previous_item_id=before, item=item | {"content": content})
        if self._transcribes:
            self._committed.append(turn)
            self._heard.set()

    @property
    def _transcribes(self) -> bool:
        return self._session["audio"]["input"]["transcription"] is not None

    async def _work(self) -> None:
        """Recognise and send until cancelled. Whole turns go first."""
        while True:
            await self._heard.wait()
            self._heard.clear()
            while self._committed:
                await self._whole(self._committed.popleft())
            turn = self._turn
            if self._transcribes and turn.milliseconds - turn.heard_ms >= PARTIAL_MS:
                await self._part(turn)

    async def _part(self, turn: Turn) -> None:
        if turn.milliseconds > QUICK_SECONDS * 1000:
            return
        turn.heard_ms = turn.milliseconds
        words = await self._words(turn)
        if turn is not self._turn:
            return  # It was committed or cleared meanwhile; the whole says more.
        await self._tell(turn, [word for word in words if word.end_ms <= turn.heard_ms - SETTLED_MS])

    async def _whole(self, turn: Turn) -> None:
        if self._fails:
            self._fails = False
            error = {"type": "server_error", "code": "transcription_failed", "message": "It failed.", "param": None}
            await self._send(f"{TRANSCRIPTION}.failed", item_id=turn.id, content_index=0, error=error)
            return
        words = await self._words(turn)
        self._recognised()
        await self._tell(turn, words)
        usage = {"type": "duration", "seconds": math.ceil(turn.milliseconds / 1000)}
        transcript = " ".join(word.text for word in words)
        await self._send(
            f"{TRANSCRIPTION}.completed", item_id=turn.id, content_index=0, transcript=transcript, usage=usage
        )

    async def _tell(self, turn: Turn, words: list[Word]) -> None:
        """Send those of the turn's words that are new."""
        said = "".join(f" {word.text}" for word in words[turn.told :])
        if said:
            delta = said if turn.told else said.lstrip()
            turn.told = len(words)
            await self._send(f"{TRANSCRIPTION}.delta", item_id=turn.id, content_index=0, delta=delta)

    async def _words(self, turn: Turn) -> list[Word]:
        sound = Sound(bytes(turn.audio), RATE_HZ, channels=1)
        quick = sound.duration_ms <= QUICK_SECONDS * 1000
        recognise = self._recogniser.recognise_quickly if quick else self._recogniser.recognise
        # Not Starlette's thread pool: that one waits for its threads even when the session is cancelled.
        return (await asyncio.to_thread(lambda: recognise(sound.samples()))).words

    def _told_session(self) -> Event:
        return {**self._description, **self._session}

    async def _send(self, type: str, **fields: Any) -> None:
        # Where nobody is there any more, the next `receive` tells. Starlette raises RuntimeError the second time.
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._socket.send_text(json.dumps({"type": type, "event_id": new_event_id(), **fields}))


def new_event_id() -> str:
    return f"event_{secrets.token_hex(10)}"


def _event(received: Any) -> Event:
    """Raises RefusalError for a frame that is no JSON object."""
    if received.get("text") is None:
        message = "Expected a text WebSocket message; binary frames are not supported."
        raise RefusalError(400, message, code="invalid_event")
    try:
        event = json.loads(received["text"])
    except (ValueError, RecursionError) as error:
        raise RefusalError(400, "Invalid event: failed to parse JSON value.", code="invalid_json") from error
    if not isinstance(event, dict):
        raise RefusalError(400, "Invalid event: expected an object.", code="invalid_event")
    return event


def _wrong_audio(message: str) -> RefusalError:
    return RefusalError(400, f"Invalid 'audio'. {message}", code="invalid_value", param="audio")
