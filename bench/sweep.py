#!/usr/bin/python3
"""A /16 of which half answers, swept by sonde and by fping, in turns, in namespaces of its own: 1
retry, 500 ms time-out. And an ARP sweep of an on-link /20 against arp-scan.

fping keeps a sequence number for ten seconds and has 65,535 of them. The 98,304 probes of this sweep
are more, so that at its fastest it gives up before the retries; at 0.12 ms it comes to an end."""

import re
import statistics
import subprocess
import time

from pair import NEAR, SONDE, inside, pair

ROUNDS = 3
ALIVE = 32768

SETUP = """
ip -n {far} link set f0 up
ip -n {near} addr add 10.9.0.1/20 dev n0
ip -n {far} addr add 10.9.0.2/20 dev f0
ip -n {far} route add local 10.9.8.0/21 dev lo
ip -n {near} route add 10.128.0.0/16 via 10.9.0.2
ip -n {far} route add local 10.128.0.0/17 dev lo
ip -n {far} route add blackhole 10.128.128.0/17
"""


def timed(*command):
    """Seconds, standard output and the last words of one run in the near namespace."""
    start = time.perf_counter()
    done = subprocess.run(inside(NEAR, *command), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    words = done.stderr.strip().splitlines()[-1:] if done.returncode not in (0, 1) else []
    return time.perf_counter() - start, done.stdout, "".join(words)


def by_sonde():
    return timed(SONDE, "hosts", "-n", "--csv", "--by", "icmp", "--rate", "max", "-W", "0.5",
                 "--retries", "1", "10.128.0.0/16")


def by_fping(interval_ms):
    return timed("fping", "-q", "-a", "-r", "1", "-t", "500", "-i", interval_ms, "-g",
                 "10.128.0.0", "10.128.255.255")


def arp_by_sonde():
    return timed(SONDE, "arp", "sweep", "--csv", "--rate", "max", "-W", "0.5", "10.9.0.0/20")


def arp_by_arp_scan():
    return timed("arp-scan", "-q", "-x", "-g", "-I", "n0", "10.9.0.0/20")


def found(text, prefix):
    """The addresses at the beginning of lines."""
    return len(set(re.findall(r"^(%s[0-9.]+)" % re.escape(prefix), text, re.M)))


def alternately(runs, prefix):
    times, counts, words = [[] for _ in runs], [[] for _ in runs], [""] * len(runs)
    for _ in range(ROUNDS):
        for i, run in enumerate(runs):
            seconds, text, last = run()
            times[i].append(seconds)
            counts[i].append(found(text, prefix))
            words[i] = last or words[i]
    return [(statistics.median(t), min(t), min(c), w) for t, c, w in zip(times, counts, words)]


def table(title, names, results):
    print("%-36s median s  best s   found   median / sonde's" % title)
    for name, (median, best, count, words) in zip(names, results):
        print("%-36s %8.2f %7.2f %7d   %6.1f   %s" % (name, median, best, count,
                                                   median / results[0][0], words[:60]))


def main():
    with pair(SETUP):
        table("/16 by ICMP, %d of 65536 there" % ALIVE,
              ["sonde hosts --rate max", "fping -i 0.01", "fping -i 0.12"],
              alternately([by_sonde, lambda: by_fping("0.01"), lambda: by_fping("0.12")],
                          "10.128."))
        table("/20 by ARP, 2048 of 4094 there", ["sonde arp sweep --rate max", "arp-scan"],
              alternately([arp_by_sonde, arp_by_arp_scan], "10.9."))


if __name__ == "__main__":
    main()
