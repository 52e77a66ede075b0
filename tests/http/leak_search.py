"""Searches files and responses for what must not leak: keys, passwords, tokens, signatures, addresses and text."""

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
from tests.http.http_client import EMAIL_DOMAIN, PASSWORD, RecordedResponse

# Files that must contain secrets; tests/shipping checks what is built.
# The emulator's own state and log (aws.log names the addresses it "mails") are not the backend's.
IGNORED_FILES = {"settings.json", "dev.json", "secrets.json", "ports.json", "aws.log"}
EMULATOR_FOLDERS = {"ministack", "tmp", "build"}
TOKEN = "eyJ"
PRIVATE_TEXT = "words that only the microphone heard"  # The tests title, save and ask with these.
SIGNED = "X-Amz-Signature"  # in a link that opens a recording
CHECKOUT = "/stripe/pay/"  # in a link that opens a checkout
STRIPE_SIGNED = ",v1="
TOKENS_BELONG = re.compile(r"/auth/(register|login|refresh)")
ADDRESSES_BELONG = re.compile(r"/auth/(register|login|user)|/admin/(users(/[^/]+)?|audit)")
EXPORTS_BELONG = re.compile(r"/auth/user/export/[^/]+")  # its response has the link to the caller's own file
CHECKOUTS_BELONG = re.compile(r"/credits/purchase(s(/[^/]+)?)?")  # that of the caller
WORDS_BELONG = re.compile(r"/transcription/(history.*|stream/[^/]+/audio|catchup.*|ask|search)|/shared/[^/]+")
SHARES = re.compile(
    r"/transcription/history/[^/]+/share"
)  # its response has the address of the caller's own transcript
NOWHERE = re.compile(r"(?!)")
STREAM, UPLOADS = "/transcription/stream", "/transcription/uploads"
NUMBERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{12,}|[0-9]+(?:\.[0-9]+)?")
MIN_LENGTH, MIN_DISTINCT = 8, 4  # letters and distinct letters of a text that is searched for
INTERNAL_NAMES = ("Traceback", "botocore", "chalicelib", "ValidationException", "DynamoDB")


def own_files(directory: Path) -> Iterator[Path]:
    """The files that the backend wrote: logs and everything else."""
    tops = directory.iterdir() if directory.exists() else ()
    own_entries = [top for top in tops if top.name not in EMULATOR_FOLDERS]
    for path in itertools.chain(own_entries, *(top.rglob("*") for top in own_entries)):
        if path.is_file() and path.name not in IGNORED_FILES:
            yield path


def is_distinctive(word: str) -> bool:
    """Whether the text is long and varied enough to be no coincidence."""
    return len(word) >= MIN_LENGTH and len(set(word)) >= MIN_DISTINCT


def mask_numbers(text: str) -> str:
    """The text without its numbers and ids, so that thousands of log lines become few."""
    return NUMBERS.sub("0", text)


@dataclass(frozen=True)
class Secrets:
    """`keys`: by name, secrets that must not be readable anywhere."""

    keys: dict[str, str]

    @classmethod
    def of(cls, stack: LocalStack) -> "Secrets":
        keys = {name.upper(): stack.settings[name.upper()] for name in SECRETS}
        keys |= {"a password": PASSWORD, "the admin's password": stack.dev["admin_password"]}
        assert all(len(key) > 15 for key in keys.values())
        return cls(keys)

    def find_leaks(
        self, directory: Path, responses: Iterable[RecordedResponse], sent_texts: Iterable[str] = ()
    ) -> list[str]:
        """The leaks found, and where; normally none. `sent_texts`: text of the tests that must be in no file."""
        responses = list(responses)
        tokens = stream_tokens(responses) | signatures(responses) | shared_tokens(responses)
        secrets = {webhook_secret(self.keys["IDENTITY_HMAC_KEY"], job_id) for job_id in job_ids(responses)}
        in_files = self.find_in_files(directory, recognised_texts(responses) | set(sent_texts), tokens | secrets)
        return [*in_files, *self.find_in_responses(responses, tokens, secrets)]

    def find_in_files(self, directory: Path, words: set[str], tokens: set[str]) -> Iterator[str]:
        """Leaks into logs and other files of the backend."""
        never = self.keys | {
            "a token": TOKEN,
            "an address": EMAIL_DOMAIN,
            "spoken words": PRIVATE_TEXT,
            "a signature": SIGNED,
            "a checkout": CHECKOUT,
            "Stripe's signature": STRIPE_SIGNED,
            "what had to be redacted": MARK,
        }
        written = {(word, mask_numbers(spelling)) for word in words for spelling in (word, json.dumps(word)[1:-1])}
        masked_texts = sorted((word, shape) for word, shape in written if is_distinctive(shape))
        never |= {f"single-use secret {number}": token for number, token in enumerate(sorted(tokens))}
        for path in own_files(directory):
            inside, text = path.relative_to(directory), path.read_text(encoding="utf-8", errors="replace")
            yield from (f"{name} in {inside}" for name, secret in never.items() if secret in text)
            lines = "\n".join(set(mask_numbers(text).splitlines()))
            yield from (f"said: {word} in {inside}" for word, shape in masked_texts if shape in lines)

    def find_in_responses(
        self, responses: Iterable[RecordedResponse], tokens: set[str], secrets: set[str]
    ) -> Iterator[str]:
        """Leaks to callers: secrets in any response, and private values in responses of other routes."""
        never = self.keys | {f"a webhook's secret {n}": secret for n, secret in enumerate(secrets)}
        for response in responses:
            text, path = response.text + response.headers, response.path.split("?")[0]
            opened = {token for token in tokens if token in text}
            belongs = path in (STREAM, UPLOADS) or SHARES.fullmatch(path)
            found = [] if belongs else ["a single-use secret" for _ in opened]
            for token in opened:  # It is random and might look like another secret.
                text = text.replace(token, "")
            found += [name for name, secret in never.items() if secret in text]
            found += [f"insides ({word})" for word in INTERNAL_NAMES if word in text]
            allowed = {TOKEN: TOKENS_BELONG, EMAIL_DOMAIN: ADDRESSES_BELONG, PRIVATE_TEXT: WORDS_BELONG}
            allowed |= {CHECKOUT: CHECKOUTS_BELONG, SIGNED: EXPORTS_BELONG, STRIPE_SIGNED: NOWHERE}
            found += [word for word, belong in allowed.items() if word in text and not belong.fullmatch(path)]
            if response.status >= 400:
                found += [word for word in allowed if word in text]
            yield from (f"{name} in the {response.status} of {response.method} {path}" for name in found)


def recognised_texts(responses: Iterable[RecordedResponse]) -> set[str]:
    """The recognised, returned, summarised or quoted texts that are long enough to be no coincidence."""
    texts: set[str] = set()
    for response in responses:
        if response.status not in (200, 202) or not WORDS_BELONG.fullmatch(path := response.path.split("?")[0]):
            continue
        if path.endswith("/export") or not response.text.startswith("{"):
            continue
        body = json.loads(response.text)
        texts |= {body[name] for name in ("text", "summary", "answer") if name in body}
        texts |= {part["text"] for name in ("segments", "quotes") for part in body.get(name, [])}
    return {text for text in texts if len(text) > 20}


def stream_tokens(responses: Iterable[RecordedResponse]) -> set[str]:
    """The tokens that open sockets at the providers."""
    leases = [response for response in responses if response.path == STREAM and response.method == "POST"]
    bodies = [json.loads(response.text) for response in leases if response.status in (200, 201)]
    return {lease["token"] for lease in bodies if "token" in lease}


def shared_tokens(responses: Iterable[RecordedResponse]) -> set[str]:
    """The last parts of the addresses of shared transcripts."""
    shared = [response for response in responses if SHARES.fullmatch(response.path) and response.status == 201]
    return {json.loads(response.text)["url"].rpartition("/")[2] for response in shared}


def signatures(responses: Iterable[RecordedResponse]) -> set[str]:
    """The signatures and signed policies of upload forms."""
    forms = [
        json.loads(response.text)["fields"]
        for response in responses
        if (response.path, response.status) == (UPLOADS, 201)
    ]
    return {form[name] for form in forms for name in ("x-amz-signature", "policy")}


def job_ids(responses: Iterable[RecordedResponse]) -> set[str]:
    """The ids of the started catch-ups."""
    started = [
        response for response in responses if response.path == "/transcription/catchup" and response.status == 202
    ]
    return {json.loads(response.text)["job_id"] for response in started}
