"""Every route and event function of the backend, by section. What each does is in `chalicelib/<section>.py`."""

from typing import Any

from chalice import Chalice, CognitoUserPoolAuthorizer, CORSConfig, Rate
from chalice.app import Request

from chalicelib import audio, config, contract, ids, web, wiring
from chalicelib.models import Caller

app = Chalice(app_name="live-transcription", configure_logs=False)
AUDIO_TYPES = ["audio/wav", "audio/x-wav", "audio/wave", "audio/pcm"]
app.api.binary_types.extend(AUDIO_TYPES)

CORS = CORSConfig(
    allow_origin=config.extension_origin(),
    allow_headers=web.CORS_ALLOW_HEADERS,
    expose_headers=web.CORS_EXPOSE_HEADERS,
    max_age=600,
)
cognito = CognitoUserPoolAuthorizer("cognito", provider_arns=[config.user_pool_arn()])

app.register_middleware(web.middleware(wiring.settings, CORS.get_access_control_headers()), "http")


def request() -> Request:
    return app.current_request


def caller() -> Caller:
    return web.caller(request(), wiring.verifier())


# Account


@app.route("/auth/register", methods=["POST"], cors=CORS)
@web.answers(status=201)
def register() -> contract.Registered:
    """Open an account. 201; 400 bad words or weak password, 409 email taken."""
    return wiring.accounts().register(web.body(request(), contract.Register))


@app.route("/auth/confirm", methods=["POST"], cors=CORS)
@web.answers()
def confirm() -> contract.Confirmed:
    """Confirm the address with the mailed code; brings the free credits. 200; 400 wrong code."""
    return wiring.accounts().confirm(web.body(request(), contract.Confirm))


@app.route("/auth/resend-code", methods=["POST"], cors=CORS)
@web.answers()
def resend_code() -> contract.CodeSent:
    """Mail the code again. 200 whether or not there is such an account."""
    return wiring.accounts().resend_code(web.body(request(), contract.ResendCode))


@app.route("/auth/login", methods=["POST"], cors=CORS)
@web.answers()
def login() -> contract.LoggedIn:
    """Tokens for a password. 200; 401 wrong, 403 unconfirmed or blocked."""
    return wiring.accounts().login(web.body(request(), contract.Login))


@app.route("/auth/refresh", methods=["POST"], cors=CORS)
@web.answers()
def refresh() -> contract.Tokens:
    """New tokens for a refresh token. 200; 401 revoked or over."""
    return wiring.accounts().refresh(web.body(request(), contract.Refresh))


@app.route("/auth/logout", methods=["POST"], authorizer=cognito, cors=CORS)
@web.answers()
def logout() -> contract.LoggedOut:
    """End every sign-in of the account, at once. 200."""
    who = caller()
    web.body(request(), contract.Nothing)
    return wiring.accounts().logout(who)


@app.route("/auth/user", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def user() -> contract.User:
    """The caller's profile and credits. 200."""
    return wiring.accounts().user(caller())


# Streaming


@app.route("/transcription/stream", methods=["POST"], authorizer=cognito, cors=CORS)
@web.answers()
def stream() -> Any:
    """Start (201), renew, save to or stop (200) a live session, told apart by `action`. 402 no credits, 409 not now."""
    who, wish = caller(), web.body(request(), contract.StreamAction)
    match wish:
        case contract.Start():
            key = web.idempotency_key(request())
            session_id = ids.named(who.user_id, "stream", key) if key else wiring.new_id()
            return web.Created(wiring.streaming().start(who, wish, session_id, web.body_hash(request())))
        case contract.Renew():
            key = web.idempotency_key(request())
            renewal = ids.named(who.user_id, "renew", key) if key else ""
            return wiring.streaming().renew(who, wish.session_id, wish.interrupted, renewal, web.body_hash(request()))
        case contract.Save():
            return wiring.streaming().save(who, wish.session_id, wish.segments)
        case contract.Stop():
            return wiring.streaming().stop(who, wish.session_id, wish.provider_session_seconds)


@app.route(
    "/transcription/stream/{session_id}/audio",
    methods=["POST"],
    authorizer=cognito,
    cors=CORS,
    content_types=AUDIO_TYPES,
)
@web.answers()
def relay_audio(session_id: str) -> contract.Chunk:
    """The words of one chunk of a relay session. 200; 400 bad audio, 409 lease over or used up, 502-504 provider."""
    who, asked = caller(), web.query(request(), contract.ChunkQuery)
    sent = web.audio_body(request(), audio.MAX_BYTES)
    heard = audio.read(sent, web.content_type(request()), asked.sample_rate, asked.channels)
    return wiring.relay().chunk(who, web.identifier(session_id, "session_id"), asked.seq, asked.start_ms, heard)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def sweep(_event: Any) -> dict[str, int]:
    """End the leases that nobody spoke for, and give back or settle what they held."""
    return web.event_done("sweep", {"leases_ended": wiring.streaming().sweep()})


# History


@app.route("/transcription/history", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def history() -> contract.HistoryPage:
    """The caller's transcripts, newest first, a page at a time. 200; 400 foreign cursor."""
    who, page = caller(), web.query(request(), contract.PageQuery)
    return wiring.history().page(who, page.limit, page.cursor)


@app.route("/transcription/history/{transcript_id}", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def transcript(transcript_id: str) -> contract.TranscriptWhole:
    """One transcript whole, with what it covers. 200; 404 none, or another user's."""
    return wiring.history().whole(caller(), web.identifier(transcript_id, "transcript_id"))


# Billing


@app.route("/credits/balance", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def balance() -> contract.CreditBalance:
    """What the caller has, what is held, and the totals. 200."""
    return wiring.billing().balance(caller())


@app.route("/credits/transactions", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def transactions() -> contract.Transactions:
    """Every movement of the caller's credits, explained, newest first. 200; 400 foreign cursor."""
    who, page = caller(), web.query(request(), contract.PageQuery)
    return wiring.billing().transactions(who, page.limit, page.cursor)


# Service


@app.route("/health", methods=["GET"], cors=CORS)
@web.answers()
def health() -> contract.Health:
    """Alive, with stage and build. 200."""
    used = wiring.settings()
    return contract.Health("ok", used.stage, used.build)
