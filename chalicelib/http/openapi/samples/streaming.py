"""Examples of the shapes of the section Streaming."""

from .... import contract
from .ids import ENDED, SESSION, TRANSCRIPT

EXAMPLES = [
    contract.Start(
        transport="direct",
        language="en",
        title="Stand-up",
        lease_seconds=300,
        providers=["assemblyai"],
        turn=contract.Turn(silence_ms=560, max_silence_ms=2_000, confidence=0.5),
    ),
    contract.Turn(silence_ms=560, max_silence_ms=2_000, confidence=0.5),
    contract.Renew(session_id=SESSION),
    contract.Save(
        session_id=SESSION,
        segments=[
            contract.SegmentInput(seq=0, start_ms=0, end_ms=1_800, text="Good morning, everybody.", speaker="Ada")
        ],
    ),
    contract.Stop(
        session_id=SESSION,
        segments=[contract.SegmentInput(seq=41, start_ms=598_000, end_ms=599_400, text="Goodbye.", speaker="Ada")],
        provider_session_seconds=601,
    ),
    contract.Lease(
        session_id=SESSION,
        transcript_id=TRANSCRIPT,
        provider="assemblyai",
        lease_seconds=300,
        lease_expires_at="2026-11-30T10:05:00Z",
        renew_after="2026-11-30T10:04:00Z",
        credits_held=50,
        credits_per_minute=10,
        credits_available=150,
        save_interval_seconds=15,
        offset_ms=0,
        next_seq=0,
        websocket_url="wss://streaming.assemblyai.com/v3/ws?sample_rate=16000",
        token="AQICAHh…",
        token_expires_at="2026-11-30T10:01:00Z",
    ),
    contract.Saved(
        saved=[0], rejected=[contract.RejectedSegment(seq=1, reason="save_full")], seconds_left=240, warnings=[]
    ),
    contract.Stopped(
        session_id=SESSION,
        transcript_id=TRANSCRIPT,
        billed_seconds=600,
        credits_used=100,
        credits_available=100,
        rejected=[],
    ),
    contract.OpenSessions(
        sessions=[
            contract.OpenSession(
                session_id=SESSION,
                transcript_id=TRANSCRIPT,
                state="lapsed",
                next_seq=41,
                credits_held=0,
                lease_expires_at=ENDED,
            )
        ]
    ),
    contract.ChunkQuery(seq=0, sample_rate=16_000, channels=1),
    contract.Chunk(
        seq=0,
        text="Good morning.",
        words=[contract.ChunkWord(text="Good", start_ms=0, end_ms=240, confidence=0.98)],
        start_ms=0,
        duration_ms=1_000,
        credits_used=1,
    ),
]
