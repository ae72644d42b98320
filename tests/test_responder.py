"""The simulated network is what it says it is: to nmap, to tshark and to the kernel's ping."""

import collections
import re
import time

import pytest

from conftest import run_command
from simulated import need_namespaces, simulated, truth

pytestmark = need_namespaces()

MIXED = ["--seed", 5, "--alive", 60, "--tcp", "open=20,dropped=20,prohibited=10,unreachable=10",
         "--udp", "open=40,dropped=30"]
NMAP_STATES = {"open": "open", "closed": "closed", "dropped": "filtered", "prohibited": "filtered",
               "unreachable": "filtered", "dead": "filtered"}
NMAP_UDP_STATES = {"open": "open", "closed": "closed", "dropped": "open|filtered",
                   "dead": "open|filtered"}


def nmap_found(network, *options, targets, ports):
    """{(address, port): state}; what nmap sums up as one state for the rest included."""
    first, last = map(int, ports.split("-"))
    done = network.run("nmap", "-n", "-Pn", "-T5", "--max-retries", 2, "--min-rtt-timeout",
                       "250ms", "--max-rtt-timeout", "1s", "-oG", "-", *options, "-p", ports, targets,
                       timeout=120)
    assert done.status == 0, done.err
    found = {}
    for line in re.findall(r"^Host: .*Status: Up.*\n|^Host: .*Ports: .*\n", done.out, re.M):
        host = line.split()[1]
        rest = re.search(r"Ignored State: (\S+)|All \d+ scanned ports .*: (\S+)", line)
        listed = dict(re.findall(r"(\d+)/([a-z|]+)/", line))
        for port in range(first, last + 1):
            found[host, port] = listed.get(str(port), rest and (rest[1] or rest[2]))
    return found


@pytest.mark.parametrize("tun", [False, True], ids=["veth", "tun"])
@pytest.mark.parametrize("family", [4, 6])
def test_nmap_sees_the_truth(family, tun):
    targets = "10.128.0.0/28" if family == 4 else "fd80::/124"
    expected = truth(targets, "20-50", *MIXED)
    assert set(expected.values()) == set(NMAP_STATES)
    with simulated(*MIXED, tun=tun) as network:
        found = nmap_found(network, "-sS", *["-6"] * (family == 6), targets=targets,
                           ports="20-50")
    assert found == {key: NMAP_STATES[state] for key, state in expected.items()}
    assert network.account["malformed"] == 0


def test_nmap_sees_the_truth_over_udp_and_by_connecting():
    alive = sorted({a for (a, _), s in truth("10.128.0.0/28", "1", *MIXED).items() if s != "dead"})
    udp = truth(",".join(alive), "50-55", *MIXED, over_udp=True)
    tcp = truth(alive[0], "1-200", *MIXED)
    with simulated(*MIXED) as network:
        found = nmap_found(network, "-sU", targets=alive[0], ports="50-55")
        connected = nmap_found(network, "-sT", targets=alive[0], ports="1-200")
    assert found == {k: NMAP_UDP_STATES[s] for k, s in udp.items() if k[0] == alive[0]}
    assert {k for k, s in connected.items() if s == "open"} == {
        k for k, s in tcp.items() if s == "open"}


def test_hosts_are_there_as_said():
    expected = truth("10.9.1.0/26", "1", *MIXED)
    with simulated(*MIXED) as network:
        done = network.run("fping", "-a", "-q", "-r1", "-t200", "-g", "10.9.1.0", "10.9.1.63")
        near6 = network.run("ping", "-c1", "-W2", "fd09::2")
    assert set(done.out.split()) == {a for (a, _), state in expected.items() if state != "dead"}
    assert near6.status == 0


def test_packets_are_right_to_tshark(tmp_path):
    """Every checksum, nothing malformed, and every kind of answer is there."""
    capture = tmp_path / "answers.pcap"
    with simulated(*MIXED) as network:
        tcpdump = network.start("tcpdump", "-i", "n0", "-U", "-w", capture, "-Q", "in")
        try:
            for _ in range(100):
                if capture.exists() and capture.stat().st_size >= 24:
                    break
                time.sleep(0.05)
            for options, targets in [(["-sS"], "10.128.0.0/28"), (["-sU"], "10.128.0.0/29"),
                                     (["-sS", "-6"], "fd80::/124")]:
                nmap_found(network, *options, targets=targets, ports="51-55")
            network.run("ping", "-c1", "10.9.0.2")
            time.sleep(0.3)
        finally:
            tcpdump.terminate()
            tcpdump.wait(10)
    checks = [o for p in ("ip", "tcp", "udp") for o in ("-o", p + ".check_checksum:TRUE")]
    done = run_command("tshark", "-r", capture, *checks, "-T", "fields", "-e", "_ws.col.Protocol",
                       "-e", "ip.checksum.status", "-e", "tcp.checksum.status", "-e",
                       "udp.checksum.status", "-e", "icmp.checksum.status", "-e",
                       "icmpv6.checksum.status", "-e", "_ws.malformed")
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert len(rows) > 50
    kinds = collections.Counter(row[0] for row in rows)
    assert {"TCP", "ICMP", "ICMPv6", "ARP"} <= set(kinds)
    # Of a quoted packet, cut off, the checksum cannot be told: status 2. Wrong is 0.
    wrong = [row for row in rows if row[6] or any(c.split(",")[0] == "0" for c in row[1:6])]
    assert not wrong


def test_a_bad_line_is_as_bad_as_said():
    with simulated("--loss", 20, "--duplicate", 10, "--delay-ms", 1, "--jitter-ms", 30) as network:
        done = network.run("ping", "-f", "-i0.002", "-c2000", "-q", "-W1", "10.9.0.2", timeout=60)
    sent, got = map(int, re.search(r"(\d+) packets transmitted, (\d+) received", done.out).groups())
    assert sent == 2000
    assert 0.76 < got / sent < 0.84
    assert 100 < int(re.search(r"\+(\d+) duplicates", done.out).group(1)) < 220
    low, high = map(float, re.search(r"= ([\d.]+)/[\d.]+/([\d.]+)/", done.out).groups())
    assert 1 <= low < 5 and 25 < high
    assert network.account["overheld"] == 0
