"""A pytest plugin: tests/integration runs in a child pytest on one shared hostile cluster, and is reported here as if it ran here.

The cluster lives in namespaces that a running process cannot join and that have no way to the outside, so that these tests need a
process of their own, while lint, sanity and Molecule cannot run in there. What is marked own_cluster stays in this process. Where
GATEWAY_ISTIO is set, as below tests/cluster/exec, pytest runs on a cluster already, and everything stays here.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--reports-to", metavar="FILE", help="write each test's reports to FILE, as lines of JSON (used on the shared cluster)"
    )


def pytest_configure(config: pytest.Config) -> None:
    reports_to = config.getoption("--reports-to")
    if reports_to:
        config.pluginmanager.register(ReportWriter(config, Path(reports_to)))
    elif not config.getoption("collectonly") and "GATEWAY_ISTIO" not in os.environ:
        config.pluginmanager.register(SharedCluster(config))


class ReportWriter:
    """In the child: writes down what happens."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self.config = config
        self.path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        with self.path.open("a") as file:
            file.write(json.dumps(data) + "\n")


class SharedCluster:
    """In the parent: starts the child at its first test, and reports what the child writes down."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.items: list[pytest.Item] = []
        self.folder: tempfile.TemporaryDirectory[str] | None = None
        self.child: subprocess.Popen[bytes] | None = None
        self.reports: Iterator[pytest.TestReport] = iter(())
        self.told = False
        self.early: dict[str, list[pytest.TestReport]] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Theirs come last, so that the fixtures of those that run here are gone by then."""
        shared = [item for item in items if TESTS / "integration" in item.path.parents and not item.get_closest_marker("own_cluster")]
        self.items = shared
        items[:] = [item for item in items if item not in shared] + shared

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        if item not in self.items:
            return None
        if self.child is None:
            self.start()
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self.reports_of(item):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_sessionfinish(self) -> None:
        if self.child is not None and self.child.poll() is None:
            self.child.terminate()  # tests/cluster/run takes the cluster down before it ends
        if self.child is not None:
            self.child.wait()
        if self.folder is not None:
            self.folder.cleanup()

    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="progressive-delivery-tests-", ignore_cleanup_errors=True)
        folder = Path(self.folder.name)
        (folder / "tests").write_text("".join(f"{self.config.rootpath}/{item.nodeid}\n" for item in self.items))
        option = self.config.option
        child_pytest = [str(TESTS / "tools" / "python"), "-m", "pytest", f"--rootdir={self.config.rootpath}", "-p", "no:cacheprovider"]
        child_pytest += ["-m", "", f"--tb={option.tbstyle}", f"--verbosity={option.verbose}"]
        child_pytest += [f"--reports-to={folder / 'reports'}", f"@{folder / 'tests'}"]
        # What the tests kill cannot clean up after itself.
        (folder / "tmp").mkdir()
        environ = {**os.environ, "TMPDIR": str(folder / "tmp")}
        with (folder / "log").open("wb") as log:
            command = [str(TESTS / "cluster" / "run"), "--name", f"tests-{os.getpid()}", "--hostile", "--", *child_pytest]
            self.child = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.reports = self.follow(folder / "reports", self.child)

    def follow(self, path: Path, child: subprocess.Popen[bytes]) -> Iterator[pytest.TestReport]:
        """Reports as they come, until the child has ended."""
        path.touch()
        with path.open() as file:
            line = ""
            while True:
                ended = child.poll() is not None  # asked before reading: what it wrote last is not missed
                line += file.readline()
                if line.endswith("\n"):
                    yield self.config.hook.pytest_report_from_serializable(config=self.config, data=json.loads(line))
                    line = ""
                elif ended:
                    return
                else:
                    time.sleep(0.05)

    def reports_of(self, item: pytest.Item) -> Iterator[pytest.TestReport]:
        """The reports of one test, whatever the order in which the child runs its tests."""
        for report in self.early.pop(item.nodeid, []):
            yield report
            if report.when == "teardown":
                return
        for report in self.reports:
            if report.nodeid != item.nodeid:
                self.early.setdefault(report.nodeid, []).append(report)
                continue
            yield report
            if report.when == "teardown":
                return
        yield self.lost(item)

    def lost(self, item: pytest.Item) -> pytest.TestReport:
        assert self.child is not None
        assert self.folder is not None
        log = Path(self.folder.name) / "log"
        problem = f"The shared cluster's pytest ended (exit code {self.child.wait()}) before this test had."
        if not self.told:
            problem += " Its last lines:\n" + "".join(log.read_text(errors="replace").splitlines(keepends=True)[-60:])
            self.told = True
        return pytest.TestReport(item.nodeid, item.location, dict.fromkeys(item.keywords, 1), "failed", problem, "call")
