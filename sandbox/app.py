"""Every route of the sandbox.

AssemblyAI lives at the root, because its streaming SDK takes a host and a port but no path.
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
from sandbox.assemblyai.streaming_sessions import Sessions
from sandbox.assemblyai.streaming_token import TOKEN, Tokens
from sandbox.assemblyai.transcript_control import Orders
from sandbox.assemblyai.webhooks import Sender
from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.faults import HTTP_KINDS, Faults
from sandbox.openai import realtime_socket, text
from sandbox.openai.client_secrets import CLIENT_SECRET, ClientSecrets
from sandbox.openai.transcriptions import TRANSCRIPTIONS, Transcriptions
from sandbox.recognition.recogniser import Recogniser
from sandbox.stripe import api as stripe_api, request_handler as stripe_request_handler, service as stripe_service
from sandbox.webhook_post import Poster


@dataclass(frozen=True)
class Keys:
    """The provider keys the sandbox accepts."""

    assemblyai: str = "sandbox-assemblyai-key"
    openai: str = "sandbox-openai-key"
    stripe: str = "sandbox-stripe-key"
    stripe_webhooks: str = "sandbox-stripe-webhook-secret"
    """With this Stripe's webhooks are signed."""


def create(keys: Keys, clock: Clock, stripe_webhook_url: str | None = None) -> Starlette:
    """The sandbox as an ASGI application; its model loads in the background once it serves.

    `stripe_webhook_url`: the endpoint of Stripe's webhooks on this machine, None for none.
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
    sessions = Sessions(clock)
    sync_api = sync.Sync(keys.assemblyai, recogniser, faults, calls)
    transcriptions = Transcriptions(keys.openai, recogniser, faults, calls)
    texts = text.Texts(keys.openai, faults, calls)
    client_secrets = ClientSecrets(keys.openai, clock, faults, calls)
    realtime = realtime_socket.Realtime(client_secrets, clock, recogniser, faults, calls)
    tokens = Tokens(keys.assemblyai, clock, faults, calls)
    room = streaming_socket.Room(tokens, sessions, clock, recogniser, faults, calls)
    poster = Poster()
    uploads, sender = Uploads(clock), Sender(clock, poster)
    jobs = transcript_jobs.Jobs(recogniser, uploads, sender, faults, calls, clock)
    recordings = transcripts.Prerecorded(keys.assemblyai, jobs, uploads, sender, faults, calls)
    orders = Orders(jobs, sender)
    stripe = stripe_service.create(keys.stripe, keys.stripe_webhooks, stripe_webhook_url, clock, poster, faults, calls)
    desk = control.Desk(faults, calls, sessions)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        threading.Thread(target=recogniser.load, daemon=True).start()
        yield

    return Starlette(
        routes=[
            Route("/sandbox/health", desk.health),
            Route("/sandbox/faults", desk.list_faults, methods=["GET"]),
            Route("/sandbox/faults", desk.add_fault, methods=["POST"]),
            Route("/sandbox/faults", desk.clear_faults, methods=["DELETE"]),
            Route("/sandbox/calls", desk.list_calls, methods=["GET"]),
            Route("/sandbox/calls", desk.reset_calls, methods=["DELETE"]),
            Route("/sandbox/sessions", desk.list_sessions, methods=["GET"]),
            Route("/sandbox/sessions", desk.forget_sessions, methods=["DELETE"]),
            Route("/sandbox/transcripts", orders.list_transcripts, methods=["GET"]),
            Route("/sandbox/transcripts", orders.forget_transcripts, methods=["DELETE"]),
            Route("/sandbox/transcripts/orders", orders.show, methods=["GET"]),
            Route("/sandbox/transcripts/orders", orders.change, methods=["POST"]),
            Route("/sandbox/transcripts/{id}/release", orders.release, methods=["POST"]),
            Route("/sandbox/transcripts/{id}/webhook", orders.send_webhook, methods=["POST"]),
            *stripe.control_routes,
            Route("/v3/token", tokens.create),
            WebSocketRoute("/v3/ws", room.enter),
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
                    WebSocketRoute("/realtime", realtime.enter),
                ],
            ),
            Mount("/stripe", routes=stripe.routes),
        ],
        exception_handlers={ClientDisconnect: _nobody_listens},
        lifespan=lifespan,
    )


async def _nobody_listens(_request: Request, _error: Exception) -> Response:
    """The client left while it was sending. No answer can reach it, and that is no error of the sandbox."""
    return Response(status_code=400)
