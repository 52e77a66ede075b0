"""Problems of holds and their charges."""

from chalicelib.audit.checks import STUCK_AFTER_SECONDS
from chalicelib.models.audits import FindingKind
from chalicelib.repositories.table import Write
from tests.audit.planter import Planter, References, problem


@problem(FindingKind.HOLD_STUCK)
def lease_never_swept(plant: Planter) -> References:
    hold = plant.hold(state="open", kind="stream")
    plant.env.backend.clock.at = hold["sweep_at"] + STUCK_AFTER_SECONDS + 1
    return [hold["hold_id"]]


@problem(FindingKind.HOLD_INDEX)
def open_hold_missing_from_the_index(plant: Planter) -> References:
    hold = plant.hold(state="open")
    plant.tables.write(Write(plant.hold_key(hold), drop=("open_shard",)))
    return [hold["hold_id"]]


@problem(FindingKind.HOLD_INDEX)
def open_hold_in_another_shard_of_the_index(plant: Planter) -> References:
    hold = plant.hold(state="open")
    plant.set_values(plant.hold_key(hold), open_shard="OPEN#8")
    return [hold["hold_id"]]


@problem(FindingKind.HOLD_INDEX)
def ended_hold_in_the_index(plant: Planter) -> References:
    hold = plant.hold(state="released")
    plant.set_values(plant.hold_key(hold), open_shard="OPEN#0")
    return [hold["hold_id"]]


@problem(FindingKind.HOLD_OVERCHARGED)
def more_charged_than_held(plant: Planter) -> References:
    hold = plant.charged_hold()
    plant.set_values(plant.hold_key(hold), credits=hold["charged"] - 1)
    return [hold["hold_id"]]


@problem(FindingKind.CHARGE_DIFFERS)
def charge_different_from_its_entry(plant: Planter) -> References:
    hold = plant.charged_hold()
    plant.set_values(plant.hold_key(hold), charged=hold["charged"] - 1)
    return [hold["hold_id"]]


@problem(FindingKind.CHARGE_DIFFERS)
def entry_of_a_released_hold(plant: Planter) -> References:
    hold = plant.charged_hold()
    plant.set_values(plant.hold_key(hold), state="released")
    return [hold["hold_id"]]


@problem(FindingKind.CHARGE_DIFFERS)
def entry_of_a_missing_hold(plant: Planter) -> References:
    hold = plant.charged_hold()
    plant.tables.write(Write(plant.hold_key(hold), delete=True))
    return [hold["hold_id"]]


@problem(FindingKind.UNREADABLE)
def hold_in_an_unknown_state(plant: Planter) -> References:
    plant.set_values(plant.hold_key(plant.hold()), state="lost")
    return [""]
