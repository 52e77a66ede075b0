"""One target under libFuzzer, in a process of its own, because libFuzzer ends it: `python -m tests.fuzz wav`.

What was found is kept in `.local/fuzz/<target>` and gone on from, unless another directory is named. Options are
libFuzzer's; where none is given, the bounds below hold. Source: llvm.org/docs/LibFuzzer.html.
"""

import hashlib
import importlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import atheris

WATCHED = {
    "wav": {"chalicelib.streaming.audio"},
    "cursor": {"chalicelib.cursors"},
    "stripe_webhook": {
        *("chalicelib.http.endpoint", "chalicelib.http.request", "chalicelib.providers.stripe_events"),
        *(
            "chalicelib.payments.checkout",
            "chalicelib.payments.fulfilment",
            "chalicelib.models.purchase_facts",
            "chalicelib.providers.stripe_objects",
            "chalicelib.repositories.purchases",
            "chalicelib.payments.purchase_state",
        ),
    },
    "assemblyai_webhook": {
        "chalicelib.http.endpoint",
        "chalicelib.http.request",
        "chalicelib.catchup.service",
        "chalicelib.catchup.job_rules",
    },
    "id_token": {"chalicelib.http.request", "chalicelib.providers.id_tokens"},
}
"""Whose branches guide the fuzzer, beside the target's own and PyJWT's; to watch a module makes it slow to import. What
is written in C, such as msgspec, tells nothing."""
SLOWEST_SECONDS, MOST_MB = 5, 600


def main(name: str, *given: str) -> None:
    watched = WATCHED[name] | {f"tests.fuzz.{name}"}
    others = [module for module in modules("chalicelib", "tests") if module not in watched]
    with atheris.instrument_imports(include=["chalicelib", "tests", "jwt"], exclude=others):
        target = importlib.import_module(f"tests.fuzz.{name}")
    directories = [word for word in given if not word.startswith("-")] or [f".local/fuzz/{name}"]
    corpus = Path(directories[0])
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:20]).write_bytes(seed)
    words = corpus.with_name(f"{corpus.name}.words")
    words.write_text(dictionary(target.WORDS))
    bounds = [
        f"-dict={words}",
        f"-artifact_prefix={corpus.with_name(f'{corpus.name}-')}",
        f"-max_len={target.MOST_BYTES}",
        f"-timeout={SLOWEST_SECONDS}",
        f"-rss_limit_mb={MOST_MB}",
        "-keep_seed=1",  # a good signature is never made up again, so what has one is not thrown away
        "-print_final_stats=1",
    ]
    options = [word for word in given if word.startswith("-")]
    atheris.Setup([name, *bounds, *options, *directories], target.one)
    atheris.Fuzz()


def modules(*packages: str) -> Iterator[str]:
    for file in (found for package in packages for found in Path(package).rglob("*.py")):
        yield ".".join(file.with_suffix("").parts).removesuffix(".__init__")


def dictionary(words: Iterable[bytes]) -> str:
    """Words for libFuzzer to put into what it makes."""
    return "".join('"{}"\n'.format("".join(f"\\x{byte:02x}" for byte in word)) for word in words)


if __name__ == "__main__":
    main(*sys.argv[1:])
