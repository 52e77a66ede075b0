"""AssemblyAI's JSON of transcripts: the object, its entry in a list, sentences, paragraphs and captions.

Source: AssemblyAI's openapi.yml (2026-03) and its Python SDK 1.8.2, read 2026-11.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sandbox.assemblyai.transcript_jobs import LANGUAGE_CONFIDENCE, Job
from sandbox.assemblyai.transcript_options import DEFAULT_MODELS
from sandbox.recognition.transcript import Word

DELETED_TEXT, DELETED_URL = "Deleted by user.", "http://deleted_by_user"
DEFAULT_CAPTION_CHARS = 128
PARAGRAPH_SENTENCES, PARAGRAPH_PAUSE_MS = 5, 2_000
SPEAKER = "A"
TITLES = {"Mr.", "Mrs.", "Ms.", "Dr.", "St."}
"""Words that end with a full stop without ending a sentence."""


def transcript_json(job: Job) -> dict[str, Any]:
    """The transcript object. Its content is present from completion until deletion."""
    options, webhook = job.options, job.options.webhook
    transcript = job.transcript if job.status == "completed" else None
    has_ended = job.status in ("completed", "error")
    speaker = SPEAKER if options.speaker_labels else None
    fields = {
        **options.echoed,
        "id": job.id,
        "status": job.status,
        "audio_url": DELETED_URL if job.deleted else options.audio_url,
        "language_code": options.language_code,
        "language_confidence": LANGUAGE_CONFIDENCE if transcript and options.echoed.get("language_detection") else None,
        "text": transcript.text if transcript else None,
        "words": words_json(transcript.words, speaker) if transcript else None,
        "utterances": [_part_json(words, speaker) for words in split_sentences(transcript.words)]
        if transcript and speaker
        else None,
        "confidence": round(transcript.confidence, 4) if transcript else None,
        "audio_duration": duration_seconds(job) if has_ended else None,
        "speech_models": options.echoed.get("speech_models", DEFAULT_MODELS),
        "speech_model_used": options.model if has_ended else None,
        "speech_model": None,
        "webhook_url": webhook and webhook.url,
        "webhook_auth": webhook is not None and webhook.header_name is not None,
        "webhook_auth_header_name": webhook and webhook.header_name,
        "webhook_status_code": job.webhook_status_code,
        "throttled": job.throttled,
        "error": job.error if has_ended else None,
    }
    if job.deleted:
        fields |= {"text": DELETED_TEXT, "webhook_url": webhook and DELETED_URL}
    return fields


def item_json(job: Job, base: str) -> dict[str, Any]:
    """The entry of a transcript in a list."""
    return {
        "id": job.id,
        "resource_url": f"{base}/v2/transcript/{job.id}",
        "status": job.status,
        "created": format_time(job.created_at),
        "completed": format_time(job.completed_at) if job.completed_at and job.status == "completed" else None,
        "audio_url": DELETED_URL if job.deleted else job.options.audio_url,
        "error": job.error if job.status == "error" else None,
    }


def format_time(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def duration_seconds(job: Job) -> int | None:
    """Of the whole recording, rounded up."""
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


def split_sentences(words: list[Word]) -> list[list[Word]]:
    """The words by sentence."""
    sentences: list[list[Word]] = [[]]
    for word in words:
        sentences[-1].append(word)
        if word.text.endswith((".", "?", "!")) and word.text not in TITLES:
            sentences.append([])
    return [part for part in sentences if part]


def split_paragraphs(words: list[Word]) -> list[list[Word]]:
    """The words by paragraph: a few sentences each, fewer where there is a pause."""
    all_sentences = split_sentences(words)
    paragraphs: list[list[Word]] = [list(sentence) for sentence in all_sentences[:1]]
    length = 1
    for before, sentence in pairwise(all_sentences):
        if length == PARAGRAPH_SENTENCES or sentence[0].start_ms - before[-1].end_ms > PARAGRAPH_PAUSE_MS:
            paragraphs.append([])
            length = 0
        paragraphs[-1] += sentence
        length += 1
    return paragraphs


def export_json(job: Job, name: str, parts: list[list[Word]]) -> dict[str, Any]:
    """The response for `sentences` or `paragraphs`, as `name` says."""
    speaker = SPEAKER if job.options.speaker_labels else None
    return {
        "id": job.id,
        "confidence": round(job.transcript.confidence, 4) if job.transcript else 0,
        "audio_duration": duration_seconds(job),
        "speech_model_used": job.options.model,
        name: [_part_json(words, speaker) for words in parts],
    }


def render_srt(words: list[Word], chars_per_caption: int) -> str:
    blocks = [
        f"{number}\n{_format_time_range(part, ',')}\n{_join_text(part)}\n"
        for number, part in enumerate(_split_captions(words, chars_per_caption), start=1)
    ]
    return "\n".join(blocks)


def render_vtt(words: list[Word], chars_per_caption: int) -> str:
    blocks = [
        f"\n{_format_time_range(part, '.')}\n{_join_text(part)}\n" for part in _split_captions(words, chars_per_caption)
    ]
    return "WEBVTT\n" + "".join(blocks)


def _split_captions(words: list[Word], chars: int) -> list[list[Word]]:
    """The words by caption of at most `chars` characters, or one longer word. A sentence begins a new caption."""
    captions: list[list[Word]] = []
    for sentence in split_sentences(words):
        captions.append([])
        for word in sentence:
            if captions[-1] and len(_join_text([*captions[-1], word])) > chars:
                captions.append([])
            captions[-1].append(word)
    return captions


def _part_json(words: list[Word], speaker: str | None) -> dict[str, Any]:
    return {
        "text": _join_text(words),
        "start": words[0].start_ms,
        "end": words[-1].end_ms,
        "confidence": round(sum(word.confidence for word in words) / len(words), 4),
        "speaker": speaker,
        "channel": None,
        "words": words_json(words, speaker),
    }


def _join_text(words: list[Word]) -> str:
    return " ".join(word.text for word in words)


def _format_time_range(words: list[Word], mark: str) -> str:
    return f"{_format_timestamp(words[0].start_ms, mark)} --> {_format_timestamp(words[-1].end_ms, mark)}"


def _format_timestamp(ms: int, mark: str) -> str:
    seconds, ms = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{ms:03}"
