"""The sandbox as an ASGI application: all of its routes.

AssemblyAI's routes are at the root, because its streaming SDK accepts a host and a port but no path.
"""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute

from sandbox import control
from sandbox.assemblyai import streaming_socket, sync, transcript_jobs, transcripts
from sandbox.assemblyai.stored_audio import Uploads
from sandbox.assemblyai.streaming_sessions import BilledSessions
from sandbox.assemblyai.streaming_token import TOKEN, Tokens
from sandbox.assemblyai.transcript_control import TranscriptControl
from sandbox.assemblyai.webhooks import WebhookSender
from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.faults import HTTP_KINDS, Faults
from sandbox.openai import realtime_socket, text
from sandbox.openai.client_secrets import CLIENT_SECRET, ClientSecrets
from sandbox.openai.transcriptions import TRANSCRIPTIONS, TranscriptionRoutes
from sandbox.recognition.recogniser import Recogniser
from sandbox.stripe import api as stripe_api, request_handler as stripe_request_handler, service as stripe_service
from sandbox.webhook_post import Poster


@dataclass(frozen=True)
class Keys:
    """The API keys that the sandbox accepts."""

    assemblyai: str = "sandbox-assemblyai-key"
    openai: str = "sandbox-openai-key"
    stripe: str = "sandbox-stripe-key"
    stripe_webhooks: str = "sandbox-stripe-webhook-secret"
    """The secret that signs Stripe's webhooks."""


def create(keys: Keys, clock: Clock, stripe_webhook_url: str | None = None) -> Starlette:
    """Build the application. The speech model loads in the background once the application serves.

    `stripe_webhook_url`: the endpoint of Stripe's webhooks on this machine; None sends none.
    """
    recogniser = Recogniser()
    faults = Faults(
        {
            sync.SYNC: HTTP_KINDS,
            TRANSCRIPTIONS: HTTP_KINDS,
            text.CHAT: text.KINDS,
            text.RESPONSES: text.KINDS,
            CLIENT_SECRET: HTTP_KINDS,
            realtime_socket.REALTIME: realtime_socket.KINDS,
            TOKEN: HTTP_KINDS,
            streaming_socket.STREAMING: streaming_socket.KINDS,
            **dict.fromkeys(transcripts.POINTS, HTTP_KINDS),
            transcript_jobs.TRANSCRIPTION: transcript_jobs.KINDS,
            **dict.fromkeys(stripe_api.POINTS.values(), stripe_request_handler.KINDS),
        }
    )
    calls = Calls()
    sessions = BilledSessions(clock)
    sync_api = sync.SyncRoutes(keys.assemblyai, recogniser, faults, calls)
    transcriptions = TranscriptionRoutes(keys.openai, recogniser, faults, calls)
    texts = text.TextRoutes(keys.openai, faults, calls)
    client_secrets = ClientSecrets(keys.openai, clock, faults, calls)
    realtime = realtime_socket.RealtimeSocket(client_secrets, clock, recogniser, faults, calls)
    tokens = Tokens(keys.assemblyai, clock, faults, calls)
    streaming = streaming_socket.StreamingSocket(tokens, sessions, clock, recogniser, faults, calls)
    poster = Poster()
    uploads, sender = Uploads(clock), WebhookSender(clock, poster)
    jobs = transcript_jobs.Jobs(recogniser, uploads, sender, faults, calls, clock)
    recordings = transcripts.TranscriptRoutes(keys.assemblyai, jobs, uploads, sender, faults, calls)
    transcript_control = TranscriptControl(jobs, sender)
    stripe = stripe_service.create(keys.stripe, keys.stripe_webhooks, stripe_webhook_url, clock, poster, faults, calls)
    control_routes = control.ControlRoutes(faults, calls, sessions)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        threading.Thread(target=recogniser.load, daemon=True).start()
        yield

    return Starlette(
        routes=[
            Route("/sandbox/health", control_routes.health),
            Route("/sandbox/faults", control_routes.list_faults, methods=["GET"]),
            Route("/sandbox/faults", control_routes.add_fault, methods=["POST"]),
            Route("/sandbox/faults", control_routes.clear_faults, methods=["DELETE"]),
            Route("/sandbox/calls", control_routes.list_calls, methods=["GET"]),
            Route("/sandbox/calls", control_routes.reset_calls, methods=["DELETE"]),
            Route("/sandbox/sessions", control_routes.list_sessions, methods=["GET"]),
            Route("/sandbox/sessions", control_routes.reset_sessions, methods=["DELETE"]),
            Route("/sandbox/transcripts", transcript_control.list_transcripts, methods=["GET"]),
            Route("/sandbox/transcripts", transcript_control.reset_transcripts, methods=["DELETE"]),
            Route("/sandbox/transcripts/orders", transcript_control.show_settings, methods=["GET"]),
            Route("/sandbox/transcripts/orders", transcript_control.update_settings, methods=["POST"]),
            Route("/sandbox/transcripts/{id}/release", transcript_control.release, methods=["POST"]),
            Route("/sandbox/transcripts/{id}/webhook", transcript_control.send_webhook, methods=["POST"]),
            *stripe.control_routes,
            Route("/v3/token", tokens.create),
            WebSocketRoute("/v3/ws", streaming.serve),
            Route("/v1/transcribe", sync_api.transcribe, methods=["POST"]),
            Route("/v1/transcribe/live", sync_api.transcribe_live, methods=["POST"]),
            Route("/v1/warm", sync_api.warm),
            Route("/v2/upload", recordings.upload, methods=["POST"]),
            Route("/v2/transcript", recordings.create, methods=["POST"]),
            Route("/v2/transcript", recordings.list, methods=["GET"]),
            Route("/v2/transcript/{id}", recordings.get, methods=["GET"]),
            Route("/v2/transcript/{id}", recordings.delete, methods=["DELETE"]),
            Route("/v2/transcript/{id}/{kind}", recordings.export, methods=["GET"]),
            Mount(
                "/openai/v1",
                routes=[
                    Route("/audio/transcriptions", transcriptions.create, methods=["POST"]),
                    Route("/chat/completions", texts.chat, methods=["POST"]),
                    Route("/responses", texts.responses, methods=["POST"]),
                    Route("/realtime/client_secrets", client_secrets.create, methods=["POST"]),
                    WebSocketRoute("/realtime", realtime.serve),
                ],
            ),
            Mount("/stripe", routes=stripe.routes),
        ],
        exception_handlers={ClientDisconnect: _handle_client_disconnect},
        lifespan=lifespan,
    )


async def _handle_client_disconnect(_request: Request, _error: Exception) -> Response:
    """The client left while it was sending: no response can reach it, and the sandbox has no error to report."""
    return Response(status_code=400)
