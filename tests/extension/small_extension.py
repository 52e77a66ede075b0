"""The small extension of docs/extension.md, as an author saves it from the page."""

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from scripts.local.aws import REPOSITORY

PAGE = (REPOSITORY / "docs" / "extension.md").read_text(encoding="utf-8")
SDK = REPOSITORY / "clients" / "browser" / "dist" / "live-transcription.mjs"
API_URL = "http://127.0.0.1:8000"
# Its name in bold, then its code.
FILE = re.compile(r"^\*\*`([\w.]+)`\*\*\n\n```(?:js|json|html)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def files_of(page: str) -> dict[str, str]:
    """The files of the extension by their names."""
    return dict(FILE.findall(page))


@dataclass(frozen=True)
class SmallExtension:
    """An unpacked extension without a key: its id is made of its folder."""

    directory: Path

    @classmethod
    def extract(cls, directory: Path) -> "SmallExtension":
        """Save the files of the page and the SDK's file, as the page says."""
        for name, text in files_of(PAGE).items():
            (directory / name).write_text(text, encoding="utf-8")
        (directory / "sdk").mkdir()
        shutil.copy(SDK, directory / "sdk")
        return cls(directory)

    @property
    def id(self) -> str:
        """Source: Chromium's components/crx_file/id_util.cc, GenerateIdForPath."""
        digest = hashlib.sha256(str(self.directory).encode()).hexdigest()
        return "".join(chr(ord("a") + int(digit, 16)) for digit in digest[:32])

    @property
    def origin(self) -> str:
        return f"chrome-extension://{self.id}"

    def point_to(self, api_url: str) -> None:
        """Use another address than that of `make run`."""
        client = self.directory / "client.js"
        text = files_of(PAGE)["client.js"]
        assert text.count(API_URL) == 1
        client.write_text(text.replace(API_URL, api_url), encoding="utf-8")
