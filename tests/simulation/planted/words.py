"""Faults in how words are saved."""

from tests.simulation.planted.planting import PlantedFault

FAULTS = {
    "saved blocks ordered by a clock": PlantedFault(
        "repositories/transcripts.py", 'return f"{NUMBERED_BLOCK}{number:08d}#{suffix}"', "return suffix", "apocalypse"
    ),
    "a next_seq that falls": PlantedFault(
        "streaming/words.py",
        "next_seq=session.next_seq_with(segment.seq for segment in selection.segments),",
        "next_seq=selection.segments[-1].seq,",
    ),
    "last words that are not stored": PlantedFault(
        "streaming/service.py",
        "                extra_writes.append(self._words.block_write(session, block, selection))\n",
        "",
    ),
    "an odd segment that keeps the later ones out": PlantedFault(
        "streaming/segments.py",
        "if text is not None and not text[:MAX_TEXT_CHARACTERS].strip():\n            continue",
        "if text is not None and not text[:MAX_TEXT_CHARACTERS].strip():\n            break",
    ),
    "a segment that cannot be read and is not named": PlantedFault(
        "streaming/segments.py", "            readable.unreadable[place] = seq\n", "            pass\n"
    ),
    "a chunk that never replaces what was saved": PlantedFault(
        "repositories/transcripts.py", 'return item.get("saves_before", -1), True', "return -1, True"
    ),
    "a session that outlives its transcript": PlantedFault(
        "repositories/transcripts.py",
        "        writes.append(Write(session_key(user_id, session.session_id), delete=True, when=is_same))\n",
        "",
    ),
    "a start without a pointer to its session": PlantedFault(
        "streaming/service.py", "                put_open_session(opened),\n", ""
    ),
    "bytes of a day that nobody counts": PlantedFault(
        "streaming/words.py",
        "today = self.rules.words_bytes_per_day - sent_today",
        "today = self.rules.words_bytes_per_day",
    ),
    "a session that keeps words without end": PlantedFault(
        "streaming/words.py",
        "return max(0, min(allowed, MAX_TRANSCRIPT_BYTES) - session.saved_bytes)",
        "return MAX_TRANSCRIPT_BYTES",
    ),
    "bytes of words that are counted as characters": PlantedFault(
        "streaming/segments.py", "len(segment.text.encode())", "len(segment.text)"
    ),
    "last words that come late with a repeated stop": PlantedFault(
        "streaming/words.py", "closed = self.rules.closed_reason(session, self.now())", "closed = None"
    ),
    "words that are saved whenever they come": PlantedFault(
        "streaming/lease_rules.py",
        'return "session_stopped" if was_late or now > session.stopped_at + self.late_words_seconds else None',
        "return None",
    ),
    "late words that are refused at once": PlantedFault(
        "streaming/lease_rules.py", "late_words_seconds: int = 120", "late_words_seconds: int = 0"
    ),
    "a deletion that does not say which catch-up runs": PlantedFault(
        "transcripts/history.py",
        'raise ConflictError(message, "catchup_running")',
        'raise ConflictError(message, "session_running")',
    ),
    "a transcript that is deleted while its catch-up runs": PlantedFault(
        "repositories/transcripts.py", "add={RUNNING_CATCHUPS: 1}, when=", "add={RUNNING_CATCHUPS: 0}, when="
    ),
}
