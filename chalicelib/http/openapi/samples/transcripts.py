"""Examples of the shapes of the section Transcripts."""

from datetime import UTC, datetime

from .... import contract
from .ids import CURSOR, ENDED, JOB, SESSION, SHARED_ADDRESS, STARTED, TRANSCRIPT

key_moment = contract.KeyMoment(start_ms=61_000, title="The price is agreed")
history_item = contract.HistoryItem(
    id=TRANSCRIPT,
    kind="live",
    state="stopped",
    started_at=STARTED,
    duration_ms=600_000,
    credits=100,
    title="Stand-up",
    session_id=SESSION,
    ended_at=ENDED,
)

EXAMPLES = [
    history_item,
    contract.UpdateTranscript(title="Stand-up of Monday"),
    contract.Ask(question="What was decided?", transcript_id=TRANSCRIPT),
    contract.AskAnswer(
        answered=True,
        answer="They agreed on the price.",
        quotes=[
            contract.QuotedMoment(start_ms=61_000, end_ms=64_000, text="Then we take it at that price.", speaker="Ada")
        ],
        transcript_id=TRANSCRIPT,
        credits_used=5,
        credits_available=195,
    ),
    contract.HistoryQuery(limit=20, kind="live", started_from=datetime(2026, 11, 1, tzinfo=UTC)),
    contract.HistoryPage(items=[history_item], next_cursor=None),
    contract.SearchQuery(q='budget "next year"', limit=20),
    contract.SearchPage(
        items=[
            contract.SearchResult(
                transcript_id=TRANSCRIPT,
                started_at=STARTED,
                snippet=contract.SearchSnippet(
                    before="So the budget for ", match="next year", after=" stays as it is."
                ),
                title="Stand-up",
                start_ms=61_000,
                seq=12,
                speaker="Ada",
            )
        ],
        next_cursor=None,
    ),
    contract.TranscriptQuery(cursor=CURSOR),
    contract.TranscriptDetail(
        transcript=history_item,
        segments=[
            contract.TranscriptSegment(seq=0, start_ms=0, end_ms=1_800, text="Good morning, everybody.", speaker="Ada")
        ],
        covered=[contract.Interval(start_ms=0, end_ms=600_000)],
        uncovered=[],
        summaries=[
            contract.TranscriptSummary(
                job_id=JOB, from_ms=0, to_ms=300_000, summary="They agreed on the price.", key_moments=[key_moment]
            )
        ],
    ),
    contract.ExportQuery(format="srt"),
    contract.TranscriptDeleted(deleted=True),
    contract.SharedAddress(url=SHARED_ADDRESS, shared_at=ENDED),
    contract.ShareEnded(ended=True),
    contract.SharedPageQuery(),
]
