"""The whole journey on real recorded speech, against a stack of its own that is gone afterwards. Exit 0 if all held."""

import sys
import time
from typing import Any

from sandbox.speech import samples, word_error_rate
from scripts.buying import buy
from scripts.catchup import catch_up, joined
from scripts.journey import Journey, StepFailedError, balance, credits_for, register, title
from scripts.live import LiveSocket
from scripts.local.processes import ChildError
from scripts.local.stack import LocalStack, StackError

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
    print(f"\nAll {journey.checked} checks held, in {time.monotonic() - started:.0f} s. `make run` keeps the stack up.")
    return 0


def walk(journey: Journey, sandbox_url: str) -> None:
    register(journey, EMAIL)
    session_id, said, heard = speak(journey)
    settle(journey, session_id)
    read_back(journey, session_id, heard)
    listen_live(journey, said)
    catch_up(journey, joined(samples()))
    buy(journey, sandbox_url)
    title("How well were the chunks heard?")
    check_words(journey, said, heard)


def speak(journey: Journey) -> tuple[str, str, str]:
    """Relay all recordings through one session, with an interruption in the middle."""
    title("A live session: speech in, words out")
    lease = stream(journey, 201, action="start", transport="relay", title="Sense and Sensibility, chapter 1")
    session_id = lease["session_id"]
    journey.check(
        f"{lease['credits_held']} credits held for a lease of {lease['lease_seconds']} s",
        balance(journey) == (200 - lease["credits_held"], lease["credits_held"]),
        balance(journey),
    )
    said, heard, sent_ms = [], [], 0
    for seq, (path, words) in enumerate(samples()):
        if seq == 2:
            lease = stream(journey, action="renew", session_id=session_id, interrupted=True)
            journey.check(f"interrupted, and taken up again at {lease['offset_ms']} ms", lease["offset_ms"] == sent_ms)
        print(f"    chunk {seq}: {path.name} … ", end="", flush=True)
        chunk = send(journey, session_id, seq, path.read_bytes())
        sent_ms += chunk["duration_ms"]
        print(f"{chunk['duration_ms'] / 1000:.1f} s\n      “{chunk['text']}”")
        journey.check(f"{chunk['credits_used']} credits used so far", chunk["credits_used"] == credits_for(sent_ms))
        said.append(words)
        heard.append(chunk["text"])
    again = send(journey, session_id, 0, samples()[0][0].read_bytes())
    used = credits_for(sent_ms)
    journey.check(
        "the first chunk sent again: the same words, free", (again["text"], again["credits_used"]) == (heard[0], used)
    )
    return session_id, " ".join(said), " ".join(heard)


def listen_live(journey: Journey, said: str) -> None:
    """A direct session: the listener's own socket at the provider, followed by a second one while people talk."""
    title("A direct session: words as they are spoken")
    before = balance(journey)[0]
    began = time.monotonic()
    lease = stream(journey, 201, action="start", title="Live")
    journey.check(f"{lease['credits_held']} credits held before the token was made", lease["provider"] == "assemblyai")
    recordings = [path for path, _ in samples()]
    first = LiveSocket(lease["websocket_url"], lease["token"], show)
    first.speak(recordings[0])
    second_lease = stream(journey, action="renew", session_id=lease["session_id"], interrupted=True)
    second = LiveSocket(second_lease["websocket_url"], second_lease["token"], show)
    heard = first.finish()
    journey.check(f"renewed while people talk, at {second_lease['offset_ms']} ms", second_lease["offset_ms"] > 0)
    for recording in recordings[1:]:
        second.speak(recording)
    heard += " " + second.finish()
    stopped = stream(journey, action="stop", session_id=lease["session_id"])
    passed = time.monotonic() - began
    print(f"    {passed:.1f} s on the clock, billed {stopped['billed_seconds']} s = {stopped['credits_used']} credits")
    journey.check("billed by the clock, to the second", abs(stopped["billed_seconds"] - passed) < 2)
    paid = credits_for(stopped["billed_seconds"] * 1000)
    journey.check(f"{paid} credits less than before", balance(journey) == (before - paid, 0), balance(journey))
    check_words(journey, said, heard)


def show(text: str) -> None:
    """On a terminal a line is written over as words come; in a log only finished phrases are worth a line."""
    if sys.stdout.isatty() or text.endswith("\n"):
        print(text if sys.stdout.isatty() else text.strip("\r").rstrip() + "\n", end="", flush=True)


def check_words(journey: Journey, said: str, heard: str) -> None:
    rate = word_error_rate(said, heard)
    journey.check(f"word error rate {rate:.1%}, below {MOST_WORD_ERRORS:.0%}", rate < MOST_WORD_ERRORS)


def settle(journey: Journey, session_id: str) -> None:
    title("Stop: exact to the credit")
    before = balance(journey)
    stopped = stream(journey, action="stop", session_id=session_id)
    print(f"    held {before[1]}, billed {stopped['billed_seconds']} s = {stopped['credits_used']} credits in all")
    journey.check(
        f"{stopped['credits_available']} credits left, none held",
        balance(journey) == (200 - stopped["credits_used"], 0),
    )
    journey.check("stopped again: the same answer", stream(journey, action="stop", session_id=session_id) == stopped)


def read_back(journey: Journey, session_id: str, heard: str) -> None:
    title("The statement")
    movements = journey.call("GET", "/credits/transactions")["transactions"]
    for movement in movements:
        print(f"    {movement['at']}  {movement['credits']:+5d}  {movement['explanation']}")
    total = sum(movement["credits"] for movement in movements)
    journey.check(f"its lines add up to the balance, {total}", (total, 0) == balance(journey))

    title("The history")
    line = journey.call("GET", "/transcription/history")["items"][0]
    journey.check(f"“{line['title']}”, {line['duration_ms'] / 1000:.1f} s", line["session_id"] == session_id)
    whole = journey.call("GET", f"/transcription/history/{line['id']}")
    journey.check("every word is there", " ".join(segment["text"] for segment in whole["segments"]) == heard)
    journey.check("no gap in it", whole["uncovered"] == [] and len(whole["covered"]) == 1, whole["covered"])


def stream(journey: Journey, expected: int = 200, **body: Any) -> dict[str, Any]:
    return journey.call("POST", "/transcription/stream", expected, json=body)


def send(journey: Journey, session_id: str, seq: int, wav: bytes) -> dict[str, Any]:
    path = f"/transcription/stream/{session_id}/audio?seq={seq}"
    return journey.call("POST", path, data=wav, headers={"Content-Type": "audio/wav"})


if __name__ == "__main__":
    sys.exit(main())
