"""Faults in what is booked of the work that providers did."""

from tests.simulation.planted.planting import PlantedFault

FAULTS = {
    "relayed audio that costs nothing": PlantedFault(
        "streaming/relay.py", "cost = self.prices.cost_micro_usd(recognition.model, chunk.audio_ms)", "cost = 0"
    ),
    "a socket that costs nothing": PlantedFault(
        "streaming/lease_rules.py", "cost = price_table.cost_micro_usd(session.model, billed_ms)", "cost = 0"
    ),
    "a summary that costs nothing": PlantedFault(
        "catchup/settlement.py", "cost = prices.text_cost_micro_usd(model, input_tokens, output_tokens)", "cost = 0"
    ),
    "a summary whose tokens are not booked": PlantedFault(
        "catchup/settlement.py", "uses.append(ModelUse(model, 0, cost, input_tokens, output_tokens))", "pass"
    ),
    "a question that costs nothing": PlantedFault(
        "transcripts/questions.py",
        "cost = self.prices.text_cost_micro_usd(response.model, response.input_tokens, response.output_tokens)",
        "cost = 0",
    ),
    "a recording booked at the dearest model": PlantedFault(
        "catchup/transcribe.py",
        "cost = prices.audio_cost_micro_usd(job.service, model, billed_ms)",
        'cost = prices.audio_cost_micro_usd(job.service, "", billed_ms)',
    ),
    "a chunk that came too late and is not booked": PlantedFault(
        "streaming/relay.py",
        "self._book_lost(session, chunk, ModelUse(recognition.model, chunk.audio_ms, cost))",
        "pass",
    ),
    "a summary of a worker without a claim that is not booked": PlantedFault(
        "catchup/summarise.py", "            self.settlement.book_lost_use(self.job, use, use_id)\n", ""
    ),
    "a cost of audio that is rounded down": PlantedFault(
        "pricing/price_table.py",
        "return -(-audio_ms * self.models[model].micro_usd_per_hour // MILLISECONDS_PER_HOUR)",
        "return audio_ms * self.models[model].micro_usd_per_hour // MILLISECONDS_PER_HOUR",
    ),
    "a summary of more text than is paid for": PlantedFault(
        "catchup/summarise.py",
        "sample_segments(segments, budget.bytes_for(job.billed_ms))",
        "sample_segments(segments, 2 * budget.bytes_for(job.billed_ms))",
    ),
    "an answer after its hold that is not booked": PlantedFault(
        "transcripts/questions.py", "self.ledger.book_cost(hold.user_id, cost, hold.hold_id, at=self.now())", "pass"
    ),
}
