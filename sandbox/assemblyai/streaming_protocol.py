"""The protocol of one live session of AssemblyAI: audio in, turns out, ended by the same limits as a real session.

Source: AssemblyAI's API specification (usm-streaming.yml, common-errors.mdx), read 2026-11. Not documented and chosen
here: how far audio may run ahead (PACE, AHEAD_SECONDS), and that an inactive session ends as if terminated.
"""

import asyncio
import json
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.assemblyai.streaming_options import StreamingOptions, apply_changes
from sandbox.assemblyai.streaming_sessions import BilledSession, Ending
from sandbox.assemblyai.turns import Turns
from sandbox.breakdown import log_breakdown, run_beside
from sandbox.clock import Clock
from sandbox.faults import Fault
from sandbox.recognition.audio import SAMPLE_BYTES
from sandbox.recognition.live_speech import LiveSpeech

MIN_FRAME_MS, MAX_FRAME_MS = 50, 1_000
PACE = 1.25
AHEAD_SECONDS = 5
CANCELLED = "Session Cancelled: An error occurred"


class SessionError(Exception):
    """The sandbox closes the socket with an Error message and this code."""

    def __init__(self, code: int, error: str, ending: Ending = "error"):
        super().__init__(error)
        self.code, self.error, self.ending = code, error, ending


class InactivityError(Exception):
    """The client sent nothing for the length of its inactivity timeout."""


class StreamingProtocol:
    """A session from Begin to Termination."""

    def __init__(
        self,
        socket: WebSocket,
        session: BilledSession,
        options: StreamingOptions,
        fault: Fault | None,
        clock: Clock,
        speech: LiveSpeech,
    ):
        self._socket = socket
        self._session = session
        self._fault = fault
        self._clock = clock
        self._turns = Turns(options, speech, self._send)
        self._stalled = False

    async def run(self) -> None:
        """Run the session; returns when the socket is to be closed normally.

        Raises SessionError, and WebSocketDisconnect when the connection is lost or to be dropped.
        """
        try:
            ending = await run_beside(self._turns.run(), self._receive_until_end())
            self._session.close(ending, self._clock.now(), 1000)
            await self._send_termination()
        except SessionError as error:
            self._session.close(error.ending, self._clock.now(), error.code)
            raise
        except WebSocketDisconnect:
            self._session.abandon(self._clock.now())
            raise
        except Exception as error:
            log_breakdown("a live session", error)
            self._session.close("error", self._clock.now(), 3005)
            raise SessionError(3005, CANCELLED) from error

    async def _receive_until_end(self) -> Ending:
        """Process what the client sends until the session ends, and send its last turns."""
        await self._send_begin()
        try:
            await self._receive_messages()
            ending: Ending = "terminated"
        except InactivityError:
            ending = "inactive"
        await self._turns.finish()
        return ending

    async def _send_begin(self) -> None:
        if self._fault is not None and self._fault.kind == "stall" and not self._fault.delay_seconds:
            self._stalled = True
        configuration = {"model": self._turns.options.model, "mode": "balanced", "api_version": "1.0.0"}
        await self._send(
            {
                "type": "Begin",
                "id": self._session.id,
                "expires_at": int(self._session.expires_at),
                "configuration": configuration,
            }
        )

    async def _receive_messages(self) -> None:
        """Process the messages of the client until Terminate."""
        while True:
            received = await self._receive()
            self._session.active_at = self._clock.now()
            if (audio := received.get("bytes")) is not None:
                self._check_audio(audio)
                self._turns.add_audio(audio)
            elif self._handle_message(_parse_message(received["text"])) and not self._stalled:
                return

    async def _receive(self) -> dict[str, Any]:
        """The next frame. Raises InactivityError, SessionError or WebSocketDisconnect if one of these comes first."""
        while True:
            now = self._clock.now()
            fault_at = self._fault_at()
            if fault_at is not None and now >= fault_at:
                self._apply_fault()
                continue
            if now >= self._session.expires_at:
                raise SessionError(3008, "Session Expired: Maximum session duration exceeded", ending="expired")
            if now >= self._session.ends_at:
                raise InactivityError
            until = self._session.ends_at if fault_at is None else min(self._session.ends_at, fault_at)
            try:
                async with asyncio.timeout(self._clock.to_real_seconds(until - now)):
                    received = await self._socket.receive()
            except TimeoutError:
                continue
            if received["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(received.get("code", 1005))
            return dict(received)

    def _fault_at(self) -> float | None:
        """When a pending fault begins, in epoch seconds; None without one."""
        if self._fault is None:
            return None
        return self._session.opened_at + (self._fault.delay_seconds or 0)

    def _apply_fault(self) -> None:
        fault, self._fault = self._fault, None
        match fault:
            case Fault(kind="3005"):
                raise SessionError(3005, CANCELLED)
            case Fault(kind="cut"):
                raise WebSocketDisconnect(1006)
            case Fault(kind="stall"):
                self._stalled = True

    def _check_audio(self, audio: bytes) -> None:
        """Raises SessionError for audio of an invalid length, or sent too far ahead of real time."""
        if len(audio) % SAMPLE_BYTES:
            raise SessionError(3006, f"Invalid Message: {len(audio)} bytes are not a whole number of 16-bit samples")
        frame_ms = len(audio) // SAMPLE_BYTES * 1000 / self._turns.options.rate_hz
        if not MIN_FRAME_MS <= frame_ms <= MAX_FRAME_MS:
            expected = f"Expected between {MIN_FRAME_MS} and {MAX_FRAME_MS} ms"
            raise SessionError(3007, f"Input duration violation: {frame_ms:.1f} ms. {expected}")
        self._session.audio_seconds += frame_ms / 1000
        seconds = self._clock.now() - self._session.opened_at
        if self._session.audio_seconds > PACE * seconds + AHEAD_SECONDS:
            paces = f"Received {self._session.audio_seconds:.1f} sec. audio in {seconds:.1f} sec"
            raise SessionError(3007, f"Audio Transmission Rate Exceeded: {paces}")

    def _handle_message(self, message: dict[str, Any]) -> bool:
        """Process one message; True if it ends the session. Raises SessionError for an invalid one."""
        match message.get("type"):
            case "Terminate":
                return True
            case "ForceEndpoint":
                self._turns.force_end_of_turn()
            case "UpdateConfiguration":
                try:
                    self._turns.update_options(apply_changes(self._turns.options, message))
                except ValueError as error:
                    raise SessionError(3006, f"Invalid Message: {error}") from error
            case "KeepAlive":
                pass
            case other:
                raise SessionError(3006, f"Invalid Message Type: {other}")
        return False

    async def _send_termination(self) -> None:
        await self._send(
            {
                "type": "Termination",
                "audio_duration_seconds": round(self._session.audio_seconds),
                "session_duration_seconds": self._session.seconds_open(self._clock.now()),
            }
        )

    async def _send(self, message: dict[str, Any]) -> None:
        if self._stalled:
            return
        # If the client has gone, the next `_receive` raises. Starlette raises RuntimeError on the second send.
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._socket.send_text(json.dumps(message))


def _parse_message(text: str) -> dict[str, Any]:
    """Decode one text message. Raises SessionError unless it is a JSON object."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SessionError(3006, f"Invalid JSON: {error}") from error
    if not isinstance(message, dict):
        raise SessionError(3006, "Invalid Message: an object with a type was expected")
    return message
