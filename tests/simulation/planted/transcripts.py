"""Faults in what people find and share."""

from tests.simulation.planted.planting import PlantedFault

FAULTS = {
    "a search that finds words which were replaced": PlantedFault(
        "transcripts/search.py",
        "        segments = segments_from(self.items)\n",
        "        segments = [segment for item in self.items for segment in segments_in(item)]\n",
    ),
    "a search that ends at its first full page": PlantedFault(
        "transcripts/search.py",
        "                    if len(progress.results) == progress.limit:\n                        return reached\n",
        "                    if len(progress.results) == progress.limit:\n                        return None\n",
    ),
    "a share that outlives its transcript": PlantedFault(
        "repositories/transcripts.py", "        *delete_share(transcript.share_hash),\n", ""
    ),
    "a share that an erasure leaves": PlantedFault(
        "accounts/deletion.py", "self.tables.delete_many([*shares, *deleted])", "self.tables.delete_many(deleted)"
    ),
    "a page of an account that is blocked": PlantedFault(
        "transcripts/sharing.py", " and not standing.blocked and not standing.deleted", " and not standing.deleted"
    ),
    "a page of an account that is deleted": PlantedFault(
        "transcripts/sharing.py", " and not standing.blocked and not standing.deleted", " and not standing.blocked"
    ),
    "an address that a new one does not end": PlantedFault(
        "repositories/shares.py",
        "        Write(share_key(share_hash), item=item),\n        *delete_share(earlier_hash),\n",
        "        Write(share_key(share_hash), item=item),\n",
    ),
}
