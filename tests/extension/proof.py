"""What must be true of a session at its end: its samples, its words, its gaps and its money."""

import json
import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import requests

from tests.default_prices import live_credits
from tests.extension.fault_proxy import Exchange
from tests.extension.listener import Listener, View, words_of
from tests.fakes import Backend

WORDS_A_SECOND = 2
LEASE_SECONDS = 60
CAPTIONS_IN_VIEW = 50
BILLED_ACTIONS = ("start", "renew", "stop")


def sockets(sandbox_url: str) -> list[dict[str, Any]]:
    """What each socket of the stand-ins received, oldest first."""
    return list(requests.get(f"{sandbox_url}/sandbox/ruler", timeout=60).json()["sockets"])


def reset_sockets(sandbox_url: str) -> None:
    requests.delete(f"{sandbox_url}/sandbox/ruler", timeout=60).raise_for_status()


@dataclass(frozen=True)
class Proof:
    """A session that has ended, with all that was fed."""

    listener: Listener
    ended: View
    sockets: list[dict[str, Any]]
    credits: int = 200
    """Those of the account before the session."""
    counts: Counter[str] = field(default_factory=Counter)
    """What was proven, for the end of the run."""

    @property
    def fed_samples(self) -> int:
        return self.listener.fed_samples

    @property
    def expected_words(self) -> list[str]:
        """One each half second, at its middle."""
        half_second = self.listener.sample_rate // WORDS_A_SECOND
        return [f"w{number}" for number in range(math.ceil((self.fed_samples - half_second // 2) / half_second))]

    @property
    def transcript(self) -> dict[str, Any]:
        answer = self.listener.account.get(f"/transcription/history/{self.ended['transcriptId']}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    @property
    def ranges(self) -> list[list[int]]:
        return [found for socket in self.sockets for found in socket["ranges"]]

    def check_every_sample_once(self) -> None:
        """Each sample that was fed went to one socket, in order."""
        position = 0
        for first, end in self.ranges:
            assert first == position, f"{self.ranges}: {first} follows {position}"
            position = end
        assert position == self.fed_samples
        assert sum(socket["unreadable_samples"] for socket in self.sockets) == 0
        self._count("hand-overs between sockets", len(self.sockets) - 1)
        self._count("samples that reached exactly one socket", self.fed_samples)

    def check_every_sample_received(self) -> None:
        """Each sample that was fed reached a socket; some reached two, because the first one broke off."""
        position = 0
        for first, end in sorted(self.ranges):
            assert first <= position, f"{self.ranges}: nothing has {position} to {first}"
            position = max(position, end)
        assert position == self.fed_samples

    def check_every_word_once(self) -> None:
        """Each word that was spoken is in the transcript, in order, and the last ones in the view."""
        words = words_of(self.transcript["segments"])
        assert words == self.expected_words, _difference(words, self.expected_words)
        self._count("words that are in the transcript once and in order", len(words))
        assert words_of(self.ended["captions"]) == words_of(self._segments[-CAPTIONS_IN_VIEW:])
        assert self.ended["gaps"] == []

    def check_words_and_gaps(self, lost: Collection[str] = ()) -> None:
        """No word is twice or out of order. Each missing one lies in a gap that is shown, or is known to be `lost`."""
        words = [(int(word[1:]), segment) for segment in self._segments for word in segment["text"].split()]
        numbers = [number for number, _ in words]
        assert numbers == sorted(set(numbers)), f"doubled or out of order: {numbers}"
        edges = [(-1, {"start_ms": 0, "end_ms": 0}), *words, (len(self.expected_words), {"end_ms": math.inf})]
        for (before, first), (after, second) in pairwise(edges):
            missing = {f"w{number}" for number in range(before + 1, after)} - set(lost)
            if not missing:
                continue
            # A segment has several words: the missing ones are between the beginning of one and the end of the other.
            shown = [
                gap
                for gap in self.ended["gaps"]
                if gap["startMs"] <= second["end_ms"] and gap["endMs"] >= first["start_ms"]
            ]
            assert shown, f"{sorted(missing)} are missing, and no gap shows it: {self.ended['gaps']}"

    def check_repeats(self) -> None:
        """What failed was sent again as it was: its key was answered in the end, and never had another body."""
        exchanges = [exchange for exchange in self.listener.proxy.exchanges if exchange.action in BILLED_ACTIONS]
        answered = {exchange.key for exchange in exchanges if 200 <= exchange.status < 300}
        forgotten = [exchange for exchange in exchanges if exchange.fault and exchange.key not in answered]
        assert forgotten == [], f"not repeated with their keys: {forgotten}"
        bodies = {(exchange.key, json.dumps(exchange.body, sort_keys=True)) for exchange in exchanges}
        assert len(bodies) == len({exchange.key for exchange in exchanges}), self.listener.proxy.log()

    @property
    def _segments(self) -> list[dict[str, Any]]:
        return sorted(self.transcript["segments"], key=lambda segment: int(segment["seq"]))

    def check_money(self, books: Backend) -> None:
        """The bill is the time from the first lease to the stop by the server's clock; ledger and statement agree."""
        proxy = self.listener.proxy
        shortest, longest = billed_seconds(proxy.leases(), proxy.first_handled("stop"))
        billed = self.ended["ended"]["billedSeconds"]
        assert shortest <= billed <= longest, f"{billed} s of {shortest} to {longest} s: {proxy.log()}"
        self.check_ledger(books, billed)

    def check_ledger(self, books: Backend, billed_seconds: int) -> None:
        """Ledger, statement and balance agree on what so many seconds cost, and nothing is held."""
        used = live_credits(billed_seconds)
        assert self.ended["ended"]["creditsUsed"] == used
        assert self.check_balance(books) == used
        self._count("seconds billed as the server's clock and the ledger say", billed_seconds)
        self._count("credits used, as statement and balance say", used)

    def check_balance(self, books: Backend) -> int:
        """Ledger, statement and balance agree, and nothing is held; returns the credits that were used."""
        person = self.listener.account
        used = sum(-movement["credits"] for movement in person.usage())
        assert person.balance() == (self.credits - used, 0)
        books.check_invariants(person.user_id)
        return used

    def _count(self, name: str, number: int) -> None:
        self.counts[f"extension: {name}"] += number


def billed_seconds(leases: list[Exchange], stop: Exchange) -> tuple[int, int]:
    """The fewest and the most seconds that leases can be billed: each began between its request and its answer.

    A lease ends when the next one begins, or lapses after its full length.
    """
    shortest = longest = 0
    first = leases[0]
    for lease, following in pairwise([*leases, stop]):
        has_lapsed = following.began_at - lease.ended_at >= LEASE_SECONDS
        if not has_lapsed and following is not stop:
            continue
        end = lease if has_lapsed else following
        if end is not first:
            shortest += math.floor(end.began_at) - math.floor(first.ended_at)
            longest += math.floor(end.ended_at) - math.floor(first.began_at)
        if has_lapsed:
            shortest, longest = shortest + LEASE_SECONDS, longest + LEASE_SECONDS
        first = following
    return shortest, longest


def _difference(words: list[str], expected: list[str]) -> str:
    missing = [word for word in expected if word not in words]
    doubled = sorted({word for word in words if words.count(word) > 1})
    return f"{len(words)} of {len(expected)} words; missing {missing[:20]}, doubled {doubled[:20]}, order {words[:40]}"
