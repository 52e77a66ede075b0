"""An audit that recounts puts older purchases on the seller's list; an ordinary one writes nothing there."""

from chalicelib.models.purchase_facts import PaymentState
from chalicelib.repositories.purchases import list_sold_purchases, sold_key
from chalicelib.repositories.table import Write
from tests.audit.audit_env import AuditEnv
from tests.payments.payments_env import PaymentsEnv


def test_only_a_recount_lists_purchases_that_the_list_lacks(audit_env: AuditEnv) -> None:
    backend = audit_env.backend
    payments_env, ada = PaymentsEnv(backend), backend.person(200)
    names = [payments_env.buy(ada) for _ in range(2)]
    payments_env.receive_fact(names[0], PaymentState.PAID)
    for name in names:
        backend.tables.write(Write(sold_key(payments_env.purchase(name)), delete=True))
    audit_env.count_all()

    assert audit_env.run().findings_count == 0
    assert list_sold_purchases(backend.tables, (backend.clock() - 60, backend.clock()), 10) == ([], None)
    for _ in range(2):
        assert audit_env.run(recount=True).findings_count == 0

    purchases, _ = list_sold_purchases(backend.tables, (backend.clock() - 60, backend.clock()), 10)
    assert {purchase.purchase_id for purchase in purchases} == set(names)
