"""The command line of the test clusters."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

from .provider import ROUTERS, ClusterError, Options, Provider, chosen

TOOLS = Path(__file__).parents[1] / "tools"


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["supervise"]:
        from .embedded import supervisor

        supervisor.main(arguments[1], int(arguments[2]), json.loads(arguments[3]))
    options = _parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        result: int = options.run(options, chosen())
        return result
    except ClusterError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130


def _leave(number: int, _frame: object) -> NoReturn:
    """So that what is half done gets cleaned up."""
    raise SystemExit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests/cluster", description="Test clusters; $CLUSTER chooses embedded, kind or existing.")
    commands = parser.add_subparsers(required=True, metavar="up|down|status|exec|run|build|user")
    name = argparse.ArgumentParser(add_help=False)
    name.add_argument(
        "--name", default=os.environ.get("CLUSTER_NAME") or "default", type=_name, help="which cluster ($CLUSTER_NAME, or: default)"
    )
    kind = argparse.ArgumentParser(add_help=False)
    kind.add_argument("--hostile", action="store_true", help="slow answers, pods that end hard, late EndpointSlices")
    kind.add_argument(
        "--with", dest="routers", type=_routers, default=ROUTERS, metavar="ROUTERS", help="istio, traefik or both (istio,traefik)"
    )
    kind.add_argument("--beside", metavar="OTHER", help="share the network namespace of another cluster")
    for run, parents, description in (
        (_up, [name, kind], "start a cluster; returns when API and routers answer"),
        (_down, [name], "end a cluster and remove all of it"),
        (_status, [name], "tell what is known of a cluster"),
        (_exec, [name], "run a command inside a cluster"),
        (_run, [name, kind], "start a cluster, run a command inside, end the cluster whatever happens"),
        (_build, [], "build the parts of the embedded cluster"),
        (_user, [name], "add a user and print their kubeconfig's path"),
    ):
        command = commands.add_parser(run.__name__[1:], parents=parents, description=description)
        command.set_defaults(run=run)
        if run in (_exec, _run):
            command.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD")
        if run is _status:
            command.add_argument("--json", action="store_true", help="for programs")
            command.add_argument("--all", action="store_true", help="all clusters")
        if run is _build:
            command.add_argument("parts", nargs="*", help="which parts (default: all)")
        if run is _user:
            command.add_argument("user")
            command.add_argument("--group", action="append", default=[], help="a group the user is in (repeatable)")
    return parser


def _name(text: str) -> str:
    if not text or not all(character.isascii() and (character.isalnum() or character in "-_.") for character in text) or text[0] in "-.":
        raise argparse.ArgumentTypeError(f"{text!r}: letters, digits, dashes, underscores and dots only")
    return text


def _routers(text: str) -> tuple[str, ...]:
    asked = text.split(",")
    unknown = sorted(set(asked) - set(ROUTERS))
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: there are {' and '.join(ROUTERS)}")
    return tuple(router for router in ROUTERS if router in asked)


def _asked(options: argparse.Namespace) -> Options:
    return Options(options.name, options.routers, options.hostile, options.beside)


def _up(options: argparse.Namespace, provider: Provider) -> int:
    provider.up(_asked(options))
    return 0


def _down(options: argparse.Namespace, provider: Provider) -> int:
    provider.down(options.name)
    return 0


def _status(options: argparse.Namespace, provider: Provider) -> int:
    found = [provider.status(name) for name in (provider.names() if options.all else [options.name])]
    if options.json:
        print(json.dumps(found if options.all else found[0], indent=1))
    else:
        print("\n\n".join("\n".join(_lines(status)) for status in found))
    return 0 if all(status["state"] in ("running", "existing") for status in found) else 3


def _lines(status: dict[str, Any]) -> list[str]:
    lines = []
    for key, value in status.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {item}" for name, item in value.items())
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        if value is not None:
            lines.append(f"{key + ':':13}{value}")
    return lines


def _command(options: argparse.Namespace) -> list[str]:
    command: list[str] = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise ClusterError("No command was given: tests/cluster/exec [--name NAME] -- CMD...")
    return command


def _environment(provider: Provider, name: str) -> dict[str, str]:
    """The caller's, with what leads to the cluster and to this project's Ansible."""
    collections = subprocess.run([TOOLS / "collections"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": collections, **provider.environment(name)}


def _exec(options: argparse.Namespace, provider: Provider) -> int:
    command = provider.command(options.name, _command(options))
    os.execvpe(command[0], command, _environment(provider, options.name))


def _run(options: argparse.Namespace, provider: Provider) -> int:
    command = _command(options)
    if provider.status(options.name)["state"] == "running":
        raise ClusterError(f"Cluster {options.name} runs already, and `run` would take it down: use exec, or another --name.")
    try:
        provider.up(_asked(options))
        code = _wait(subprocess.Popen(provider.command(options.name, command), env=_environment(provider, options.name)))
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # impatience must not leave half of it
        left = provider.status(options.name)
        if "failure" in left:
            print(f"Cluster {options.name} failed meanwhile: {left['failure']}", file=sys.stderr, flush=True)
        if left["state"] != "absent":
            provider.down(options.name)
    return code if code >= 0 else 128 - code


def _wait(child: subprocess.Popen[bytes]) -> int:
    """A Ctrl-C at the terminal reaches the command, too; it may take its time to end, until the second one."""
    try:
        return child.wait()
    except KeyboardInterrupt:
        return child.wait()


def _build(options: argparse.Namespace, _provider: Provider) -> int:
    from .embedded import build, parts, toolchain

    unknown = sorted(set(options.parts) - set(parts.PARTS))
    if unknown:
        raise ClusterError(f"There is no part {', '.join(unknown)}; there are {', '.join(parts.PARTS)}.")
    try:
        build.build(options.parts or parts.PARTS)
    except toolchain.BuildError as error:
        raise ClusterError(str(error)) from None
    return 0


def _user(options: argparse.Namespace, provider: Provider) -> int:
    print(provider.add_user(options.name, options.user, options.group))
    return 0
