"""Two namespaces for what benches measure in: near ── n0 ═══ f0 ── far, lo and n0 up."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / "build"
SONDE = BUILD / "sonde"
NEAR, FAR = "bench-near-%d" % os.getpid(), "bench-far-%d" % os.getpid()

SETUP = """ip netns add {near}
ip netns add {far}
ip link add n0 netns {near} type veth peer name f0 netns {far}
ip -n {near} link set lo up
ip -n {far} link set lo up
ip -n {near} link set n0 up
"""


def inside(namespace, *command):
    return ["ip", "netns", "exec", namespace, *map(str, command)]


@contextlib.contextmanager
def pair(more):
    """more: lines of ip, with {near} and {far}, that set up the rest."""
    if os.geteuid():
        print("skipped: namespaces need root")
        sys.exit(0)
    try:
        for line in (SETUP + more.lstrip()).strip().format(near=NEAR, far=FAR).splitlines():
            subprocess.run(line.split(), check=True)
        time.sleep(1)
        yield
    finally:
        for name in (NEAR, FAR):
            subprocess.run(["ip", "netns", "del", name], check=False)
