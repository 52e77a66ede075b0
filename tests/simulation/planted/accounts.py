"""Faults in sign-ins, exports, and in the deletion of accounts and transcripts."""

from tests.simulation.planted.planting import PlantedFault

FAULTS = {
    "a sign-out that keeps earlier tokens": PlantedFault(
        "accounts/service.py", "before_at=max(self.now(), caller.auth_time_at) + 1", "before_at=1"
    ),
    "a block that refuses no call": PlantedFault(
        "repositories/standing.py", "    if balance.blocked:", "    if False:"
    ),
    "a deleted account that is still admitted": PlantedFault(
        "repositories/standing.py", "    if balance.deleted:", "    if False:"
    ),
    "an erasure that leaves items": PlantedFault(
        "accounts/deletion.py", "self.tables.delete_many([*shares, *deleted])", "self.tables.delete_many(shares)"
    ),
    "an erasure that leaves the text of catch-ups": PlantedFault(
        "accounts/deletion.py", "stored_shapes.JOB.attributes_to_erase(item)", "[]"
    ),
    "a language that an erasure leaves in catch-ups": PlantedFault(
        "models/catchup.py", 'language: Personal[str] = ""', 'language: Record[str] = ""'
    ),
    "an erasure that leaves files": PlantedFault("accounts/deletion.py", "            files.delete_all(user_id)\n", ""),
    "an erasure without its last pass": PlantedFault(
        "accounts/deletion.py", "last_pass_after_seconds: int = 1_800", "last_pass_after_seconds: int = 0"
    ),
    "a deleted transcript without a marker for its segments": PlantedFault(
        "repositories/transcripts.py",
        "        mark_segments_for_deletion(user_id, transcript.transcript_id, at),\n",
        "",
    ),
    "an export of somebody else's words": PlantedFault(
        "accounts/export_content.py",
        'return self.tables.query_all(table, f"USER#{user_id}", prefix)',
        'return self.tables.query_all(table, f"USER#{globals().setdefault(prefix, user_id)}", prefix)',
    ),
    "an export without the sessions": PlantedFault(
        "accounts/export_content.py", 'self._items("app", user_id, SESSION)', "()"
    ),
}
