"""Problems of purchases and what is booked for them."""

from chalicelib.models.audits import FindingKind
from chalicelib.models.purchase_facts import PaymentState
from chalicelib.repositories.purchases import purchase_key
from chalicelib.repositories.table import Write
from tests.audit.planter import Planter, References, problem


@problem(FindingKind.PAID_NOT_GRANTED)
def paid_and_not_granted(plant: Planter) -> References:
    plant.set_values(purchase_key(plant.users.unpaid), payment=int(PaymentState.PAID))
    return [plant.users.unpaid]


@problem(FindingKind.GRANTED_NOT_PAID)
def granted_and_not_paid(plant: Planter) -> References:
    plant.set_values(purchase_key(plant.users.bought), payment=int(PaymentState.PENDING))
    return [plant.users.bought]


@problem(FindingKind.GRANTED_NOT_PAID)
def granted_without_a_purchase(plant: Planter) -> References:
    plant.tables.write(Write(purchase_key(plant.users.bought), delete=True))
    return [plant.users.bought]


@problem(FindingKind.GRANTED_NOT_PAID)
def granted_for_another_users_purchase(plant: Planter) -> References:
    plant.set_values(purchase_key(plant.users.bought), user_id=plant.users.bob.user_id)
    return [plant.users.bought]


@problem(FindingKind.CLAWBACK_DIFFERS)
def refund_not_taken_back(plant: Planter) -> References:
    plant.set_values(purchase_key(plant.users.bought), refunds={"re_1": [1, 333], "re_2": [1, 100]})
    return [plant.users.bought]


@problem(FindingKind.PURCHASE_DIFFERS)
def more_taken_back_than_the_entries(plant: Planter) -> References:
    clawback = plant.entry(kind="clawback", reference=plant.users.bought)
    plant.set_values(plant.ledger_key(clawback["sk"]), reference=plant.users.disputed)
    return sorted([plant.users.bought, plant.users.disputed])


@problem(FindingKind.PURCHASE_DIFFERS)
def sold_for_another_amount(plant: Planter) -> References:
    entry = plant.entry(kind="purchase", reference=plant.users.bought)
    plant.set_values(plant.ledger_key(entry["sk"]), cents=entry["cents"] + 1)
    return [plant.users.bought]


@problem(FindingKind.PURCHASE_DIFFERS)
def returned_another_amount(plant: Planter) -> References:
    entry = plant.entry(kind="clawback", reference=plant.users.bought)
    plant.set_values(plant.ledger_key(entry["sk"]), cents=0)
    return [plant.users.bought]


@problem(FindingKind.PURCHASE_DIFFERS)
def dispute_without_its_hold(plant: Planter) -> References:
    hold = plant.hold(kind="dispute", state="open")
    plant.set_values(plant.hold_key(hold), kind="stream", sweep_at=plant.env.backend.clock() + 60)
    return [plant.users.disputed]


@problem(FindingKind.PURCHASE_DIFFERS)
def dispute_that_the_balance_does_not_count(plant: Planter) -> References:
    plant.add_to_balance(open_disputes=-1)
    return ["open_disputes"]


@problem(FindingKind.UNREADABLE)
def purchase_without_a_price(plant: Planter) -> References:
    plant.tables.write(Write(purchase_key(plant.users.unpaid), drop=("cents",)))
    return [""]
