#!/usr/bin/python3
"""Listing 2,000 links and reading their counters, against ip, in one run in a namespace of its own."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / "build"
PAIRS = 1000
ROUNDS = 15
NAME = "bench-ifaces-%d" % os.getpid()
INSIDE = ["ip", "netns", "exec", NAME]


def once(*command):
    """Milliseconds of one run inside the namespace, and of nothing but entering it."""
    start = time.perf_counter()
    subprocess.run(INSIDE + list(map(str, command)), stdout=subprocess.DEVNULL, check=True)
    return 1e3 * (time.perf_counter() - start)


def alternately(commands):
    """The median and the best of each, taken in turns so that all meet the same disturbances."""
    times = [[] for _ in commands]
    for _ in range(ROUNDS):
        for command, mine in zip(commands, times):
            mine.append(once(*command))
    return [(statistics.median(mine), min(mine)) for mine in times]


def ticks(pause_ms, n):
    out = subprocess.run(INSIDE + [BUILD / "src/host/bench_host_rates", str(n), str(pause_ms)],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    times = [float(line) / 1e3 for line in out.split()]
    return statistics.median(times), min(times)


def main():
    if os.geteuid():
        print("skipped: a namespace needs root")
        return
    subprocess.run(["ip", "netns", "add", NAME], check=True)
    try:
        lines = []
        for i in range(PAIRS):
            lines += ["link add va%d type veth peer name vb%d" % (i, i),
                      "link set va%d up" % i, "link set vb%d up" % i]
        subprocess.run(["ip", "-n", NAME, "-batch", "-"], input="\n".join(lines), text=True,
                       check=True)
        time.sleep(2)
        sonde = BUILD / "sonde"
        names = ["ip -s -j link", "ip -s link", "sonde ifaces --json (with addresses)",
                 "sonde ifaces (table)", "entering the namespace alone"]
        results = alternately([["ip", "-s", "-j", "link"], ["ip", "-s", "link"],
                               [sonde, "ifaces", "--json"], [sonde, "ifaces"], ["true"]])
        rows = list(zip(names, results))
        rows.append(("a tick of rates, one behind the other", ticks(0, 200)))
        rows.append(("a tick of rates, every 100 ms", ticks(100, 30)))
        reference = {"ip -s -j link": results[0], "tick": results[1]}
        print("%d links, all veth and up       median ms   best ms   ip's median / median"
              % (2 * PAIRS))
        for name, (median, best) in rows:
            against = reference["tick" if "tick" in name else "ip -s -j link"][0]
            print("%-40s %8.2f  %8.2f   %6.1f" % (name, median, best, against / median))
    finally:
        subprocess.run(["ip", "netns", "del", NAME])


if __name__ == "__main__":
    sys.exit(main())
