"""Every route and event function of the backend, by section. What each does is in the folder of its section."""

import gc
from typing import Annotated, Any, Literal

from chalice import Chalice, CognitoUserPoolAuthorizer, CORSConfig, Rate
from chalice.app import Request

from chalicelib import contract
from chalicelib.http import cors, events, middleware, pages, request as web, static_files
from chalicelib.http.endpoint import EndpointDecorator
from chalicelib.http.parameters import (
    Admin,
    Body,
    BytesSentToday,
    Header,
    Id,
    IdempotencyKey,
    LargeBody,
    Query,
    RawBody,
)
from chalicelib.http.responses import RepeatedResponse, ResponseWithStatus
from chalicelib.http.shared_page import SharedPage, read_part
from chalicelib.logs import redaction
from chalicelib.models.accounts import Caller
from chalicelib.models.catchup import WEBHOOK_SECRET_HEADER
from chalicelib.models.downloads import Download
from chalicelib.settings import load
from chalicelib.streaming import audio
from chalicelib.wiring import aws, common, use_cases

redaction.redact_logging()
load.warn_without_local_stack()
app = Chalice(app_name="live-transcription", configure_logs=False)
ASSET_TYPES = ("text/css", "text/javascript", "text/html", "text/plain", "image/svg+xml")
AUDIO_TYPES = ["audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/pcm"]
app.api.binary_types.extend(sorted(set(AUDIO_TYPES) - set(app.api.binary_types)))

# Of the same for everybody, in browsers; the gateway keeps some of it for as long (scripts/shipping/template.py).
KEEP_SECONDS = 300
# Chalice refuses a GET for its Content-Type, and the gateway would keep that answer for everybody.
ANY_CONTENT_TYPE: list[str] = []

ORIGINS = load.allowed_origins()
CORS = CORSConfig(
    allow_origin=ORIGINS[0],  # Chalice has one; the middleware and the packaged preflights answer each by its name.
    allow_headers=cors.ALLOW_HEADERS,
    expose_headers=cors.EXPOSE_HEADERS,
    max_age=600,
)
cognito = CognitoUserPoolAuthorizer("cognito", provider_arns=[load.user_pool_arn()])

app.register_middleware(
    middleware.http_middleware(aws.settings, CORS.get_access_control_headers(), ORIGINS, use_cases.health_recorder),
    "http",
)


def request() -> Request:
    return app.current_request


endpoint = EndpointDecorator(
    request, aws.verifier, use_cases.rate_limiter, aws.administrators, use_cases.explain_refusal
)
PROVIDER_ERRORS = ("provider_error", "unavailable", "provider_timeout")


# Accounts


@app.route("/auth/register", methods=["POST"], cors=CORS)
@endpoint(status=201, limit="register", errors=("email_taken",))
def register(body: Body[contract.Register]) -> contract.Registered:
    """Create an account.

    Where the stage verifies addresses, a code is sent by email and the free credits come with the confirmation.
    """
    return use_cases.accounts().register(body, web.network(request()))


@app.route("/auth/confirm", methods=["POST"], cors=CORS)
@endpoint(limit="codes")
def confirm(body: Body[contract.Confirm]) -> contract.Confirmed:
    """Confirm the email address with the code that was sent to it, and set the password.

    The free credits are added with the confirmation. Send the password of the sign-up again: without it, one may have
    to be set with `POST /auth/forgot-password`.
    """
    return use_cases.accounts().confirm(body, web.network(request()))


@app.route("/auth/resend-code", methods=["POST"], cors=CORS)
@endpoint(limit="codes")
def resend_code(body: Body[contract.ResendCode]) -> contract.CodeSent:
    """Send the confirmation code again.

    The response is the same whether or not the account exists.
    """
    return use_cases.accounts().resend_code(body, web.network(request()))


@app.route("/auth/login", methods=["POST"], cors=CORS)
@endpoint(
    limit="login",
    errors=("invalid_credentials", "email_unverified", "account_blocked"),
    reasons=("signed_out", "wrong_token"),
)
def login(body: Body[contract.Login]) -> contract.LoggedIn:
    """Sign in with email and password."""
    return use_cases.accounts().login(body, web.network(request()))


@app.route("/auth/refresh", methods=["POST"], cors=CORS)
@endpoint(limit="refresh", errors=("invalid_credentials", "account_blocked"), reasons=("signed_out", "wrong_token"))
def refresh(body: Body[contract.Refresh]) -> contract.Tokens:
    """Exchange a refresh token for new tokens.

    401 `invalid_credentials`: the refresh token was revoked or has expired. Sign in again.
    """
    return use_cases.accounts().refresh(body)


@app.route("/auth/logout", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(limit="account")
def logout(caller: Caller, _: Body[contract.EmptyBody]) -> contract.LoggedOut:
    """Sign out of the account everywhere.

    As soon as this call returns, every token of the account is rejected with 401, including a repeat of this call.
    """
    return use_cases.accounts().logout(caller)


@app.route("/auth/user", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="reads")
def user(caller: Caller) -> contract.User:
    """Return the caller's profile and credits."""
    return use_cases.accounts().user(caller)


@app.route("/auth/forgot-password", methods=["POST"], cors=CORS)
@endpoint(limit="reset")
def forgot_password(body: Body[contract.ForgotPassword]) -> contract.CodeSent:
    """Send a code for a new password by email.

    The response is the same whether or not the account exists.
    """
    return use_cases.accounts().forgot_password(body, web.network(request()))


@app.route("/auth/reset-password", methods=["POST"], cors=CORS)
@endpoint(limit="reset")
def reset_password(body: Body[contract.ResetPassword]) -> contract.PasswordReset:
    """Set a new password with the code that was sent by email.

    Every earlier sign-in of the account ends.
    """
    return use_cases.accounts().reset_password(body)


@app.route("/auth/user", methods=["PATCH"], authorizer=cognito, cors=CORS)
@endpoint(limit="account")
def rename(caller: Caller, body: Body[contract.UpdateUser]) -> contract.User:
    """Change the caller's name."""
    return use_cases.accounts().rename(caller, body)


@app.route("/auth/user", methods=["DELETE"], authorizer=cognito, cors=CORS)
@endpoint(status=202, limit="account")
def delete_user(caller: Caller) -> contract.AccountDeleted:
    """Delete the caller's account.

    Every further call of the account is refused at once. A job then erases its data, except for the account books.
    """
    return use_cases.account_deletion().start(caller)


@app.route("/auth/user/export", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(status=202, limit="bulk_reads")
def export_user(caller: Caller, _: Body[contract.EmptyBody]) -> contract.AccountExport:
    """Start an export of all data of the caller into one file.

    If an export is already running, that one is returned.
    """
    return use_cases.account_exports().start(caller)


@app.route("/auth/user/export/{export_id}", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="reads")
def user_export(caller: Caller, export_id: Id) -> contract.AccountExport:
    """Return the status of an export and, when it is done, a short-lived address of its file."""
    return use_cases.account_exports().get_status(caller, export_id)


# Streaming


@app.route("/transcription/stream", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(
    limit="stream",
    errors=("insufficient_credits", "not_found", "provider_not_offered", *PROVIDER_ERRORS),
    reasons=(
        "lease_open",
        "lease_opening",
        "lease_over",
        "renewed_since",
        "resume_expired",
        "session_stopped",
        "still_running",
    ),
)
def stream(
    caller: Caller, body: LargeBody[contract.StreamAction], key: IdempotencyKey, sent_today: BytesSentToday
) -> ResponseWithStatus[Literal[201], contract.Lease] | contract.Lease | contract.Saved | contract.Stopped:
    """Start, renew, save to or stop a live session.

    `action` selects the operation. `start` holds credits and returns 201 with a lease; the others return 200.
    """
    match body:
        case contract.Start():
            session_id = key.id(caller, "stream")
            return ResponseWithStatus(201, use_cases.streaming().start(caller, body, session_id, key.body_hash))
        case contract.Renew():
            renewal = key.derived_id(caller, "renew")
            return use_cases.streaming().renew(caller, body.session_id, body.interrupted, renewal, key.body_hash)
        case contract.Save():
            return use_cases.streaming().save(caller, body.session_id, body.segments, sent_today)
        case contract.Stop():
            reported = body.provider_session_seconds
            return use_cases.streaming().stop(caller, body.session_id, reported, body.segments, sent_today)


@app.route("/transcription/sessions", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="bulk_reads")
def open_sessions(caller: Caller) -> contract.OpenSessions:
    """List the caller's sessions that were not stopped and can go on: what a client looks at when it wakes."""
    return use_cases.streaming().open_sessions(caller)


@app.route(
    "/transcription/stream/{session_id}/audio",
    methods=["POST"],
    authorizer=cognito,
    cors=CORS,
    content_types=AUDIO_TYPES,
)
@endpoint(
    limit="audio",
    errors=("idempotency_mismatch", *PROVIDER_ERRORS),
    reasons=(
        "chunk_expired",
        "lease_changed",
        "lease_over",
        "lease_used_up",
        "session_stopped",
        "still_running",
        "wrong_transport",
    ),
)
def relay_audio(
    caller: Caller,
    query: Query[contract.ChunkQuery],
    raw: Annotated[bytes, RawBody(audio.MAX_BYTES)],
    session_id: Id,
) -> contract.Chunk | RepeatedResponse[contract.Chunk]:
    """Transcribe one chunk of audio of a relay session.

    A chunk is billed once per `seq`: sent again with the same audio, it returns the same words for free.
    """
    chunk_audio = audio.read(raw, web.content_type(request()), query.sample_rate, query.channels)
    chunk, is_repeated = use_cases.relay().chunk(caller, session_id, query.seq, query.start_ms, chunk_audio)
    return RepeatedResponse(chunk) if is_repeated else chunk


@app.schedule(Rate(1, unit=Rate.MINUTES))
def sweep(_event: Any) -> dict[str, int]:
    """End abandoned sessions and questions, settle or release what they held, and continue stalled jobs.

    Then erase the text of deleted transcripts, and continue the deletion of accounts and the exports.
    """
    return events.run_event(
        "sweep",
        {
            "leases_ended": lambda: use_cases.streaming().sweep(),
            "jobs_checked": lambda: use_cases.catchups().sweep(),
            "questions_ended": lambda: use_cases.questions().sweep(),
            "audits_continued": lambda: use_cases.audits().sweep(),
            # Credits come first: what follows takes longer.
            "transcripts_erased": lambda: use_cases.history().delete_marked_segments(),
            "accounts_checked": lambda: use_cases.account_deletion().sweep(),
            "accounts_overdue": lambda: use_cases.account_deletion().count_overdue(),
            "exports_checked": lambda: use_cases.account_exports().sweep(),
        },
    )


# Catch-up


@app.route("/transcription/uploads", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(status=201, limit="uploads", errors=("insufficient_credits",))
def new_upload(caller: Caller, body: Body[contract.NewUpload]) -> contract.Upload:
    """Create a form for the upload of one recording.

    The form is valid for 15 minutes and takes at most 500 MB. It needs a positive balance.
    """
    return use_cases.catchups().create_upload(caller, body)


@app.route("/transcription/catchup", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(status=202, limit="spend", errors=("insufficient_credits", "not_found"), reasons=("nothing_saved",))
def catchup(
    caller: Caller, body: Body[contract.Catchup], key: IdempotencyKey
) -> contract.CatchupJob | ResponseWithStatus[Literal[200], contract.Quote]:
    """Summarise a range of a recording or of a live session.

    With `quote`, the price is returned with 200 and nothing is held. The same range of the same unchanged source is
    returned from store, free of charge.
    """
    base_url = web.public_url(request(), aws.settings())
    started = use_cases.catchups().start(caller, body, key.id(caller, "catchup"), key.body_hash, base_url)
    return ResponseWithStatus(200, started) if isinstance(started, contract.Quote) else started


@app.route("/transcription/catchup/{job_id}", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="reads")
def catchup_job(caller: Caller, job_id: Id) -> contract.CatchupJob:
    """Return the status of a catch-up and, when it is done, its summary."""
    return use_cases.catchups().get_status(caller, job_id)


@app.route("/webhooks/assemblyai", methods=["POST"], cors=CORS)
@endpoint(limit="webhooks", errors=("invalid_signature",))
def assemblyai_webhook(
    query: Query[contract.WebhookQuery],
    body: Body[contract.TranscriptEnded],
    secret: Annotated[str, Header(WEBHOOK_SECRET_HEADER)],
) -> contract.WebhookReceipt:
    """Receive the provider's notification that a transcript is complete.

    For the provider only. The same notification may arrive any number of times.
    """
    return use_cases.catchups().record_notification(query.job, secret, body.transcript_id)


@app.on_sqs_message(queue=load.jobs_queue_name(), batch_size=1)
def work(event: Any) -> dict[str, int]:
    """Continue the jobs that the messages name. A message whose job fails is delivered again."""
    messages = [str(record.body) for record in event]
    with events.recording_health(use_cases.health_recorder):
        return events.run_event("work", {"jobs_done": lambda: sum(handle_message(message) for message in messages)})


def handle_message(message: str) -> int:
    """Continue the job that a message names: an audit, a deletion, an export or a catch-up. Returns 1, jobs handled."""
    match message.rpartition(":"):
        case ("audit", _, audit_id):
            if figures := use_cases.audits().advance(audit_id):
                events.log_figures("audit", figures, [])
        case ("erase", _, user_id):
            use_cases.account_deletion().advance(user_id)
        case ("export", _, user_id):
            use_cases.account_exports().advance(user_id)
        case (_, _, job_id):
            use_cases.catchup_worker().advance(job_id)
    return 1


# Transcripts


@app.route("/transcription/ask", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(
    limit="spend",
    errors=("insufficient_credits", "not_found", *PROVIDER_ERRORS),
    reasons=("nothing_saved", "still_running"),
)
def ask(caller: Caller, body: Body[contract.Ask], key: IdempotencyKey) -> contract.AskAnswer:
    """Answer a question from a transcript."""
    return use_cases.questions().ask(caller, body, key.id(caller, "ask"), key.body_hash)


@app.route("/transcription/history", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="reads")
def history(caller: Caller, query: Query[contract.HistoryQuery]) -> contract.HistoryPage:
    """List the caller's transcripts, newest first.

    A page may be shorter than `limit`, for filters or long lines; continue until `next_cursor` is null.
    """
    return use_cases.history().page(caller, query)


@app.route("/transcription/search", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="bulk_reads")
def search(caller: Caller, query: Query[contract.SearchQuery]) -> contract.SearchPage:
    """Search the titles and words of the caller's transcripts, newest first.

    A page may be short, even empty, because a call reads at most 4 MB; continue until `next_cursor` is null.
    """
    return use_cases.search().find(caller, query)


@app.route("/transcription/history/{transcript_id}", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="bulk_reads")
def transcript(caller: Caller, query: Query[contract.TranscriptQuery], transcript_id: Id) -> contract.TranscriptDetail:
    """Return a transcript with its segments and with the intervals that it covers."""
    return use_cases.history().get_transcript(caller, transcript_id, query.cursor)


@app.route("/transcription/history/{transcript_id}", methods=["PATCH"], authorizer=cognito, cors=CORS)
@endpoint(limit="account")
def rename_transcript(caller: Caller, body: Body[contract.UpdateTranscript], transcript_id: Id) -> contract.HistoryItem:
    """Change the title of a transcript."""
    return use_cases.history().rename(caller, transcript_id, body.title)


@app.route("/transcription/history/{transcript_id}", methods=["DELETE"], authorizer=cognito, cors=CORS)
@endpoint(limit="account", reasons=("catchup_running", "session_running"))
def delete_transcript(caller: Caller, transcript_id: Id) -> contract.TranscriptDeleted:
    """Delete a transcript and its session.

    This also deletes the stored response of its `start`; reusing that Idempotency-Key opens, and bills, a new session.
    """
    return use_cases.history().delete(caller, transcript_id)


@app.route("/transcription/history/{transcript_id}/export", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="bulk_reads", errors=("too_large",))
def export(
    caller: Caller, query: Query[contract.ExportQuery], transcript_id: Id
) -> Annotated[Download, "application/x-subrip", "text/vtt", "text/plain", "application/json"]:
    """Download a transcript as srt, vtt, txt or json."""
    return use_cases.history().export(caller, transcript_id, query.format)


@app.route("/transcription/history/{transcript_id}/share", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(status=201, limit="account", errors=("email_unverified",))
def share_transcript(caller: Caller, _: Body[contract.EmptyBody], transcript_id: Id) -> contract.SharedAddress:
    """Share a transcript: anyone who has the address that is returned can read it, without an account.

    The address is returned once. Sharing again makes another one, and ends the earlier one.
    """
    return use_cases.sharing().share(caller, transcript_id, web.public_url(request(), aws.settings()))


@app.route("/transcription/history/{transcript_id}/share", methods=["DELETE"], authorizer=cognito, cors=CORS)
@endpoint(limit="account")
def end_share(caller: Caller, transcript_id: Id) -> contract.ShareEnded:
    """End the share of a transcript at once.

    Ending one that is not shared is safe.
    """
    return use_cases.sharing().end(caller, transcript_id)


# Credits


@app.route("/credits/balance", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="reads")
def balance(caller: Caller) -> contract.CreditBalance:
    """Return the caller's available and held credits, and the totals of the account."""
    return use_cases.statements().balance(caller)


@app.route("/credits/transactions", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="bulk_reads")
def transactions(
    caller: Caller, query: Query[contract.TransactionsQuery]
) -> contract.Transactions | Annotated[Download, "text/csv"]:
    """List every transaction of the caller's credits with its explanation, newest first.

    `format=csv` returns a file; `X-Next-Cursor` names the next one.
    """
    if query.format == "csv":
        return use_cases.statements().csv(caller, query.cursor)
    return use_cases.statements().transactions(caller, query.limit, query.cursor)


@app.route("/analytics/usage", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="reads")
def usage(caller: Caller, query: Query[contract.UsageQuery]) -> contract.Usage:
    """Return what the caller used, in total, per service and per day."""
    return use_cases.usage_report().usage(caller, query)


# Payments


@app.route("/credits/packages", methods=["GET"], cors=CORS, content_types=ANY_CONTENT_TYPE)
@endpoint(limit="open", keep_seconds=KEEP_SECONDS)
def packages(_: Query[contract.AnyQuery]) -> contract.Packages:
    """List the packages of credits and their prices."""
    return use_cases.purchases().packages()


@app.route("/credits/purchase", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(status=201, limit="spend", errors=PROVIDER_ERRORS, reasons=("purchase_ended", "still_running"))
def purchase(caller: Caller, body: Body[contract.Buy], key: IdempotencyKey) -> contract.Checkout:
    """Create a checkout for a package.

    `success_url` and `cancel_url` have to be addresses of an allowed origin. Without them, buyers return to our own
    pages.
    """
    base_url = web.public_url(request(), aws.settings())
    return use_cases.purchases().buy(caller, body, key.id(caller, "purchase"), key.body_hash, base_url)


@app.route("/credits/purchases", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="bulk_reads")
def purchases(caller: Caller, query: Query[contract.PageQuery]) -> contract.PurchasePage:
    """List the caller's purchases, newest first."""
    return use_cases.purchases().page(caller, query.limit, query.cursor)


@app.route("/credits/purchases/{purchase_id}", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="reads")
def purchase_status(caller: Caller, purchase_id: Id) -> contract.PurchaseItem:
    """Return one purchase: whether it was paid, whether its credits came, and what was returned."""
    return use_cases.purchases().get(caller, purchase_id)


@app.route("/webhooks/stripe", methods=["POST"], cors=CORS)
@endpoint(limit="webhooks", errors=("invalid_signature",))
def stripe_webhook(
    raw: Annotated[bytes, RawBody(web.MAX_JSON_BYTES)],
    signature: Annotated[str, Header("Stripe-Signature")],
    _: Query[contract.AnyQuery],
) -> contract.StripeWebhookResult:
    """Receive an event of the payment service.

    For Stripe only. The same event may arrive any number of times. 503: the event has to be delivered again.
    """
    return use_cases.purchases().receive(raw, signature)


@app.schedule(Rate(5, unit=Rate.MINUTES))
def reconcile(_event: Any) -> dict[str, int]:
    """Ask the payment service for open payments and missed events, and record them."""
    with events.recording_health(use_cases.health_recorder):
        return events.run_reporting_event("reconcile", lambda: use_cases.reconciler().reconcile())


# Admin


@app.route("/analytics/costs", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin")
def costs(caller: Admin, query: Query[contract.CostsQuery]) -> contract.Costs | Annotated[Download, "text/csv"]:
    """Return revenue, costs and margin, in total, per service, per model and per day.

    `format=csv` returns a file; `X-Next-Cursor` names the next one.
    """
    if query.format == "csv":
        return use_cases.cost_report().csv(caller, query)
    return use_cases.cost_report().costs(caller, query)


@app.on_dynamodb_record(stream_arn=load.ledger_stream_arn(), batch_size=100)
def count(event: Any) -> dict[str, int]:
    """Add new entries of the ledger to the totals over all users, each entry once."""
    images = [record.new_image for record in event if record.event_name == "INSERT"]
    return events.run_event("count", {"entries_counted": lambda: common.aggregates().count_changes(images)})


@app.route("/admin/credits", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin", errors=("not_found",), reasons=("already_done",))
def give_credits(caller: Admin, body: Body[contract.GiveCredits], key: IdempotencyKey) -> contract.CreditsGiven:
    """Give credits to a user, or take credits back, with a reason."""
    return use_cases.user_administration().adjust_credits(caller, body, key.id(caller, "admin/credits"), key.body_hash)


@app.route("/admin/users", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin")
def users(caller: Admin, query: Query[contract.UsersQuery]) -> contract.AdminUsers | Annotated[Download, "text/csv"]:
    """List accounts and their credits, or find them by email address or id.

    `format=csv` returns a file; `X-Next-Cursor` names the next one.
    """
    if query.format == "csv":
        return use_cases.user_list().csv(caller, query)
    return use_cases.user_list().users(caller, query)


@app.route("/admin/users/{user_id}", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin", errors=("not_found",))
def user_detail(caller: Admin, user_id: Id) -> contract.UserDetail:
    """Return one user: account, credits and what holds them, costs and margin, and what administrators did.

    A deleted account is 404.
    """
    return use_cases.user_details().load(caller, user_id)


@app.route("/admin/users/{user_id}/transactions", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin")
def user_transactions(caller: Admin, query: Query[contract.PageQuery], user_id: Id) -> contract.Transactions:
    """List a user's transactions, newest first, as the user sees them."""
    return use_cases.statements().transactions_of(caller, user_id, query.limit, query.cursor)


@app.route("/admin/users/{user_id}/purchases", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin")
def user_purchases(caller: Admin, query: Query[contract.PageQuery], user_id: Id) -> contract.SoldPurchases:
    """List a user's purchases, newest first, with their refunds and disputes."""
    return use_cases.purchase_administration().purchases_of(caller, user_id, query.limit, query.cursor)


@app.route("/admin/users/{user_id}/sessions", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin")
def user_sessions(caller: Admin, query: Query[contract.PageQuery], user_id: Id) -> contract.UserSessions:
    """List a user's sessions and catch-ups, newest first, without any of their words.

    Those whose transcript was deleted, and catch-ups that failed, are not in it.
    """
    return use_cases.recorded_work().page(caller, user_id, query.limit, query.cursor)


@app.route("/admin/purchases", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin")
def sold_purchases(caller: Admin, query: Query[contract.SoldPurchasesQuery]) -> contract.SoldPurchases:
    """List the purchases of all users, newest first, with their refunds and disputes."""
    return use_cases.purchase_administration().page(caller, query)


@app.route("/admin/purchases/{purchase_id}/refund", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin", errors=("not_found", *PROVIDER_ERRORS), reasons=("not_refundable", "already_done"))
def refund_purchase(
    caller: Admin, body: Body[contract.RefundPurchase], key: IdempotencyKey, purchase_id: Id
) -> contract.RefundStarted:
    """Refund a purchase, or a part of it, at Stripe.

    The credits are taken back once Stripe reports the refund.
    """
    action_id = key.id(caller, f"admin/purchases/{purchase_id}/refund")
    return use_cases.purchase_administration().refund(caller, purchase_id, body, action_id, key.body_hash)


@app.route("/admin/users/{user_id}/block", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin")
def block(caller: Admin, body: Body[contract.BlockReason], user_id: Id) -> contract.BlockState:
    """Block an account.

    Every call of the account is refused at once; an open socket ends with its lease. Blocking twice is safe.
    """
    return use_cases.user_administration().set_blocked(caller, user_id, True, body.reason)


@app.route("/admin/users/{user_id}/unblock", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin")
def unblock(caller: Admin, body: Body[contract.BlockReason], user_id: Id) -> contract.BlockState:
    """Unblock an account.

    Unblocking twice is safe.
    """
    return use_cases.user_administration().set_blocked(caller, user_id, False, body.reason)


@app.route("/admin/health", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin")
def admin_health(caller: Admin) -> contract.AdminHealth:
    """Return what failed lately, and what needs the owner.

    A part that could not be read is null, and is named in `unread`.
    """
    return use_cases.health_report().health(caller)


@app.route("/admin/shares/end", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin", errors=("not_found",))
def end_reported_share(caller: Admin, body: Body[contract.EndShare]) -> contract.ShareEndedByAdmin:
    """End the share of a transcript by its address, as somebody reported it."""
    return use_cases.user_administration().end_share(caller, body.address, body.reason)


# Audit


@app.route("/admin/audit", methods=["POST"], authorizer=cognito, cors=CORS)
@endpoint(status=202, limit="admin")
def start_audit(caller: Admin, body: Body[contract.StartAudit]) -> contract.AuditStarted:
    """Start an audit, which recomputes every balance from its entries.

    If an audit is already running, that one is returned.
    """
    return use_cases.audits().start(caller, body.recount)


@app.route("/admin/audit", methods=["GET"], authorizer=cognito, cors=CORS)
@endpoint(limit="admin")
def last_audit(caller: Admin) -> contract.LastAudit:
    """Return the report of the last audit, the running audit and the latest actions of administrators."""
    return use_cases.audits().load_latest(caller)


@app.schedule(Rate(1, unit=Rate.DAYS))
def daily_audit(_event: Any) -> dict[str, int]:
    """Start the audit of the day."""
    return events.run_event("daily_audit", {"audits_started": lambda: use_cases.audits().start_daily()})


# Pages


@app.route("/", methods=["GET"], cors=CORS)
@endpoint(limit="open")
def start_page(_: Query[contract.AnyQuery]) -> Annotated[static_files.Page, "text/html"]:
    """Return a page that points to the reference and the dashboard."""
    return pages.start_page(web.base_path(request()))


@app.route("/checkout/paid", methods=["GET"], cors=CORS)
@endpoint(limit="open")
def paid_page(query: Query[contract.PaidQuery]) -> Annotated[static_files.Page, "text/html"]:
    """Return the page that buyers see after paying."""
    return pages.paid_page(web.base_path(request()), query.credits)


@app.route("/checkout/cancelled", methods=["GET"], cors=CORS)
@endpoint(limit="open")
def cancelled_page(_: Query[contract.AnyQuery]) -> Annotated[static_files.Page, "text/html"]:
    """Return the page that buyers see who did not pay."""
    return pages.cancelled_page(web.base_path(request()))


@app.route("/shared/{token}", methods=["GET"], cors=CORS)
@endpoint(limit="shared", errors_as_pages=True)
def shared_page(query: Query[contract.SharedPageQuery], token: str) -> Annotated[SharedPage, "text/html"]:
    """Return the page of a shared transcript.

    The response is the same for every address that leads nowhere.
    """
    return SharedPage(use_cases.sharing().page(token, read_part(query.part)))


@app.route("/admin", methods=["GET"], cors=CORS)
@endpoint(limit="open")
def dashboard(_: Query[contract.AnyQuery]) -> Annotated[static_files.Page, "text/html"]:
    """Return the owner's dashboard, a page that asks for a sign-in."""
    return static_files.page("admin", "index.html")


@app.route("/admin/assets/{name}", methods=["GET"], cors=CORS)
@endpoint(limit="open", keep_seconds=KEEP_SECONDS)
def dashboard_asset(name: str, _: Query[contract.AnyQuery]) -> Annotated[static_files.Page, *ASSET_TYPES]:
    """Return a file of the dashboard."""
    return static_files.page("admin", name)


@app.route("/docs", methods=["GET"], cors=CORS)
@endpoint(limit="open", keep_seconds=KEEP_SECONDS)
def reference(_: Query[contract.AnyQuery]) -> Annotated[static_files.Page, "text/html"]:
    """Return the reference page of this API, where requests can be tried."""
    return static_files.page("docs", "index.html")


@app.route("/docs/assets/{name}", methods=["GET"], cors=CORS)
@endpoint(limit="open", keep_seconds=KEEP_SECONDS)
def reference_asset(name: str, _: Query[contract.AnyQuery]) -> Annotated[static_files.Page, *ASSET_TYPES]:
    """Return a file of the reference page."""
    return static_files.page("docs", name)


@app.route("/openapi.json", methods=["GET"], cors=CORS, content_types=ANY_CONTENT_TYPE)
@endpoint(limit="open", keep_seconds=KEEP_SECONDS)
def openapi_document(_: Query[contract.AnyQuery]) -> Annotated[static_files.Page, "application/json"]:
    """Return this contract as OpenAPI 3.1."""
    return static_files.page("contract", "openapi.json")


# Service


@app.route("/health", methods=["GET"], cors=CORS)
@endpoint(limit="open")
def health() -> contract.Health:
    """Return that the service is up, with its stage and build."""
    settings = aws.settings()
    return contract.Health(status="ok", stage=settings.stage, build=settings.build)


# What is imported stays for good: garbage collection need not go through it at a cold start or later.
gc.freeze()
