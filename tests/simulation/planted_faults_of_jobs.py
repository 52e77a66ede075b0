"""Faults in catch-ups, questions and accounts that the simulation has to find: name → where, and what is replaced."""

from tests.simulation.planting import PlantedFault

FAULTS_OF_JOBS = {
    "a catch-up that charges its whole range": PlantedFault(
        "catchup/settlement.py",
        "credits=prices.credits_for(job.service, job.billed_ms),",
        "credits=prices.credits_for(job.service, job.range_ms),",
    ),
    "a hold of half a catch-up": PlantedFault("catchup/service.py", "held=credits,", "held=credits // 2,"),
    "an order that is repeated without a look for the first": PlantedFault(
        "catchup/transcribe.py",
        "job.notified_id or self.provider.find(self._order_of(job))",
        "job.notified_id",
    ),
    "a claim that anybody may take": PlantedFault(
        "repositories/claims.py",
        'is_free = Attr("worker").eq("") | Attr("claimed_until").lte(now)',
        'is_free = Attr("pk").exists()',
    ),
    "a range that is sold again": PlantedFault(
        "catchup/service.py",
        "if range_item and (earlier := self._find_earlier(caller, range_item",
        "if False and (earlier := self._find_earlier(caller, range_item",
    ),
    "a webhook whose secret does not matter": PlantedFault(
        "catchup/service.py", "if not hmac.compare_digest(", "if False and not hmac.compare_digest("
    ),
    "a failed catch-up whose transcription is not booked": PlantedFault(
        "catchup/settlement.py", "_model_uses(job))\n", "())\n"
    ),
    "a transcript that stays at the provider": PlantedFault(
        "catchup/transcribe.py", "            self.provider.delete(provider_id)", "            pass"
    ),
    "a summary that is tried for ever": PlantedFault(
        "catchup/summarise.py", "if job.summary_tries >= budget.tries:", "if job.summary_tries >= 99:"
    ),
    "a sweep that queues no catch-up": PlantedFault(
        "catchup/service.py", "                self.queue.send(hold.reference)\n", ""
    ),
    "a job that ends whatever its state": PlantedFault(
        "repositories/jobs.py",
        'when=is_same & Attr("notified_id").eq(before.notified_id)',
        'when=Attr("pk").exists()',
    ),
    "an answer that is charged and not stored": PlantedFault(
        "transcripts/questions.py",
        "extra_writes = [put_answer(caller.user_id, question, msgspec.json.encode(answer).decode())]",
        "extra_writes = []",
    ),
    "a question that is swept while it is answered": PlantedFault(
        "transcripts/questions.py", "SWEEP_AFTER_SECONDS = 60", "SWEEP_AFTER_SECONDS = -60"
    ),
    "a question answered for another body": PlantedFault(
        "transcripts/questions.py", "if earlier.body_hash != body_hash:", "if False:"
    ),
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
        "accounts/deletion.py", "            self.tables.delete_many(deleted)\n", ""
    ),
    "an erasure that leaves the text of catch-ups": PlantedFault(
        "accounts/deletion.py", "stored_shapes.JOB.attributes_to_erase(item)", "[]"
    ),
    "an erasure that leaves files": PlantedFault("accounts/deletion.py", "            files.delete_all(user_id)\n", ""),
    "an erasure without its last pass": PlantedFault(
        "accounts/deletion.py", "last_pass_after_seconds: int = 1_800", "last_pass_after_seconds: int = 0"
    ),
    "an export of somebody else's words": PlantedFault(
        "accounts/export_content.py",
        'return self.tables.query_all(table, f"USER#{user_id}", prefix)',
        'return self.tables.query_all(table, f"USER#{self.__dict__.setdefault(prefix, user_id)}", prefix)',
    ),
    "an export without the sessions": PlantedFault(
        "accounts/export_content.py", 'self._items("app", user_id, SESSION)', "()"
    ),
}
