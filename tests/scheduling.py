"""Which process runs which file, in which order, and when what the tests of a folder share is stopped."""

from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

TESTS = Path(__file__).parent
# Before all others: files of few long tests, which wait often, so that no process is left with one at the end.
FIRST = ("stack", "sandbox", "extension", "local", "shipping", "http", "simulation", "repositories")
# In so many processes: each of them starts the servers of the folder, builds its packages, or counts a whole bill.
PROCESSES = {"stack": 1, "sandbox": 2, "extension": 1, "shipping": 1, "http": 2, "benchmarks": 1}
# In no more processes, also when the others have nothing to do: each takes more to start than it saves.
MOST_PROCESSES = {"extension": 2}


class Folder(pytest.Package):
    """A folder of tests, without `__init__.py`: a fixture with the scope `package` ends after its last test."""

    def setup(self) -> None:
        """There is no `__init__.py` to import."""


class Scheduling(LoadFileScheduling):
    """As `--dist loadfile`, but each folder in as many processes as `PROCESSES` says while others have work.

    A process that no file is left for ends before the others.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        files = [*self._files_for(node, PROCESSES), *self._files_for(node, MOST_PROCESSES)]
        if not files:
            node.shutdown()
            return
        self.workqueue.move_to_end(files[0], last=False)
        super()._assign_work_unit(node)

    def _files_for(self, node: WorkerController, limits: dict[str, int]) -> list[str]:
        """The files that a process may take, where no more of them than `limits` take files of one folder."""
        return [file for file in self.workqueue if self._has_room(folder_of(file), node, limits)]

    def _has_room(self, folder: str, node: WorkerController, limits: dict[str, int]) -> bool:
        users = {user for user, files in self.assigned_work.items() if folder in map(folder_of, files)}
        return node in users or len(users) < limits.get(folder, len(self.nodes))


def folder_of(file: str) -> str:
    """The folder below `tests` whose servers a file needs. In `http`, files named `test_http_…` are on the stack."""
    folder, _, name = file.removeprefix("tests/").partition("/")
    return f"{folder} without a stack" if folder == "http" and not name.startswith("test_http_") else folder


def sort_items(items: list[pytest.Item]) -> None:
    """Sort the tests by file: folders in `FIRST`, then files with a test marked `long`, then all others."""
    long_files = {item.path for item in items if item.get_closest_marker("long")}
    ranks = {}
    for path in {item.path for item in items}:
        folder = folder_of(path.relative_to(TESTS.parent).as_posix())
        ranks[path] = (FIRST.index(folder) if folder in FIRST else len(FIRST), path not in long_files, str(path))
    items.sort(key=lambda item: ranks[item.path])
