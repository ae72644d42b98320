#!/usr/bin/python3
"""Bringing up a LAN of 100 hosts, against the ip commands that do the same, in one run."""

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

SONDE = Path(__file__).resolve().parent.parent / "build/sonde"
HOSTS = 100
ROUNDS = 5
NAME = "b%d" % os.getpid()

TOPOLOGY = "name: bench\nnetworks: [{name: lan, prefixes: [10.9.0.0/16]}]\nhosts:\n" + "".join(
    "  - {name: h%d, links: [{network: lan, addresses: [10.9.0.%d]}]}\n" % (i, i + 1)
    for i in range(HOSTS))

IP_UP = "ip netns add %(n)s-room; ip -n %(n)s-room link add br0 up type bridge\n" + "".join("""
ip netns add %%(n)s-%(i)d
ip -n %%(n)s-room link add p%(i)d up master br0 type veth peer name eth0 netns %%(n)s-%(i)d
ip -n %%(n)s-%(i)d link set lo up
ip -n %%(n)s-%(i)d link set eth0 up
ip -n %%(n)s-%(i)d addr add 10.9.0.%(a)d/16 dev eth0
""" % {"i": i, "a": i + 1} for i in range(HOSTS))
IP_DOWN = "".join("ip netns del %%(n)s-%d\n" % i for i in range(HOSTS)) + "ip netns del %(n)s-room\n"


def ms(*command, **kwargs):
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, **kwargs)
    return 1e3 * (time.perf_counter() - start)


def main():
    if os.geteuid():
        print("skipped: the ip commands need root")
        return
    times = {"sonde lab up": [], "sonde lab down": [], "ip netns, link, addr": [],
             "ip netns del": []}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as topology:
        topology.write(TOPOLOGY)
        topology.flush()
        for _ in range(ROUNDS):
            try:
                times["sonde lab up"].append(
                    ms(SONDE, "lab", "up", "--name", NAME, topology.name))
                times["sonde lab down"].append(ms(SONDE, "lab", "down", NAME))
                times["ip netns, link, addr"].append(ms("sh", "-ec", IP_UP % {"n": NAME}))
            finally:
                times["ip netns del"].append(
                    ms("sh", "-c", (IP_DOWN + "true\n") % {"n": NAME}, stderr=subprocess.DEVNULL))
            time.sleep(1)  # the kernel drops namespaces a little later
    print("A LAN of %d hosts, median of %d:" % (HOSTS, ROUNDS))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print("  %-24s %8.1f ms" % (name, median))
    print("  up: %.1f x faster, down: %.1f x" % (
        medians["ip netns, link, addr"] / medians["sonde lab up"],
        medians["ip netns del"] / medians["sonde lab down"]))


if __name__ == "__main__":
    main()
