"""sonde scan against real kernels, beside nmap on the same network.

     here ── gate ── far        10.97.0.0/24, fd97::/64 · 10.97.1.0/24, fd97:1::/64
"""

import collections
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from conftest import BUILD, run_command, wait_for

PREFIX = "scan%d-" % os.getpid()
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
DTD = "/usr/share/nmap/nmap.dtd"
SERVER = Path(__file__).with_name("scan_server.py")
QUICK = ["-W", "0.8"]


def have_namespaces():
    return os.geteuid() == 0 and run_command("unshare", "-n", "true").status == 0


pytestmark = pytest.mark.skipif(not have_namespaces(), reason="needs root and network namespaces")

# 81: silent, 82: a firewall says no, 83: it answers with a RST.
RULES = """table inet t {
chain c { type filter hook input priority 0
tcp dport 81 drop
udp dport 500 drop
tcp dport 82 reject with icmpx type admin-prohibited
tcp dport 83 reject with tcp reset
}
}
"""


class Node:
    def __init__(self, name):
        self.name = PREFIX + name
        run_command("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")
        for setting in ["all", "default"]:
            self.sysctl("net.ipv6.conf.%s.accept_dad" % setting, 0)
            self.sysctl("net.ipv6.conf.%s.forwarding" % setting, 1)
        self.sysctl("net.ipv4.ip_forward", 1)
        self.sysctl("net.ipv4.icmp_ratelimit", 0)
        self.sysctl("net.ipv6.icmp.ratelimit", 0)
        self.server = None

    def words(self, *command):
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def run(self, *command, **kwargs):
        return run_command(*self.words(*command), **kwargs)

    def ip(self, *args):
        done = run_command("ip", "-n", self.name, *args)
        assert done.status == 0, done.err

    def sysctl(self, name, value):
        assert self.run("sysctl", "-qw", "%s=%s" % (name, value)).status == 0

    def nft(self, rules):
        done = subprocess.run(self.words("nft", "-f", "-"), input=rules, text=True,
                              capture_output=True, timeout=20)
        assert done.returncode == 0, done.stderr

    def serve(self, tcp, udp):
        self.server = subprocess.Popen(self.words(sys.executable, SERVER, tcp, udp),
                                       stdout=subprocess.PIPE, text=True)
        assert self.server.stdout.readline() == "ready\n"

    def scan(self, *args, **kwargs):
        return self.run(BUILD / "sonde", "scan", "-n", *args, **kwargs)

    def delete(self):
        if self.server:
            self.server.kill()
            self.server.wait()
        run_command("ip", "netns", "del", self.name)


class Net:
    def __init__(self):
        self.nodes = {name: Node(name) for name in ["here", "gate", "far"]}
        self.here, self.gate, self.far = self.nodes.values()

    def build(self):
        self.join("here", "gate", 0)
        self.join("gate", "far", 1)
        self.here.ip("route", "add", "10.97.0.0/16", "via", "10.97.0.2")
        self.here.ip("-6", "route", "add", "fd97:1::/64", "via", "fd97::2")
        self.far.ip("route", "add", "default", "via", "10.97.1.1")
        self.far.ip("-6", "route", "add", "default", "via", "fd97:1::1")
        self.gate.ip("route", "add", "unreachable", "10.97.8.0/24")
        self.gate.ip("route", "add", "blackhole", "10.97.9.0/24")
        for name in ["gate", "far"]:
            self.nodes[name].nft(RULES)
            self.nodes[name].serve("22,80,443,5000", "53")

    def join(self, a, b, number):
        net = "10.97.%d." % number, "fd97:%s:" % (number or "")
        run_command("ip", "link", "add", "to-" + b, "netns", self.nodes[a].name, "type", "veth",
                    "peer", "name", "to-" + a, "netns", self.nodes[b].name)
        for at, (node, link) in enumerate([(a, "to-" + b), (b, "to-" + a)], 1):
            self.nodes[node].ip("addr", "add", "%s%d/24" % (net[0], at), "dev", link)
            self.nodes[node].ip("addr", "add", "%s%s%d/64" % (net[1], "" if number == 0 else ":", at),
                                "dev", link, "nodad")
            self.nodes[node].ip("link", "set", link, "up")

    def delete(self):
        for node in self.nodes.values():
            node.delete()


@pytest.fixture(scope="module")
def net():
    made = Net()
    try:
        made.build()
        for target in ["10.97.0.2", "10.97.1.2", "fd97::2", "fd97:1::2"]:
            assert any(made.here.run("ping", "-c1", "-W1", target).status == 0 for _ in range(20))
        yield made
    finally:
        made.delete()


def states(done):
    """{(host, protocol, port): state} of --json"""
    assert done.status in (0, 1), done.err
    return {(r["host"], r["protocol"], r["port"]): r["state"] for r in done.records("port")}


def summary(done):
    return done.records("scan")[0]


class Scanned:
    """nmap's XML, of nmap or of ours."""

    def __init__(self, text):
        self.root = ET.fromstring(text)
        self.hosts = {}
        for host in self.root.iter("host"):
            address = [a for a in host.iter("address") if a.get("addrtype") != "mac"][0]
            self.hosts[address.get("addr")] = host

    def addresses(self, host):
        return {(a.get("addr"), a.get("addrtype")) for a in self.hosts[host].iter("address")}

    def status(self, host):
        return self.hosts[host].find("status").attrib

    def ports(self, host):
        """Each port listed: state, reason, TTL of the answer, who said so."""
        return {(p.get("protocol"), int(p.get("portid"))):
                tuple(p.find("state").get(k) for k in ["state", "reason", "reason_ttl", "reason_ip"])
                for p in self.hosts[host].iter("port")}

    def extra(self, host):
        """What is only counted: by state, and by reason with the ports."""
        extra = {e.get("state"): int(e.get("count")) for e in self.hosts[host].iter("extraports")}
        reasons = {(r.get("proto"), r.get("reason")): (int(r.get("count")), r.get("ports"))
                   for r in self.hosts[host].iter("extrareasons")}
        return extra, reasons

    def scaninfo(self):
        return [dict(s.attrib) for s in self.root.iter("scaninfo")]

    def total(self):
        return self.root.find("runstats/hosts").attrib


def both(net, how, *words):
    """The same scan by nmap and by us, as XML."""
    done = net.here.scan(*how, *words, *QUICK, "-oX", "-")
    assert done.status == 0, done.err
    nmap = net.here.run("nmap", "-n", "--max-retries", "2", "-T4",
                        "--min-rtt-timeout", "400ms", *how, *words, "-oX", "-")
    assert nmap.status == 0, nmap.err
    return Scanned(done.out), Scanned(nmap.out)


def assert_same(ours, theirs, host):
    assert ours.addresses(host) == theirs.addresses(host)
    assert ours.ports(host) == theirs.ports(host)
    assert ours.extra(host) == theirs.extra(host)


# Beside nmap

# An ICMP error that comes while connect() is still at work is forgotten by the kernel: whether a
# connection learns of a firewall that says no (82) is chance.
PORTS = {"-sS": "1-200,443,5000", "-sT": "1-81,83-200,443,5000"}


@pytest.mark.parametrize("how", ["-sT", "-sS"])
def test_tcp_as_nmap_says(net, how):
    """On the link and behind a router: every state, reason and TTL."""
    ours, theirs = both(net, [how], "-p", PORTS[how], "10.97.0.2", "10.97.1.2")
    for host in ["10.97.0.2", "10.97.1.2"]:
        assert_same(ours, theirs, host)
        assert ours.status(host)["state"] == "up"
    assert ours.scaninfo() == theirs.scaninfo()
    assert ours.total() == theirs.total()
    assert ours.status("10.97.0.2")["reason"] == theirs.status("10.97.0.2")["reason"]


@pytest.mark.parametrize("how", ["-sT", "-sS"])
def test_tcp_over_ipv6_as_nmap_says(net, how):
    ours, theirs = both(net, [how, "-6"], "-p", PORTS[how], "fd97::2", "fd97:1::2")
    for host in ["fd97::2", "fd97:1::2"]:
        assert_same(ours, theirs, host)


def test_udp_as_nmap_says(net):
    ours, theirs = both(net, ["-sU"], "-p", "53,54,123,500", "10.97.0.2", "10.97.1.2")
    for host in ["10.97.0.2", "10.97.1.2"]:
        assert_same(ours, theirs, host)


@pytest.mark.parametrize("how", ["-sSU", "-sTU"])
def test_each_protocol_has_its_own_ports(net, how):
    ours, theirs = both(net, [how], "-p", "500,T:22,80-81,U:53,T:5000", "10.97.0.2", "10.97.1.2")
    for host in ["10.97.0.2", "10.97.1.2"]:
        assert_same(ours, theirs, host)
    assert ours.scaninfo() == theirs.scaninfo()


def test_grepable_as_nmap_writes_it(net):
    words = ["-sS", "-p", "22,53,80-100,443,1000-1100", "10.97.0.2", "10.97.1.2", "-oG", "-"]
    done = net.here.scan(*words, *QUICK)
    nmap = net.here.run("nmap", "-n", *words)
    lines = [[line for line in out.splitlines() if not line.startswith("#")]
             for out in [done.out, nmap.out]]
    # Names of the services beside: every table has its own.
    ours, theirs = ([re.sub(r"//[^/]*///", "//x///", line) for line in some] for some in lines)
    assert ours == theirs
    assert "22/open/tcp//ssh///" in done.out and "443/open/tcp//https///" in done.out


def test_xml_is_valid_and_read_by_importers(net, tmp_path):
    path = tmp_path / "scan.xml"
    done = net.here.scan("-sSU", "-p", "22,53,80-120", "10.97.0.1-3", "10.97.1.2", "fd97::2",
                         *QUICK, "-oX", path)
    assert done.status == 0, done.err
    assert run_command("xmllint", "--noout", "--dtdvalid", DTD, path).status == 0
    parser = pytest.importorskip("libnmap.parser")
    report = parser.NmapParser.parse_fromfile(str(path))
    host = [h for h in report.hosts if h.address == "10.97.0.2"][0]
    assert host.is_up() and sorted(host.get_open_ports()) == [
        (22, "tcp"), (53, "udp"), (80, "tcp")]
    assert report.hosts_up == 4 and report.hosts_total == 5
    assert host.get_service(22).service == "ssh"


# States and forms


def test_states_and_reasons(net):
    done = net.here.scan("-sS", "-p", "22,81-84", "--json", *QUICK, "10.97.1.2")
    ports = {r["port"]: (r["state"], r["reason"]) for r in done.records("port")}
    assert ports == {22: ("open", "syn-ack ttl 63"), 81: ("filtered", "no answer to 3 tries"),
                     82: ("filtered", "icmp administratively-prohibited"),
                     83: ("closed", "rst ttl 63"), 84: ("closed", "rst ttl 63")}
    host = done.records("host")[0]
    assert {k: host[k] for k in ["state", "open", "closed", "filtered", "silent"]} == {
        "state": "up", "open": 1, "closed": 2, "filtered": 2, "silent": 1}
    account = summary(done)
    assert (account["asked"], account["up"], account["open"], account["complete"]) == (1, 1, 1, True)
    assert account["sent"] == account["answered"] + account["errors"] + account["silent"]


def test_rings_find_the_same(net):
    """--xdp is another way out, nothing else; a tunnel without Ethernet has none."""
    words = ["-sS", "-p", "1-2000", "--rate", "20000", "--json", *QUICK, "10.97.0.2", "10.97.1.2"]
    plain, rings = net.here.scan(*words), net.here.scan("--xdp", *words)
    assert states(plain) == states(rings)
    assert "AF_XDP ring" in summary(rings)["carriers"]
    assert "AF_XDP" not in summary(plain)["carriers"]


def test_a_router_speaks_for_its_hosts(net):
    done = net.here.scan("-sS", "-p", "80", "--json", *QUICK, "10.97.8.7")
    assert done.status == 1
    port = done.records("port")[0]
    assert (port["state"], port["reason"]) == ("unreachable", "icmp host-unreachable from 10.97.0.2")
    assert done.records("host")[0]["state"] == "silent"


def test_silent_hosts_are_left_out_and_told(net):
    """Many ports: silent hosts are not asked for them, unless -Pn says so."""
    words = ["-sS", "-p", "1-20", "-W", "0.2", "--json", "10.97.9.1-4", "10.97.1.2"]
    done = net.here.scan(*words)
    assert (summary(done)["asked"], summary(done)["up"], summary(done)["left_out"]) == (5, 1, 4)
    assert {r["host"] for r in done.records("host")} == {"10.97.1.2"}
    done = net.here.scan("-Pn", *words)
    assert summary(done)["left_out"] == 0
    assert {r["host"]: r["filtered"] for r in done.records("host")} == {
        "10.97.1.2": 0, **{"10.97.9.%d" % i: 20 for i in range(1, 5)}}


def test_on_link_hosts_are_asked_by_arp_first(net):
    done = net.here.scan("-sS", "-p", "80", "-W", "0.2", "--json", "10.97.0.0/28")
    assert {r["host"] for r in done.records("host")} == {"10.97.0.1", "10.97.0.2"}
    assert summary(done)["left_out"] == 14


def test_table_for_people(net):
    done = net.here.scan("-sS", "-p", "1-200", "--retries", "0", *QUICK, "10.97.0.2", "10.97.1.2")
    blocks = done.out.split("\n\n")
    assert len(blocks) == 3 and all(len(line) <= 80 for line in done.out.splitlines())
    lines = blocks[0].splitlines()
    assert re.fullmatch(r"10\.97\.0\.2: up by arp, icmp, tcp, [\d.]+ ms", lines[0])
    assert re.fullmatch(r"  [0-9a-f:]{17} \(.*\)", lines[1])
    assert lines[2].split() == ["PORT", "PROTO", "STATE", "SERVICE", "REASON"]
    assert [line.split()[0] for line in lines[3:7]] == ["22", "80", "81", "82"]
    assert lines[7] == "not shown: 196 closed (rst ttl 64)"
    assert blocks[2].startswith("2 addresses, 2 up, 4 ports open; took ")


def test_verbose_lists_every_port_and_open_only_those(net):
    words = ["-sT", "-p", "1-100", "--json", "--retries", "0", *QUICK, "10.97.0.2"]
    assert len(states(net.here.scan(*words))) == 4
    assert len(states(net.here.scan("-v", *words))) == 100
    assert set(states(net.here.scan("--open", *words)).values()) == {"open"}


def test_banners(net):
    """What speaks there, made safe, in every form; of a port that only accepts, nothing."""
    done = net.here.scan("--banner", "-p", "22,80,84", "--json", "10.97.1.2", "fd97:1::2", *QUICK)
    banners = {(r["host"], r["port"]): (r["service"], r["banner"]) for r in done.records("port")}
    for host in ["10.97.1.2", "fd97:1::2"]:
        assert banners[host, 22] == ("ssh", "Test\\x1b[2J <&\"'>")
        assert banners[host, 80] == ("http", None) and banners[host, 84][1] is None
    xml = net.here.scan("--banner", "-p", "22", "-oX", "-", "10.97.1.2").out
    assert [s.get("output") for s in ET.fromstring(xml).iter("script")] == ["Test\\x1b[2J <&\"'>"]
    out = net.here.scan("--banner", "-p", "22", "-oG", "-", "10.97.1.2").out
    assert "22/open/tcp//ssh//Test\\x1b[2J <&\"'>/" in out
    out = net.here.scan("--banner", "-p", "22,80", "10.97.1.2").out
    assert "BANNER" in out and "\x1b" not in out


def test_csv_and_fields(net):
    words = ["-sT", "-p", "22,80", "10.97.0.2"]
    done = net.here.scan("--csv", "--fields", "host,port,state", *words)
    assert done.out == "host,port,state\n10.97.0.2,22,open\n10.97.0.2,80,open\n"
    done = net.here.scan("--csv", *words)
    assert done.out.splitlines()[0].startswith("host,port,protocol,state,service,reason,")
    assert len(done.out.splitlines()) == 3


def test_hosts_only(net):
    words = ["-W", "0.2", "--json", "10.97.0.0/29", "10.97.1.2", "10.97.9.1"]
    done = net.here.scan("-sn", *words)
    hosts = net.here.run(BUILD / "sonde", "hosts", "-n", *words)
    assert {r["host"]: r["evidence"] for r in done.records("host")} == {
        r["host"]: r["evidence"] for r in hosts.records("host") if r["state"] == "alive"}
    assert not done.records("port")
    nmap = Scanned(net.here.run("nmap", "-n", "-sn", "10.97.0.0/29", "10.97.1.2", "-oX", "-").out)
    ours = Scanned(net.here.scan("-sn", "-W", "0.2", "10.97.0.0/29", "10.97.1.2", "-oX", "-").out)
    assert {h: ours.addresses(h) for h in ours.hosts} == {h: nmap.addresses(h) for h in nmap.hosts}


# The plan


def naive(targets, ports, protocols, tries):
    return collections.Counter((t, p, proto, n + 1) for t in targets for p in ports
                               for proto in protocols for n in range(tries))


def dry(net, *words):
    done = net.here.scan("--dry-run", "--json", *words, timeout=120)
    assert done.status == 0, done.err
    return [(r["host"], r["port"], r["protocol"], r["try"]) for r in done.records("probe")]


@pytest.mark.parametrize("seed", range(8))
def test_the_dry_run_is_the_plan(net, seed):
    """The exact multiset, whole and in shards; each shard in an order of its own seed."""
    chance = random.Random(seed)
    targets = {"10.%d.%d.%d" % (chance.randrange(256), chance.randrange(3), chance.randrange(256))
               for _ in range(chance.randrange(1, 30))}
    targets |= {"fd00::%x" % chance.randrange(1, 65536) for _ in range(chance.randrange(5))}
    ports = {chance.choice([1, 65535, chance.randrange(1, 65536)])
             for _ in range(chance.randrange(1, 40))}
    letters = chance.choice(["S", "T", "U", "SU", "TU"])
    protocols = [{"S": "tcp", "T": "tcp", "U": "udp"}[c] for c in letters]
    retries, n_shards = chance.randrange(4), chance.randrange(1, 6)
    typed, more = ",".join(map(str, ports)), set()
    if len(letters) == 2:
        more = {chance.randrange(1, 65536) for _ in range(5)} - ports
        typed += ",U:" + ",".join(map(str, more))
    words = ["-s" + letters, "-p", typed, "--retries", retries, "--seed", seed, *targets]
    expected = (naive(targets, ports, protocols, retries + 1)
                + naive(targets, more, ["udp"], retries + 1))
    whole = dry(net, *words)
    assert collections.Counter(whole) == expected
    shards = [dry(net, "--shard", "%d/%d" % (i + 1, n_shards), *words) for i in range(n_shards)]
    assert sum((collections.Counter(s) for s in shards), collections.Counter()) == expected
    firsts = [[p for p in s if p[3] == 1] for s in shards]
    assert [firsts[i % n_shards][i // n_shards] for i in range(len(whole) // (retries + 1))] == [
        p for p in whole if p[3] == 1]


def test_huge_plans_stream(net):
    """Nothing is listed beforehand: the first probes of 2^40 come at once."""
    with subprocess.Popen(net.here.words(BUILD / "sonde", "scan", "--dry-run", "--json", "-p-",
                                         "10.0.0.0/8"),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        first = [json.loads(p.stdout.readline()) for _ in range(1000)]
        p.stdout.close()
        p.kill()
    assert len({(r["host"], r["port"]) for r in first}) == 1000


def seen_ports(node):
    """The destination ports that a node has seen, as its firewall noted them."""
    out = json.loads(node.run("nft", "-j", "list", "set", "inet", "s", "seen").out)
    return set([o["set"].get("elem", []) for o in out["nftables"] if "set" in o][0])


@pytest.fixture
def counting(net):
    """Notes and drops every SYN to 10.97.1.99."""
    net.far.ip("addr", "add", "10.97.1.99/24", "dev", "to-gate")
    net.far.nft("""table inet s { set seen { type inet_service; size 65535; flags dynamic; }
chain c { type filter hook prerouting priority -300
ip daddr 10.97.1.99 tcp flags & (syn | ack) == syn add @seen { tcp dport } drop
}
}
""")
    yield net.far
    net.far.run("nft", "delete", "table", "inet", "s")
    net.far.ip("addr", "del", "10.97.1.99/24", "dev", "to-gate")


@pytest.mark.parametrize("how", ["-sS", "-sT"])
def test_what_is_broken_off_goes_on(net, counting, tmp_path, how):
    """Both runs together ask every port; the second what its dry run says, and no more."""
    path, total = tmp_path / "file", set(range(1, 1501))
    words = [how, "-Pn", "-p", "1-1500", "--retries", "0", "-W", "0.3", "10.97.1.99"]
    with subprocess.Popen(net.here.words(BUILD / "sonde", "scan", "-n", "--rate", "500", "--resume",
                                         path, *words),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        wait_for(lambda: seen_ports(counting), "the first ports are asked")
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=20)
    assert "broken off" in out and "--resume" in err and p.returncode == 1
    first = seen_ports(counting)
    assert 0 < len(first) < 1500
    counting.run("nft", "flush", "set", "inet", "s", "seen")
    left = {r[1] for r in dry(net, "--resume", path, *words)}
    assert left | first == total
    assert path.exists()
    done = net.here.scan("--rate", "5000", "--resume", path, "--json")
    assert seen_ports(counting) == left
    assert done.status == 1 and summary(done)["complete"]
    assert done.records("host")[0]["filtered"] == 1500
    assert not path.exists()


def test_results_go_on_too(net, tmp_path):
    path = tmp_path / "file"
    words = ["-sSU", "-Pn", "--seed", "5", "-p", "T:1-2000,U:53,500", *QUICK, "10.97.1.2",
             "fd97:1::2"]
    whole = states(net.here.scan("-v", "--json", *words))
    assert len(whole) == 2 * 2002
    for _ in range(3):
        net.here.scan("--rate", "2000", "--max-time", "0.4", "--resume", path, *words)
        assert path.exists()
    assert states(net.here.scan("-v", "--json", "--resume", path)) == whole


def test_what_is_broken_off_while_hosts_are_looked_for_goes_on(net, tmp_path):
    path = tmp_path / "file"
    words = ["-sS", "--seed", "5", "-p", "1-100", "-W", "0.3", "10.97.0.0/26", "10.97.1.0-9"]
    whole = states(net.here.scan("-v", "--json", "--rate", "max", *words))
    assert {host for host, _, _ in whole} >= {"10.97.0.1", "10.97.0.2", "10.97.1.2"}
    for _ in range(2):
        done = net.here.scan("--rate", "60", "--max-time", "0.7", "--resume", path, *words)
        assert "--resume" in done.err and "broken off" in done.out and "not asked: -Pn" not in done.out
    assert len(dry(net, "--resume", path, "--retries", "0")) == 74 * 100
    assert states(net.here.scan("-v", "--json", "--rate", "max", "--resume", path)) == whole
    assert not path.exists()


@pytest.fixture
def broken_off(net, tmp_path):
    path = tmp_path / "file"
    net.here.scan("-sS", "-Pn", "-p", "1-3000", "--max-time", "0.3", "--resume", path, "10.97.1.2")
    return path


def test_torn_and_foreign_files_are_refused(net, broken_off):
    text = broken_off.read_bytes()
    for some in [text[:-1], text[:-20], text[:len(text) // 2], text.replace(b"seed", b"sead", 1),
                 text.replace(b"place ", b"place 1", 1), text + b"x", text[:14]]:
        broken_off.write_bytes(some)
        done = net.here.scan("--resume", broken_off)
        assert done.status == 2 and "torn" in done.err
    for some in [b"", b"hello\n", b"\0" * 100]:
        broken_off.write_bytes(some)
        done = net.here.scan("--resume", broken_off)
        assert done.status == 2 and "no scan" in done.err


def siphash13(data):
    """SipHash-1-3 with a key of zeros, as the last line of the file has it."""
    mask = (1 << 64) - 1
    v = [0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261, 0x7465646279746573]

    def turn(x, n):
        return (x << n | x >> (64 - n)) & mask

    def rounds(n):
        for _ in range(n):
            v[0] = (v[0] + v[1]) & mask
            v[2] = (v[2] + v[3]) & mask
            v[1], v[3] = turn(v[1], 13) ^ v[0], turn(v[3], 16) ^ v[2]
            v[0] = turn(v[0], 32)
            v[2] = (v[2] + v[1]) & mask
            v[0] = (v[0] + v[3]) & mask
            v[1], v[3] = turn(v[1], 17) ^ v[2], turn(v[3], 21) ^ v[0]
            v[2] = turn(v[2], 32)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 255])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at:at + 8], "little")
        v[3] ^= word
        rounds(1)
        v[0] ^= word
    v[2] ^= 255
    rounds(3)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def test_hostile_files_with_a_right_checksum(net, tmp_path):
    """Changed at random: read or refused, and never worse."""
    path = tmp_path / "file"
    net.here.scan("-sSU", "-Pn", "-p", "20-90", "--rate", "100", "--max-time", "0.9", "--resume",
                  path, "10.97.1.2")
    text = path.read_bytes()
    body, check = text[:-23], text[-23:]
    assert check == b"check %016x\n" % siphash13(body)
    lines, chance, statuses = body.splitlines(), random.Random(7), collections.Counter()
    for _ in range(60):
        some = list(lines)
        at = chance.randrange(1, len(some))
        words = some[at].split()
        kind = chance.randrange(4)
        if kind == 0:
            del some[at]
        elif kind == 1:
            some.insert(chance.randrange(1, len(some)), some[at])
        else:
            words[chance.randrange(len(words))] = chance.choice(
                [b"0", b"-1", b"65535", b"4294967296", b"99999999999999999999", b"10.0.0.0", b"::",
                 b"-", b"x", b"1-65535"])
            some[at] = b" ".join(words)
        changed = b"\n".join(some) + b"\n"
        path.write_bytes(changed + b"check %016x\n" % siphash13(changed))
        done = net.here.scan("--resume", path, "--dry-run", "-o", tmp_path / "out")
        assert done.status in (0, 2), done.err
        statuses[done.status] += 1
    assert statuses[2] > 20


@pytest.mark.parametrize("words,what", [
    (["-sS", "-p", "1-3000", "10.97.1.3"], "targets"), (["-sS", "-p", "1-3001", "10.97.1.2"], "ports"),
    (["-sT", "-p", "1-3000", "10.97.1.2"], "kinds"), (["-sSU", "-p", "1-3000", "10.97.1.2"], "ports"),
    (["-sS", "-p", "1-3000", "--shard", "1/2", "10.97.1.2"], "--shard"),
    (["-sS", "-p", "1-3000", "--seed", "1", "10.97.1.2"], "--seed"),
])
def test_a_file_of_another_scan_is_refused(net, broken_off, words, what):
    done = net.here.scan("--resume", broken_off, *words)
    assert done.status == 2 and "another scan" in done.err and what in done.err
    assert broken_off.exists()


# With less


def test_without_privileges(net):
    done = net.here.run(*NOBODY, BUILD / "sonde", "scan", "-n", "-p", "22,80-84", *QUICK, "--json",
                        "10.97.0.2", "fd97::2")
    assert "-sT" in done.err
    ports = states(done)
    for host in ["10.97.0.2", "fd97::2"]:
        assert [ports[host, "tcp", p] for p in [22, 80, 81, 83, 84]] == [
            "open", "open", "filtered", "closed", "closed"]
    done = net.here.run(*NOBODY, BUILD / "sonde", "scan", "-sS", "-p", "22", "10.97.0.2")
    assert done.status == 3 and "not permitted" in done.err and "-sT" in done.err
    done = net.here.run(*NOBODY, BUILD / "sonde", "scan", "-n", "-sU", "-p", "53,54,500", *QUICK,
                        "--json", "10.97.0.2")
    assert states(done) == {("10.97.0.2", "udp", 53): "open", ("10.97.0.2", "udp", 54): "closed",
                            ("10.97.0.2", "udp", 500): "open|filtered"}


def descriptors(n):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))


@pytest.mark.parametrize("n", [30, 64])
def test_with_few_descriptors(net, n):
    # Few ports by UDP: the host tells but some closed ones a second.
    for how, ports, expected in [("-sT", "1-300", (2, 296, 2)), ("-sU", "40-59", (1, 19, 0)),
                                 ("-sS", "1-300", (2, 296, 2))]:
        done = net.here.scan(how, "-p", ports, "--rate", "max", *QUICK, "--json", "10.97.1.2",
                             preexec_fn=descriptors(n))
        assert done.status == 0 and not done.err, done.err
        host = done.records("host")[0]
        assert (host["open"], host["closed"], host["filtered"] + host["unreachable"]) == expected


def test_with_too_few_descriptors(net):
    words = ["-p", "22,80", *QUICK, "--json", "10.97.1.2"]
    done = net.here.scan(*words, preexec_fn=descriptors(24))
    assert done.status == 0 and len(done.records("port")) == 2
    assert "(-sT)" in done.err and "ulimit -n" in done.err and "not permitted" not in done.err
    for how in ["-sS", "-sT"]:
        done = net.here.scan(how, *words, preexec_fn=descriptors(15))
        assert done.status == 3 and "ulimit -n" in done.err, done.err
        assert "not permitted" not in done.err
    assert net.here.scan(*words, preexec_fn=descriptors(8)).status == 3


TUN = """
import ctypes, fcntl, os, select, struct, sys, time
def tun(namespace, name):
    with open("/run/netns/" + namespace) as ns:
        assert ctypes.CDLL(None, use_errno=True).setns(ns.fileno(), 0) == 0
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", name.encode(), 0x1001))
    return fd
a, b = tun(sys.argv[1], "tun0"), tun(sys.argv[2], "tun0")
print("ready", flush=True)
while True:
    for fd in select.select([a, b], [], [])[0]:
        try:
            os.write(b if fd == a else a, os.read(fd, 65536))
        except OSError:
            time.sleep(0.01) # the other end is not up yet
"""


@pytest.mark.skipif(not os.path.exists("/dev/net/tun"), reason="needs /dev/net/tun")
@pytest.mark.parametrize("how", ["-sS", "-sT", "-sU"])
def test_through_a_tunnel_without_ethernet(net, how):
    with subprocess.Popen([sys.executable, "-c", TUN, net.here.name, net.far.name],
                          stdout=subprocess.PIPE, text=True) as p:
        try:
            assert p.stdout.readline() == "ready\n"
            for node, own, other in [(net.here, 1, 2), (net.far, 2, 1)]:
                node.ip("addr", "add", "10.96.0.%d/30" % own, "dev", "tun0")
                node.ip("link", "set", "tun0", "up")
                node.ip("-6", "addr", "add", "fd96::%d/64" % own, "dev", "tun0", "nodad")
            done = net.here.scan(how, "-p", "53,80-84", *QUICK, "--json", "10.96.0.2", "fd96::2")
        finally:
            p.kill()
    ports = states(done)
    for host in ["10.96.0.2", "fd96::2"]:
        mine = [ports[host, "udp" if how == "-sU" else "tcp", p] for p in [53, 80, 81, 84]]
        assert mine == (["open", "closed", "closed", "closed"] if how == "-sU" else
                        ["closed", "open", "filtered", "closed"])


# What is wrong


def test_a_file_that_cannot_be_written_is_told_before_the_scan(net, tmp_path):
    old, pipe = tmp_path / "old.xml", tmp_path / "pipe"
    old.write_text("as it was")
    done = net.here.scan("-p", "22", *QUICK, "-oX", old, "-oG", "/nonexistent/x", "10.97.0.2")
    assert (done.status, done.out) == (3, "") and "cannot write /nonexistent/x" in done.err
    assert old.read_text() == "as it was"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as cat:
        net.here.scan("-p", "22", *QUICK, "-oG", pipe, "10.97.0.2")
        assert "22/open" in cat.communicate(timeout=10)[0]


@pytest.mark.parametrize("words,status,what", [
    ([], 2, "expected TARGETS"), (["-p", "0", "10.97.0.2"], 2, "1 to 65535"),
    (["-p", "T:80,U:53", "10.97.0.2"], 2, "add it"), (["-sU", "-p", "T:80", "h"], 2, "-sS or -sT"),
    (["-sSU", "-p", "T:80", "10.97.0.2"], 2, "no UDP ports"), (["-p", "S:1", "h"], 2, "expected T:"),
    (["-p", "65536", "10.97.0.2"], 2, "1 to 65535"), (["-p", "9-3", "10.97.0.2"], 2, "backwards"),
    (["-p", "80", "--top", "5", "10.97.0.2"], 2, "both"), (["-sX", "10.97.0.2"], 2, "-s takes"),
    (["-sST", "10.97.0.2"], 2, "choose one"), (["-sn", "-p", "1", "10.97.0.2"], 2, "no ports"),
    (["-snS", "10.97.0.2"], 2, "no ports"), (["--shard", "3/2", "10.97.0.2"], 2, "1/4"),
    (["--shard", "0/2", "10.97.0.2"], 2, "1/4"), (["--shard", "x", "10.97.0.2"], 2, "1/4"),
    (["10.97.0.2", "--exclude", "10.0.0.0/8"], 2, "no targets are left"),
    (["no-such-host.invalid"], 2, "cannot find"), (["8.8.0.0/16"], 2, "--authorized"),
    (["-oX", "-", "-oG", "-", "10.97.0.2"], 2, "both want"),
    (["-oX", "/nonexistent/x", "-p", "80", "10.97.0.2"], 3, "cannot write"),
    (["--resume", "/nonexistent/x"], 2, "no /nonexistent/x"),
    (["--resume", "/nonexistent/x", "-p", "80", "10.97.0.2"], 3, "cannot write"),
    (["-oN", "x", "10.97.0.2"], 2, "-o FILE"), (["-sV", "10.97.0.2"], 2, "--banner"),
    (["-i", "none0", "10.97.0.2"], 2, "none0"), (["-p", "80", "10.55.0.1"], 3, "unreachable"),
    (["-p", "80", "0.0.0.0/0"], 2, "--authorized"), (["-p", "1", "10.97.0.2"], 1, ""),
])
def test_what_is_wrong_is_said(net, words, status, what):
    done = net.here.scan("-W", "0.2", *words)
    assert done.status == status, done.err
    assert what in done.err
