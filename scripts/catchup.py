"""Catch up on a recording: upload, read the summary, ask a question, export. `make catchup` while `make run` runs."""

import io
import secrets
import sys
import time
import wave
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import requests
import srt

from sandbox.speech import samples
from scripts.journey import Journey, StepFailedError, balance, credits_for, register, title
from scripts.local.processes import url_answers
from scripts.local.stack import read_json

DEV = Path(__file__).parent.parent / ".local" / "dev.json"
LONGEST_WAIT_SECONDS, POLL_SECONDS = 120, 0.2
BAR = 30
QUESTION, UNANSWERED = "What was prudently in his power to do?", "Which vaccine did the astronauts bring to Jupiter?"


def catch_up(journey: Journey, recording: bytes) -> None:
    """Upload, get a quote, wait, read, ask, export: all steps of a catch-up."""
    title("Catch-up of a recording")
    form = journey.call("POST", "/transcription/uploads", 201, json={"content_type": "audio/wav"})
    response = requests.post(form["url"], data=form["fields"], files={"file": recording}, timeout=30)
    journey.check(
        f"{len(recording) // 1024} KB uploaded directly to storage", response.status_code == 204, response.text
    )
    milliseconds = length_ms(recording)
    body = {"upload_id": form["upload_id"], "to_ms": milliseconds, "title": "Sense and Sensibility, chapter 1"}
    quote = journey.call("POST", "/transcription/catchup", json=body | {"quote": True})
    before = balance(journey)[0]
    is_right = quote["credits"] == credits_for(milliseconds, "catchup")
    journey.check(f"the quote: {quote['credits']} credits, none held", is_right)

    job = journey.call("POST", "/transcription/catchup", 202, json=body)
    job = wait_for(journey, job["job_id"])
    print(f"\n    {job['summary']}\n")
    for moment in job["key_moments"]:
        print(f"    {moment['start_ms'] / 1000:5.1f} s  {moment['title']}")
    used = job["credits_used"]
    journey.check(f"{used} credits for {milliseconds / 1000:.1f} s, none held", balance(journey) == (before - used, 0))
    again = journey.call("POST", "/transcription/catchup", 202, json=body)
    journey.check(
        "the same catch-up again: from the stored result, free", again == job and balance(journey) == (before - used, 0)
    )
    ask(journey, job["transcript_id"])
    subtitles(journey, job["transcript_id"])


def ask(journey: Journey, transcript_id: str) -> None:
    title("A question about the recording")
    about = {"transcript_id": transcript_id}
    answer = journey.call("POST", "/transcription/ask", json=about | {"question": QUESTION})
    print(f"    {QUESTION}\n    {answer['answer']}")
    for quote in answer["quotes"]:
        print(f"      {quote['start_ms'] / 1000:5.1f} s  “{quote['text']}”")
    whole = journey.call("GET", f"/transcription/history/{transcript_id}")
    texts = {segment["text"] for segment in whole["segments"]}
    quoted = [quote["text"] for quote in answer["quotes"]]
    journey.check("the quotes are in the transcript", bool(quoted) and texts.issuperset(quoted), answer)
    answer = journey.call("POST", "/transcription/ask", json=about | {"question": UNANSWERED})
    journey.check(f"“{UNANSWERED}” {answer['answer']}", not answer["answered"], answer)


def subtitles(journey: Journey, transcript_id: str) -> None:
    title("Export of subtitles")
    path = f"{journey.api_url}/transcription/history/{transcript_id}/export?format=srt"
    file = requests.get(path, headers=journey.headers, timeout=30)
    print("    " + "\n    ".join(file.text.splitlines()[:7]) + "\n    …")
    cues = list(srt.parse(file.text))
    journey.check(f"another SRT parser reads {len(cues)} subtitles", len(cues) > 0)


def wait_for(journey: Journey, job_id: str) -> dict[str, Any]:
    """Wait until the job is done and show its progress; returns the job. Raises StepFailedError."""
    ends_at, shown = time.monotonic() + LONGEST_WAIT_SECONDS, ""
    while time.monotonic() < ends_at:
        job = journey.call("GET", f"/transcription/catchup/{job_id}")
        if job["status"] != shown or sys.stdout.isatty():
            shown = job["status"]
            done = BAR * job["progress"] // 100
            line = f"    [{'█' * done}{'·' * (BAR - done)}] {shown}"
            print(f"\r{line:<60}" if sys.stdout.isatty() else line, end="" if sys.stdout.isatty() else "\n", flush=True)
        if shown == "done":
            if sys.stdout.isatty():
                print()
            return job
        if shown == "failed":
            raise StepFailedError(f"the catch-up failed: {job['error']['message']}")
        time.sleep(POLL_SECONDS)
    raise StepFailedError(f"the catch-up was not done within {LONGEST_WAIT_SECONDS} s")


def join_recordings(recordings: Iterable[tuple[Path, str]]) -> bytes:
    """All recordings, which have the same format, as one WAV file."""
    whole = io.BytesIO()
    with wave.open(whole, "wb") as out:
        for path, _ in recordings:
            with wave.open(str(path)) as recording:
                if out.getnframes() == 0:
                    out.setparams(recording.getparams())
                out.writeframes(recording.readframes(recording.getnframes()))
    return whole.getvalue()


def length_ms(recording: bytes) -> int:
    with wave.open(io.BytesIO(recording)) as audio:
        return audio.getnframes() * 1000 // audio.getframerate()


def main() -> int:
    api_url = read_json(DEV).get("api_url", "")
    if not api_url or not url_answers(f"{api_url}/health"):
        print(
            "No local stack is running. Start it with `make run` in another terminal, then try again.", file=sys.stderr
        )
        return 1
    journey = Journey(api_url)
    try:
        register(journey, f"listener-{secrets.token_hex(4)}@example.com")
        catch_up(journey, join_recordings(samples()))
    except StepFailedError as failure:
        print(f"\n✗ {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the job continues in the background")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
