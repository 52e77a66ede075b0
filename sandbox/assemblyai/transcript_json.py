"""Transcripts as AssemblyAI shows them: objects, lists, sentences, paragraphs, captions.

Source: AssemblyAI's openapi.yml (2026-03) and its Python SDK 1.8.2, read 2026-11.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from starlette.requests import Request

from sandbox.assemblyai.transcript_jobs import LANGUAGE_CONFIDENCE, Job
from sandbox.assemblyai.transcript_options import DEFAULT_MODELS
from sandbox.recognition.recogniser import Word

DELETED_TEXT, DELETED_URL = "Deleted by user.", "http://deleted_by_user"
DEFAULT_CAPTION_CHARS = 128
PARAGRAPH_SENTENCES, PARAGRAPH_PAUSE_MS = 5, 2_000
SPEAKER = "A"
TITLES = {"Mr.", "Mrs.", "Ms.", "Dr.", "St."}
"""They end in a full stop, but no sentence does with them."""


def transcript_json(job: Job) -> dict[str, Any]:
    """The transcript object. What it heard is there once it is completed, until it is deleted."""
    options, webhook = job.options, job.options.webhook
    heard = job.transcript if job.status == "completed" else None
    ended = job.status in ("completed", "error")
    speaker = SPEAKER if options.speaker_labels else None
    shown = {
        **options.echoed,
        "id": job.id,
        "status": job.status,
        "audio_url": DELETED_URL if job.deleted else options.audio_url,
        "language_code": options.language_code,
        "language_confidence": LANGUAGE_CONFIDENCE if heard and options.echoed.get("language_detection") else None,
        "text": heard.text if heard else None,
        "words": words_json(heard.words, speaker) if heard else None,
        "utterances": [_part_json(words, speaker) for words in sentences(heard.words)] if heard and speaker else None,
        "confidence": round(heard.confidence, 4) if heard else None,
        "audio_duration": duration_seconds(job) if ended else None,
        "speech_models": options.echoed.get("speech_models", DEFAULT_MODELS),
        "speech_model_used": options.model if ended else None,
        "speech_model": None,
        "webhook_url": webhook and webhook.url,
        "webhook_auth": webhook is not None and webhook.header_name is not None,
        "webhook_auth_header_name": webhook and webhook.header_name,
        "webhook_status_code": job.webhook_status_code,
        "throttled": job.throttled,
        "error": job.error if ended else None,
    }
    if job.deleted:
        shown |= {"text": DELETED_TEXT, "webhook_url": webhook and DELETED_URL}
    return shown


def item_json(job: Job, base: str) -> dict[str, Any]:
    """The transcript's line in a list."""
    return {
        "id": job.id,
        "resource_url": f"{base}/v2/transcript/{job.id}",
        "status": job.status,
        "created": shown_time(job.created_at),
        "completed": shown_time(job.completed_at) if job.completed_at and job.status == "completed" else None,
        "audio_url": DELETED_URL if job.deleted else job.options.audio_url,
        "error": job.error if job.status == "error" else None,
    }


def base_url(request: Request) -> str:
    """Where the sandbox is, as its client calls it."""
    return f"{request.url.scheme}://{request.url.netloc}"


def shown_time(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def duration_seconds(job: Job) -> int | None:
    """Of the whole recording; a started second counts."""
    return None if job.duration_ms is None else math.ceil(job.duration_ms / 1000)


def words_json(words: Iterable[Word], speaker: str | None) -> list[dict[str, Any]]:
    return [
        {
            "text": word.text,
            "start": word.start_ms,
            "end": word.end_ms,
            "confidence": word.confidence,
            "speaker": speaker,
            "channel": None,
        }
        for word in words
    ]


def sentences(words: list[Word]) -> list[list[Word]]:
    """The words by sentence."""
    found: list[list[Word]] = [[]]
    for word in words:
        found[-1].append(word)
        if word.text.endswith((".", "?", "!")) and word.text not in TITLES:
            found.append([])
    return [part for part in found if part]


def paragraphs(words: list[Word]) -> list[list[Word]]:
    """The words by paragraph: a few sentences each, fewer where somebody paused."""
    said = sentences(words)
    found: list[list[Word]] = [list(sentence) for sentence in said[:1]]
    length = 1
    for before, sentence in pairwise(said):
        if length == PARAGRAPH_SENTENCES or sentence[0].start_ms - before[-1].end_ms > PARAGRAPH_PAUSE_MS:
            found.append([])
            length = 0
        found[-1] += sentence
        length += 1
    return found


def export_json(job: Job, name: str, parts: list[list[Word]]) -> dict[str, Any]:
    """The answer for `sentences` and `paragraphs`, whichever `name` says."""
    speaker = SPEAKER if job.options.speaker_labels else None
    return {
        "id": job.id,
        "confidence": round(job.transcript.confidence, 4) if job.transcript else 0,
        "audio_duration": duration_seconds(job),
        "speech_model_used": job.options.model,
        name: [_part_json(words, speaker) for words in parts],
    }


def srt(words: list[Word], chars_per_caption: int) -> str:
    blocks = [
        f"{number}\n{_clock(part[0].start_ms, ',')} --> {_clock(part[-1].end_ms, ',')}\n{_text(part)}\n"
        for number, part in enumerate(_captions(words, chars_per_caption), start=1)
    ]
    return "\n".join(blocks)


def vtt(words: list[Word], chars_per_caption: int) -> str:
    blocks = [
        f"\n{_clock(part[0].start_ms, '.')} --> {_clock(part[-1].end_ms, '.')}\n{_text(part)}\n"
        for part in _captions(words, chars_per_caption)
    ]
    return "WEBVTT\n" + "".join(blocks)


def _captions(words: list[Word], chars: int) -> list[list[Word]]:
    """The words by caption of at most `chars` characters, a longer word alone; a sentence begins a new one."""
    found: list[list[Word]] = []
    for sentence in sentences(words):
        found.append([])
        for word in sentence:
            if found[-1] and len(_text([*found[-1], word])) > chars:
                found.append([])
            found[-1].append(word)
    return found


def _part_json(words: list[Word], speaker: str | None) -> dict[str, Any]:
    return {
        "text": _text(words),
        "start": words[0].start_ms,
        "end": words[-1].end_ms,
        "confidence": round(sum(word.confidence for word in words) / len(words), 4),
        "speaker": speaker,
        "channel": None,
        "words": words_json(words, speaker),
    }


def _text(words: list[Word]) -> str:
    return " ".join(word.text for word in words)


def _clock(ms: int, mark: str) -> str:
    seconds, ms = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{ms:03}"
