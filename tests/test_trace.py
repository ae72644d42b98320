"""sonde trace over a chain of routers, beside traceroute and tracepath on the same network.

     here ── one ── two ── three ── far        10.70.N.0/24, fd70:N::/64
                 1500   1400    1300           .1 is on the left, .2 on the right of each link
"""

import os
import re
import signal
import subprocess
import time

import pytest

from conftest import BUILD, run_command, wait_until_it_catches
from simulated import need_namespaces

pytestmark = need_namespaces()

PREFIX = "trace%d-" % os.getpid()
NAMES = ["here", "one", "two", "three", "far"]
MTUS = [1500, 1500, 1400, 1300]
FAR = {4: "10.70.4.2", 6: "fd70:4::2"}
GROUP = 65534
NOBODY = ["setpriv", "--reuid", "65534", "--regid", str(GROUP), "--clear-groups"]


class Chain:
    def __init__(self):
        for name in NAMES:
            run_command("ip", "netns", "add", PREFIX + name)
            self.ip(name, "link", "set", "lo", "up")
            for setting in ["net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
                            "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                            "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0"]:
                assert self.run("sysctl", "-qw", setting, on=name).status == 0
        for i, (left, right) in enumerate(zip(NAMES, NAMES[1:])):
            run_command("ip", "link", "add", "right", "netns", PREFIX + left, "type", "veth",
                        "peer", "name", "left", "netns", PREFIX + right)
            for name, link, number in [(left, "right", 1), (right, "left", 2)]:
                self.ip(name, "link", "set", link, "mtu", MTUS[i], "up")
                self.ip(name, "addr", "add", "10.70.%d.%d/24" % (i + 1, number), "dev", link)
                self.ip(name, "addr", "add", "fd70:%d::%d/64" % (i + 1, number), "dev", link)
        for i, name in enumerate(NAMES):
            for k in range(len(MTUS)):
                if k == i or k == i - 1:
                    continue
                via = (i + 1, 2) if k > i else (i, 1)
                self.ip(name, "route", "add", "10.70.%d.0/24" % (k + 1), "via",
                        "10.70.%d.%d" % via)
                self.ip(name, "-6", "route", "add", "fd70:%d::/64" % (k + 1), "via",
                        "fd70:%d::%d" % via)
        self.ip("here", "route", "add", "10.71.0.0/16", "via", "10.70.1.2")
        self.ip("one", "route", "add", "10.71.0.0/16", "via", "10.70.2.2")
        self.ip("two", "route", "add", "prohibit", "10.71.1.0/24")
        self.ip("two", "route", "add", "blackhole", "10.71.2.0/24")

    def ip(self, name, *args):
        done = run_command("ip", "-n", PREFIX + name, *args)
        assert done.status == 0, done.err

    def run(self, *command, on="here", **kwargs):
        return run_command("ip", "netns", "exec", PREFIX + on, *command, **kwargs)

    def trace(self, *args, before=(), **kwargs):
        return self.run(*before, BUILD / "sonde", "trace", "-n", *args, **kwargs)

    def ping_groups(self, allowed):
        text = "%d %d" % (GROUP, GROUP) if allowed else "1 0"
        assert self.run("sysctl", "-qw", "net.ipv4.ping_group_range=" + text).status == 0

    def delete(self):
        for name in NAMES:
            run_command("ip", "netns", "del", PREFIX + name)


@pytest.fixture(scope="module")
def chain():
    made = Chain()
    try:
        for target in FAR.values():
            for _ in range(50):
                if made.run("ping", "-c1", "-W1", target).status == 0:
                    break
        yield made
    finally:
        made.delete()


def hops(done):
    return {r["hop"]: r for r in done.records("hop")}


def routers(family):
    """Who answers at each hop."""
    form = "10.70.%d.2" if family == 4 else "fd70:%d::2"
    return {hop: form % hop for hop in range(1, len(MTUS) + 1)}


def by_traceroute(chain, method, family):
    done = chain.run("traceroute", "-n", "-%d" % family, *method, FAR[family])
    assert done.status == 0, done.err
    return {int(hop): address
            for hop, address in re.findall(r"^ *(\d+)  ([0-9a-f.:]+) ", done.out, re.M)}


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("ours, theirs", [(["-I"], ["-I"]), (["-U"], []), (["-T"], ["-T"])],
                         ids=["icmp", "udp", "tcp"])
def test_each_hop_is_that_of_traceroute(chain, family, ours, theirs):
    expected = by_traceroute(chain, theirs, family)
    assert expected == routers(family)
    done = chain.trace("--json", *ours, FAR[family])
    assert done.status == 0, done.err
    found = hops(done)
    assert {hop: r["host"] for hop, r in found.items()} == expected
    for r in found.values():
        assert (r["sent"], r["received"], r["loss_percent"]) == (3, 3, 0)
        assert 0 < r["best_ms"] <= r["avg_ms"] <= r["worst_ms"] < 1000
    result = done.records("trace")[0]
    assert (result["target"], result["reached"], result["hops"]) == (FAR[family], True, 4)
    assert result["method"] == {"-I": "icmp", "-U": "udp", "-T": "tcp"}[ours[0]]


@pytest.mark.parametrize("family", [4, 6])
def test_an_open_port_answers_at_its_hop(chain, family):
    """SYNs that come too far do not hide the answer to the one that just comes there."""
    server = ["ip", "netns", "exec", PREFIX + "far", "/usr/bin/python3", "-m", "http.server",
              "--bind", FAR[family], "8080"]
    with subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
        try:
            for _ in range(50):
                if FAR[family] in chain.run("ss", "-Hltn", on="far").out:
                    break
                time.sleep(0.1)
            done = chain.trace("--json", "-T", "-p", 8080, "-c", 5, FAR[family])
        finally:
            p.kill()
    assert done.status == 0, done.err
    assert {hop: r["host"] for hop, r in hops(done).items()} == routers(family)
    assert [r["received"] for r in hops(done).values()] == [5] * 4


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("method", [[], ["-I"], ["-U"]], ids=["default", "icmp", "udp"])
def test_without_privileges(chain, family, method):
    chain.ping_groups(True)
    done = chain.trace("--json", *method, FAR[family], before=NOBODY)
    assert done.status == 0, done.err
    assert {hop: r["host"] for hop, r in hops(done).items()} == routers(family)
    assert all(r["received"] == 3 for r in hops(done).values())


def test_where_icmp_is_not_permitted(chain):
    chain.ping_groups(False)
    done = chain.trace("--json", FAR[4], before=NOBODY)
    assert done.status == 0, done.err
    assert done.records("trace")[0]["method"] == "udp"
    assert {hop: r["host"] for hop, r in hops(done).items()} == routers(4)
    asked = chain.trace("-I", FAR[4], before=NOBODY)
    assert asked.status == 3 and "not permitted" in asked.err
    chain.ping_groups(True)


@pytest.mark.parametrize("before", [[], NOBODY], ids=["root", "nobody"])
@pytest.mark.parametrize("family", [4, 6])
def test_mtu_is_that_of_tracepath(chain, family, before):
    chain.ping_groups(True)
    theirs = chain.run("tracepath", "-n", "-%d" % family, FAR[family])
    expected = int(re.search(r"Resume: pmtu (\d+)", theirs.out)[1])
    assert expected == min(MTUS)
    done = chain.trace("--json", "--mtu", FAR[family], before=before)
    assert done.status == 0, done.err
    assert done.records("trace")[0]["path_mtu"] == expected
    assert [r["mtu"] for r in hops(done).values()] == MTUS


def test_where_a_router_refuses(chain):
    done = chain.trace("--json", "10.71.1.1")
    assert done.status == 1
    found = hops(done)
    assert [r["host"] for r in found.values()] == ["10.70.1.2", "10.70.2.2"]
    assert found[2]["reason"] == "administratively prohibited"
    assert done.records("trace")[0]["reached"] is False


def test_where_packets_vanish(chain):
    done = chain.trace("--json", "-m", 8, "-W", "0.3", "10.71.2.1")
    assert done.status == 1
    assert [r["host"] for r in hops(done).values()] == ["10.70.1.2"]
    assert done.records("trace")[0]["hops"] is None


@pytest.mark.parametrize("method", ["-I", "-U", "-T", "--mtu"])
def test_where_no_route_leads(chain, method):
    done = chain.trace("--json", method, "192.0.2.1")
    assert done.status == 1, done.err
    assert [(r["hop"], r["sent"], r["reason"]) for r in hops(done).values()] == [
        (1, 0, "Network is unreachable")]


def test_first_and_last_hop(chain):
    done = chain.trace("--json", "-f", 2, "-m", 3, "-c", 5, FAR[4])
    assert done.status == 1
    assert {n: (r["host"], r["sent"]) for n, r in hops(done).items()} == {
        2: ("10.70.2.2", 5), 3: ("10.70.3.2", 5)}


def test_until_interrupted(chain):
    sonde = ["ip", "netns", "exec", PREFIX + "here", str(BUILD / "sonde"), "trace", "-n", "--json",
             "--every", "0.1", FAR[4]]
    with subprocess.Popen(sonde, stdout=subprocess.PIPE, text=True) as p:
        wait_until_it_catches(p, signal.SIGINT)
        time.sleep(1.5)  # fifteen times, or some less
        p.send_signal(signal.SIGINT)
        out, _ = p.communicate(timeout=10)
    assert p.returncode == 0
    assert out.count('"record":"hop"') == 4
    assert all(int(n) > 5 for n in re.findall(r'"received":(\d+)', out))


def test_names_come_with_it(chain, tmp_path):
    """/etc/hosts of a namespace is bound over the system's by ip netns exec."""
    etc = "/etc/netns/%shere" % PREFIX
    os.makedirs(etc)
    try:
        with open(etc + "/hosts", "w", encoding="ascii") as f:
            f.write("10.70.1.2 first.example\n10.70.4.2 far.example\n")
        done = chain.run(BUILD / "sonde", "trace", "--json", "-4", "far.example")
    finally:
        os.remove(etc + "/hosts")
        os.rmdir(etc)
    assert done.status == 0, done.err
    assert [r["name"] for r in hops(done).values()] == ["first.example", None, None, "far.example"]


@pytest.mark.parametrize("args, words", [
    (["-U", "-T", "10.70.4.2"], "choose one"),
    (["--mtu", "-U", "10.70.4.2"], "leave out --udp"),
    (["-p", "80", "10.70.4.2"], "--port is of"),
    (["-f", "5", "-m", "4", "10.70.4.2"], "--first is behind"),
    (["10.70.4.0/24"], "expected one address"),
    (["224.0.0.1"], "multicast"),
])
def test_bad_input(chain, args, words):
    done = chain.trace(*args)
    assert done.status == 2
    assert words in done.err


def test_table(chain):
    done = chain.trace(FAR[4])
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].split()[:2] == ["HOP", "HOST"]
    assert lines[4].split()[:2] == ["4", "10.70.4.2"]
    assert lines[5] == "10.70.4.2 answered at hop 4, by icmp"
