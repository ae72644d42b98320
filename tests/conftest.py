"""What all system tests share: the command under test, run with a time-out."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

import labs

TOP = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("SONDE_BUILD", TOP / "build"))


class Done:
    """What a finished command left behind."""

    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def records(self, kind=None):
        """The objects of --json, perhaps only those of one record type."""
        objects = [json.loads(line) for line in self.out.splitlines()]
        return [o for o in objects if kind in (None, o["record"])]


def run_command(*command, timeout=60, **kwargs):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=timeout, stdin=kwargs.pop("stdin", subprocess.DEVNULL), **kwargs)
    return Done(done)


def wait_for(condition, what, seconds=30):
    """Asks until it is so; fails when it does not come to that."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not within %d s: %s" % (seconds, what)
        time.sleep(0.02)


def wait_until_it_catches(process, number):
    """Until a program that was just started, perhaps by another, handles this signal."""
    def caught():
        with open("/proc/%d/status" % process.pid, encoding="ascii") as status:
            mask = next(line.split()[1] for line in status if line.startswith("SigCgt"))
        return int(mask, 16) >> (number - 1) & 1

    wait_for(caught, "signal %d is handled" % number)


@pytest.fixture(scope="session")
def binary():
    """The path of the command under test (SONDE_BUILD names another build folder)."""
    return BUILD / "sonde"


@pytest.fixture(scope="session")
def sonde(binary):
    """sonde("ping", "-c", 1, "127.0.0.1", timeout=10) -> Done"""

    def run(*args, **kwargs):
        return run_command(binary, *args, **kwargs)

    return run


@pytest.fixture
def lab(sonde):
    """The lab `office`, fresh for this test: lab.run("ws1", "ping", ...), lab.cut("ws3")."""
    office = labs.bring_up(sonde)
    yield office
    office.down()


@pytest.fixture
def make_lab(sonde, tmp_path):
    """make_lab("name: x\nnetworks: ...") -> a lab of that topology, ended after the test"""
    made = []

    def make(topology):
        path = tmp_path / ("lab%d.yaml" % len(made))
        path.write_text(topology)
        made.append(labs.bring_up(sonde, path))
        return made[-1]

    yield make
    for one in made:
        one.down()
