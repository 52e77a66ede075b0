"""Looking for what must not get about: keys, passwords, tokens, addresses and spoken words."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.local.stack import LocalStack
from tests.http.calling import EMAIL_DOMAIN, PASSWORD, Heard

# Ours to keep them in. The emulator's own state and log (aws.log names the addresses it "mails") are not the backend's.
NOT_OURS = {"settings.json", "dev.json", "secrets.json", "ports.json", "aws.log"}
EMULATOR_FOLDERS = {"ministack", "tmp"}
TOKEN = "eyJ"
SPOKEN = "words that only the microphone heard"  # The tests title and save with these.
TOKENS_BELONG = re.compile(r"/auth/(register|login|refresh)")
ADDRESSES_BELONG = re.compile(r"/auth/(register|login|user)")
WORDS_BELONG = re.compile(r"/transcription/(history.*|stream/[^/]+/audio)")
INSIDES = ("Traceback", "botocore", "chalicelib", "ValidationException", "DynamoDB")


@dataclass(frozen=True)
class Secrets:
    """`keys`: by name, what nobody may ever read anywhere."""

    keys: dict[str, str]

    @classmethod
    def of(cls, stack: LocalStack) -> "Secrets":
        names = ("ASSEMBLYAI_API_KEY", "OPENAI_API_KEY", "COGNITO_CLIENT_SECRET", "IDENTITY_HMAC_KEY")
        keys = {name: stack.settings[name] for name in names}
        keys |= {"a password": PASSWORD, "the admin's password": stack.dev["admin_password"]}
        assert all(len(key) > 15 for key in keys.values())
        return cls(keys)

    def leaked(self, directory: Path, answers: Iterable[Heard]) -> list[str]:
        """What was found, and where; nothing, one hopes."""
        answers = list(answers)
        return [*self.in_files(directory, heard_words(answers)), *self.in_answers(answers)]

    def in_files(self, directory: Path, words: set[str]) -> Iterator[str]:
        """Leaks into logs and whatever else the backend left on the disk."""
        never = self.keys | {"a token": TOKEN, "an address": EMAIL_DOMAIN, "spoken words": SPOKEN}
        never |= {f"heard: {word}": word for word in words}
        for path in directory.rglob("*"):
            inside = path.relative_to(directory)
            if path.is_file() and path.name not in NOT_OURS and inside.parts[0] not in EMULATOR_FOLDERS:
                text = path.read_text(encoding="utf-8", errors="replace")
                yield from (f"{name} in {inside}" for name, secret in never.items() if secret in text)

    def in_answers(self, answers: Iterable[Heard]) -> Iterator[str]:
        """Leaks to callers: secrets to anybody, and what belongs to a route from any other."""
        for heard in answers:
            said, path = heard.text + heard.headers, heard.path.split("?")[0]
            found = [name for name, secret in self.keys.items() if secret in said]
            found += [f"insides ({word})" for word in INSIDES if word in said]
            ours = {TOKEN: TOKENS_BELONG, EMAIL_DOMAIN: ADDRESSES_BELONG, SPOKEN: WORDS_BELONG}
            found += [word for word, belong in ours.items() if word in said and not belong.fullmatch(path)]
            if heard.status >= 400:
                found += [word for word in ours if word in said]
            yield from (f"{name} in the {heard.status} of {heard.method} {path}" for name in found)


def heard_words(answers: Iterable[Heard]) -> set[str]:
    """The texts that were recognised, where they are long enough to be told from chance."""
    texts = set()
    for heard in answers:
        if heard.method == "POST" and heard.status == 200 and heard.path.endswith("/audio"):
            texts.add(json.loads(heard.text)["text"])
    return {text for text in texts if len(text) > 20}
