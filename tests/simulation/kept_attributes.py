"""What may stay of a deleted account: the books and the records of work, without anything that a person wrote.

The list is the simulation's own: an attribute that is added to one of these items is added here too, if it may stay.
"""

from tests.simulation.books import Item, text

# By the beginning of the sort key under the user, or else of the partition key.
KEPT_ATTRIBUTES = {
    "BALANCE": "available blocked deleted deleted_at erased_at granted held open_disputes purchased signed_out_at used"
    " version",
    "DAY": "audio_ms cost_micro_usd credits entries",
    "ENTRY": "at audio_ms cents cost_micro_usd credits held hold_id implausible_ms kind price_version reason reference"
    " reported_ms reported_of_ms service uses",
    "HOLD": "charged credits ended_at hold_id kind made_at open_shard reference state sweep_at user_id",
    "REF": "at entry_id user_id",
    "JOB": "abandon_at billed_ms charged claimed_until cost_micro_usd created_at ended_at error expires_at from_ms held"
    " is_provider_copy_deleted is_to_end job_id model notified_id price_version provider_id recording_ms session_id"
    " state submissions summary_tries text_uses to_ms transcript_id use_ids user_id webhook_url worker",
    "PURCHASE": "cents checkout_expires_at checkout_session_id checkout_url clawed_back created_at credits currency"
    " disputes granted holds is_live package_id payment payment_id price_version purchase_id refunds returned_cents"
    " user_id version",
}
STORED_ATTRIBUTES = {kind: {"pk", "sk", *names.split()} for kind, names in KEPT_ATTRIBUTES.items()}


def attributes_to_erase(item: Item) -> list[str]:
    """The attributes of a stored item that may not stay; all of an item that may not."""
    partition, _, _ = text(item, "pk").partition("#")
    kind = text(item, "sk").partition("#")[0] if partition == "USER" else partition
    return sorted(item.keys() - STORED_ATTRIBUTES.get(kind, set()))
