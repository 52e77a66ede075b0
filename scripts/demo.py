"""The whole journey on recorded speech, with a temporary stack. Exits with 0 if every check passed."""

import sys
import time
from typing import Any

from sandbox.speech import samples, word_error_rate
from scripts.captions import Captions
from scripts.catchup import catch_up, join_recordings
from scripts.journey import Journey, StepFailedError, balance, credits_for, register, title
from scripts.live import LiveSocket
from scripts.local.processes import ChildError
from scripts.local.stack import LocalStack, StackError
from scripts.purchase import buy

MOST_WORD_ERRORS = 0.25
EMAIL = "ada@example.com"


def main() -> int:
    started = time.monotonic()
    try:
        with LocalStack() as stack:
            journey = Journey(stack.api_url)
            walk(journey, stack.dev["sandbox_url"])
    except StepFailedError as failure:
        print(f"\n✗ {failure}", file=sys.stderr)
        return 1
    except (ChildError, StackError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped")
        return 130
    print(f"\nAll {journey.checked} checks passed in {time.monotonic() - started:.0f} s.")
    print("Start the stack with `make run`.")
    return 0


def walk(journey: Journey, sandbox_url: str) -> None:
    register(journey, EMAIL)
    session_id, expected_text, recognised_text = relay_recordings(journey)
    settle(journey, session_id)
    read_back(journey, session_id, recognised_text)
    stream_directly(journey, expected_text)
    catch_up(journey, join_recordings(samples()))
    buy(journey, sandbox_url)
    title("Accuracy of the relayed chunks")
    check_words(journey, expected_text, recognised_text)


def relay_recordings(journey: Journey) -> tuple[str, str, str]:
    """Relay all recordings through one session, with an interruption in the middle."""
    title("A relay session: audio in, text out")
    lease = stream(journey, 201, action="start", transport="relay", title="Sense and Sensibility, chapter 1")
    session_id = lease["session_id"]
    journey.check(
        f"{lease['credits_held']} credits held for a lease of {lease['lease_seconds']} s",
        balance(journey) == (200 - lease["credits_held"], lease["credits_held"]),
        balance(journey),
    )
    expected, recognised, sent_ms = [], [], 0
    for seq, (path, text) in enumerate(samples()):
        if seq == 2:
            lease = stream(journey, action="renew", session_id=session_id, interrupted=True)
            journey.check(f"interrupted, and resumed at {lease['offset_ms']} ms", lease["offset_ms"] == sent_ms)
        print(f"    chunk {seq}: {path.name} … ", end="", flush=True)
        chunk = send(journey, session_id, seq, path.read_bytes())
        sent_ms += chunk["duration_ms"]
        print(f"{chunk['duration_ms'] / 1000:.1f} s\n      “{chunk['text']}”")
        journey.check(f"{chunk['credits_used']} credits used so far", chunk["credits_used"] == credits_for(sent_ms))
        expected.append(text)
        recognised.append(chunk["text"])
    again = send(journey, session_id, 0, samples()[0][0].read_bytes())
    used = credits_for(sent_ms)
    journey.check(
        "the first chunk again: the same text, free", (again["text"], again["credits_used"]) == (recognised[0], used)
    )
    return session_id, " ".join(expected), " ".join(recognised)


def stream_directly(journey: Journey, expected_text: str) -> None:
    """A direct session: a socket at the provider, and a second one after the renewal of the lease."""
    title("A direct session: live captions")
    before = balance(journey)[0]
    started_at = time.monotonic()
    lease = stream(journey, 201, action="start", title="Live")
    journey.check(
        f"{lease['credits_held']} credits held before the token was created", lease["provider"] == "assemblyai"
    )
    recordings, captions = [path for path, _ in samples()], Captions()
    first = LiveSocket(lease["websocket_url"], lease["token"], captions)
    first.send_recording(recordings[0])
    second_lease = stream(journey, action="renew", session_id=lease["session_id"], interrupted=True)
    second = LiveSocket(second_lease["websocket_url"], second_lease["token"], captions)
    recognised_text = first.finish()
    journey.check(f"renewed during the session, at {second_lease['offset_ms']} ms", second_lease["offset_ms"] > 0)
    for recording in recordings[1:]:
        second.send_recording(recording)
    recognised_text += " " + second.finish()
    stopped = stream(journey, action="stop", session_id=lease["session_id"])
    elapsed_seconds = time.monotonic() - started_at
    print(
        f"    {elapsed_seconds:.1f} s elapsed, billed {stopped['billed_seconds']} s = {stopped['credits_used']} credits"
    )
    journey.check("billed for the elapsed seconds", abs(stopped["billed_seconds"] - elapsed_seconds) < 2)
    used = credits_for(stopped["billed_seconds"] * 1000)
    journey.check(f"{used} credits less than before", balance(journey) == (before - used, 0), balance(journey))
    check_words(journey, expected_text, recognised_text)


def check_words(journey: Journey, expected_text: str, recognised_text: str) -> None:
    rate = word_error_rate(expected_text, recognised_text)
    journey.check(f"word error rate {rate:.1%}, below {MOST_WORD_ERRORS:.0%}", rate < MOST_WORD_ERRORS)


def settle(journey: Journey, session_id: str) -> None:
    title("Stop: exact billing")
    before = balance(journey)
    stopped = stream(journey, action="stop", session_id=session_id)
    print(f"    held {before[1]}, billed {stopped['billed_seconds']} s = {stopped['credits_used']} credits in all")
    journey.check(
        f"{stopped['credits_available']} credits left, none held",
        balance(journey) == (200 - stopped["credits_used"], 0),
    )
    journey.check("stopped again: the same response", stream(journey, action="stop", session_id=session_id) == stopped)


def read_back(journey: Journey, session_id: str, recognised_text: str) -> None:
    title("The statement")
    movements = journey.call("GET", "/credits/transactions")["transactions"]
    for movement in movements:
        print(f"    {movement['at']}  {movement['credits']:+5d}  {movement['explanation']}")
    total = sum(movement["credits"] for movement in movements)
    journey.check(f"the entries add up to the balance, {total}", (total, 0) == balance(journey))

    title("The history")
    line = journey.call("GET", "/transcription/history")["items"][0]
    journey.check(f"“{line['title']}”, {line['duration_ms'] / 1000:.1f} s", line["session_id"] == session_id)
    whole = journey.call("GET", f"/transcription/history/{line['id']}")
    journey.check(
        "the transcript has every word", " ".join(segment["text"] for segment in whole["segments"]) == recognised_text
    )
    journey.check(
        "the transcript has no gap", whole["uncovered"] == [] and len(whole["covered"]) == 1, whole["covered"]
    )


def stream(journey: Journey, expected: int = 200, **body: Any) -> dict[str, Any]:
    return journey.call("POST", "/transcription/stream", expected, json=body)


def send(journey: Journey, session_id: str, seq: int, wav: bytes) -> dict[str, Any]:
    path = f"/transcription/stream/{session_id}/audio?seq={seq}"
    return journey.call("POST", path, data=wav, headers={"Content-Type": "audio/wav"})


if __name__ == "__main__":
    sys.exit(main())
