"""Looking for what must not get about: keys, passwords, tokens, signatures, addresses, spoken and written words."""

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chalicelib.catchup.job_rules import webhook_secret
from chalicelib.logs.redaction import MARK
from chalicelib.settings.schema import SECRETS
from scripts.local.stack import LocalStack
from tests.http.http_client import EMAIL_DOMAIN, PASSWORD, Heard

# Ours to keep them in; tests/shipping looks into what is built.
# The emulator's own state and log (aws.log names the addresses it "mails") are not the backend's.
NOT_OURS = {"settings.json", "dev.json", "secrets.json", "ports.json", "aws.log"}
EMULATOR_FOLDERS = {"ministack", "tmp", "build"}
TOKEN = "eyJ"
SPOKEN = "words that only the microphone heard"  # The tests title, save and ask with these.
SIGNED = "X-Amz-Signature"  # of an address that opens a recording
CHECKOUT = "/stripe/pay/"  # of an address where somebody's checkout can be seen and paid
STRIPE_SIGNED = ",v1="
TOKENS_BELONG = re.compile(r"/auth/(register|login|refresh)")
ADDRESSES_BELONG = re.compile(r"/auth/(register|login|user)|/admin/(users|audit)")
EXPORTS_BELONG = re.compile(r"/auth/user/export/[^/]+")  # whose answer opens the caller's own file
CHECKOUTS_BELONG = re.compile(r"/credits/purchase")
WORDS_BELONG = re.compile(r"/transcription/(history.*|stream/[^/]+/audio|catchup.*|ask)")
NOWHERE = re.compile(r"(?!)")
STREAM, UPLOADS = "/transcription/stream", "/transcription/uploads"
NUMBERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{12,}|[0-9]+(?:\.[0-9]+)?")
SHORTEST, FEWEST = 8, 4  # letters, and kinds of letters, of a word that is searched for
INSIDES = ("Traceback", "botocore", "chalicelib", "ValidationException", "DynamoDB")


def own_files(directory: Path) -> Iterator[Path]:
    """What the backend wrote onto the disk: logs, and whatever else."""
    tops = directory.iterdir() if directory.exists() else ()
    ours = [top for top in tops if top.name not in EMULATOR_FOLDERS]
    for path in itertools.chain(ours, *(top.rglob("*") for top in ours)):
        if path.is_file() and path.name not in NOT_OURS:
            yield path


def is_telling(word: str) -> bool:
    """Whether it can be told from chance."""
    return len(word) >= SHORTEST and len(set(word)) >= FEWEST


def shaped(text: str) -> str:
    """The text with its numbers and ids alike, so that of thousands of log lines few are left to be searched."""
    return NUMBERS.sub("0", text)


@dataclass(frozen=True)
class Secrets:
    """`keys`: by name, what nobody may ever read anywhere."""

    keys: dict[str, str]

    @classmethod
    def of(cls, stack: LocalStack) -> "Secrets":
        keys = {name.upper(): stack.settings[name.upper()] for name in SECRETS}
        keys |= {"a password": PASSWORD, "the admin's password": stack.dev["admin_password"]}
        assert all(len(key) > 15 for key in keys.values())
        return cls(keys)

    def leaked(self, directory: Path, answers: Iterable[Heard], said: Iterable[str] = ()) -> list[str]:
        """What was found, and where; nothing, one hopes. `said`: what tests sent that belongs into no file."""
        answers = list(answers)
        tokens = stream_tokens(answers) | signatures(answers)
        secrets = {webhook_secret(self.keys["IDENTITY_HMAC_KEY"], job_id) for job_id in job_ids(answers)}
        inside = self.in_files(directory, heard_words(answers) | set(said), tokens | secrets)
        return [*inside, *self.in_answers(answers, tokens, secrets)]

    def in_files(self, directory: Path, words: set[str], tokens: set[str]) -> Iterator[str]:
        """Leaks into logs and whatever else the backend left on the disk."""
        never = self.keys | {
            "a token": TOKEN,
            "an address": EMAIL_DOMAIN,
            "spoken words": SPOKEN,
            "a signature": SIGNED,
            "a checkout": CHECKOUT,
            "Stripe's signature": STRIPE_SIGNED,
            "what had to be redacted": MARK,
        }
        written = {(word, shaped(one)) for word in words for one in (word, json.dumps(word)[1:-1])}
        wanted = sorted((word, shape) for word, shape in written if is_telling(shape))
        never |= {f"single-use secret {number}": token for number, token in enumerate(sorted(tokens))}
        for path in own_files(directory):
            inside, text = path.relative_to(directory), path.read_text(encoding="utf-8", errors="replace")
            yield from (f"{name} in {inside}" for name, secret in never.items() if secret in text)
            lines = "\n".join(set(shaped(text).splitlines()))
            yield from (f"said: {word} in {inside}" for word, shape in wanted if shape in lines)

    def in_answers(self, answers: Iterable[Heard], tokens: set[str], secrets: set[str]) -> Iterator[str]:
        """Leaks to callers: secrets to anybody, and what belongs to a route from any other."""
        never = self.keys | {f"a webhook's secret {n}": one for n, one in enumerate(secrets)}
        for heard in answers:
            said, path = heard.text + heard.headers, heard.path.split("?")[0]
            opened = {token for token in tokens if token in said}
            found = [] if path in (STREAM, UPLOADS) else ["a single-use secret" for _ in opened]
            for token in opened:  # It is random, and might by chance look like something else that is searched for.
                said = said.replace(token, "")
            found += [name for name, secret in never.items() if secret in said]
            found += [f"insides ({word})" for word in INSIDES if word in said]
            ours = {TOKEN: TOKENS_BELONG, EMAIL_DOMAIN: ADDRESSES_BELONG, SPOKEN: WORDS_BELONG}
            ours |= {CHECKOUT: CHECKOUTS_BELONG, SIGNED: EXPORTS_BELONG, STRIPE_SIGNED: NOWHERE}
            found += [word for word, belong in ours.items() if word in said and not belong.fullmatch(path)]
            if heard.status >= 400:
                found += [word for word in ours if word in said]
            yield from (f"{name} in the {heard.status} of {heard.method} {path}" for name in found)


def heard_words(answers: Iterable[Heard]) -> set[str]:
    """The texts that were recognised, read, summarised or quoted, where they are long enough to be told from chance."""
    texts: set[str] = set()
    for heard in answers:
        if heard.status not in (200, 202) or not WORDS_BELONG.fullmatch(path := heard.path.split("?")[0]):
            continue
        if path.endswith("/export") or not heard.text.startswith("{"):
            continue
        said = json.loads(heard.text)
        texts |= {said[name] for name in ("text", "summary", "answer") if name in said}
        texts |= {part["text"] for name in ("segments", "quotes") for part in said.get(name, [])}
    return {text for text in texts if len(text) > 20}


def stream_tokens(answers: Iterable[Heard]) -> set[str]:
    """The tokens that opened sockets at the providers."""
    leases = [heard for heard in answers if heard.path == STREAM and heard.method == "POST"]
    said = [json.loads(heard.text) for heard in leases if heard.status in (200, 201)]
    return {lease["token"] for lease in said if "token" in lease}


def signatures(answers: Iterable[Heard]) -> set[str]:
    """What makes a form that sends a recording good: its signature, and the policy that is signed."""
    forms = [json.loads(heard.text)["fields"] for heard in answers if (heard.path, heard.status) == (UPLOADS, 201)]
    return {form[name] for form in forms for name in ("x-amz-signature", "policy")}


def job_ids(answers: Iterable[Heard]) -> set[str]:
    """The catch-ups that anybody began."""
    taken = [heard for heard in answers if heard.path == "/transcription/catchup" and heard.status == 202]
    return {json.loads(heard.text)["job_id"] for heard in taken}
