"""One example of each shape that a route takes or gives: what the reference shows and what tests send first."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, get_args

import msgspec

from ... import contract as c

SESSION, JOB, USER = "5a1de7d4-1c5e-4c8e-9f0a-6f1b2c3d4e5f", "9b2f0c1e-7d3a-4f6b-8e21-0a9c8b7d6e5f", "7c9e6679-ada1"
TRANSCRIPT, UPLOAD, ACTION = (
    "01JDH8Z3V5W7XK2M4N6P8Q0R1S",
    "0c8d4d4a-3f52-4a39-8a52-7d2f7c9a1b3e",
    "01JDH90A1B2C3D4E5F6G7H8J9K",
)
PURCHASE, CURSOR = "3f2a1b0c-9d8e-4f7a-8b6c-5d4e3f2a1b0c", "RU5UUlkjMDFKREg4.k3Jx0uQ"
BEGUN, ENDED = "2026-11-30T10:00:00Z", "2026-11-30T10:10:00Z"
PATH_EXAMPLES = {
    "session_id": SESSION,
    "job_id": JOB,
    "export_id": JOB,
    "transcript_id": TRANSCRIPT,
    "user_id": USER,
    "name": "style.css",
}


def examples(shape: Any) -> dict[str, Any]:
    """A shape's examples by name, as plain data, short of what may be left out. Raises LookupError if there is none."""
    shapes = get_args(shape) or (shape,)
    return {_name(one): _said(_example(one)) for one in shapes}


def _example(shape: Any) -> msgspec.Struct:
    try:
        return KNOWN[shape]
    except KeyError:
        raise LookupError(f"{shape} needs an example in chalicelib/http/openapi/examples.py") from None


def _name(shape: Any) -> str:
    tag = shape.__struct_config__.tag
    return str(tag or shape.__name__)


def _said(example: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(example)
    defaults = {one.encode_name: _default(one) for one in msgspec.structs.fields(example)}
    return {name: value for name, value in plain.items() if name not in defaults or value != defaults[name]}


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _by_shape(known: Iterable[msgspec.Struct]) -> dict[Any, msgspec.Struct]:
    return {type(one): one for one in known}


user = c.User(USER, "ada@example.com", BEGUN, c.CreditSummary(200, 0), "Ada")
tokens: dict[str, Any] = {
    "token": "header.claims.signature",
    "access_token": "h.c.s",
    "refresh_token": "long-lived",
    "expires_in": 3600,
}
used = c.ServiceUsage("live", 100, 600, 1)
live_cost = c.ServiceCost("live", 100, 600, 1, 25_000, 399_600)
sums = c.CostSums(2_990_000, 25_000, 387_000, 2_578_000, 100, 500, 200, 0, 600, 1)
model_cost = c.ModelCost("live", "assemblyai", "universal-streaming-english", 1, 600, 0, 0, 25_000)
moment = c.KeyMoment(61_000, "The price is agreed")
line = c.HistoryLine(TRANSCRIPT, "live", "stopped", BEGUN, 600_000, 100, "Stand-up", session_id=SESSION, ended_at=ENDED)
movement = c.Transaction(
    ACTION, "usage", -100, ENDED, "600.0 s of live transcription; 100 credits were held, 100 used",
    service="live", session_id=SESSION, hold_id=SESSION, credits_held=100, seconds=600, price_version="2026-11",
    models=[c.ModelUse("assemblyai", "universal-streaming-english", 600_000)],
)  # fmt: skip
act = c.AdminAction(
    ACTION, BEGUN, "owner@example.com", "blocked", USER, "Abuse.", {"blocked": False}, {"blocked": True}
)
report = c.AuditReport(
    ACTION, "done", BEGUN, 120, 0, 4_300, 2, 37, 51_200, 0, [], [c.TopUser(USER, 900, 225_000, 999)],
    c.ActiveUsers(14, 61, 97), ENDED,
)  # fmt: skip

KNOWN = _by_shape(
    [
        # Account
        c.Register("ada@example.com", "correct horse battery", "Ada"),
        c.Registered(user, False, 200, token_type="Bearer", **tokens),
        c.Confirm("ada@example.com", "482913"),
        c.Confirmed(True, 200),
        c.ResendCode("ada@example.com"),
        c.CodeSent(True),
        c.Login("ada@example.com", "correct horse battery"),
        c.LoggedIn(token_type="Bearer", user=user, **tokens),
        c.Refresh("long-lived"),
        c.Tokens(token_type="Bearer", **tokens),
        c.Nothing(),
        c.LoggedOut(True),
        c.ForgotPassword("ada@example.com"),
        c.ResetPassword("ada@example.com", "482913", "another long password"),
        c.PasswordReset(True),
        c.UpdateUser("Ada"),
        c.AccountDeleted(True, JOB),
        c.AccountExport(
            JOB, "done", BEGUN, 48_200, "https://s3.amazonaws.com/exports", ENDED, "2026-12-01T09:00:00Z"
        ),
        user,
        # Streaming
        c.Start("direct", "en", "Stand-up", lease_seconds=600),
        c.Renew(SESSION),
        c.Save(SESSION, [c.Segment(0, 0, 1_800, "Good morning, everybody.", "Ada")]),
        c.Stop(SESSION, 601),
        c.Lease(
            SESSION, TRANSCRIPT, "assemblyai", 600, ENDED, "2026-11-30T10:09:00Z", 100, 10, 100, 15, 0,
            "wss://streaming.assemblyai.com/v3/ws?sample_rate=16000", "AQICAHh…", "2026-11-30T10:01:00Z",
        ),
        c.Saved(540, []),
        c.Stopped(SESSION, TRANSCRIPT, 600, 100, 100),
        c.ChunkQuery(0, sample_rate=16_000, channels=1),
        c.Chunk(0, "Good morning.", [c.ChunkWord("Good", 0, 240, 0.98)], 0, 1_000, 1),
        # Catch-up and questions
        c.NewUpload("audio/mpeg"),
        c.Upload(UPLOAD, "https://s3.amazonaws.com/uploads", {"key": f"uploads/{UPLOAD}"}, ENDED, 524_288_000),
        c.Catchup(session_id=SESSION, minutes=5),
        c.CatchupJob(
            JOB, "done", 100, 0, 300_000, 0, 5, BEGUN, TRANSCRIPT, SESSION, "They agreed on the price.", [moment], True,
        ),
        c.Quote(5, 195, 0, 300_000, "2026-11"),
        c.Ask("What was decided?", TRANSCRIPT),
        c.AskAnswer(
            True, "They agreed on the price.", [c.Quoted(61_000, 64_000, "Then we take it at that price.", "Ada")],
            TRANSCRIPT, 5, 195,
        ),
        c.WebhookQuery(JOB),
        c.TranscriptEnded("2f8a-11", "completed"),
        c.Notified(True),
        # History
        c.HistoryQuery(20, kind="live", begun_from=datetime(2026, 11, 1, tzinfo=UTC)),
        c.HistoryPage([line], None),
        c.TranscriptQuery(CURSOR),
        c.TranscriptWhole(
            line, [c.SegmentOut(0, 0, 1_800, "Good morning, everybody.", "Ada")], [c.Interval(0, 600_000)], [],
            [c.SummaryOut(JOB, 0, 300_000, "They agreed on the price.", [moment])],
        ),
        c.ExportQuery("srt"),
        c.TranscriptDeleted(True),
        # Billing
        c.CreditBalance(100, 100, 200, 0, 0),
        c.TransactionsQuery(20),
        c.Transactions([movement], None),
        c.Packages([c.PackageOut("starter", 500, 299, "usd")], "2026-11"),
        c.Buy("starter"),
        c.Checkout(
            PURCHASE, "https://checkout.stripe.com/c/pay/cs_a1b2", "cs_a1b2", "2026-11-30T11:00:00Z", 500, 299, "usd"
        ),
        c.Received(True, "applied"),
        # Analytics
        c.UsageQuery(date(2026, 11, 1), date(2026, 11, 30)),
        c.Usage(
            "2026-11-30", "2026-11-30", c.UsageSums(100, 600, 1), [used],
            [c.DayUsage("2026-11-30", 100, 600, 1, [used])],
        ),
        c.CostsQuery(date(2026, 11, 1), date(2026, 11, 30)),
        c.Costs(
            "2026-11-30", "2026-11-30", ENDED, sums, [live_cost], [model_cost],
            [c.DayCost("2026-11-30", sums, 1, [live_cost], [model_cost])], c.Outstanding(600, 359),
            c.OpenHolds(1, 100, 0, True, [c.OpenHold(USER, SESSION, "live", 100, BEGUN, ENDED, False)]),
            c.LiveSeconds(1, 600, 601, -1),
        ),
        # Admin and audit
        c.UsersQuery("ada@", limit=20),
        c.AdminUsers([c.AdminUser(USER, "ada@example.com", BEGUN, True, False, 100, 100, 200, 0, 0, "Ada")], None),
        c.GiveCredits(USER, 100, "A gift."),
        c.CreditsGiven(USER, 100, 200, ACTION),
        c.Standing("Abuse."),
        c.StandingChanged(USER, True),
        c.StartAudit(),
        c.AuditStarted(ACTION, "running"),
        c.LastAudit(report, None, [act]),
        # Service
        c.Health("ok", "prod", "2026-11-30"),
    ]
)  # fmt: skip
