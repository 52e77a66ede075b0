"""The sandbox's AssemblyAI: its parts put together, and their routes.

The routes are at the root, because the streaming SDK accepts a host and a port but no path.
"""

from starlette.routing import Route, WebSocketRoute

from sandbox.assemblyai import streaming_socket, sync, transcript_jobs, transcripts
from sandbox.assemblyai.session_control import SessionControl
from sandbox.assemblyai.stored_audio import Uploads
from sandbox.assemblyai.streaming_sessions import BilledSessions
from sandbox.assemblyai.streaming_token import TOKEN, Tokens
from sandbox.assemblyai.transcript_control import TranscriptControl
from sandbox.assemblyai.webhooks import WebhookSender
from sandbox.faults import HTTP_KINDS
from sandbox.stand_in import StandInParts, StandInRoutes

FAULTS = {
    sync.SYNC: HTTP_KINDS,
    TOKEN: HTTP_KINDS,
    streaming_socket.STREAMING: streaming_socket.KINDS,
    **dict.fromkeys(transcripts.POINTS, HTTP_KINDS),
    transcript_jobs.TRANSCRIPTION: transcript_jobs.KINDS,
}


def create(parts: StandInParts) -> StandInRoutes:
    """An account without live sessions and transcripts."""
    key, clock, recogniser = parts.key("assemblyai"), parts.clock, parts.recogniser
    faults, calls = parts.faults, parts.calls
    sync_api = sync.SyncRoutes(key, recogniser, faults, calls)
    tokens, sessions = Tokens(key, clock, faults, calls), BilledSessions(clock)
    streaming = streaming_socket.StreamingSocket(tokens, sessions, clock, parts.open_speech, faults, calls)
    uploads, sender = Uploads(clock), WebhookSender(clock, parts.poster)
    jobs = transcript_jobs.Jobs(recogniser, uploads, sender, faults, calls, clock)
    recordings = transcripts.TranscriptRoutes(key, jobs, uploads, sender, faults, calls)
    session_control, transcript_control = SessionControl(sessions), TranscriptControl(jobs, sender)
    return StandInRoutes(
        routes=[
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
        ],
        control_routes=[
            Route("/sandbox/sessions", session_control.list_sessions, methods=["GET"]),
            Route("/sandbox/sessions", session_control.reset_sessions, methods=["DELETE"]),
            Route("/sandbox/transcripts", transcript_control.list_transcripts, methods=["GET"]),
            Route("/sandbox/transcripts", transcript_control.reset_transcripts, methods=["DELETE"]),
            Route("/sandbox/transcripts/orders", transcript_control.show_settings, methods=["GET"]),
            Route("/sandbox/transcripts/orders", transcript_control.update_settings, methods=["POST"]),
            Route("/sandbox/transcripts/{id}/release", transcript_control.release, methods=["POST"]),
            Route("/sandbox/transcripts/{id}/webhook", transcript_control.send_webhook, methods=["POST"]),
        ],
    )
