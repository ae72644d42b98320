#!/usr/bin/python3
"""What it costs to watch 1,000 hosts: CPU time of a round of the monitor (ARP, 5 echo requests a host,
judging, history on disk) against fping sending the same 5 echo requests to the same hosts. In network
namespaces of its own; prints the ratio of one run."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SONDE = Path(os.environ.get("SONDE_BUILD", Path(__file__).resolve().parent.parent / "build")) / "sonde"
HERE, THERE = "bench-monitor-h", "bench-monitor-t"
ROUNDS, EVERY, HOSTS = 5, 4, 1000
CONFIG = """\
networks: [{name: many, prefix: 10.99.0.0/22, iface: eth0, discover: 3600s, exclude: [10.99.0.0, 10.99.3.233-255]}]
every: %ds
rate: 20000
store: {path: %s}
web: {enabled: false}
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def make_net():
    for name in (HERE, THERE):
        ip("netns", "add", name)
    ip("-n", HERE, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", THERE)
    ip("-n", HERE, "addr", "add", "10.99.8.1/16", "dev", "eth0")
    ip("-n", THERE, "addr", "add", "10.99.8.2/16", "dev", "eth0")
    for name in (HERE, THERE):
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "link", "set", "eth0", "up")
    ip("-n", THERE, "route", "add", "local", "10.99.0.0/22", "dev", "lo")  # answers for all of them


def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_fping():
    targets = "\n".join("10.99.%d.%d" % (i >> 8, i & 255) for i in range(1, HOSTS + 1))
    before = children_cpu()
    done = subprocess.run(["ip", "netns", "exec", HERE, "fping", "-q", "-C5", "-p200", "-i0.1"],
                          input=targets, text=True, capture_output=True)
    assert done.stderr.count(" : ") == HOSTS, done.stderr[:500]
    return children_cpu() - before


def cpu_of(pid):
    fields = Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status(config):
    done = subprocess.run([str(SONDE), "monitor", "status", str(config), "--csv", "--fields", "state"],
                          capture_output=True, text=True)
    return done.stdout.split().count("active")


def run_monitor(folder):
    config = folder / "m.yaml"
    config.write_text(CONFIG % (EVERY, folder / "m.db"))
    monitor = subprocess.Popen(["ip", "netns", "exec", HERE, str(SONDE), "monitor", str(config), "-q"],
                               stdout=subprocess.DEVNULL)
    try:
        for _ in range(60):
            time.sleep(1)
            if status(config) == HOSTS:  # every one found
                break
        time.sleep(EVERY)
        before = cpu_of(monitor.pid)
        time.sleep(EVERY * ROUNDS)
        used = cpu_of(monitor.pid) - before
        memory = [line for line in Path("/proc/%d/status" % monitor.pid).read_text().splitlines()
                  if line.startswith("VmRSS")][0].split()[1]
        active = status(config)
    finally:
        monitor.terminate()
        monitor.wait(20)
    assert active == HOSTS, "only %d of %d hosts are active" % (active, HOSTS)
    return used / ROUNDS, int(memory)


def main():
    if os.geteuid() or not shutil.which("fping"):
        print("needs root and fping")
        return 1
    make_net()
    try:
        with tempfile.TemporaryDirectory() as folder:
            ours, memory = run_monitor(Path(folder))
        theirs = run_fping()
    finally:
        for name in (HERE, THERE):
            ip("netns", "del", name)
    print("%-52s %8.0f ms" % ("sonde monitor, a round of %d hosts" % HOSTS, ours * 1000))
    print("%-52s %8.0f ms" % ("fping -C5 of the same", theirs * 1000))
    print("%-52s %8.2f" % ("ratio (fping / sonde; more is better)", theirs / ours))
    print("%-52s %8.2f %%" % ("of one core at the default of every 10 s", ours / 10 * 100))
    print("%-52s %8.1f MB" % ("memory of the monitor", memory / 1024))
    return 0


sys.exit(main())
