"""Builds the parts of a cluster into the cache folder, each once."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from . import crds, toolchain
from .parts import PARTS, Part, key
from .state import cache_folder
from .toolchain import BuildError


def folder_of(part: Part) -> Path:
    """Where the part is, or will be."""
    machine = f"{platform.system()}-{platform.machine()}".lower()
    return cache_folder() / "parts" / f"{part.name}-{key(part, part.source, machine)}"


def assets() -> dict[str, Path]:
    """etcd and kube-apiserver of $KUBEBUILDER_ASSETS, where that is set."""
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    if not folder:
        return {}
    found = {name: Path(folder) / name for name in ("etcd", "kube-apiserver")}
    missing = [str(path) for path in found.values() if not os.access(path, os.X_OK)]
    if missing:
        raise BuildError(f"KUBEBUILDER_ASSETS is set, but there is no program {' nor '.join(missing)}: correct it or unset it.")
    return found


def binary(name: str) -> str:
    given = assets().get(name)
    if given:
        return str(given)
    return str(next(folder_of(part) / name for part in PARTS.values() if name in part.binaries))


def crd_file(part: str) -> Path:
    return folder_of(PARTS[part]) / "crds.json"


def build(names: Iterable[str]) -> None:
    """What is missing of these parts; says what it does and how long that took."""
    given = assets()
    for part in (PARTS[name] for name in names):
        wanted = {name: package for name, package in part.binaries.items() if name not in given}
        if (not wanted and not part.crds) or _complete(part, wanted):
            continue
        parts = cache_folder() / "parts"
        parts.mkdir(parents=True, exist_ok=True)
        with open(parts / f".{part.name}.lock", "w") as lock:
            _lock(lock.fileno(), part)
            if not _complete(part, wanted):  # another builder may have made it meanwhile
                _build(part, wanted)


def _complete(part: Part, wanted: Iterable[str]) -> bool:
    """A part that was built with $KUBEBUILDER_ASSETS set lacks what came from there."""
    folder = folder_of(part)
    return all((folder / name).exists() for name in wanted) and (not part.crds or (folder / "crds.json").exists())


def _lock(descriptor: int, part: Part) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"Waiting for {part.name}, which another process is building ...", flush=True)
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _build(part: Part, wanted: dict[str, str]) -> None:
    folder = folder_of(part)
    print(f"Building {part.name} ({part.about}) into {folder} ...", flush=True)
    started = time.monotonic()
    temporary = folder.with_name(f"{folder.name}.{os.getpid()}")
    temporary.mkdir()
    try:
        go = toolchain.find_go()
        for name, package in wanted.items():
            begun = time.monotonic()
            _go(part, go, "build", f"-ldflags={part.ldflags}", "-o", str(temporary / name), package)
            if len(wanted) > 1:
                print(f"  {name}: {time.monotonic() - begun:.0f} s", flush=True)
        if part.crds:
            module, path = part.crds
            definitions = crds.definitions(_module_folder(part, go, module) / path, part)
            (temporary / "crds.json").write_text(json.dumps(definitions, separators=(",", ":")))  # quick to read
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    print(f"Built {part.name} in {time.monotonic() - started:.0f} s.", flush=True)


def _module_folder(part: Part, go: str, module: str) -> Path:
    return Path(json.loads(_go(part, go, "mod", "download", "-json", module))["Dir"])


def _go(part: Part, *command: str) -> str:
    """Runs Go for a part; its errors and progress go to the terminal."""
    done = subprocess.run(command, cwd=part.source, env=toolchain.environment(), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BuildError(
            f"{part.name} was not built: `{' '.join(command)}` in {part.source} ended with exit code {done.returncode}, see above. "
            "It needs access to a Go module proxy (GOPROXY), or a filled module cache."
        )
    return done.stdout
