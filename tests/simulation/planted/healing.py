"""Faults in what has to heal by itself: grants, exports, audits, reservations and totals that something broke off."""

from tests.simulation.planted.planting import PlantedFault

FAULTS = {
    "a sign-in that heals no missing grant": PlantedFault(
        "accounts/service.py", "        if profile.is_owed_credits:", "        if False:"
    ),
    "a cap on free credits that refuses for good": PlantedFault(
        "accounts/free_credits.py", "return NETWORK_CAP, True", "return NETWORK_CAP, False"
    ),
    "exports that the sweep never continues": PlantedFault(
        "accounts/export.py",
        "                self.queue.send(MESSAGE + export.user_id)\n                self.tables",
        "                self.tables",
    ),
    "exports that the sweep never deletes": PlantedFault(
        "accounts/export.py", "                self.tables.write(exports.delete_export(export))", "                pass"
    ),
    "an audit that the sweep never continues": PlantedFault(
        "audit/service.py", "        self.queue.send(MESSAGE + running.audit_id)\n", "", "apocalypse"
    ),
    "an erasure that the sweep never continues": PlantedFault(
        "accounts/deletion.py",
        "                self.queue.send(MESSAGE + deletion.user_id)\n                self._postpone",
        "                self._postpone",
    ),
    "a failed chunk that is never released": PlantedFault(
        "streaming/relay.py", "            self._release(session, chunk)\n            raise", "            raise"
    ),
    "a released chunk that stays in flight": PlantedFault(
        "repositories/sessions.py",
        '            drop=[("inflight", chunk.attempt)],\n            when=Attr(f"inflight',
        '            drop=[],\n            when=Attr(f"inflight',
    ),
    "a session that ends with chunks in flight": PlantedFault(
        "streaming/leases.py",
        "replace(ending.session, free_ms=0, inflight=())",
        "replace(ending.session, free_ms=0)",
    ),
    "a recount that counts nothing": PlantedFault("audit/reader.py", "        if audit.recount:", "        if False:"),
}
