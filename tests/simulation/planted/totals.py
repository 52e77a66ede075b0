"""Faults in the totals of all users."""

from tests.simulation.planted.planting import PlantedFault

FAULTS = {
    "entries counted twice": PlantedFault(
        "repositories/aggregates.py",
        'item={"at": entry.at}, when=is_new) for user_id',
        'item={"at": entry.at}) for user_id',
    ),
    "an entry that is counted without its marker": PlantedFault(
        "repositories/aggregates.py",
        "    parts = [amounts_by_key(entry) for _, entry in entries]\n    for key in new_active:",
        "    writes = []\n    parts = [amounts_by_key(entry) for _, entry in entries]\n    for key in new_active:",
    ),
    "a record of the stream that is skipped": PlantedFault(
        "repositories/aggregates.py",
        "if (entry := entry_from_stream(image))])",
        "if (entry := entry_from_stream(image))][:5])",
    ),
    "a cost that is counted to the wrong total": PlantedFault(
        "repositories/aggregates.py", "if not key.is_for_model)", "if key)"
    ),
}
