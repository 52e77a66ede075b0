"""What a package is built for: Lambda's Python and processor, or those of this machine for the emulated AWS."""

import platform
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from scripts.shipping.project import REPOSITORY, ShippingError

# Lambda's newest Python that every shipped dependency has wheels for. Deployed whatever Python packages.
LAMBDA_PYTHON = (3, 13)
NEWEST_GLIBC = 34  # 2.34, of Amazon Linux 2023, on which this runtime runs. Source: Lambda developer guide, "Runtimes".
OLDEST_GLIBC = 17  # of manylinux2014
# Lambda's name of a processor → its name in wheels and in `uname -m` of Linux.
ARCHITECTURES = {"arm64": "aarch64", "x86_64": "x86_64"}
DEFAULT_ARCHITECTURE = "arm64"
SETTING = "lambda_architecture"  # of a stage, in .chalice/config.json; chalice reads it too


@dataclass(frozen=True)
class Target:
    """`python`: major and minor version. `architecture`: as Lambda names it."""

    python: tuple[int, int]
    architecture: str
    is_this_machine: bool = False

    @property
    def runtime(self) -> str:
        return f"python{self.version}"

    @property
    def version(self) -> str:
        return ".".join(map(str, self.python))

    @property
    def pip_options(self) -> list[str]:
        """The options that make pip choose wheels for the target."""
        if self.is_this_machine:
            return []
        machine = ARCHITECTURES[self.architecture]
        tags = [f"manylinux_2_{glibc}_{machine}" for glibc in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
        platforms = [option for tag in [*tags, f"manylinux2014_{machine}"] for option in ("--platform", tag)]
        return [*platforms, "--implementation", "cp", "--python-version", self.version]

    def find_compiler(self) -> str | None:
        """A Python on this machine that writes the target's bytecode, None if there is none."""
        if sys.version_info[:2] == self.python and sys.version_info.releaselevel == "final":
            return sys.executable
        found = subprocess.run(
            ["sh", str(REPOSITORY / "scripts" / "find_python.sh"), self.version], capture_output=True, text=True
        )
        return found.stdout.strip() or None


def lambda_target(config: dict[str, Any], stage: str) -> Target:
    """What the functions of a stage run on. Raises ShippingError for an unknown processor."""
    chosen = config["stages"][stage].get(SETTING, config.get(SETTING, DEFAULT_ARCHITECTURE))
    if chosen not in ARCHITECTURES:
        raise ShippingError(f"{SETTING} of {stage} must be {' or '.join(ARCHITECTURES)}, not {chosen!r}.")
    return Target(LAMBDA_PYTHON, chosen)


def this_machine() -> Target:
    """The Python that runs this, and the processor of this machine. Raises ShippingError for one unlike Lambda's."""
    names = {machine: name for name, machine in ARCHITECTURES.items()} | {"arm64": "arm64", "AMD64": "x86_64"}
    if platform.machine() not in names:
        raise ShippingError(f"Functions cannot run on this machine's processor, {platform.machine()}.")
    return Target(sys.version_info[:2], names[platform.machine()], is_this_machine=True)
