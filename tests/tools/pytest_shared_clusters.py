"""A pytest plugin: tests/integration runs in child pytests on shared hostile clusters, and is reported here as if it ran here.

The clusters live in namespaces that a running process cannot join and that have no way to the outside, so that these tests need
processes of their own, while lint, sanity and Molecule cannot run in there. There are two, since most of these tests wait most of the
time: each takes the next file that none has taken. What is marked own_cluster stays in this process. Where GATEWAY_ISTIO is set, as
below tests/cluster/exec, pytest runs on a cluster already, and everything stays here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import IO

import pytest

TESTS = Path(__file__).resolve().parents[1]
CLUSTERS = 2


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--reports-to", metavar="FILE", help="write each test's reports to FILE, as lines of JSON (used on the shared clusters)"
    )
    parser.addoption("--claim-in", metavar="FOLDER", help="run just the files that nobody else has claimed in FOLDER (used likewise)")


def pytest_configure(config: pytest.Config) -> None:
    reports_to, claim_in = config.getoption("--reports-to"), config.getoption("--claim-in")
    if reports_to:
        config.pluginmanager.register(ReportWriter(config, Path(reports_to)))
        config.pluginmanager.register(Claims(Path(claim_in)))
    elif not config.getoption("collectonly") and "GATEWAY_ISTIO" not in os.environ:
        config.pluginmanager.register(SharedClusters(config))


class ReportWriter:
    """In a child: writes down what happens."""

    def __init__(self, config: pytest.Config, path: Path) -> None:
        self.config = config
        self.path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        with self.path.open("a") as file:
            file.write(json.dumps(data) + "\n")


class Claims:
    """In a child: runs one file after the other that no other child has taken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for path, found in groupby(session.items, key=lambda item: item.path):
            items = list(found) if self.claim(path) else []
            for item, following in zip(items, [*items[1:], None], strict=False):  # which one comes then is not known yet
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return True

    def claim(self, path: Path) -> bool:
        try:
            (self.folder / str(path).replace("/", "_")).mkdir()
        except FileExistsError:
            return False
        return True


class Child:
    """A pytest on a cluster of its own."""

    def __init__(self, number: int, folder: Path, config: pytest.Config) -> None:
        self.log, reports = folder / f"log-{number}", folder / f"reports-{number}"
        reports.touch()
        self.file: IO[str] = reports.open()
        self.line = ""
        self.ended = False
        option = config.option
        child_pytest = [str(TESTS / "tools" / "python"), "-m", "pytest", f"--rootdir={config.rootpath}", "-p", "no:cacheprovider"]
        child_pytest += ["-m", "", f"--tb={option.tbstyle}", f"--verbosity={option.verbose}"]
        child_pytest += [f"--reports-to={reports}", f"--claim-in={folder / 'claims'}", f"@{folder / 'tests'}"]
        # Should this process be killed, the child ends, too, and takes its cluster down.
        dies_with_us = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
        command = [
            *dies_with_us,
            str(TESTS / "cluster" / "run"),
            "--name",
            f"tests-{os.getpid()}-{number}",
            "--hostile",
            "--",
            *child_pytest,
        ]
        # What the tests kill cannot clean up after itself.
        environ = {**os.environ, "TMPDIR": str(folder / "tmp")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def reports(self) -> Iterator[str]:
        """Those that it has written down since the last call."""
        ended = self.process.poll() is not None  # asked before reading: what it wrote last is not missed
        while True:
            self.line += self.file.readline()
            if not self.line.endswith("\n"):
                break
            yield self.line
            self.line = ""
        self.ended = ended

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()  # tests/cluster/run takes the cluster down before it ends
        self.process.wait()
        self.file.close()


class SharedClusters:
    """In the parent: starts the children, and reports what they write down.

    One of them runs beside the checks, which take all cores at times, the others come with the unit tests, which take one.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.items: list[pytest.Item] = []
        self.folder: tempfile.TemporaryDirectory[str] | None = None
        self.children: list[Child] = []
        self.told = False
        self.seen: dict[str, list[pytest.TestReport]] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Theirs come last, so that the fixtures of those that run here are gone by then."""
        shared = [item for item in items if TESTS / "integration" in item.path.parents and not item.get_closest_marker("own_cluster")]
        self.items = shared
        items[:] = [item for item in items if item not in shared] + shared

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        own = item not in self.items
        if self.items:
            self.start(1 if TESTS / "checks" in item.path.parents else CLUSTERS)
        if own:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self.reports_of(item):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_sessionfinish(self) -> None:
        for child in self.children:
            child.end()
        if self.folder is not None:
            self.folder.cleanup()

    def start(self, count: int) -> None:
        """Until there are so many children, or as many as there are files."""
        if self.folder is None:
            self.folder = tempfile.TemporaryDirectory(prefix="progressive-delivery-tests-", ignore_cleanup_errors=True)
            folder = Path(self.folder.name)
            (folder / "tests").write_text("".join(f"{self.config.rootpath}/{item.nodeid}\n" for item in self.items))
            for name in ("claims", "tmp"):
                (folder / name).mkdir()
        for number in range(len(self.children), min(count, len({item.path for item in self.items}))):
            self.children.append(Child(number + 1, Path(self.folder.name), self.config))

    def reports_of(self, item: pytest.Item) -> Iterator[pytest.TestReport]:
        """The reports of one test as they come, whatever the order in which the children run their tests."""
        told = 0
        while True:
            ended = all(child.ended for child in self.children)
            found = self.seen.get(item.nodeid, [])
            for report in found[told:]:
                yield report
                if report.when == "teardown":
                    return
            told = len(found)
            if ended:
                yield self.lost(item)
                return
            if not self.read():
                time.sleep(0.05)

    def read(self) -> bool:
        """Reads what the children have written down; whether that was anything."""
        lines = [line for child in self.children for line in child.reports()]
        for line in lines:
            report = self.config.hook.pytest_report_from_serializable(config=self.config, data=json.loads(line))
            self.seen.setdefault(report.nodeid, []).append(report)
        return bool(lines)

    def lost(self, item: pytest.Item) -> pytest.TestReport:
        codes = ", ".join(str(child.process.wait()) for child in self.children)
        problem = f"The pytests on the shared clusters ended (exit codes {codes}) before this test had."
        if not self.told:
            for child in self.children:
                problem += " Last lines of one:\n" + "".join(child.log.read_text(errors="replace").splitlines(keepends=True)[-60:])
            self.told = True
        return pytest.TestReport(item.nodeid, item.location, dict.fromkeys(item.keywords, 1), "failed", problem, "call")
