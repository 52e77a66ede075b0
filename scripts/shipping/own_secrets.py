"""The secrets of a stage that no person enters, and those that only its running functions still have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chalicelib.providers.kms import PREFIX
from scripts.shipping import location, project
from scripts.shipping.project import Aws, ShippingError
from scripts.shipping.retained import call_unless_absent
from scripts.shipping.sealing import SECRET_NAMES, Sealer, create_identity_key
from scripts.shipping.shipment import Shipment

CLIENT_SECRET, IDENTITY_KEY = "COGNITO_CLIENT_SECRET", "IDENTITY_HMAC_KEY"


def complete(
    shipment: Shipment,
    sealer: Sealer,
    outputs: dict[str, str],
    config_file: Path,
    *,
    is_new: bool,
    replaces_identity_key: bool = False,
) -> None:
    """Write what is missing to the configuration, each time something changes. Raises ShippingError.

    `is_new`: no key was ever made for the stage. Otherwise IDENTITY_HMAC_KEY is never made: with another one everybody
    would receive the free credits again. `replaces_identity_key`: the person wants just that.
    """
    settings, running = shipment.settings, running_settings(shipment)

    def store(name: str, ciphertext: str, reason: str) -> None:
        settings[name] = ciphertext
        project.write(shipment.config, config_file)
        print(f"{name} {reason} {config_file.name}. Commit this file.")

    _take_running_secrets(settings, running, sealer, store)
    if not replaces_identity_key:
        _check_identity_key(shipment.stage, settings, running, sealer)
    if not settings.get(IDENTITY_KEY):
        if not is_new:
            raise ShippingError(
                f"IDENTITY_HMAC_KEY of {shipment.stage} is not in .chalice/{config_file.name}, and no function of the "
                "stage runs that has it. A new one would grant every user the free credits again, so none was made.\n"
                f"Find the ciphertext in another clone or with git log -p .chalice/{config_file.name}, and put it back."
                "\nIf nobody ever had an account on this stage, make a new one: "
                f".venv/bin/python -m scripts.secret encrypt --stage {shipment.stage} IDENTITY_HMAC_KEY --replace"
            )
        store(IDENTITY_KEY, sealer.encrypt(IDENTITY_KEY, create_identity_key()), "was made and encrypted in")
    _seal_client_secret(shipment, sealer, outputs, config_file, store)
    location.remember(shipment.aws, shipment.stage, config_file, client_id=outputs["UserPoolClientId"], is_new=False)


def _take_running_secrets(
    settings: dict[str, str], running: dict[str, str], sealer: Sealer, store: Callable[[str, str, str], None]
) -> None:
    """Ciphertexts that were deployed but never committed. A secret with an empty text was removed on purpose."""
    for name in SECRET_NAMES:
        stored = running.get(name, "")
        if name not in settings and stored.startswith(PREFIX) and sealer.has_key_of(name, stored):
            store(name, stored, "was taken from the running function, because it was not in")
            if name not in (CLIENT_SECRET, IDENTITY_KEY):
                print(f'  To remove it instead, set "{name}": "" there.')


def _check_identity_key(stage: str, settings: dict[str, str], running: dict[str, str], sealer: Sealer) -> None:
    """Raises ShippingError if the functions run with another key: two clones may each have one."""
    own, deployed = settings.get(IDENTITY_KEY, ""), running.get(IDENTITY_KEY, "")
    if not own or not deployed or own == deployed:
        return
    if not all(sealer.has_key_of(IDENTITY_KEY, stored) for stored in (own, deployed)):
        return
    if sealer.decrypt(IDENTITY_KEY, own) != sealer.decrypt(IDENTITY_KEY, deployed):
        raise ShippingError(
            f"IDENTITY_HMAC_KEY of {stage} in .chalice/config.json is not the one that its functions run with. With "
            "another one, every user would receive the free credits again. Nothing was changed.\n"
            "Remove its line: the next deployment takes the running one.\nTo replace the running one all the same: "
            f".venv/bin/python -m scripts.deploy --stage {stage} --replace-identity-key"
        )


def _seal_client_secret(
    shipment: Shipment, sealer: Sealer, outputs: dict[str, str], config_file: Path, store: Callable[..., None]
) -> None:
    """Seal the secret of the pool's client, again if the client was recreated. One that a person added is kept."""
    remembered = location.find(shipment.stage, config_file)
    stored, client_id = shipment.settings.get(CLIENT_SECRET, ""), outputs["UserPoolClientId"]
    if stored and remembered and remembered.client_id == client_id:
        return
    secret = _client_secret(shipment.aws, outputs["UserPoolId"], client_id)
    if not stored:
        store(CLIENT_SECRET, sealer.encrypt(CLIENT_SECRET, secret), "was encrypted in")
    elif _plain(sealer, stored) != secret:
        reason = f"is of another client than the user pool's {client_id}, which is new. It was encrypted again in"
        store(CLIENT_SECRET, sealer.encrypt(CLIENT_SECRET, secret), reason)


def _plain(sealer: Sealer, stored: str) -> str:
    try:
        return sealer.decrypt(CLIENT_SECRET, stored)
    except ShippingError:  # It is of no use, whatever it is.
        return ""


def running_settings(shipment: Shipment) -> dict[str, str]:
    """The environment of the API's function; empty if it does not exist."""
    stack = shipment.application_stack
    functions = stack.resources_of_type("AWS::Lambda::Function") if stack.state() else {}
    if "APIHandler" not in functions:
        return {}
    call = shipment.aws.client("lambda").get_function_configuration
    found: Any = call_unless_absent(lambda: call(FunctionName=functions["APIHandler"]))
    return dict(found["Environment"]["Variables"]) if found else {}


def _client_secret(aws: Aws, pool_id: str, client_id: str) -> str:
    response = aws.client("cognito-idp").describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)
    return str(response["UserPoolClient"]["ClientSecret"])
