#!/usr/bin/python3
"""What is lost of 60-byte datagrams over a veth, at rising rates: written to a file and printed as text,
by tcpdump and by sonde, one after the other in a namespace of its own. LIVE_RATES says which (0: as fast as
one sender can), LIVE_SECONDS how long each (default 3)."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

BUILD = Path(os.environ.get("SONDE_BUILD", Path(__file__).resolve().parent.parent / "build"))
RATES = [int(rate) for rate in os.environ.get("LIVE_RATES", "200000 500000 1000000 0").split()]
SECONDS = float(os.environ.get("LIVE_SECONDS", "3"))
NAME = "bench-live-%d" % os.getpid()
INSIDE = ["ip", "netns", "exec", NAME]


def by_tcpdump(said):
    """Packets that got through."""
    return int(re.search(r"(\d+) packets? captured", said)[1])


def by_ring_dump(said):
    return int(re.search(r'"written": (\d+)', said)[1])


def by_sonde(said):
    """Received, without those dropped and those not shown; a file has all that were taken."""
    counts = {word: int(number) for number, word in
              re.findall(r"(\d+) (?:packets )?(received|dropped|written|not shown)", said)}
    if "written" in counts:
        return counts["written"]
    return counts["received"] - counts["dropped"] - counts.get("not shown", 0)


def contestants(folder):
    sonde = str(BUILD / "sonde")
    return [
        ("tcpdump -w /dev/null", ["tcpdump", "-i", "v1", "-w", "/dev/null"], by_tcpdump),
        ("tcpdump -w FILE", ["tcpdump", "-i", "v1", "-Z", "root", "-w", folder + "/t"], by_tcpdump),
        ("the ring alone", [str(BUILD / "src/io/ring-dump"), "-i", "v1", "-w", "-q", "-Q", "0"],
         by_ring_dump),
        ("sonde capture -w FILE", [sonde, "capture", "-i", "v1", "-w", folder + "/s"], by_sonde),
        ("tcpdump -n", ["tcpdump", "-i", "v1", "-n"], by_tcpdump),
        ("sonde capture -n", [sonde, "capture", "-i", "v1", "-n"], by_sonde),
        ("sonde capture -n -w FILE -P", [sonde, "capture", "-i", "v1", "-n", "-P", "-w", folder + "/p"],
         by_sonde),
    ]


def one(command, count, rate):
    """Packets a second that were sent, and the fraction of them that did not get through."""
    capture = subprocess.Popen(INSIDE + command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True)
    time.sleep(1)
    blast = subprocess.run(INSIDE + [str(BUILD / "src/io/blast"), "v0", str(rate), str(SECONDS)],
                           stdout=subprocess.PIPE, text=True, check=True)
    time.sleep(0.5)
    capture.send_signal(signal.SIGINT)
    said = capture.communicate(timeout=60)[1]
    sent, seconds = blast.stdout.split()
    return int(sent) / float(seconds), 1 - count(said) / int(sent)


def main():
    if os.geteuid() or not shutil.which("tcpdump"):
        print("skipped: needs root and tcpdump")
        return
    subprocess.run(["ip", "netns", "add", NAME], check=True)
    try:
        for words in (["sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"],
                      ["ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"],
                      ["ip", "link", "set", "v0", "up"], ["ip", "link", "set", "v1", "up"]):
            subprocess.run(INSIDE + words, check=True)
        time.sleep(1)
        print("%-30s" % "lost of 60-byte datagrams" + "".join(
            "%20s" % ("%d k/s" % (rate // 1000) if rate else "as fast as it goes") for rate in RATES))
        for name, command, count in contestants("/dev/shm/" + NAME):
            print("%-30s" % name, end="", flush=True)
            for rate in RATES:
                os.mkdir("/dev/shm/" + NAME, 0o777)
                try:
                    reached, lost = one(command, count, rate)
                finally:
                    shutil.rmtree("/dev/shm/" + NAME)
                print("%20s" % ("%.2f %% at %4.0f k" % (100 * lost, reached / 1000)), end="", flush=True)
            print()
    finally:
        subprocess.run(["ip", "netns", "del", NAME], check=False)


if __name__ == "__main__":
    sys.exit(main())
