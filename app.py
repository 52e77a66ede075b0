"""Every route and event function of the backend, by section. What each does is in `chalicelib/<section>.py`."""

from typing import Any

from chalice import Chalice, CognitoUserPoolAuthorizer, CORSConfig, Rate
from chalice.app import Request

from chalicelib import audio, audit, config, contract, ids, jobs, pages, web, wiring
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


def admin() -> Caller:
    return web.admin(request(), wiring.verifier())


# Account


@app.route("/auth/register", methods=["POST"], cors=CORS)
@web.answers(status=201)
def register() -> contract.Registered:
    """Open an account. 201; 400 bad words or weak password, 409 email taken."""
    return wiring.accounts().register(web.body(request(), contract.Register), web.network(request()))


@app.route("/auth/confirm", methods=["POST"], cors=CORS)
@web.answers()
def confirm() -> contract.Confirmed:
    """Confirm the address with the mailed code; brings the free credits. 200; 400 wrong code."""
    return wiring.accounts().confirm(web.body(request(), contract.Confirm), web.network(request()))


@app.route("/auth/resend-code", methods=["POST"], cors=CORS)
@web.answers()
def resend_code() -> contract.CodeSent:
    """Mail the code again. 200 whether or not there is such an account."""
    return wiring.accounts().resend_code(web.body(request(), contract.ResendCode))


@app.route("/auth/login", methods=["POST"], cors=CORS)
@web.answers()
def login() -> contract.LoggedIn:
    """Tokens for a password. 200; 401 wrong, 403 unconfirmed or blocked."""
    return wiring.accounts().login(web.body(request(), contract.Login), web.network(request()))


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
            return web.Answered(201, wiring.streaming().start(who, wish, session_id, web.body_hash(request())))
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
    sent = web.raw_body(request(), audio.MAX_BYTES)
    heard = audio.read(sent, web.content_type(request()), asked.sample_rate, asked.channels)
    return wiring.relay().chunk(who, web.identifier(session_id, "session_id"), asked.seq, asked.start_ms, heard)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def sweep(_event: Any) -> dict[str, int]:
    """End what nobody spoke for, give back or settle what it held; have silent jobs looked at."""
    return web.event_done(
        "sweep",
        {
            "leases_ended": lambda: wiring.streaming().sweep(),
            "jobs_looked_at": lambda: wiring.catchups().sweep(),
            "questions_ended": lambda: wiring.assistant().sweep(),
            "audits_continued": lambda: wiring.audits().sweep(),
        },
    )


@app.schedule(Rate(1, unit=Rate.MINUTES))
def erase(_event: Any) -> dict[str, int]:
    """Erase the words of deleted transcripts."""
    return web.event_done("erase", {"transcripts_erased": lambda: wiring.history().erase_deleted()})


# Catch-up


@app.route("/transcription/uploads", methods=["POST"], authorizer=cognito, cors=CORS)
@web.answers(status=201)
def new_upload() -> contract.Upload:
    """A form that sends one recording of at most 500 MB within 15 minutes. 201; 400 no media type."""
    who = caller()
    return wiring.catchups().new_upload(who, web.body(request(), contract.NewUpload))


@app.route("/transcription/catchup", methods=["POST"], authorizer=cognito, cors=CORS)
@web.answers(status=202)
def catchup() -> Any:
    """Have a range summarised. 202; 200 for a quote; 400 bad range or address, 402 no credits, 404 no such source."""
    who, wish = caller(), web.body(request(), contract.Catchup)
    key = web.idempotency_key(request())
    job_id = ids.named(who.user_id, "catchup", key) if key else wiring.new_id()
    base = web.public_url(request(), wiring.settings())
    answer = wiring.catchups().start(who, wish, job_id, web.body_hash(request()), base)
    return web.Answered(200, answer) if isinstance(answer, contract.Quote) else answer


@app.route("/transcription/catchup/{job_id}", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def catchup_job(job_id: str) -> contract.CatchupJob:
    """How far a catch-up is; when done, the summary. 200; 404 none, or another user's."""
    return wiring.catchups().look(caller(), web.identifier(job_id, "job_id"))


@app.route("/webhooks/assemblyai", methods=["POST"], cors=CORS)
@web.answers()
def assemblyai_webhook() -> contract.Notified:
    """The provider has ended a transcript. 200, any number of times; 400 wrong secret."""
    asked, said = web.query(request(), contract.WebhookQuery), web.body(request(), contract.TranscriptEnded)
    return wiring.catchups().notified(asked.job, web.header(request(), jobs.WEBHOOK_SECRET_HEADER), said.transcript_id)


@app.on_sqs_message(queue=config.jobs_queue_name(), batch_size=1)
def work(event: Any) -> dict[str, int]:
    """Take the jobs that the messages name as far as they go; one that fails comes again."""
    named = [str(record.body) for record in event]
    return web.event_done("work", {"jobs_done": lambda: sum(advance(one) for one in named)})


def advance(message: str) -> int:
    """Do what a message is about, a page of an audit or a catch-up; one thing was done."""
    if not message.startswith(audit.MESSAGE):
        wiring.catchup_worker().advance(message)
    elif ended := wiring.audits().advance(message.removeprefix(audit.MESSAGE)):
        web.figures_done("audit", ended, [])
    return 1


# Assistant


@app.route("/transcription/ask", methods=["POST"], authorizer=cognito, cors=CORS)
@web.answers()
def ask() -> contract.AskAnswer:
    """A question answered from a transcript. 200; 402 no credits, 404 no such transcript, 409 no words yet."""
    who, wish = caller(), web.body(request(), contract.Ask)
    key = web.idempotency_key(request())
    question_id = ids.named(who.user_id, "ask", key) if key else wiring.new_id()
    return wiring.assistant().ask(who, wish, question_id, web.body_hash(request()))


# History


@app.route("/transcription/history", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def history() -> contract.HistoryPage:
    """The caller's transcripts, newest first, a page at a time, by kind and time. 200; 400 foreign cursor."""
    who, asked = caller(), web.query(request(), contract.HistoryQuery)
    return wiring.history().page(who, asked)


@app.route("/transcription/history/{transcript_id}", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def transcript(transcript_id: str) -> contract.TranscriptWhole:
    """One transcript whole, with what it covers. 200; 404 none, or another user's."""
    who, asked = caller(), web.query(request(), contract.TranscriptQuery)
    return wiring.history().whole(who, web.identifier(transcript_id, "transcript_id"), asked.cursor)


@app.route("/transcription/history/{transcript_id}", methods=["DELETE"], authorizer=cognito, cors=CORS)
@web.answers()
def delete_transcript(transcript_id: str) -> contract.TranscriptDeleted:
    """Forget a transcript and its session. 200; 404 none, 409 the session runs."""
    return wiring.history().delete(caller(), web.identifier(transcript_id, "transcript_id"))


@app.route("/transcription/history/{transcript_id}/export", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def export(transcript_id: str) -> web.Download:
    """One transcript as a file: srt, vtt, txt or json. 200; 404 none, 413 longer than an answer may be."""
    who, asked = caller(), web.query(request(), contract.ExportQuery)
    file = wiring.history().export(who, web.identifier(transcript_id, "transcript_id"), asked.format)
    return web.Download(file.content, file.content_type, file.name)


# Billing


@app.route("/credits/balance", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def balance() -> contract.CreditBalance:
    """What the caller has, what is held, and the totals. 200."""
    return wiring.billing().balance(caller())


@app.route("/credits/transactions", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def transactions() -> Any:
    """Every movement of the caller's credits, explained, newest first; as JSON or CSV. 200; 400 foreign cursor."""
    who, asked = caller(), web.query(request(), contract.TransactionsQuery)
    if asked.format == "csv":
        statement = wiring.billing().csv(who, asked.cursor)
        return web.Download(statement.content, "text/csv; charset=utf-8", "credits.csv", statement.next_cursor)
    return wiring.billing().transactions(who, asked.limit, asked.cursor)


@app.route("/credits/packages", methods=["GET"], cors=CORS)
@web.answers()
def packages() -> contract.Packages:
    """What credits cost. 200."""
    return wiring.purchases().packages()


@app.route("/credits/purchase", methods=["POST"], authorizer=cognito, cors=CORS)
@web.answers(status=201)
def purchase() -> contract.Checkout:
    """A checkout for a package. 201; 400 no such package or foreign address, 409 key used, 502-504 payment service."""
    who, wish = caller(), web.body(request(), contract.Buy)
    key = web.idempotency_key(request())
    purchase_id = ids.named(who.user_id, "purchase", key) if key else wiring.new_id()
    return wiring.purchases().buy(who, wish, purchase_id, web.body_hash(request()))


@app.route("/webhooks/stripe", methods=["POST"], cors=CORS)
@web.answers()
def stripe_webhook() -> contract.Received:
    """What the payment system tells. 200, any number of times; 400 not signed by it; 503 to hear it again."""
    raw = web.raw_body(request(), web.MAX_JSON_BYTES)
    return wiring.purchases().receive(raw, web.header(request(), "Stripe-Signature"))


@app.schedule(Rate(5, unit=Rate.MINUTES))
def reconcile(_event: Any) -> dict[str, int]:
    """Ask about payments that nothing was heard of, and hear the events that did not arrive."""
    return web.figures_done("reconcile", *wiring.reconciler().reconcile())


# Analytics


@app.route("/analytics/usage", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def usage() -> contract.Usage:
    """What the caller used, day by day. 200; 400 bad range."""
    who, asked = caller(), web.query(request(), contract.UsageQuery)
    return wiring.analytics().usage(who, asked)


@app.route("/analytics/costs", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def costs() -> Any:
    """What the service earns and costs, day by day; as JSON or CSV. 200; 400 bad range, 403 no administrator."""
    who, asked = admin(), web.query(request(), contract.CostsQuery)
    if asked.format == "csv":
        sheet = wiring.costs().csv(who, asked)
        return web.Download(sheet.content, "text/csv; charset=utf-8", "costs.csv", sheet.next_cursor)
    return wiring.costs().costs(who, asked)


@app.on_dynamodb_record(stream_arn=config.ledger_stream_arn(), batch_size=100)
def count(event: Any) -> dict[str, int]:
    """Add new entries of the ledger to the sums over all users, each once."""
    images = [record.new_image for record in event if record.event_name == "INSERT"]
    return web.event_done("count", {"entries_counted": lambda: wiring.totals().count_changes(images)})


# Admin


@app.route("/admin/credits", methods=["POST"], authorizer=cognito, cors=CORS)
@web.answers()
def give_credits() -> contract.CreditsGiven:
    """Give a user credits, or take some back, with a reason. 200; 400 nothing, 404 no such user, 409 key used."""
    who, wish = admin(), web.body(request(), contract.GiveCredits)
    key = web.idempotency_key(request())
    action_id = ids.named(who.user_id, "admin/credits", key) if key else wiring.new_id()
    return wiring.administration().give(who, wish, action_id, web.body_hash(request()))


@app.route("/admin/users", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def users() -> contract.AdminUsers:
    """Accounts and their credits, a page at a time, by address or id. 200; 400 foreign cursor."""
    who, asked = admin(), web.query(request(), contract.UsersQuery)
    return wiring.administration().users(who, asked)


@app.route("/admin/users/{user_id}/block", methods=["POST"], authorizer=cognito, cors=CORS)
@web.answers()
def block(user_id: str) -> contract.StandingChanged:
    """Refuse every call of an account from now on. 200, also twice; 404 no such user."""
    who, wish = admin(), web.body(request(), contract.Standing)
    return wiring.administration().set_blocked(who, web.identifier(user_id, "user_id"), True, wish.reason)


@app.route("/admin/users/{user_id}/unblock", methods=["POST"], authorizer=cognito, cors=CORS)
@web.answers()
def unblock(user_id: str) -> contract.StandingChanged:
    """Let an account call again. 200, also twice; 404 no such user."""
    who, wish = admin(), web.body(request(), contract.Standing)
    return wiring.administration().set_blocked(who, web.identifier(user_id, "user_id"), False, wish.reason)


# Audit


@app.route("/admin/audit", methods=["POST"], authorizer=cognito, cors=CORS)
@web.answers(status=202)
def start_audit() -> contract.AuditStarted:
    """Have every balance worked out anew; answers the audit that runs, if one does. 202; 403 no administrator."""
    who = admin()
    return wiring.audits().start(who, web.body(request(), contract.StartAudit).recount)


@app.route("/admin/audit", methods=["GET"], authorizer=cognito, cors=CORS)
@web.answers()
def last_audit() -> contract.LastAudit:
    """What the last audit found, how far the running one is, what admins did. 200; 403 no administrator."""
    return wiring.audits().last(admin())


@app.schedule(Rate(1, unit=Rate.DAYS))
def daily_audit(_event: Any) -> dict[str, int]:
    """Start the day's audit."""
    return web.event_done("daily_audit", {"audits_started": lambda: wiring.audits().start_daily()})


# Pages


@app.route("/admin", methods=["GET"], cors=CORS)
@web.answers()
def dashboard() -> pages.Page:
    """The owner's dashboard, which asks for a sign-in. 200."""
    return pages.page("admin", "index.html")


@app.route("/admin/assets/{name}", methods=["GET"], cors=CORS)
@web.answers()
def dashboard_asset(name: str) -> pages.Page:
    """What the dashboard is made of. 200; 404 no such file."""
    return pages.page("admin", name)


# Service


@app.route("/health", methods=["GET"], cors=CORS)
@web.answers()
def health() -> contract.Health:
    """Alive, with stage and build. 200."""
    used = wiring.settings()
    return contract.Health("ok", used.stage, used.build)
