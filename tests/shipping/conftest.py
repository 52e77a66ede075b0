"""Template and package of each deployed stage, built once for all tests, without an AWS."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from scripts.shipping import package, project, template
from scripts.shipping.package import Package

STAGES = ("dev", "prod")


@pytest.fixture(scope="session")
def whole_template(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The template of a stage, with these settings changed."""

    @lru_cache
    def build_template(stage: str, *settings: tuple[str, str]) -> dict[str, Any]:
        config = project.read()
        project.environment(config, stage).update(settings)
        return template.complete_template(package.template_of(config, stage, tmp_path_factory.mktemp(stage)))

    return build_template


@pytest.fixture(scope="session")
def built_package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    keys = {"us-east-1_pool.json": {"keys": []}}
    return package.build(project.read(), "prod", keys, tmp_path_factory.mktemp("package"))


@pytest.fixture
def snapshot() -> Path:
    return Path(__file__).parent / "template.yaml"
