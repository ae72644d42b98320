"""sonde scan finds exactly what a simulated network is, whose truth is known, also on bad lines."""

import pytest

from simulated import ROUTER, need_namespaces, simulated, truth

pytestmark = need_namespaces()

MIXED = ["--seed", 11, "--alive", 60, "--tcp", "open=20,dropped=20,prohibited=10,unreachable=10",
         "--udp", "open=40,dropped=30"]
TCP_STATES = {"open": "open", "closed": "closed", "dropped": "filtered", "prohibited": "filtered",
              "unreachable": "filtered", "dead": "filtered"}
UDP_STATES = {"open": "open", "closed": "closed", "dropped": "open|filtered",
              "dead": "open|filtered"}
TARGETS = {4: "10.128.0.0/26", 6: "fd80::/122"}
PORTS = "7000-7031"
BAD_LINE = ["--duplicate", 10, "--delay-ms", 1, "--jitter-ms", 40]


def found(done):
    assert done.status == 0, done.err
    return {(r["host"], r["port"]): r["state"] for r in done.records("port")}


def check(got, expected, states):
    """Of hosts that are not there, nothing need be said."""
    for key, state in expected.items():
        assert got.pop(key, state == "dead" and states[state]) == states[state], key
    assert not got


def scan(network, *args):
    return network.sonde("scan", "-q", "-n", "-Pn", "-vv", "--json", "--rate", 20000, "-W", "1",
                         *args, timeout=120)


@pytest.mark.parametrize("tun", [False, True], ids=["veth", "tun"])
@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("line", [[], BAD_LINE], ids=["good", "bad"])
def test_syn(family, tun, line):
    expected = truth(TARGETS[family], PORTS, *MIXED)
    with simulated(*MIXED, *line, tun=tun) as network:
        done = scan(network, "-sS", "-p", PORTS, TARGETS[family])
    check(found(done), expected, TCP_STATES)
    assert network.account["malformed"] == 0
    assert done.records("scan")[0]["complete"] is True


@pytest.mark.parametrize("family", [4, 6])
def test_connecting(family):
    options = ["--seed", 12, "--tcp", "open=20,dropped=5"]
    address = "10.128.0.9" if family == 4 else "fd80::9"
    expected = truth(address, "1-400", *options)
    with simulated(*options) as network:
        done = scan(network, "-sT", "-p", "1-400", address)
    check(found(done), expected, TCP_STATES)


@pytest.mark.parametrize("family", [4, 6])
def test_udp(family):
    expected = truth(TARGETS[family], "7000-7007", *MIXED, over_udp=True)
    with simulated(*MIXED) as network:
        done = scan(network, "-sU", "-p", "7000-7007", TARGETS[family])
    check(found(done), expected, UDP_STATES)


def backlog_drops():
    with open("/proc/net/softnet_stat") as lines:
        return sum(int(line.split()[1], 16) for line in lines)


def test_lost_packets_are_asked_for_again():
    """5 % loss: of 1 + 2 tries, 1 in 8,000 is lost; the last pass asks those once more."""
    options = ["--seed", 13, "--alive", 50, "--tcp", "open=50"]
    targets = "10.128.0.0/22"
    expected = {key for key, s in truth(targets, "80-83", *options).items() if s == "open"}
    before = backlog_drops()
    with simulated(*options, "--loss", 5) as network:
        done = scan(network, "-sS", "--open", "-p", "80-83", targets)
    assert done.records("scan")[0]["backlog"] <= backlog_drops() - before
    got = set(found(done))
    assert got <= expected
    assert len(got) >= 0.998 * len(expected)
    assert network.account["lost"] > 100


def test_more_open_neighbours_than_the_kernel_keeps():
    """Its table of neighbours, 1,024 by default, is needed for its own RSTs, not for the scan."""
    options = ["--seed", 14, "--alive", 65, "--tcp", "open=100"]
    targets = "10.9.16.0/21"
    expected = truth(targets, "80", *options)
    with simulated(*options) as network:
        done = network.sonde("scan", "-q", "-n", "-sS", "--json", "-p", "80", "--rate", 5000, targets,
                             timeout=120)
    n_open = sum(state == "open" for state in expected.values())
    assert n_open > 1024
    assert found(done) == {key: s for key, s in expected.items() if s == "open"}


def test_who_prohibits_is_told():
    options = ["--tcp", "prohibited=100"]
    with simulated(*options) as network:
        done = scan(network, "-sS", "-p", "80", "10.128.0.1")
    port = done.records("port")[0]
    assert (port["state"], ROUTER in port["reason"]) == ("filtered", True)
