"""Faults in catch-ups, questions, and in the claims of workers."""

from tests.simulation.planted.planting import PlantedFault

FAULTS = {
    "a claim that anybody may take": PlantedFault(
        "repositories/claims.py",
        'is_free = Attr("worker").eq("") | Attr("claimed_until").lte(now)',
        'is_free = Attr("pk").exists()',
    ),
    "a claim that is not renewed": PlantedFault(
        "catchup/claimed_jobs.py",
        "claimed_until=self.now() + self.rules.claim_seconds)",
        "claimed_until=job.claimed_until)",
    ),
    "a catch-up that charges its whole range": PlantedFault(
        "catchup/settlement.py",
        "credits=prices.credits_for(job.service, job.billed_ms),",
        "credits=prices.credits_for(job.service, job.range_ms),",
    ),
    "a hold of half a catch-up": PlantedFault("catchup/service.py", "held=credits,", "held=credits // 2,"),
    "an order that is repeated without a look for the first": PlantedFault(
        "catchup/transcribe.py",
        "            provider_id = job.notified_id or self.provider.find(self._order_of(job))\n        except",
        "            provider_id = job.notified_id\n        except",
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
    "a summary that is tried again and again": PlantedFault(
        "catchup/summarise.py", "if job.summary_tries >= budget.tries:", "if job.summary_tries >= 99:"
    ),
    "a sweep that queues no catch-up": PlantedFault(
        "catchup/service.py",
        "            try:\n                self.queue.send(job_id)\n                with suppress",
        "            try:\n                with suppress",
    ),
    "an answer that is charged and not stored": PlantedFault(
        "transcripts/questions.py",
        "is_stored = self._settle(hold, charge, [stored])",
        "is_stored = self._settle(hold, charge, [])",
    ),
    "an answer that is not sold and not booked": PlantedFault(
        "transcripts/questions.py",
        "cost = Charge(0, SERVICE, hold.reference, 0, self.prices.version, uses)",
        "cost = Charge(0, SERVICE, hold.reference, 0, self.prices.version, ())",
    ),
    "a question answered for another body": PlantedFault(
        "transcripts/questions.py", "if earlier.body_hash != body_hash:", "if False:"
    ),
}
