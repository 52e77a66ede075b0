"""Every route and event function of the backend, by section. What each does is in `chalicelib/<section>.py`."""

import gc
from typing import Annotated, Any, Literal

from chalice import Chalice, CognitoUserPoolAuthorizer, CORSConfig, Rate
from chalice.app import Request

from chalicelib import contract
from chalicelib.catchup import job_rules
from chalicelib.http import middleware, request as web, static_files
from chalicelib.http.endpoint import Views
from chalicelib.http.parameters import Admin, Body, Header, Id, IdempotencyKey, Query, Raw
from chalicelib.http.responses import Answered, Download
from chalicelib.logs import redaction
from chalicelib.models.accounts import Caller
from chalicelib.settings import load
from chalicelib.streaming import audio
from chalicelib.wiring import use_cases

redaction.redact_logging()
app = Chalice(app_name="live-transcription", configure_logs=False)
ASSET_TYPES = ("text/css", "text/javascript", "text/html", "text/plain", "image/svg+xml")
AUDIO_TYPES = ["audio/wav", "audio/x-wav", "audio/wave", "audio/pcm"]
app.api.binary_types.extend(sorted(set(AUDIO_TYPES) - set(app.api.binary_types)))

CORS = CORSConfig(
    allow_origin=load.extension_origin(),
    allow_headers=middleware.CORS_ALLOW_HEADERS,
    expose_headers=middleware.CORS_EXPOSE_HEADERS,
    max_age=600,
)
cognito = CognitoUserPoolAuthorizer("cognito", provider_arns=[load.user_pool_arn()])

app.register_middleware(middleware.http_middleware(use_cases.settings, CORS.get_access_control_headers()), "http")


def request() -> Request:
    return app.current_request


views = Views(request, use_cases.verifier, use_cases.rate_limiter)
PROVIDER_ERRORS = ("provider_error", "unavailable", "provider_timeout")
STREAM_ERRORS = ("insufficient_credits", "not_found", "conflict", "too_large", *PROVIDER_ERRORS)


# Account


@app.route("/auth/register", methods=["POST"], cors=CORS)
@views.answers(status=201, limit="register", errors=("email_taken",))
def register(body: Body[contract.Register]) -> contract.Registered:
    """Open an account. 201; 400 bad words or weak password, 409 email taken."""
    return use_cases.accounts().register(body, web.network(request()))


@app.route("/auth/confirm", methods=["POST"], cors=CORS)
@views.answers(limit="codes")
def confirm(body: Body[contract.Confirm]) -> contract.Confirmed:
    """Confirm the address with the mailed code; brings the free credits. 200; 400 wrong code."""
    return use_cases.accounts().confirm(body, web.network(request()))


@app.route("/auth/resend-code", methods=["POST"], cors=CORS)
@views.answers(limit="codes")
def resend_code(body: Body[contract.ResendCode]) -> contract.CodeSent:
    """Mail the code again. 200 whether or not there is such an account."""
    return use_cases.accounts().resend_code(body)


@app.route("/auth/login", methods=["POST"], cors=CORS)
@views.answers(limit="login", errors=("invalid_credentials", "unauthenticated", "email_unverified", "account_blocked"))
def login(body: Body[contract.Login]) -> contract.LoggedIn:
    """Tokens for a password. 200; 401 wrong, 403 unconfirmed or blocked."""
    return use_cases.accounts().login(body, web.network(request()))


@app.route("/auth/refresh", methods=["POST"], cors=CORS)
@views.answers(limit="refresh", errors=("invalid_credentials", "unauthenticated", "account_blocked"))
def refresh(body: Body[contract.Refresh]) -> contract.Tokens:
    """New tokens for a refresh token. 200; 401 revoked or over."""
    return use_cases.accounts().refresh(body)


@app.route("/auth/logout", methods=["POST"], authorizer=cognito, cors=CORS)
@views.answers(limit="account")
def logout(caller: Caller, _: Body[contract.Nothing]) -> contract.LoggedOut:
    """End every sign-in of the account, at once. 200."""
    return use_cases.accounts().logout(caller)


@app.route("/auth/user", methods=["GET"], authorizer=cognito, cors=CORS)
@views.answers(limit="reads")
def user(caller: Caller) -> contract.User:
    """The caller's profile and credits. 200."""
    return use_cases.accounts().user(caller)


@app.route("/auth/forgot-password", methods=["POST"], cors=CORS)
@views.answers(limit="reset")
def forgot_password(body: Body[contract.ForgotPassword]) -> contract.CodeSent:
    """Mail a code for a new password. 200 whether or not there is such an account."""
    return use_cases.accounts().forgot_password(body)


@app.route("/auth/reset-password", methods=["POST"], cors=CORS)
@views.answers(limit="reset")
def reset_password(body: Body[contract.ResetPassword]) -> contract.PasswordReset:
    """Set a password with the mailed code; every earlier sign-in ends. 200; 400 wrong code."""
    return use_cases.accounts().reset_password(body)


@app.route("/auth/user", methods=["PATCH"], authorizer=cognito, cors=CORS)
@views.answers(limit="account")
def rename(caller: Caller, body: Body[contract.UpdateUser]) -> contract.User:
    """Change the caller's name. 200; 400 bad words."""
    return use_cases.accounts().rename(caller, body)


@app.route("/auth/user", methods=["DELETE"], authorizer=cognito, cors=CORS)
@views.answers(status=202, limit="account")
def delete_user(caller: Caller) -> contract.AccountDeleted:
    """Refuse the account from now on, and have all that is kept of it erased, but its books. 202."""
    return use_cases.account_deletion().begin(caller)


@app.route("/auth/user/export", methods=["POST"], authorizer=cognito, cors=CORS)
@views.answers(status=202, limit="account")
def export_user(caller: Caller, _: Body[contract.Nothing]) -> contract.AccountExport:
    """Have all that is kept of the caller put into one file; answers the export that runs, if one does. 202."""
    return use_cases.account_exports().start(caller)


@app.route("/auth/user/export/{export_id}", methods=["GET"], authorizer=cognito, cors=CORS)
@views.answers(limit="reads")
def user_export(caller: Caller, export_id: Id) -> contract.AccountExport:
    """How far an export is; when done, where its file is for some minutes. 200; 404 none, another user's, or over."""
    return use_cases.account_exports().look(caller, export_id)


# Streaming


@app.route("/transcription/stream", methods=["POST"], authorizer=cognito, cors=CORS)
@views.answers(limit="stream", errors=STREAM_ERRORS)
def stream(
    caller: Caller, body: Body[contract.StreamAction], key: IdempotencyKey
) -> Answered[Literal[201], contract.Lease] | contract.Lease | contract.Saved | contract.Stopped:
    """Start (201), renew, save to or stop (200) a live session, told apart by `action`. 402 no credits, 409 not now."""
    match body:
        case contract.Start():
            session_id = key.id(caller, "stream")
            return Answered(201, use_cases.streaming().start(caller, body, session_id, key.body_hash))
        case contract.Renew():
            renewal = key.named(caller, "renew")
            return use_cases.streaming().renew(caller, body.session_id, body.interrupted, renewal, key.body_hash)
        case contract.Save():
            return use_cases.streaming().save(caller, body.session_id, body.segments)
        case contract.Stop():
            return use_cases.streaming().stop(caller, body.session_id, body.provider_session_seconds)


@app.route(
    "/transcription/stream/{session_id}/audio",
    methods=["POST"],
    authorizer=cognito,
    cors=CORS,
    content_types=AUDIO_TYPES,
)
@views.answers(limit="audio", errors=("conflict", "idempotency_mismatch", *PROVIDER_ERRORS))
def relay_audio(
    caller: Caller, query: Query[contract.ChunkQuery], sent: Annotated[bytes, Raw(audio.MAX_BYTES)], session_id: Id
) -> contract.Chunk:
    """The words of one chunk of a relay session. 200; 400 bad audio, 409 lease over or used up, 502-504 provider."""
    heard = audio.read(sent, web.content_type(request()), query.sample_rate, query.channels)
    return use_cases.relay().chunk(caller, session_id, query.seq, query.start_ms, heard)


@app.schedule(Rate(1, unit=Rate.MINUTES))
def sweep(_event: Any) -> dict[str, int]:
    """End what nobody spoke for, give back or settle what it held; have silent jobs looked at."""
    return middleware.run_event(
        "sweep",
        {
            "leases_ended": lambda: use_cases.streaming().sweep(),
            "jobs_looked_at": lambda: use_cases.catchups().sweep(),
            "questions_ended": lambda: use_cases.questions().sweep(),
            "audits_continued": lambda: use_cases.audits().sweep(),
        },
    )


@app.schedule(Rate(1, unit=Rate.MINUTES))
def erase(_event: Any) -> dict[str, int]:
    """Erase the words of deleted transcripts; have deleted accounts erased, and exports made and forgotten."""
    return middleware.run_event(
        "erase",
        {
            "transcripts_erased": lambda: use_cases.history().erase_deleted(),
            "accounts_looked_at": lambda: use_cases.account_deletion().sweep(),
            "accounts_overdue": lambda: use_cases.account_deletion().overdue(),
            "exports_looked_at": lambda: use_cases.account_exports().sweep(),
        },
    )


# Catch-up


@app.route("/transcription/uploads", methods=["POST"], authorizer=cognito, cors=CORS)
@views.answers(status=201, limit="spend")
def new_upload(caller: Caller, body: Body[contract.NewUpload]) -> contract.Upload:
    """A form that sends one recording of at most 500 MB within 15 minutes. 201; 400 no media type."""
    return use_cases.catchups().new_upload(caller, body)


@app.route("/transcription/catchup", methods=["POST"], authorizer=cognito, cors=CORS)
@views.answers(status=202, limit="spend", errors=("insufficient_credits", "not_found", "conflict"))
def catchup(
    caller: Caller, body: Body[contract.Catchup], key: IdempotencyKey
) -> contract.CatchupJob | Answered[Literal[200], contract.Quote]:
    """Have a range summarised. 202; 200 for a quote; 400 bad range or address, 402 no credits, 404 no such source."""
    base = web.public_url(request(), use_cases.settings())
    answer = use_cases.catchups().start(caller, body, key.id(caller, "catchup"), key.body_hash, base)
    return Answered(200, answer) if isinstance(answer, contract.Quote) else answer


@app.route("/transcription/catchup/{job_id}", methods=["GET"], authorizer=cognito, cors=CORS)
@views.answers(limit="reads")
def catchup_job(caller: Caller, job_id: Id) -> contract.CatchupJob:
    """How far a catch-up is; when done, the summary. 200; 404 none, or another user's."""
    return use_cases.catchups().look(caller, job_id)


@app.route("/webhooks/assemblyai", methods=["POST"], cors=CORS)
@views.answers(limit="webhooks", errors=("invalid_signature",))
def assemblyai_webhook(
    query: Query[contract.WebhookQuery],
    said: Body[contract.TranscriptEnded],
    secret: Annotated[str, Header(job_rules.WEBHOOK_SECRET_HEADER)],
) -> contract.Notified:
    """The provider has ended a transcript. 200, any number of times; 400 wrong secret."""
    return use_cases.catchups().notified(query.job, secret, said.transcript_id)


@app.on_sqs_message(queue=load.jobs_queue_name(), batch_size=1)
def work(event: Any) -> dict[str, int]:
    """Take the jobs that the messages name as far as they go; one that fails comes again."""
    named = [str(record.body) for record in event]
    return middleware.run_event("work", {"jobs_done": lambda: sum(advance(one) for one in named)})


def advance(message: str) -> int:
    """Do what a message is about: a page of an audit, an account's end, an export or a catch-up. One thing was done."""
    match message.rpartition(":"):
        case ("audit", _, audit_id):
            if ended := use_cases.audits().advance(audit_id):
                middleware.log_figures("audit", ended, [])
        case ("erase", _, user_id):
            use_cases.account_deletion().advance(user_id)
        case ("export", _, user_id):
            use_cases.account_exports().advance(user_id)
        case (_, _, job_id):
            use_cases.catchup_worker().advance(job_id)
    return 1


# Assistant


@app.route("/transcription/ask", methods=["POST"], authorizer=cognito, cors=CORS)
@views.answers(limit="spend", errors=("insufficient_credits", "not_found", *PROVIDER_ERRORS))
def ask(caller: Caller, body: Body[contract.Ask], key: IdempotencyKey) -> contract.AskAnswer:
    """A question answered from a transcript. 200; 402 no credits, 404 no such transcript, 409 no words yet."""
    return use_cases.questions().ask(caller, body, key.id(caller, "ask"), key.body_hash)


# History


@app.route("/transcription/history", methods=["GET"], authorizer=cognito, cors=CORS)
@views.answers(limit="reads")
def history(caller: Caller, query: Query[contract.HistoryQuery]) -> contract.HistoryPage:
    """The caller's transcripts, newest first, a page at a time, by kind and time. 200; 400 foreign cursor."""
    return use_cases.history().page(caller, query)


@app.route("/transcription/history/{transcript_id}", methods=["GET"], authorizer=cognito, cors=CORS)
@views.answers(limit="reads")
def transcript(caller: Caller, query: Query[contract.TranscriptQuery], transcript_id: Id) -> contract.TranscriptWhole:
    """One transcript whole, with what it covers. 200; 404 none, or another user's."""
    return use_cases.history().whole(caller, transcript_id, query.cursor)


@app.route("/transcription/history/{transcript_id}", methods=["DELETE"], authorizer=cognito, cors=CORS)
@views.answers(limit="account", errors=("conflict",))
def delete_transcript(caller: Caller, transcript_id: Id) -> contract.TranscriptDeleted:
    """Forget a transcript and its session. 200; 404 none, 409 the session runs."""
    return use_cases.history().delete(caller, transcript_id)


@app.route("/transcription/history/{transcript_id}/export", methods=["GET"], authorizer=cognito, cors=CORS)
@views.answers(limit="reads", errors=("too_large",))
def export(
    caller: Caller, query: Query[contract.ExportQuery], transcript_id: Id
) -> Annotated[Download, "application/x-subrip", "text/vtt", "text/plain", "application/json"]:
    """One transcript as a file: srt, vtt, txt or json. 200; 404 none, 413 longer than an answer may be."""
    file = use_cases.history().export(caller, transcript_id, query.format)
    return Download(file.content, file.content_type, file.name)


# Billing


@app.route("/credits/balance", methods=["GET"], authorizer=cognito, cors=CORS)
@views.answers(limit="reads")
def balance(caller: Caller) -> contract.CreditBalance:
    """What the caller has, what is held, and the totals. 200."""
    return use_cases.statements().balance(caller)


@app.route("/credits/transactions", methods=["GET"], authorizer=cognito, cors=CORS)
@views.answers(limit="reads")
def transactions(
    caller: Caller, query: Query[contract.TransactionsQuery]
) -> contract.Transactions | Annotated[Download, "text/csv"]:
    """Every movement of the caller's credits, explained, newest first; as JSON or CSV. 200; 400 foreign cursor."""
    if query.format == "csv":
        statement = use_cases.statements().csv(caller, query.cursor)
        return Download(statement.content, "text/csv; charset=utf-8", "credits.csv", statement.next_cursor)
    return use_cases.statements().transactions(caller, query.limit, query.cursor)


@app.route("/credits/packages", methods=["GET"], cors=CORS)
@views.answers(limit="open")
def packages() -> contract.Packages:
    """What credits cost. 200."""
    return use_cases.purchases().packages()


@app.route("/credits/purchase", methods=["POST"], authorizer=cognito, cors=CORS)
@views.answers(status=201, limit="spend", errors=PROVIDER_ERRORS)
def purchase(caller: Caller, body: Body[contract.Buy], key: IdempotencyKey) -> contract.Checkout:
    """A checkout for a package. 201; 400 no such package or foreign address, 409 key used, 502-504 payment service."""
    return use_cases.purchases().buy(caller, body, key.id(caller, "purchase"), key.body_hash)


@app.route("/webhooks/stripe", methods=["POST"], cors=CORS)
@views.answers(limit="webhooks", errors=("invalid_signature",))
def stripe_webhook(
    raw: Annotated[bytes, Raw(web.MAX_JSON_BYTES)], signature: Annotated[str, Header("Stripe-Signature")]
) -> contract.Received:
    """What the payment system tells. 200, any number of times; 400 not signed by it; 503 to hear it again."""
    return use_cases.purchases().receive(raw, signature)


@app.schedule(Rate(5, unit=Rate.MINUTES))
def reconcile(_event: Any) -> dict[str, int]:
    """Ask about payments that nothing was heard of, and hear the events that did not arrive."""
    return middleware.run_reporting_event("reconcile", lambda: use_cases.reconciler().reconcile())


# Analytics


@app.route("/analytics/usage", methods=["GET"], authorizer=cognito, cors=CORS)
@views.answers(limit="reads")
def usage(caller: Caller, query: Query[contract.UsageQuery]) -> contract.Usage:
    """What the caller used, day by day. 200; 400 bad range."""
    return use_cases.usage_report().usage(caller, query)


@app.route("/analytics/costs", methods=["GET"], authorizer=cognito, cors=CORS)
@views.answers(limit="admin")
def costs(caller: Admin, query: Query[contract.CostsQuery]) -> contract.Costs | Annotated[Download, "text/csv"]:
    """What the service earns and costs, day by day; as JSON or CSV. 200; 400 bad range, 403 no administrator."""
    if query.format == "csv":
        sheet = use_cases.cost_report().csv(caller, query)
        return Download(sheet.content, "text/csv; charset=utf-8", "costs.csv", sheet.next_cursor)
    return use_cases.cost_report().costs(caller, query)


@app.on_dynamodb_record(stream_arn=load.ledger_stream_arn(), batch_size=100)
def count(event: Any) -> dict[str, int]:
    """Add new entries of the ledger to the sums over all users, each once."""
    images = [record.new_image for record in event if record.event_name == "INSERT"]
    return middleware.run_event("count", {"entries_counted": lambda: use_cases.aggregates().count_changes(images)})


# Admin


@app.route("/admin/credits", methods=["POST"], authorizer=cognito, cors=CORS)
@views.answers(limit="admin", errors=("not_found",))
def give_credits(caller: Admin, body: Body[contract.GiveCredits], key: IdempotencyKey) -> contract.CreditsGiven:
    """Give a user credits, or take some back, with a reason. 200; 400 nothing, 404 no such user, 409 key used."""
    return use_cases.user_administration().adjust_credits(caller, body, key.id(caller, "admin/credits"), key.body_hash)


@app.route("/admin/users", methods=["GET"], authorizer=cognito, cors=CORS)
@views.answers(limit="admin")
def users(caller: Admin, query: Query[contract.UsersQuery]) -> contract.AdminUsers:
    """Accounts and their credits, a page at a time, by address or id. 200; 400 foreign cursor."""
    return use_cases.user_administration().users(caller, query)


@app.route("/admin/users/{user_id}/block", methods=["POST"], authorizer=cognito, cors=CORS)
@views.answers(limit="admin")
def block(caller: Admin, body: Body[contract.Standing], user_id: Id) -> contract.StandingChanged:
    """Refuse every call of an account from now on. 200, also twice; 404 no such user."""
    return use_cases.user_administration().set_blocked(caller, user_id, True, body.reason)


@app.route("/admin/users/{user_id}/unblock", methods=["POST"], authorizer=cognito, cors=CORS)
@views.answers(limit="admin")
def unblock(caller: Admin, body: Body[contract.Standing], user_id: Id) -> contract.StandingChanged:
    """Let an account call again. 200, also twice; 404 no such user."""
    return use_cases.user_administration().set_blocked(caller, user_id, False, body.reason)


# Audit


@app.route("/admin/audit", methods=["POST"], authorizer=cognito, cors=CORS)
@views.answers(status=202, limit="admin")
def start_audit(caller: Admin, body: Body[contract.StartAudit]) -> contract.AuditStarted:
    """Have every balance worked out anew; answers the audit that runs, if one does. 202; 403 no administrator."""
    return use_cases.audits().start(caller, body.recount)


@app.route("/admin/audit", methods=["GET"], authorizer=cognito, cors=CORS)
@views.answers(limit="admin")
def last_audit(caller: Admin) -> contract.LastAudit:
    """What the last audit found, how far the running one is, what admins did. 200; 403 no administrator."""
    return use_cases.audits().load_latest(caller)


@app.schedule(Rate(1, unit=Rate.DAYS))
def daily_audit(_event: Any) -> dict[str, int]:
    """Start the day's audit."""
    return middleware.run_event("daily_audit", {"audits_started": lambda: use_cases.audits().start_daily()})


# Pages


@app.route("/admin", methods=["GET"], cors=CORS)
@views.answers(limit="open")
def dashboard() -> Annotated[static_files.Page, "text/html"]:
    """The owner's dashboard, which asks for a sign-in. 200."""
    return static_files.page("admin", "index.html")


@app.route("/admin/assets/{name}", methods=["GET"], cors=CORS)
@views.answers(limit="open")
def dashboard_asset(name: str) -> Annotated[static_files.Page, *ASSET_TYPES]:
    """What the dashboard is made of. 200; 404 no such file."""
    return static_files.page("admin", name)


@app.route("/docs", methods=["GET"], cors=CORS)
@views.answers(limit="open")
def reference() -> Annotated[static_files.Page, "text/html"]:
    """The reference of this API, to read and to try. 200."""
    return static_files.page("docs", "index.html")


@app.route("/docs/assets/{name}", methods=["GET"], cors=CORS)
@views.answers(limit="open")
def reference_asset(name: str) -> Annotated[static_files.Page, *ASSET_TYPES]:
    """What the reference is made of. 200; 404 no such file."""
    return static_files.page("docs", name)


@app.route("/openapi.json", methods=["GET"], cors=CORS)
@views.answers(limit="open")
def openapi_document() -> Annotated[static_files.Page, "application/json"]:
    """This contract as OpenAPI 3.1. 200."""
    return static_files.page("contract", "openapi.json")


# Service


@app.route("/health", methods=["GET"], cors=CORS)
@views.answers(limit="open")
def health() -> contract.Health:
    """Alive, with stage and build. 200."""
    used = use_cases.settings()
    return contract.Health("ok", used.stage, used.build)


# What is imported stays for good: garbage collection need not look through it at a cold start, nor ever after.
gc.freeze()
