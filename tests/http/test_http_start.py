"""Starting with an Idempotency-Key, and many starts at once: nothing is held twice, nor beyond the balance."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.default_prices import live_credits
from tests.fakes import Backend
from tests.http.http_client import Person, check_error

STREAM = "/transcription/stream"
START = {"action": "start", "transport": "relay", "lease_seconds": 120}


def start(person: Person, key: str, **fields: object) -> requests.Response:
    return person.post(STREAM, json=START | fields, headers={"Idempotency-Key": key.encode()})


def at_once(many: int, act: Callable[[int], requests.Response]) -> list[requests.Response]:
    """`act` of 0, 1, 2 … in as many threads, which start together."""
    barrier = threading.Barrier(many)

    def run_one(number: int) -> requests.Response:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(many) as threads:
        return list(threads.map(run_one, range(many)))


def test_the_same_key_and_body_get_the_same_answer_and_one_hold(person: Person, books: Backend) -> None:
    first, again = start(person, "key 1"), start(person, "key 1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert person.balance() == (200 - live_credits(120), live_credits(120))
    assert len(books.open_holds(person.user_id)) == 1
    person.stop(first.json()["session_id"])
    assert start(person, "key 1").json() == first.json()
    assert person.balance() == (200, 0)
    books.check_invariants(person.user_id)


def test_the_same_key_with_another_body_is_409(person: Person) -> None:
    start(person, "key 2")

    check_error(start(person, "key 2", lease_seconds=180), 409, "idempotency_mismatch")
    assert person.balance() == (200 - live_credits(120), live_credits(120))


def test_another_key_or_another_user_starts_another_session(person: Person, signed_in_user: Person) -> None:
    answers = [start(person, "key 3"), start(person, "key 4"), start(signed_in_user, "key 3")]

    assert len({answer.json()["session_id"] for answer in answers}) == 3
    assert person.balance() == (200 - live_credits(240), live_credits(240))


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "é", "\x7f", "\N{PILE OF POO}"], ids=ascii)
def test_an_invalid_key_is_400(person: Person, key: str) -> None:
    assert check_error(start(person, key), 400, "invalid_request") == {"field": "Idempotency-Key"}
    assert person.balance() == (200, 0)


@pytest.mark.parametrize("key", ["x", "x" * 255, "a b ~!\"#$%&'()*+,-./:;<=>?@[]^_`{|}"], ids=lambda key: key[:10])
def test_a_valid_key_is_accepted(person: Person, key: str) -> None:
    assert start(person, key).json() == start(person, key).json()
    assert person.balance() == (200 - live_credits(120), live_credits(120))


def test_the_same_key_many_times_at_once_starts_one_session(person: Person, books: Backend) -> None:
    answers = at_once(10, lambda _: start(person, "at once"))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert person.balance() == (200 - live_credits(120), live_credits(120))
    books.check_invariants(person.user_id)


def test_many_starts_at_once_never_hold_more_than_the_balance(person: Person, books: Backend) -> None:
    answers = at_once(20, lambda _: person.post(STREAM, json={"action": "start", "transport": "relay"}))

    held = 0
    for answer in answers:
        if answer.status_code == 201:
            held += answer.json()["credits_held"]
        else:
            details = check_error(answer, 402, "insufficient_credits")
            assert details["available"] < details["required"]
    assert 0 < held <= 200
    assert person.balance() == (200 - held, held)
    assert sum(hold.credits for hold in books.open_holds(person.user_id)) == held
    books.check_invariants(person.user_id)
    for session_id in (answer.json()["session_id"] for answer in answers if answer.status_code == 201):
        person.stop(session_id)
    assert person.balance() == (200, 0)


def test_a_start_without_enough_credits_says_what_is_required(person: Person) -> None:
    person.start(lease_seconds=10_800)  # as long as the credits reach
    available, _ = person.balance()

    answer = person.stream(action="start", transport="relay")

    assert check_error(answer, 402, "insufficient_credits") == {"required": live_credits(60), "available": available}


def test_an_unknown_transport_is_rejected_with_its_field(person: Person) -> None:
    details = check_error(person.stream(action="start", transport="pigeon"), 400, "invalid_request")

    assert details == {"field": "transport"}
    assert person.balance() == (200, 0)
