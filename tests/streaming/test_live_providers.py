"""Which live provider a session gets: what the stage offers, what the client can speak, and who bought credits."""

from dataclasses import dataclass, field

import msgspec
import pytest

from chalicelib import contract
from chalicelib.errors import InvalidRequestError, ProviderError, ProviderNotOfferedError
from chalicelib.models.accounts import Caller
from chalicelib.models.sessions import LiveOptions, SocketCredential, TurnSettings
from chalicelib.repositories.ledger_items import balance_key
from chalicelib.repositories.table import Tables, Write
from tests.fakes import Backend, Clock, FakeLive

NAMES = ("assemblyai", "openai", "third")
NO_TURN = TurnSettings()
ONLY = {"openai": "haw"}  # languages that one provider alone supports


@dataclass
class RecordingLive(FakeLive):
    """Remembers the options, and supports the languages it is given."""

    languages: tuple[str, ...] = ("", "en")
    options: list[LiveOptions] = field(default_factory=list)

    def supports_language(self, language: str) -> bool:
        return language in self.languages

    def create_socket_credential(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        self.options.append(options)
        return super().create_socket_credential(lease_seconds, options)


@dataclass
class Stage:
    """A stage that offers these providers. Each knows its own language beside English."""

    tables: Tables
    clock: Clock
    offered: tuple[str, ...] = NAMES
    buyers_only: tuple[str, ...] = ("openai",)

    def __post_init__(self) -> None:
        self.live = {
            name: RecordingLive(self.clock, name=name, languages=("", "en", ONLY.get(name, "")))
            for name in self.offered
        }
        live = list(self.live.values())
        self.backend = Backend.on(self.tables, self.clock, live=live, buyers_only=frozenset(self.buyers_only))

    def person(self, *, bought: int = 0, disputed: int = 0) -> Caller:
        caller = self.backend.person(500)
        totals = {"purchased": bought, "open_disputes": disputed, "version": 1}
        self.tables.write(Write(balance_key(caller.user_id), add=totals))
        return caller

    def start(self, caller: Caller, session_id: str | None = None, **body: object) -> contract.Lease:
        return self.backend.start(caller, session_id, transport="direct", **body)

    def renew(self, caller: Caller, lease: contract.Lease) -> contract.Lease:
        return self.backend.streaming.renew(caller, lease.session_id, True)

    def set_down(self, *names: str) -> None:
        for name in names:
            self.live[name].script.append(ProviderError(f"{name} is down"))


@pytest.fixture
def stage(tables: Tables, clock: Clock) -> Stage:
    return Stage(tables, clock)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (None, "assemblyai"),
        (["assemblyai"], "assemblyai"),
        (["openai"], "openai"),
        (["third", "openai"], "openai"),
        (["third", "openai", "assemblyai"], "assemblyai"),
        (["deepgram", "third"], "third"),
    ],
    ids=str,
)
def test_the_named_providers_narrow_the_stages_order(stage: Stage, named: list[str] | None, expected: str) -> None:
    buyer = stage.person(bought=500)

    assert stage.start(buyer, providers=named).provider == expected


@pytest.mark.parametrize("named", [[], ["deepgram"], ["assemblyai-2"], ["deepgram", "speechmatics"]], ids=str)
def test_naming_no_offered_provider_is_refused_before_a_hold(stage: Stage, named: list[str]) -> None:
    ada = stage.person(bought=500)

    with pytest.raises(ProviderNotOfferedError) as refusal:
        stage.start(ada, "session-1", providers=named)

    assert refusal.value.code == "provider_not_offered"
    assert refusal.value.details == {"field": "providers", "offered": ["assemblyai", "openai", "third"]}
    assert stage.backend.ledger.balance(ada.user_id).held == 0
    assert stage.start(ada, "session-1", providers=["third"]).provider == "third"


def test_a_client_never_gets_a_provider_that_it_did_not_name(stage: Stage) -> None:
    """Neither when the named one is down, nor at a renewal, nor from a retry of either."""
    ada = stage.person(bought=500)
    stage.set_down("third")
    with pytest.raises(ProviderError, match="third is down"):
        stage.start(ada, "session-1", providers=["third"])
    lease = stage.start(ada, "session-1", providers=["third"])

    stage.clock.forward(30)
    assert stage.renew(ada, lease).provider == "third"
    stage.set_down("third")
    with pytest.raises(ProviderError, match="third is down"):
        stage.renew(ada, lease)
    assert stage.renew(ada, lease).provider == "third"
    assert stage.live["assemblyai"].socket_credentials == stage.live["openai"].socket_credentials == []


def test_without_names_the_next_provider_takes_over(stage: Stage) -> None:
    buyer = stage.person(bought=500)
    stage.set_down("assemblyai")

    lease = stage.start(buyer)

    assert lease.provider == "openai"
    assert stage.renew(buyer, lease).provider == "assemblyai"


@pytest.mark.parametrize(
    ("bought", "disputed", "expected"), [(0, 0, "third"), (1, 0, "openai"), (-1, 0, "third"), (500, 1, "third")]
)
def test_a_provider_for_buyers_is_passed_over_for_others(
    stage: Stage, bought: int, disputed: int, expected: str
) -> None:
    """A purchase that was taken back, or is disputed, does not count."""
    caller = stage.person(bought=bought, disputed=disputed)
    stage.set_down("assemblyai")

    assert stage.start(caller).provider == expected


def test_naming_only_a_provider_for_buyers_says_that_it_is_for_buyers(stage: Stage) -> None:
    free = stage.person()

    with pytest.raises(ProviderNotOfferedError, match="only to accounts that bought credits") as refusal:
        stage.start(free, providers=["openai"])

    assert refusal.value.details == {"field": "providers", "offered": ["assemblyai", "third"]}
    assert stage.backend.ledger.balance(free.user_id).available == 500


def test_a_renewal_is_refused_before_it_moves_money_once_the_purchase_is_disputed(stage: Stage) -> None:
    buyer = stage.person(bought=500)
    lease = stage.start(buyer, providers=["openai"])
    stage.tables.write(Write(balance_key(buyer.user_id), add={"open_disputes": 1, "version": 1}))
    before = stage.backend.ledger.balance(buyer.user_id)

    with pytest.raises(ProviderNotOfferedError):
        stage.renew(buyer, lease)

    assert stage.backend.ledger.balance(buyer.user_id) == before
    assert stage.backend.streaming.stop(buyer, lease.session_id).billed_seconds == 0


@pytest.mark.parametrize(
    ("offered", "buyers_only", "provider"),
    [
        (("openai",), ("openai",), "openai"),
        (("openai", "third"), ("openai", "third"), "openai"),
        (("openai", "third"), ("openai",), "third"),
        (("openai", "third"), (), "openai"),
    ],
    ids=str,
)
def test_nobody_is_asked_for_a_purchase_where_no_other_provider_is_offered(
    tables: Tables, clock: Clock, offered: tuple[str, ...], buyers_only: tuple[str, ...], provider: str
) -> None:
    stage = Stage(tables, clock, offered, buyers_only)

    assert stage.start(stage.person()).provider == provider


def test_a_language_chooses_among_the_providers_that_are_left(stage: Stage) -> None:
    buyer, free = stage.person(bought=500), stage.person()

    assert stage.start(buyer, language="haw").provider == "openai"
    for caller, named in [(free, ["third"]), (free, ["assemblyai", "third"]), (buyer, ["assemblyai", "third"])]:
        with pytest.raises(InvalidRequestError) as refusal:
            stage.start(caller, language="haw", providers=named)
        assert refusal.value.details == {"field": "language"}
    assert stage.backend.ledger.balance(free.user_id).available == 500


@pytest.mark.parametrize("named", [None, ["openai", "third"], ["assemblyai", "openai"]], ids=str)
@pytest.mark.parametrize(("bought", "disputed"), [(0, 0), (-1, 0), (500, 1)])
def test_a_language_that_only_a_provider_for_buyers_has_is_for_buyers(
    stage: Stage, bought: int, disputed: int, named: list[str] | None
) -> None:
    caller = stage.person(bought=bought, disputed=disputed)

    with pytest.raises(ProviderNotOfferedError, match="only to accounts that bought credits") as refusal:
        stage.start(caller, language="haw", providers=named)

    assert refusal.value.details == {"field": "providers", "offered": ["assemblyai", "third"]}
    assert stage.backend.ledger.balance(caller.user_id).available == 500


def test_a_language_that_no_provider_has_is_the_callers_mistake(stage: Stage) -> None:
    for caller in (stage.person(), stage.person(bought=500)):
        with pytest.raises(InvalidRequestError, match="No live provider recognises this language") as refusal:
            stage.start(caller, language="cy")
        assert refusal.value.details == {"field": "language"}


def test_a_retried_start_is_answered_whatever_the_stage_offers_by_then(stage: Stage) -> None:
    buyer = stage.person(bought=500)
    lease = stage.start(buyer, "session-1", providers=["openai"])
    later = Stage(stage.tables, stage.clock, offered=("assemblyai",))

    assert later.start(buyer, "session-1", providers=["openai"]) == lease
    with pytest.raises(ProviderNotOfferedError):
        later.renew(buyer, lease)


def test_relayed_audio_needs_no_provider_that_the_client_speaks(stage: Stage) -> None:
    lease = stage.backend.start(stage.person(), transport="relay", providers=["deepgram"])

    assert lease.provider == "assemblyai"


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        (None, NO_TURN),
        ({}, NO_TURN),
        ({"silence_ms": 0}, TurnSettings(silence_ms=0)),
        ({"silence_ms": 900, "max_silence_ms": 900}, TurnSettings(silence_ms=900, max_silence_ms=900)),
        ({"silence_ms": 0.56 * 1000, "max_silence_ms": 1279.5}, TurnSettings(silence_ms=560, max_silence_ms=1_280)),
        ({"confidence": 0.7}, TurnSettings(confidence_thousandths=700)),
        ({"confidence": 1}, TurnSettings(confidence_thousandths=1_000)),
        ({"max_silence_ms": 60_000, "confidence": 0}, TurnSettings(max_silence_ms=60_000, confidence_thousandths=0)),
    ],
    ids=str,
)
def test_turn_settings_reach_the_provider_at_the_start_and_at_each_renewal(
    stage: Stage, turn: dict[str, object] | None, expected: TurnSettings
) -> None:
    ada = stage.person()
    body = msgspec.convert({"action": "start", "turn": turn}, contract.Start)
    lease = stage.start(ada, turn=body.turn)
    stage.renew(ada, lease)

    assert [options.turn for options in stage.live["assemblyai"].options] == [expected, expected]


@pytest.mark.parametrize(
    "turn",
    [
        {"silence_ms": -1},
        {"silence_ms": 60_001},
        {"max_silence_ms": -1},
        {"silence_ms": 901, "max_silence_ms": 900},
        {"confidence": 1.01},
        {"confidence": -0.1},
        {"confidence": "high"},
        {"patience": 1},
    ],
    ids=str,
)
def test_impossible_turn_settings_are_refused(turn: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError, match="turn"):
        msgspec.convert({"action": "start", "turn": turn}, contract.Start)
