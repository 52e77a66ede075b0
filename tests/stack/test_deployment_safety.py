"""`make destroy` deletes nothing by mistake; none of these tests needs an AWS."""

import subprocess
from typing import Any

import pytest

from scripts import destroy as destroying, rollback as rolling_back
from scripts.shipping import location
from scripts.shipping.project import REPOSITORY, ShippingError


class UnusedAws:
    """An AWS that must not be called."""

    def __init__(self, region: str = "us-east-1") -> None:
        self.region, self.profile = region, ""

    def account(self) -> str:
        return "000000000000"

    def client(self, service: str) -> Any:
        raise AssertionError(f"{service} was called")


def test_the_data_of_prod_is_never_deleted_by_the_script() -> None:
    with pytest.raises(ShippingError, match="Delete it by hand"):
        destroying.destroy(UnusedAws(), "prod", with_data=True)


@pytest.mark.parametrize(("data", "is_with_data"), [("delete", True), ("keep", False), ("", False)])
def test_make_passes_the_choice_about_the_data_to_the_script(data: str, is_with_data: bool) -> None:
    command = ["make", "--dry-run", "destroy", "STAGE=dev", *([f"DATA={data}"] if data else [])]
    output = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout

    assert 'scripts.destroy --stage "dev"' in output
    assert ("--with-data" in output) is is_with_data


@pytest.mark.parametrize(
    ("variables", "expected"),
    [([], ""), (["BUILD=52257813c355"], ' --build "52257813c355"'), (["BUILD=a", "YES=1"], ' --build "a" --yes')],
)
def test_make_passes_build_and_consent_to_a_rollback(variables: list[str], expected: str) -> None:
    command = ["make", "--dry-run", "rollback", "STAGE=prod", *variables]
    output = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout

    (line,) = [line for line in output.splitlines() if "scripts.rollback" in line]
    assert " ".join(line.partition(' --stage "prod"')[2].split()) == expected.strip()


@pytest.mark.parametrize(("typed", "is_agreed"), [("y", True), ("YES ", True), ("", False), ("prod", False)])
def test_a_rollback_needs_a_yes(typed: str, is_agreed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda question: typed)
    assert rolling_back._is_confirmed("Run it? ") is is_agreed

    def no_terminal(question: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", no_terminal)
    assert rolling_back._is_confirmed("Run it? ") is False


@pytest.mark.parametrize("typed", ["", "y", "prod"])
def test_nothing_is_deleted_until_the_name_of_the_stage_is_entered(
    typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    questions: list[str] = []
    monkeypatch.setattr(location, "RealAws", UnusedAws)
    monkeypatch.setattr("builtins.input", lambda question: questions.append(question) or typed)

    assert destroying.main(["--stage", "dev", "--with-data"]) == 1
    assert "dev AND ALL ITS DATA" in questions[0]
    assert "Nothing was deleted." in capsys.readouterr().err
