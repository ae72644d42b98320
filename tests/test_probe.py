"""sonde ping, hosts and arp against real kernels, beside ping, fping and arp-scan on the same network.

     here ──┬── switch ──┬── alpha, beta, gamma, twin      10.66.0.0/24, fd66::/64
            │            └── router ── far                 10.67.0.0/24, fd67::/64
"""

import fcntl
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import time

import pytest

from conftest import BUILD, run_command, wait_until_it_catches

PREFIX = "probe%d-" % os.getpid()
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def have_namespaces():
    return os.geteuid() == 0 and run_command("unshare", "-n", "true").status == 0


pytestmark = pytest.mark.skipif(not have_namespaces(), reason="needs root and network namespaces")


class Node:
    """One host: a network namespace."""

    def __init__(self, name):
        self.name = PREFIX + name
        run_command("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")
        self.sysctl("net.ipv6.conf.all.accept_dad", 0)
        self.sysctl("net.ipv6.conf.default.accept_dad", 0)

    def run(self, *command, **kwargs):
        return run_command("ip", "netns", "exec", self.name, *command, **kwargs)

    def ip(self, *args):
        done = run_command("ip", "-n", self.name, *args)
        assert done.status == 0, done.err
        return done.out

    def sysctl(self, name, value):
        assert self.run("sysctl", "-qw", "%s=%s" % (name, value)).status == 0

    def sonde(self, *args, **kwargs):
        return self.run(BUILD / "sonde", *args, **kwargs)

    def start(self, *args, **kwargs):
        return subprocess.Popen(["ip", "netns", "exec", self.name, str(BUILD / "sonde"),
                                 *map(str, args)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **{"text": True, **kwargs})

    def mac(self, link="e0"):
        return json.loads(self.ip("-j", "link", "show", link))[0]["address"]

    def delete(self):
        run_command("ip", "netns", "del", self.name)


class Net:
    def __init__(self):
        names = ["switch", "here", "alpha", "beta", "gamma", "twin", "router", "far"]
        self.nodes = {name: Node(name) for name in names}
        self.switch.ip("link", "add", "br0", "type", "bridge", "forward_delay", "0")
        self.switch.ip("link", "set", "br0", "up")
        for i, name in enumerate(["here", "alpha", "beta", "gamma", "router", "twin"], 1):
            self.plug(name, i)
        self.join("router", "e1", "far", "e0")
        self.router.ip("addr", "add", "10.67.0.1/24", "dev", "e1")
        self.router.ip("addr", "add", "fd67::1/64", "dev", "e1")
        self.far.ip("addr", "add", "10.67.0.2/24", "dev", "e0")
        self.far.ip("addr", "add", "10.67.0.3/24", "dev", "e0")
        self.far.ip("addr", "add", "fd67::2/64", "dev", "e0")
        self.far.ip("route", "add", "default", "via", "10.67.0.1")
        self.far.ip("-6", "route", "add", "default", "via", "fd67::1")
        self.here.ip("route", "add", "default", "via", "10.66.0.5")
        self.here.ip("-6", "route", "add", "default", "via", "fd66::5")
        self.router.ip("route", "add", "unreachable", "10.68.0.0/16")
        for setting in ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]:
            self.router.sysctl(setting, 1)
        for name in ["router", "far"]:
            self.nodes[name].sysctl("net.ipv4.icmp_ratelimit", 0)
            self.nodes[name].sysctl("net.ipv6.icmp.ratelimit", 0)

    def __getattr__(self, name):
        return self.__dict__["nodes"][name]

    def join(self, a, a_link, b, b_link):
        run_command("ip", "link", "add", a_link, "netns", self.nodes[a].name, "type", "veth",
                    "peer", "name", b_link, "netns", self.nodes[b].name)
        self.nodes[a].ip("link", "set", a_link, "up")
        self.nodes[b].ip("link", "set", b_link, "up")

    def plug(self, name, number):
        """Joins a node to the switch; it gets the address with that number, twin none."""
        self.join(name, "e0", "switch", "to-" + name)
        self.switch.ip("link", "set", "to-" + name, "master", "br0")
        if name != "twin":
            self.nodes[name].ip("addr", "add", "10.66.0.%d/24" % number, "dev", "e0")
            self.nodes[name].ip("addr", "add", "fd66::%d/64" % number, "dev", "e0")

    def delete(self):
        for node in self.nodes.values():
            node.delete()


@pytest.fixture(scope="module")
def net():
    made = Net()
    try:
        # Until the links forward: duplicate address detection of the link-local addresses, too.
        for target in ["10.66.0.2", "10.67.0.2", "fd66::2", "fd67::2"]:
            for _ in range(50):
                if made.here.run("ping", "-c1", "-W1", target).status == 0:
                    break
        yield made
    finally:
        made.delete()


def records(done, kind):
    assert done.status in (0, 1), done.err
    return done.records(kind)


def alive(done):
    return {r["host"]: r for r in records(done, "host") if r["state"] == "alive"}


# ping


def test_ping_counts_as_ping_and_fping_do(net):
    """alpha answers, gamma does not: the same numbers from all three."""
    net.gamma.sysctl("net.ipv4.icmp_echo_ignore_all", 1)
    try:
        done = net.here.sonde("ping", "-c", 5, "-i", "0.05", "-W", "0.3", "--json", "10.66.0.2",
                              "10.66.0.4")
        assert done.status == 1
        ours = {r["host"]: (r["sent"], r["received"]) for r in records(done, "summary")}
        theirs = {}
        for host in ours:
            out = net.here.run("ping", "-c", 5, "-i", "0.05", "-W", "0.3", host).out
            theirs[host] = tuple(map(int, re.search(r"(\d+) packets transmitted, (\d+) received",
                                                    out).groups()))
        assert ours == theirs == {"10.66.0.2": (5, 5), "10.66.0.4": (5, 0)}
        out = net.here.run("fping", "-q", "-c", 5, "-p", "50", "-t", "300", *ours).err
        counts = {host: (int(sent), int(received)) for host, sent, received in
                  re.findall(r"^(\S+)\s+: xmt/rcv/%loss = (\d+)/(\d+)/", out, re.M)}
        assert counts == ours
    finally:
        net.gamma.sysctl("net.ipv4.icmp_echo_ignore_all", 0)


def test_ping_tells_each_answer(net):
    done = net.here.sonde("ping", "-c", 3, "-i", "0.05", "-s", 100, "--json", "10.66.0.2", "fd66::2")
    assert done.status == 0
    for host in ["10.66.0.2", "fd66::2"]:
        mine = [r for r in records(done, "reply") if r["host"] == host]
        assert [r["seq"] for r in mine] == [1, 2, 3]
        for r in mine:
            assert (r["result"], r["ttl"], r["bytes"], r["from"]) == ("reply", 64, 100, None)
            assert 0 < r["rtt_ms"] < 1000
        summary = [r for r in records(done, "summary") if r["host"] == host][0]
        times = [r["rtt_ms"] for r in mine]
        assert summary["min_ms"] == pytest.approx(min(times))
        assert summary["max_ms"] == pytest.approx(max(times))
        assert summary["avg_ms"] == pytest.approx(sum(times) / 3, abs=1e-5)
        steps = [abs(a - b) for a, b in zip(times, times[1:])]
        assert summary["jitter_ms"] == pytest.approx(sum(steps) / 2, abs=1e-5)
        assert summary["loss_percent"] == 0


@pytest.mark.parametrize("size", [0, 27, 28, 1472, 9000])
def test_ping_sizes(net, size):
    done = net.here.sonde("ping", "-c", 1, "-s", size, "--json", "10.66.0.2")
    assert [r["bytes"] for r in records(done, "reply")] == [size]


@pytest.mark.parametrize("target,router", [("10.67.0.2", "10.66.0.5"), ("fd67::2", "fd66::5")])
def test_ping_shows_the_router_of_an_error(net, target, router):
    done = net.here.sonde("ping", "-c", 2, "-i", "0.05", "--ttl", 1, "--json", target)
    assert done.status == 1
    for r in records(done, "reply"):
        assert (r["result"], r["from"]) == ("error", router)
        assert "exceeded" in r["reason"]
    assert records(done, "summary")[0]["errors"] == 2


def test_ping_unreachable(net):
    """Linux says so about once a second at most."""
    done = net.here.sonde("ping", "-c", 4, "-i", "0.5", "-W", "0.3", "--json", "10.68.0.1")
    assert done.status == 1
    errors = [r for r in records(done, "reply") if r["result"] == "error"]
    assert errors
    assert {(r["from"], r["reason"]) for r in errors} == {("10.66.0.5", "host unreachable")}


def test_ping_loss_and_duplicates_are_told_apart(net):
    """A responder of our own answers twice, late, or not at all, by the number of the request."""
    tap, name = open("/dev/net/tun", "r+b", buffering=0), "probe%d" % os.getpid()
    fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", name.encode(), 0x1001))
    run_command("ip", "link", "set", name, "netns", net.here.name, "name", "probe-tun")
    net.here.ip("link", "set", "probe-tun", "up")
    net.here.ip("addr", "add", "10.69.0.1/24", "dev", "probe-tun")
    sonde = net.here.start("ping", "-c", 4, "-i", "0.6", "-W", "1", "--json", "10.69.0.2")
    pending, deadline = [], time.monotonic() + 30
    while sonde.poll() is None and time.monotonic() < deadline:
        now = time.monotonic()
        for at, packet in [p for p in pending if p[0] <= now]:
            os.write(tap.fileno(), packet)
        pending = [p for p in pending if p[0] > now]
        if not select.select([tap], [], [], 0.01)[0]:
            continue
        packet = bytearray(os.read(tap.fileno(), 4096))
        if packet[0] >> 4 != 4 or packet[9] != 1 or packet[20] != 8:
            continue
        number = struct.unpack_from("!H", packet, 26)[0]
        packet[12:16], packet[16:20] = packet[16:20], packet[12:16]
        packet[20] = 0
        total = struct.unpack_from("!H", packet, 22)[0] + 0x0800
        struct.pack_into("!H", packet, 22, (total & 0xffff) + (total >> 16))
        if number == 1:
            pending += [(now, packet), (now + 0.02, packet)]
        elif number == 2:
            pending += [(now + 1.4, packet)]
        elif number == 4:
            pending += [(now + 0.6, packet)]
    out, err = sonde.communicate(timeout=10)
    tap.close()
    objects = [json.loads(line) for line in out.splitlines()]
    results = sorted((o["seq"], o["result"]) for o in objects if o["record"] == "reply")
    assert results == [(1, "duplicate"), (1, "reply"), (2, "late"), (2, "lost"), (3, "lost"),
                       (4, "reply")]
    summary = objects[-1]
    assert (summary["sent"], summary["received"], summary["late"], summary["duplicates"]) == \
        (4, 3, 1, 1)
    late = [o for o in objects if o.get("result") == "late"][0]
    assert late["rtt_ms"] > 1300


def test_ping_ends_with_the_summary(net):
    sonde = net.here.start("ping", "-i", "0.1", "--json", "10.66.0.2")
    for _ in range(3):
        assert json.loads(sonde.stdout.readline())["record"] == "reply"
    sonde.send_signal(signal.SIGINT)
    out, _ = sonde.communicate(timeout=10)
    assert sonde.returncode == 0
    summary = json.loads(out.splitlines()[-1])
    assert summary["record"] == "summary" and summary["received"] >= 3


@pytest.fixture
def everybodys(tmp_path_factory):
    """The command where a user without privileges may run it."""
    folder = tmp_path_factory.mktemp("bin")
    for parent in [folder, *folder.parents][:-2]:
        parent.chmod(parent.stat().st_mode | 0o055)
    shutil.copy(BUILD / "sonde", folder / "sonde")
    (folder / "sonde").chmod(0o755)
    return folder / "sonde"


def test_ping_without_privileges(net, everybodys):
    net.here.sysctl("net.ipv4.ping_group_range", "1 0")
    done = net.here.run(*NOBODY, everybodys, "ping", "-c", 1, "10.66.0.2")
    assert done.status == 3
    assert "cannot open an ICMP socket: not permitted. Run as root, or: sudo setcap" in done.err
    net.here.sysctl("net.ipv4.ping_group_range", "0 65535")
    done = net.here.run(*NOBODY, everybodys, "ping", "-c", 2, "-i", "0.05", "--json", "10.66.0.2",
                        "fd66::2")
    got = sorted((r["host"], r["seq"], r["result"]) for r in records(done, "reply"))
    assert got == [("10.66.0.2", 1, "reply"), ("10.66.0.2", 2, "reply"),
                   ("fd66::2", 1, "reply"), ("fd66::2", 2, "reply")]
    for size in 10, 56:
        done = net.here.run(*NOBODY, everybodys, "ping", "-c", 1, "-s", size, "--ttl", 1, "--json",
                            "10.67.0.2", "fd67::2")
        got = sorted((r["host"], r["result"], r["from"]) for r in records(done, "reply"))
        assert got == [("10.67.0.2", "error", "10.66.0.5"), ("fd67::2", "error", "fd66::5")]


# hosts


def test_hosts_finds_exactly_those_there(net):
    # Who does not answer within half the time-out is asked again.
    done = net.here.sonde("hosts", "-n", "--json", "-W", "1", "10.66.0.0/24")
    assert done.status == 0
    found = alive(done)
    assert set(found) == {"10.66.0.%d" % i for i in (1, 2, 3, 4, 5)}
    assert found["10.66.0.1"]["evidence"][0] == "self"
    for name, host in [("alpha", "10.66.0.2"), ("beta", "10.66.0.3"), ("router", "10.66.0.5")]:
        assert found[host]["evidence"] == ["arp", "icmp"]
        assert found[host]["mac"] == net.nodes[name].mac()
        assert found[host]["vendor"] is None or isinstance(found[host]["vendor"], str)
    account = records(done, "round")[0]
    # 254 addresses without the network's and ours: once, silent ones twice; ICMP to five.
    assert account["sent"] == 253 + 249 + 5
    assert (account["alive"], account["late"], account["dropped"]) == (5, 0, 0)
    assert account["stateless"] == 0 and account["recall"] == 1
    assert account["rate"] > 0
    seen = net.here.sonde("hosts", "-n", "-W", "0.3", "10.66.0.0/29").out
    assert "about 100 % found, at " in seen
    sweep = records(net.here.sonde("arp", "sweep", "--json", "-W", "0.3", "10.66.0.0/29"), "account")[0]
    assert list(sweep)[2:] == list(account)[7:]


def test_hosts_by_neighbour_solicitation(net):
    done = net.here.sonde("hosts", "-n", "--json", "-W", "0.3", "fd66::1-f")
    found = alive(done)
    assert set(found) == {"fd66::%d" % i for i in (1, 2, 3, 4, 5)}
    assert found["fd66::2"]["evidence"] == ["ns", "icmp"]
    assert found["fd66::2"]["mac"] == net.alpha.mac()


def test_hosts_by_tcp_where_icmp_is_silent(net):
    """An open and a refused port are both a sign of life; the unused address stays silent."""
    net.far.sysctl("net.ipv4.icmp_echo_ignore_all", 1)
    server = subprocess.Popen(["ip", "netns", "exec", net.far.name, "python3", "-c",
                               "import socket,sys; s = socket.create_server(('10.67.0.2', 8080));"
                               "print('up', flush=True); sys.stdin.read()"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        server.stdout.readline()
        done = net.here.sonde("hosts", "-n", "--json", "-W", "0.4", "--ports", "8080",
                              "10.67.0.2-4")
        found = alive(done)
        assert {h: r["evidence"] for h, r in found.items()} == \
            {"10.67.0.2": ["tcp"], "10.67.0.3": ["tcp"]}
    finally:
        server.communicate()
        net.far.sysctl("net.ipv4.icmp_echo_ignore_all", 0)


def test_hosts_without_privileges(net, everybodys):
    net.here.sysctl("net.ipv4.ping_group_range", "1 0")
    done = net.here.run(*NOBODY, everybodys, "hosts", "-n", "--json", "-W", "0.4", "10.66.0.2-3")
    assert {h: r["evidence"] for h, r in alive(done).items()} == \
        {"10.66.0.2": ["tcp"], "10.66.0.3": ["tcp"]}
    assert "without ICMP" in done.err


def test_hosts_every_marks_who_goes_and_returns(net):
    sonde = net.here.start("hosts", "-n", "--json", "-W", "0.5", "--every", "1", "--for", "60",
                           "10.66.0.0/29")
    changes, acted = [], 0
    try:
        for line in sonde.stdout:
            record = json.loads(line)
            if record["record"] == "change":
                changes.append((record["host"], record["change"]))
            if record["record"] != "round":
                continue
            if acted == 0:
                assert (record["alive"], record["inactive"]) == (5, 0)
                net.switch.ip("link", "set", "to-beta", "down")
                acted = 1
            elif acted == 1 and record["inactive"]:
                assert (record["alive"], record["inactive"]) == (4, 1)
                net.switch.ip("link", "set", "to-beta", "up")
                acted = 2
            elif acted == 2 and not record["inactive"]:
                break
    finally:
        sonde.send_signal(signal.SIGINT)
        sonde.communicate(timeout=10)
        net.switch.ip("link", "set", "to-beta", "up")
    assert changes == [("10.66.0.3", "gone"), ("10.66.0.3", "back")]


def test_hosts_inactive_when_listed(net):
    done = net.here.sonde("hosts", "-n", "--json", "-W", "0.2", "10.66.0.2", "10.66.0.77")
    states = {r["host"]: r["state"] for r in records(done, "host")}
    assert states == {"10.66.0.2": "alive", "10.66.0.77": "inactive"}
    assert net.here.sonde("hosts", "-n", "-W", "0.2", "10.66.0.77").status == 1


def test_hosts_inactive_however_listed(net, tmp_path):
    """Between commas and in a file, as between blanks; a range is not a list."""
    listed = tmp_path / "hosts"
    listed.write_text("10.66.0.78  # was here\n10.66.0.88-89\n")
    done = net.here.sonde("hosts", "-n", "--json", "-W", "0.2", "10.66.0.2,10.66.0.77",
                          f"@{listed}")
    states = {r["host"]: r["state"] for r in records(done, "host")}
    assert states == {"10.66.0.2": "alive", "10.66.0.77": "inactive", "10.66.0.78": "inactive"}


def test_hosts_broken_off_calls_nobody_inactive(net):
    """Who was not asked before Ctrl-C is not there, and not gone either."""
    targets = [f"10.66.0.{i}" for i in range(100, 164)]
    with net.here.start("hosts", "-n", "--json", "--rate", "10", *targets) as sonde:
        wait_until_it_catches(sonde, signal.SIGINT)
        time.sleep(0.5)  # it has sent something, and not all
        sonde.send_signal(signal.SIGINT)
        lines = [json.loads(line) for line in sonde.communicate(timeout=10)[0].splitlines()]
    assert [line["record"] for line in lines] == ["round"]
    assert lines[0]["inactive"] is None


def test_hosts_account_adds_up(net):
    done = net.here.sonde("hosts", "-n", "--json", "-W", "0.2", "10.66.0.0/28", "10.99.0.1")
    for r in records(done, "round"):
        assert r["sent"] == r["answered"] + r["errors"] + r["silent"] > 0


def test_hosts_ends_a_round_with_its_account(net):
    """Ctrl-C in the middle of a repeated round tells what was done."""
    with net.here.start("hosts", "-n", "-W", "5", "--every", "20", "10.66.0.64/27") as sonde:
        wait_until_it_catches(sonde, signal.SIGINT)
        time.sleep(0.5)  # it has sent something, and not all
        sonde.send_signal(signal.SIGINT)
        out, _ = sonde.communicate(timeout=10)
    assert "round 1 broken off" in out and "\nsent " in out


# arp


def test_arp_sweep_finds_what_arp_scan_finds(net):
    done = net.here.sonde("arp", "sweep", "--json", "-W", "0.3", "10.66.0.0/24")
    ours = {(r["host"], r["mac"]) for r in records(done, "pair")}
    out = net.here.run("arp-scan", "-q", "-x", "-I", "e0", "10.66.0.0/24").out
    theirs = {tuple(line.split()[:2]) for line in out.splitlines() if line.strip()}
    assert ours == theirs
    assert len(ours) == 4
    assert not any(r["conflict"] for r in records(done, "pair"))


def test_arp_resolve(net):
    done = net.here.sonde("arp", "resolve", "--json", "10.66.0.2")
    assert done.status == 0
    pair = records(done, "pair")[0]
    assert (pair["mac"], pair["interface"]) == (net.alpha.mac(), "e0")
    assert net.here.sonde("arp", "resolve", "-W", "0.1", "10.66.0.77").status == 1
    done = net.here.sonde("arp", "resolve", "10.67.0.2")
    assert done.status == 2
    assert "not on a link of this machine" in done.err


@pytest.fixture
def twin(net):
    """twin takes alpha's address."""
    net.twin.ip("addr", "add", "10.66.0.2/24", "dev", "e0")
    net.twin.ip("link", "set", "e0", "up")
    yield net.twin
    net.twin.ip("addr", "flush", "dev", "e0")


def test_arp_sees_a_conflict(net, twin):
    done = net.here.sonde("arp", "sweep", "--json", "-W", "0.3", "10.66.0.2-3")
    pairs = {(r["host"], r["mac"], r["conflict"]) for r in records(done, "pair")}
    assert pairs == {("10.66.0.2", net.alpha.mac(), True), ("10.66.0.2", twin.mac(), True),
                     ("10.66.0.3", net.beta.mac(), False)}
    assert records(done, "account")[0]["conflicts"] == 1


def test_arp_check(net):
    done = net.here.sonde("arp", "check", "10.66.0.2")
    assert done.status == 0 and "in use" in done.out
    # The question must not have put us into anybody's table: its sender address is 0.0.0.0.
    net.beta.ip("neigh", "flush", "all")
    assert net.here.sonde("arp", "check", "10.66.0.3").status == 0
    assert "10.66.0.1 " not in net.beta.ip("neigh")
    done = net.here.sonde("arp", "check", "-W", "0.1", "10.66.0.77")
    assert done.status == 1 and "nobody uses" in done.out
    for address, in_use, by_self in (("10.66.0.77", False, False), ("10.66.0.1", True, True),
                                     ("10.66.0.2", True, False)):
        done = net.here.sonde("arp", "check", "-W", "0.1", "--json", address)
        check, = records(done, "check")
        assert (check["host"], check["in_use"], check["by_self"]) == (address, in_use, by_self)
        assert (check["mac"] is None) == (not in_use or by_self)


def announce(node, mac, addr):
    """A gratuitous ARP reply from a node with any MAC address."""
    hardware = bytes.fromhex(mac.replace(":", ""))
    frame = b"\xff" * 6 + hardware + bytes.fromhex("08060001080006040002") + hardware + \
        socket.inet_aton(addr) + hardware + socket.inet_aton(addr)
    code = ("import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW);"
            "s.bind(('e0', 0)); s.send(bytes.fromhex('%s'))" % frame.hex())
    assert node.run("python3", "-c", code).status == 0


def test_arp_watch(net):
    # Not buffered here: select() must see what readline() leaves.
    sonde = net.here.start("arp", "watch", "--json", "-i", "e0", text=False, bufsize=0)
    one, other = "02:00:00:00:66:01", "02:00:00:00:66:02"
    events = []

    def expect(*wanted):
        """Reads on until it comes; what the kernels of the network say themselves is skipped."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if not select.select([sonde.stdout], [], [], 0.2)[0]:
                continue
            r = json.loads(sonde.stdout.readline())
            if r["host"] in ("10.66.0.99", "10.66.0.1"):
                events.append((r["event"], r["host"], r["mac"], r["old_mac"]))
                assert events[-1] == wanted
                return
        raise AssertionError("nothing was told")

    try:
        # It listens only when it runs: ask until the first is heard.
        for _ in range(50):
            announce(net.alpha, one, "10.66.0.99")
            if select.select([sonde.stdout], [], [], 0.1)[0]:
                break
        expect("new", "10.66.0.99", one, None)
        announce(net.alpha, other, "10.66.0.99")
        expect("changed", "10.66.0.99", other, one)
        announce(net.alpha, one, "10.66.0.99")
        expect("conflict", "10.66.0.99", one, other)
        announce(net.alpha, other, "10.66.0.1")
        expect("conflict", "10.66.0.1", other, None)
    finally:
        sonde.send_signal(signal.SIGINT)
        sonde.communicate(timeout=10)


# What is wrong


@pytest.mark.parametrize("args,status,message", [
    (["ping", "10.0.0.256"], 2, "10.0.0.256"),
    (["ping"], 2, ""),
    (["ping", "-s", 70000, "10.66.0.2"], 2, "65507"),
    (["ping", "-c", 1, "-I", "nosuch0", "10.66.0.2"], 2, "no interface"),
    (["ping", "-4", "fd66::2"], 2, "no targets are left: -4 takes"),
    (["ping", "224.0.0.1"], 2, "multicast"),
    (["hosts", "-c", 2, "10.66.0.2"], 2, "--every"),
    (["ping", "10.0.0.0/8"], 2, "at most"),
    (["hosts", "10.66.0.0/24", "--exclude", "10.0.0.0/8"], 2, "no targets are left: --exclude"),
    (["hosts", "8.0.0.0/16"], 2, "--authorized"),
    (["hosts", "--by", "arp,sonar", "10.66.0.2"], 2, "expected arp, icmp or tcp"),
    (["hosts", "--ports", "80,0", "10.66.0.2"], 2, "port from 1 to 65535"),
    (["hosts", "--ports", "-", "10.66.0.2"], 2, "65535 ports are too many"),
    (["hosts", "-i", "nosuch0", "10.66.0.2"], 2, "no interface"),
    (["hosts", "2000::/3", "--authorized"], 2, "too many targets"),
    (["arp", "check", "fd66::2"], 2, "not an IPv4 address"),
    (["hosts", "@/dev/null"], 2, "nothing to read"),
    (["arp", "watch", "-i", "lo"], 2, "not an Ethernet"),
    (["arp", "sweep", "10.67.0.0/28"], 2, "neighbour"),
    (["arp"], 2, ""),
])
def test_wrong_usage(net, args, status, message):
    done = net.here.sonde(*args, timeout=10)
    assert done.status == status, done.err
    assert message in done.err
