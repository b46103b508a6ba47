"""The user, network and process namespaces that a cluster lives in: making them, joining them, and their loopback interface."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
from pathlib import Path

from .addresses import EVERYTHING
from .state import Cluster

# ioctls of <linux/sockios.h> and flags of <linux/if.h>; iproute2 need not be installed.
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8913, 0x8914, 0x8916, 0x891C
IFF_UP = 1


class NamespaceError(Exception):
    """This machine does not let this user make namespaces; the message says what to do."""


def launch_command(beside: Cluster | None) -> list[str]:
    """Runs what follows as the first process of new namespaces; all of it ends when that process ends."""
    if beside is None:
        return ["unshare", "--user", "--map-root-user", "--net", *PROCESSES]
    return ["nsenter", "--preserve-credentials", f"--target={beside.init[0]}", "--user", "--net", "unshare", *PROCESSES]


PROCESSES = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]


def join_command(init: int, command: list[str], folder: str) -> list[str]:
    """Runs a command in the namespaces of a process. Joining leaves the folder, so that a shell has to go back to it."""
    join = ["nsenter", "--preserve-credentials", f"--target={init}", "--user", "--net", "--mount", "--pid", "--"]
    return [*join, "/bin/sh", "-c", 'cd "$0" && exec "$@"', folder, *command]


def require_namespaces() -> None:
    for program in ("unshare", "nsenter"):
        if not any(os.access(os.path.join(folder, program), os.X_OK) for folder in os.get_exec_path()):
            raise NamespaceError(f"There is no program {program} on PATH: install util-linux (Linux only), or use CLUSTER=kind.")
    tried = subprocess.run([*launch_command(None), "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise NamespaceError(
            f"This user may not make namespaces here ({tried.stderr.strip()}). {_remedy()} "
            "Where that cannot be, use CLUSTER=kind or CLUSTER=existing (tests/cluster/README.md)."
        )


def _remedy() -> str:
    """What stands in the way, as far as the kernel tells."""
    if _sysctl("kernel/unprivileged_userns_clone") == "0":
        return "Allow it: sysctl -w kernel.unprivileged_userns_clone=1."
    if _sysctl("user/max_user_namespaces") == "0":
        return "Allow it: sysctl -w user.max_user_namespaces=10000."
    if _sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return "AppArmor forbids it: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or a profile for unshare with `userns,`."
    return "In a container, the runtime forbids it: give it a seccomp profile that allows unshare, setns and mount (or run it privileged)."


def _sysctl(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return ""


def raise_loopback() -> None:
    """The interface is up, and every address that any cluster may use is local to it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for name, address, mask in (("lo", "127.0.0.1", "255.0.0.0"), ("lo:clusters", str(EVERYTHING[1]), str(EVERYTHING.netmask))):
            label = name[:15].encode()
            fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16sH2s4s8x", label, socket.AF_INET, b"", socket.inet_aton(address)))
            fcntl.ioctl(control, SIOCSIFNETMASK, struct.pack("16sH2s4s8x", label, socket.AF_INET, b"", socket.inet_aton(mask)))
            flags = struct.unpack_from("16sh", fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sh14x", label, 0)))[1]
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", label, flags | IFF_UP))


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(path.parent.name))
    return found


def network_namespace(pid: int | str = "self") -> int:
    return os.stat(f"/proc/{pid}/ns/net").st_ino
