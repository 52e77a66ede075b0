"""Template and package of each deployed stage, built once for all tests, without an AWS."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from scripts.shipping import package, project, template
from scripts.shipping.package import Package
from scripts.shipping.target import lambda_target, this_machine

STAGES = ("dev", "prod")
KEYS = {"us-east-1_pool.json": {"keys": []}}


@pytest.fixture(scope="package")
def whole_template(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The template of a stage, with these settings changed, and with a budget if asked."""

    @lru_cache
    def build_packaged(stage: str, *settings: tuple[str, str]) -> dict[str, Any]:
        config = project.read()
        project.environment(config, stage).update(settings)
        directory, target = tmp_path_factory.mktemp(stage), lambda_target(config, stage)
        return package.template_of(config, stage, directory, target)

    @lru_cache
    def build_template(stage: str, *settings: tuple[str, str], has_budget: bool = False) -> dict[str, Any]:
        return template.complete_template(build_packaged(stage, *settings), has_budget)

    return build_template


@pytest.fixture(scope="package")
def built_package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """As it is deployed."""
    config = project.read()
    return package.build(config, "prod", KEYS, tmp_path_factory.mktemp("package"), lambda_target(config, "prod"))


@pytest.fixture(scope="package")
def package_for_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """As the emulated AWS runs it."""
    return package.build(project.read(), "prod", KEYS, tmp_path_factory.mktemp("package"), this_machine())


@pytest.fixture
def snapshot() -> Path:
    return Path(__file__).parent / "template.yaml"
