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

from sandbox import (
    assemblyai,
    control,
    openai,
    openai_realtime,
    openai_secrets,
    openai_text,
    prerecorded,
    prerecorded_control,
    prerecorded_jobs,
    streaming_socket,
    streaming_token,
    stripe_api,
    stripe_door,
    stripe_service,
)
from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.faults import HTTP_KINDS, Faults
from sandbox.posting import Poster
from sandbox.recognition import Recogniser
from sandbox.stored_audio import Uploads
from sandbox.streaming_sessions import Sessions
from sandbox.webhooks import Sender


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
            assemblyai.SYNC: HTTP_KINDS,
            openai.TRANSCRIPTIONS: HTTP_KINDS,
            openai_text.CHAT: openai_text.KINDS,
            openai_text.RESPONSES: openai_text.KINDS,
            openai_secrets.CLIENT_SECRET: HTTP_KINDS,
            openai_realtime.REALTIME: openai_realtime.KINDS,
            streaming_token.TOKEN: HTTP_KINDS,
            streaming_socket.STREAMING: streaming_socket.KINDS,
            **dict.fromkeys(prerecorded.POINTS, HTTP_KINDS),
            prerecorded_jobs.TRANSCRIPTION: prerecorded_jobs.KINDS,
            **dict.fromkeys(stripe_api.POINTS.values(), stripe_door.KINDS),
        }
    )
    calls = Calls()
    sessions = Sessions(clock)
    sync = assemblyai.Sync(keys.assemblyai, recogniser, faults, calls)
    transcriptions = openai.Transcriptions(keys.openai, recogniser, faults, calls)
    texts = openai_text.Texts(keys.openai, faults, calls)
    client_secrets = openai_secrets.ClientSecrets(keys.openai, clock, faults, calls)
    realtime = openai_realtime.Realtime(client_secrets, clock, recogniser, faults, calls)
    tokens = streaming_token.Tokens(keys.assemblyai, clock, faults, calls)
    room = streaming_socket.Room(tokens, sessions, clock, recogniser, faults, calls)
    poster = Poster()
    uploads, sender = Uploads(clock), Sender(clock, poster)
    jobs = prerecorded_jobs.Jobs(recogniser, uploads, sender, faults, calls, clock)
    transcripts = prerecorded.Prerecorded(keys.assemblyai, jobs, uploads, sender, faults, calls)
    orders = prerecorded_control.Orders(jobs, sender)
    stripe = stripe_service.create(keys.stripe, keys.stripe_webhooks, stripe_webhook_url, clock, poster, faults, calls)
    catchup_env = control.CatchupEnv(faults, calls, sessions)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        threading.Thread(target=recogniser.load, daemon=True).start()
        yield

    return Starlette(
        routes=[
            Route("/sandbox/health", catchup_env.health),
            Route("/sandbox/faults", catchup_env.list_faults, methods=["GET"]),
            Route("/sandbox/faults", catchup_env.add_fault, methods=["POST"]),
            Route("/sandbox/faults", catchup_env.clear_faults, methods=["DELETE"]),
            Route("/sandbox/calls", catchup_env.list_calls, methods=["GET"]),
            Route("/sandbox/calls", catchup_env.reset_calls, methods=["DELETE"]),
            Route("/sandbox/sessions", catchup_env.list_sessions, methods=["GET"]),
            Route("/sandbox/sessions", catchup_env.forget_sessions, methods=["DELETE"]),
            Route("/sandbox/transcripts", orders.list_transcripts, methods=["GET"]),
            Route("/sandbox/transcripts", orders.forget_transcripts, methods=["DELETE"]),
            Route("/sandbox/transcripts/orders", orders.show, methods=["GET"]),
            Route("/sandbox/transcripts/orders", orders.change, methods=["POST"]),
            Route("/sandbox/transcripts/{id}/release", orders.release, methods=["POST"]),
            Route("/sandbox/transcripts/{id}/webhook", orders.send_webhook, methods=["POST"]),
            *stripe.control_routes,
            Route("/v3/token", tokens.create),
            WebSocketRoute("/v3/ws", room.enter),
            Route("/v1/transcribe", sync.transcribe, methods=["POST"]),
            Route("/v1/transcribe/live", sync.transcribe_live, methods=["POST"]),
            Route("/v1/warm", sync.warm),
            Route("/v2/upload", transcripts.upload, methods=["POST"]),
            Route("/v2/transcript", transcripts.create, methods=["POST"]),
            Route("/v2/transcript", transcripts.list, methods=["GET"]),
            Route("/v2/transcript/{id}", transcripts.get, methods=["GET"]),
            Route("/v2/transcript/{id}", transcripts.delete, methods=["DELETE"]),
            Route("/v2/transcript/{id}/{kind}", transcripts.export, methods=["GET"]),
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
