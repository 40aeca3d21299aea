"""What a newcomer's machine is asked for before anything is installed by pip."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALL_THERE = "\n".join(
    f"\t{name} (libc6,x86-64) => /lib/{name}"
    for name in (
        "libEGL.so.1", "libGL.so.1", "libX11.so.6", "libxkbcommon.so.0", "libdbus-1.so.3", "libfontconfig.so.1", "libfreetype.so.6",
        "libglib-2.0.so.0",
    )
)  # fmt: skip


@pytest.fixture
def machine(tmp_path):
    """A machine made of stand-ins for the commands that the script asks; returns a function that runs the script on it."""

    def run(layer="test", system="Linux", user=1000, libraries="", packages=False, python=sys.executable):
        commands = {
            "uname": f"echo {system}",
            "id": f"echo {user}",
            "ldconfig": f"cat <<'LIST'\n{libraries}\nLIST",
            "dpkg-query": "echo install ok installed" if packages else "exit 1",
            "apt-get": f'echo "$@" >> {tmp_path}/apt.log',
            "cmake": "",
            "c++": "",
        }
        for name, body in commands.items():
            path = tmp_path / name
            path.write_text(f"#!/bin/sh\n{body}\n")
            path.chmod(0o755)
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHON": str(python)}
        done = subprocess.run(["sh", "Utilities/system_packages.sh", layer], cwd=ROOT, env=environment, capture_output=True, text=True)
        log = tmp_path / "apt.log"
        return done, log.read_text().splitlines() if log.exists() else []

    return run


def test_a_machine_that_has_everything_is_left_alone(machine):
    done, calls = machine(user=0, libraries=ALL_THERE, packages=True)
    assert (done.returncode, done.stdout, done.stderr, calls) == (0, "", "", [])


def test_root_gets_what_is_missing_and_only_that(machine):
    done, calls = machine(user=0, libraries=ALL_THERE.replace("libEGL.so.1", "libOther.so.1"), packages=True)
    assert done.returncode == 0
    assert calls == ["-qq update", "-qq install -y --no-install-recommends libegl1"]


def test_others_get_the_command_to_type(machine):
    done, calls = machine(user=1000)
    assert done.returncode == 0 and calls == []
    assert "sudo apt-get install libegl1 libgl1 libx11-6 libxkbcommon0" in done.stderr


def test_the_demo_asks_for_less_than_the_tests(machine):
    done, _ = machine(layer="demo")
    assert "libegl1" in done.stderr and "libdbus" not in done.stderr and "fonts" not in done.stderr


def test_macos_is_not_asked_for_linux_packages(machine):
    done, calls = machine(system="Darwin", user=0)
    assert (done.returncode, done.stderr, calls) == (0, "", [])


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"version": 1}, "3.10 or newer is needed"),
        ({"venv": 1}, "virtual environments"),
    ],
)
def test_a_python_that_will_not_do_is_named_with_a_way_out(machine, tmp_path, answers, said):
    python = tmp_path / "oldpython"
    python.write_text(
        '#!/bin/sh\ncase "$2" in\n'
        f"*ensurepip*) exit {answers.get('venv', 0)};;\n"
        f"*python_version*) echo 3.8.1;;\n*version_info*) exit {answers.get('version', 0)};;\nesac\n"
    )
    python.chmod(0o755)
    done, _ = machine(libraries=ALL_THERE, packages=True, python=python)
    assert done.returncode == 1
    assert said in done.stderr and "make PYTHON=" in done.stderr


def test_no_python_at_all_is_said(machine, tmp_path):
    done, _ = machine(libraries=ALL_THERE, packages=True, python=tmp_path / "none")
    assert done.returncode == 1 and "There is no" in done.stderr
