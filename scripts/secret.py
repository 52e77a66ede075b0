"""Manages the secrets of a deployed stage, kept as ciphertext in `.chalice/config.json`. Values are never shown, and
never read from the command line.

.venv/bin/python -m scripts.secret encrypt --stage prod ASSEMBLYAI_API_KEY     (prompts for it, or reads a pipe)
.venv/bin/python -m scripts.secret encrypt --stage prod STRIPE_WEBHOOK_SECRET --beside  (a second value, to rotate)
.venv/bin/python -m scripts.secret rotate  --stage prod                        (new ciphertexts of the same secrets)
.venv/bin/python -m scripts.secret check   --stage prod                        (present, readable, of the right kind?)
"""

import argparse
import getpass
import sys
from pathlib import Path

from scripts.shipping import location, project
from scripts.shipping.cloudformation import Stack
from scripts.shipping.project import APP_NAME, Aws, ShippingError
from scripts.shipping.sealing import SECRET_FIELDS, SECRET_NAMES, Sealer, declared_secret


def main(words: list[str] | None = None, aws: Aws | None = None, config_file: Path = project.CONFIG) -> int:
    arguments = _parse_arguments(words)
    return project.run(lambda: _run(arguments, aws, config_file), "Nothing was changed.")


def _run(arguments: argparse.Namespace, aws: Aws | None, config_file: Path) -> int:
    aws = location.connect(arguments.stage, aws, config_file)
    config = project.read(config_file)
    settings = project.environment(config, arguments.stage)
    sealer = Sealer(aws.client("kms"), arguments.stage)
    if arguments.command == "check":
        return _check(sealer, settings)
    if arguments.command == "encrypt":
        is_deployed = bool(Stack(aws.client("cloudformation"), f"{APP_NAME}-{arguments.stage}-resources").state())
        settings[arguments.name] = _encrypt(sealer, settings, arguments, is_deployed)
        changed = [arguments.name]
    else:
        changed = [name for name in SECRET_NAMES if settings.get(name)]
        settings.update({name: sealer.reencrypt(name, settings[name]) for name in changed})
    if not changed:
        print(f"{config_file.name}: {arguments.stage} has no secret yet. `encrypt` adds one.")
        return 0
    project.write(config, config_file)
    print(f"{config_file.name}: {', '.join(changed)} changed.")
    print(f"`make deploy STAGE={arguments.stage}` deploys it to the functions.")
    return 0


def _encrypt(sealer: Sealer, settings: dict[str, str], arguments: argparse.Namespace, is_deployed: bool) -> str:
    name, before = arguments.name, settings.get(arguments.name, "")
    if name == "IDENTITY_HMAC_KEY" and (before or is_deployed) and not arguments.replace:
        raise ShippingError(
            "IDENTITY_HMAC_KEY exists. A new one would grant every user the free credits again. If it is not in "
            ".chalice/config.json, `make deploy` takes it from the running function. "
            "To replace it all the same, add --replace."
        )
    if arguments.beside and not declared_secret(name).is_list:
        raise ShippingError(f"{name} cannot have two values at a time.")
    plain = (sys.stdin.readline() if not sys.stdin.isatty() else getpass.getpass(f"{name}: ")).strip()
    if arguments.beside and before:
        plain = f"{plain},{sealer.decrypt(name, before).split(',')[0]}"
    return sealer.encrypt(name, plain)


def _check(sealer: Sealer, settings: dict[str, str]) -> int:
    problems = sealer.find_problems(settings)
    for name in SECRET_NAMES:
        if settings.get(name) and not any(problem.startswith(name) for problem in problems):
            print(f"  ✓ {name}")
        elif not SECRET_FIELDS[name].is_required and not settings.get(name):
            print(f"  – {name} is not set: the features that need it are switched off")
    for problem in problems:
        print(f"  ✗ {problem}", file=sys.stderr)
    return 1 if problems else 0


def _parse_arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts.secret", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command in ("encrypt", "rotate", "check"):
        parsed = commands.add_parser(command)
        parsed.add_argument("--stage", required=True)
        if command == "encrypt":
            parsed.add_argument("name", choices=SECRET_NAMES)
            parsed.add_argument("--beside", action="store_true", help="keep the present value valid too")
            parsed.add_argument("--replace", action="store_true", help="replace IDENTITY_HMAC_KEY")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
