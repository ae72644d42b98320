"""Labs for tests: each under a name of its own, and ended whatever the test does."""

import contextlib
import itertools
import os
import subprocess

import pytest

_numbers = itertools.count()


class Lab:
    """One lab that is up. run() and start() are of a host, the rest of the whole lab."""

    def __init__(self, sonde, name):
        self.sonde = sonde
        self.name = name

    def run(self, host, *command, **kwargs):
        """Runs a command on a host -> Done"""
        return self.sonde("lab", "exec", "--lab", self.name, host, *command, **kwargs)

    @contextlib.contextmanager
    def start(self, binary, host, *command, **kwargs):
        """with lab.start(...) as p: a command running on a host, a Popen, killed at the end"""
        words = [binary, "lab", "exec", "--lab", self.name, host, *command]
        with subprocess.Popen([str(word) for word in words], **kwargs) as p:
            try:
                yield p
            finally:
                p.kill()

    def ping(self, host, address):
        """Does one of three pings come back?"""
        return self.run(host, "ping", "-n", "-c", 3, "-i", 0.2, "-W", 1, address).status == 0

    def links(self):
        """The records of `lab list`, by (host, iface)."""
        done = self.sonde("lab", "list", self.name, "--json")
        assert done.status == 0, done.err
        return {(o["host"], o["interface"]): o for o in done.records("lab_link")}

    def cut(self, host):
        assert self.sonde("lab", "cut", "--lab", self.name, host).status == 0

    def join(self, host):
        assert self.sonde("lab", "join", "--lab", self.name, host).status == 0

    def down(self):
        return self.sonde("lab", "down", self.name)


def new_name():
    return "t%d-%d" % (os.getpid() % 1000000, next(_numbers) % 100)


def bring_up(sonde, *args):
    """Brings a lab up, or skips where this system lets nobody make one."""
    name = new_name()
    done = sonde("lab", "up", "--name", name, *args)
    if done.status == 3 and "cannot make namespaces" in done.err:
        pytest.skip(done.err.strip())
    assert done.status == 0, done.err
    return Lab(sonde, name)
