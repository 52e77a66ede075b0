"""Faults in how words are saved."""

from tests.simulation.planted.planting import PlantedFault

FAULTS = {
    "saved blocks ordered by a clock": PlantedFault(
        "repositories/transcripts.py", 'return f"{NUMBERED_BLOCK}{number:08d}#{suffix}"', "return suffix", "apocalypse"
    ),
    "a next_seq that falls": PlantedFault(
        "streaming/words.py",
        "next_seq=max(session.next_seq, *(segment.seq + 1 for segment in selection.segments)),",
        "next_seq=selection.segments[-1].seq,",
    ),
    "last words that are not stored": PlantedFault(
        "streaming/service.py",
        "                extra_writes.append(self._words.block_write(session, block, selection))\n",
        "",
    ),
    "an odd segment that keeps the later ones out": PlantedFault(
        "streaming/words.py",
        "enumerate(map(_readable, segments)) if segment}",
        "enumerate(iter(map(_readable, segments).__next__, None))}",
    ),
    "a session that outlives its transcript": PlantedFault(
        "repositories/transcripts.py",
        "        writes.append(Write(session_key(user_id, session.session_id), delete=True, when=is_same))\n",
        "",
    ),
    "a start without a pointer to its session": PlantedFault(
        "streaming/service.py", "                put_open_session(opened),\n", ""
    ),
}
