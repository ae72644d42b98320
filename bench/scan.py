#!/usr/bin/python3
"""sonde scan, masscan and nmap on the same simulated network with known truth, in one run: what share
of the open ports each finds (recall) and what share of what it says is true (precision), by rate and
loss; and how long they take. All with their default retries; masscan waits 2 s for late answers.

     near ── n0 ═══ f0 ── probe-responder: half the addresses alive, half of their ports open
          ── n1 ═══ f1 10.8.0.2, a Linux host"""

import contextlib
import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from pair import BUILD, FAR, NEAR, SONDE, inside, pair

RESPONDER = BUILD / "src/lab/probe-responder"
ROUTER, ROUTER_MAC = "10.9.0.2", "02:00:00:00:00:02"
HALF = ["--seed", "3", "--alive", "50", "--tcp", "open=50"]
ONE_HOST = ["--seed", "4", "--tcp", "open=0.5"]
PORTS = "80-83"
TIMEOUT_S = 12
ROUNDS = 3

SETUP = """
ip -n {far} link set f0 arp off up
ip -n {near} addr add 10.9.0.1/24 dev n0
ip -n {near} neigh add %s lladdr %s dev n0 nud permanent
ip -n {near} route add 10.128.0.0/9 via %s
ip link add n1 netns {near} type veth peer name f1 netns {far}
ip -n {near} addr add 10.8.0.1/24 dev n1
ip -n {far} addr add 10.8.0.2/24 dev f1
ip -n {near} link set n1 up
ip -n {far} link set f1 up
""" % (ROUTER, ROUTER_MAC, ROUTER)


@contextlib.contextmanager
def responder(*options):
    words = inside(FAR, RESPONDER, *options, "--router", ROUTER, "f0")
    p = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if p.stderr.readline() != "ready\n":
        sys.exit("scan: no responder: " + p.stderr.read())
    try:
        yield
    finally:
        p.send_signal(signal.SIGTERM)
        account = json.loads(p.communicate(timeout=10)[0])
        if account["ring_drops"] or account["overheld"] or account["unsent"]:
            print("    (the simulated network itself lost %d packets)" % (
                account["ring_drops"] + account["overheld"] + account["unsent"]))


def truth(options, targets, ports):
    done = subprocess.run([RESPONDER, *map(str, options), "--truth", targets, "--ports", ports],
                          stdout=subprocess.PIPE, text=True, check=True)
    return {(a, p) for a, p, state in (line.split() for line in done.stdout.splitlines())
            if state == "open"}


def timed(*command):
    """Seconds and standard output in the near namespace; None when it took too long."""
    start = time.perf_counter()
    p = subprocess.Popen(inside(NEAR, *command), text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    try:
        out = p.communicate(timeout=TIMEOUT_S)[0]
    except subprocess.TimeoutExpired:
        p.kill()
        p.communicate()
        return None, ""
    return time.perf_counter() - start, out


def by_sonde(targets, ports, *options):
    seconds, out = timed(SONDE, "scan", "-q", "-n", "-Pn", "--open", "--fields", "host,port",
                         "--csv", "-p", ports, *options, targets)
    return seconds, set(re.findall(r"^([0-9.]+),(\d+)$", out, re.M))


def by_masscan(targets, ports, *options):
    with tempfile.NamedTemporaryFile("r", suffix=".list") as found:
        seconds, _ = timed("masscan", "--interface", "n0", "--router-mac", ROUTER_MAC,
                           "--adapter-ip", "10.9.0.1", "--wait", 2, "-oL", found.name, "-p", ports,
                           *options, targets)
        return seconds, {(address, port) for port, address in
                         re.findall(r"^open tcp (\d+) ([0-9.]+)", found.read(), re.M)}


def by_nmap(targets, ports, *options):
    seconds, out = timed("nmap", "-n", "-Pn", "-T5", "-oG", "-", "-p", ports, *options, targets)
    found = set()
    for address, listed in re.findall(r"^Host: ([0-9.]+).*Ports: (.*)$", out, re.M):
        found |= {(address, port) for port in re.findall(r"(\d+)/open/", listed)}
    return seconds, found


def figures(result, expected):
    """"recall precision seconds", in percent."""
    seconds, found = result
    if seconds is None:
        return "%8s %8s %7s" % ("-", "-", ">%d" % TIMEOUT_S)
    right = len(found & expected)
    return "%8.3f %8.3f %7.2f" % (100 * right / len(expected),
                                  100 * right / len(found) if found else 0, seconds)


def recall_by_rate():
    steps = [("1k", 1000, "10.128.0.0/23"), ("10k", 10000, "10.128.0.0/20"),
             ("50k", 50000, "10.128.0.0/18"), ("200k", 200000, "10.128.0.0/17"),
             ("max", 10000000, "10.128.0.0/17")]
    for loss in (0, 5):
        print("\n%d %% loss; recall %%, precision %%, seconds" % loss)
        print("%-8s %-18s %-26s %-26s %s" % ("rate", "targets × 4 ports", "sonde", "masscan", "nmap"))
        for name, rate, targets in steps:
            expected = truth(HALF, targets, PORTS)
            with responder(*HALF, "--loss", loss):
                ours = by_sonde(targets, PORTS, "--rate", name)
                theirs = by_masscan(targets, PORTS, "--rate", rate)
                nmap = None
                if rate <= 10000:
                    nmap = by_nmap(targets, PORTS, "-sS", "--min-rate", rate, "--max-rate", rate)
                print("%-8s %-18s %-26s %-26s %s" % (
                    name, targets, figures(ours, expected), figures(theirs, expected),
                    figures(nmap, expected) if nmap else ""), flush=True)


def bottleneck():
    targets = "10.128.0.0/19"
    expected = truth(HALF, targets, PORTS)
    print("\nA line of 20,000 packets/s with a queue of 200, which nobody told; recall %, precision %, s")
    with responder(*HALF, "--bottleneck", 20000, "--queue", 200, "--delay-ms", 5):
        for name, result in [("sonde --rate max", by_sonde(targets, PORTS, "--rate", "max")),
                             ("masscan --rate 1000000",
                              by_masscan(targets, PORTS, "--rate", 1000000)),
                             ("masscan --rate 20000", by_masscan(targets, PORTS, "--rate", 20000))]:
            print("  %-34s %s" % (name, figures(result, expected)), flush=True)


def in_turns(title, runs, expected):
    """runs: [(name, function)]; the first is what the others are compared with."""
    times, missed = [[] for _ in runs], [0] * len(runs)
    for _ in range(ROUNDS):
        for i, (_, run) in enumerate(runs):
            seconds, found = run()
            times[i].append(seconds if seconds is not None else TIMEOUT_S)
            missed[i] = max(missed[i], len(expected ^ found))
    print("\n%-36s median s  best s   wrong of %d   median / sonde's" % (title, len(expected)))
    for (name, _), t, wrong in zip(runs, times, missed):
        print("  %-34s %8.2f %7.2f %8d %14.1f" % (
            name, statistics.median(t), min(t), wrong,
            statistics.median(t) / statistics.median(times[0])), flush=True)


def by_connecting(title, host, expected):
    in_turns(title, [
        ("sonde -sT --rate max", lambda: by_sonde(host, "-", "-sT", "--rate", "max")),
        ("nmap -sT --min-rate 100000", lambda: by_nmap(host, "-", "-sT", "--min-rate", 100000)),
        ("nmap -sT", lambda: by_nmap(host, "-", "-sT")),
    ], expected)


def all_ports():
    host = "10.128.0.1"
    expected = truth(ONE_HOST, host, "-")
    with responder(*ONE_HOST):
        in_turns("65,535 ports of one host by SYN", [
            ("sonde --rate max", lambda: by_sonde(host, "-", "-sS", "--rate", "max")),
            ("nmap --min-rate 100000", lambda: by_nmap(host, "-", "-sS", "--min-rate", 100000)),
            ("nmap", lambda: by_nmap(host, "-", "-sS")),
        ], expected)
        by_connecting("65,535 ports by connecting", host, expected)
    # The simulated network takes much of a core for itself, the kernel's hosts do not.
    by_connecting("65,535 closed ports of a Linux host", "10.8.0.2", set())


def large():
    targets = "10.128.0.0/16"
    expected = truth(HALF, targets, PORTS)
    print("\n/16 × 4 ports, half alive; recall %, precision %, seconds")
    with responder(*HALF):
        for name, result in [
                ("sonde --rate max", by_sonde(targets, PORTS, "--rate", "max")),
                ("masscan --rate 1000000", by_masscan(targets, PORTS, "--rate", 1000000)),
                ("masscan --rate 100000", by_masscan(targets, PORTS, "--rate", 100000)),
                ("masscan --rate 20000", by_masscan(targets, PORTS, "--rate", 20000))]:
            print("  %-34s %s" % (name, figures(result, expected)), flush=True)


def received():
    done = subprocess.run(["ip", "-n", FAR, "-s", "-j", "link", "show", "f0"],
                          stdout=subprocess.PIPE, text=True, check=True)
    return time.perf_counter(), json.loads(done.stdout)[0]["stats64"]["rx"]["packets"]


def peak(*command):
    """The most packets a second that came out at the other end, over half a second or more."""
    p = subprocess.Popen(inside(NEAR, *command), stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    samples, best = [received()], 0
    while p.poll() is None and samples[-1][0] - samples[0][0] < 12:
        time.sleep(0.1)
        samples.append(received())
        old = next((s for s in reversed(samples) if samples[-1][0] - s[0] >= 0.5), None)
        if old:
            best = max(best, (samples[-1][1] - old[1]) / (samples[-1][0] - old[0]))
    p.terminate()
    p.wait()
    return best


def sink():
    """Nobody listens and nobody answers: how fast can one thread send?"""
    print("\nSYNs into a sink, the most packets/s over half a second")
    scan = [SONDE, "scan", "-q", "-n", "-Pn", "-sS", "--rate", "max", "--retries", 0, "-W", "0.3",
            "--open", "-p", "1-8", "10.128.0.0/12"]
    ours = peak(*scan)
    theirs = peak("masscan", "--interface", "n0", "--router-mac", ROUTER_MAC, "--adapter-ip",
                  "10.9.0.1", "--wait", 0, "--rate", 10000000, "-p", "1-8", "10.128.0.0/12")
    print("  sonde --rate max %31.0f\n  masscan --rate 10000000 %24.0f   sonde's / masscan's %.1f" % (
        ours, theirs, ours / theirs if theirs else 0))


def main():
    with pair(SETUP):
        for part in [recall_by_rate, bottleneck, all_ports, large, sink]:
            if len(sys.argv) < 2 or part.__name__ in sys.argv[1:]:
                part()


if __name__ == "__main__":
    main()
