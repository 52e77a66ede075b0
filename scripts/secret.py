"""The secrets of a deployed stage, as ciphertext in `.chalice/config.json`. No value is ever shown or taken from argv.

.venv/bin/python -m scripts.secret encrypt --stage prod ASSEMBLYAI_API_KEY     (asks for it, or reads it from a pipe)
.venv/bin/python -m scripts.secret encrypt --stage prod STRIPE_WEBHOOK_SECRET --beside  (a second one, to rotate)
.venv/bin/python -m scripts.secret rotate  --stage prod                        (new ciphertexts of the same secrets)
.venv/bin/python -m scripts.secret check   --stage prod                        (present, readable, of the right kind?)
"""

import argparse
import getpass
import sys
from pathlib import Path
from typing import Any

from scripts.shipping import project
from scripts.shipping.project import EXPECTED_ERRORS, RealAws, ShippingError
from scripts.shipping.sealing import OPTIONAL, SECRET_NAMES, Sealer


def main(arguments: list[str] | None = None, kms: Any = None, config_file: Path = project.CONFIG) -> int:
    asked = _asked(arguments)
    try:
        config = project.read(config_file)
        settings = project.environment(config, asked.stage)
        sealer = Sealer(kms or RealAws().client("kms"), asked.stage)
        if asked.command == "check":
            return _check(sealer, settings)
        if asked.command == "encrypt":
            settings[asked.name] = _encrypted(sealer, settings, asked)
            changed = [asked.name]
        else:
            changed = [name for name in SECRET_NAMES if settings.get(name)]
            settings.update({name: sealer.resealed(name, settings[name]) for name in changed})
        if changed:
            project.write(config, config_file)
    except EXPECTED_ERRORS as error:
        print(error, file=sys.stderr)
        return 1
    if not changed:
        print(f"{config_file.name}: there is no secret of {asked.stage} yet; `encrypt` makes one.")
        return 0
    print(f"{config_file.name}: {', '.join(changed)} changed.")
    print(f"`make deploy STAGE={asked.stage}` brings it to the functions.")
    return 0


def _encrypted(sealer: Sealer, settings: dict[str, str], asked: argparse.Namespace) -> str:
    name, before = asked.name, settings.get(asked.name, "")
    if name == "IDENTITY_HMAC_KEY" and before and not asked.replace:
        raise ShippingError("IDENTITY_HMAC_KEY is set. Another one gives everybody the free credits again: --replace.")
    if asked.beside and name != "STRIPE_WEBHOOK_SECRET":
        raise ShippingError("Only STRIPE_WEBHOOK_SECRET may be two at a time.")
    plain = (sys.stdin.readline() if not sys.stdin.isatty() else getpass.getpass(f"{name}: ")).strip()
    if asked.beside and before:
        plain = f"{plain},{sealer.opened(name, before).split(',')[0]}"
    return sealer.sealed(name, plain)


def _check(sealer: Sealer, settings: dict[str, str]) -> int:
    problems = sealer.problems(settings)
    for name in SECRET_NAMES:
        if settings.get(name) and not any(problem.startswith(name) for problem in problems):
            print(f"  ✓ {name}")
        elif name in OPTIONAL and not settings.get(name):
            print(f"  – {name} is not set: what needs it is switched off")
    for problem in problems:
        print(f"  ✗ {problem}", file=sys.stderr)
    return 1 if problems else 0


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts.secret", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command in ("encrypt", "rotate", "check"):
        one = commands.add_parser(command)
        one.add_argument("--stage", required=True)
        if command == "encrypt":
            one.add_argument("name", choices=SECRET_NAMES)
            one.add_argument("--beside", action="store_true", help="keep the present one valid too")
            one.add_argument("--replace", action="store_true", help="replace IDENTITY_HMAC_KEY")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
