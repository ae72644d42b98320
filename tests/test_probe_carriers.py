"""What carries probes, against real kernels: next hops that nobody knows yet, more neighbours than
the kernel keeps, tunnels without Ethernet, this machine itself, UDP and connections.

     here ── there     10.55.0.0/16 (there: .2, and all of 10.55.128.0/20), fd55::/64
                       10.56.0.0/16 and fd56::/64 routed through there, all of it there's own
     here ~~ there     10.57.0.0/24, fd57::/64 through a tun device at each end
"""

import ctypes
import fcntl
import os
import re
import select
import struct
import subprocess
import threading

import pytest

from conftest import BUILD, run_command

PREFIX = "carry%d-" % os.getpid()
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
SERVER = """
import select, socket
listening, answering = [], []
for family, any in (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"):
    for port in 80, 443:
        s = socket.socket(family)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((any, port))
        s.listen(1000)
        listening.append(s)
for address in "10.55.0.2", "fd55::2", "10.57.0.2", "fd57::2":
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 53))
    answering.append(s)
print("ready", flush=True)
while True:
    for s in select.select(answering, [], [])[0]:
        data, peer = s.recvfrom(2000)
        s.sendto(data, peer)
"""


def have_namespaces():
    return os.geteuid() == 0 and run_command("unshare", "-n", "true").status == 0


pytestmark = pytest.mark.skipif(not have_namespaces(), reason="needs root and network namespaces")


def open_tun(namespace):
    """A tun device t0 in a namespace; its descriptor works from everywhere."""
    opened = []

    def enter():
        with open("/run/netns/" + namespace) as file:
            assert ctypes.CDLL(None).setns(file.fileno(), 0) == 0
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"t0", IFF_TUN | IFF_NO_PI))
        opened.append(fd)

    thread = threading.Thread(target=enter)  # of its own, as it stays in that namespace
    thread.start()
    thread.join()
    return opened[0]


class Net:
    def __init__(self):
        self.here, self.there = PREFIX + "here", PREFIX + "there"
        for name in self.here, self.there:
            run_command("ip", "netns", "add", name)
            self.ip(name, "link", "set", "lo", "up")
            self.sysctl(name, "net.ipv6.conf.all.accept_dad", 0)
            self.sysctl(name, "net.ipv6.conf.default.accept_dad", 0)
        self.ip(self.here, "link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns",
                self.there)
        self.tuns = [open_tun(self.here), open_tun(self.there)]
        for number, name in (1, self.here), (2, self.there):
            for device, net in ("e0", 55), ("t0", 57):
                self.ip(name, "link", "set", device, "up")
                length = 16 if device == "e0" else 24
                self.ip(name, "addr", "add", "10.%d.0.%d/%d" % (net, number, length), "dev", device)
                self.ip(name, "addr", "add", "fd%d::%d/64" % (net, number), "dev", device)
        for to in "10.56.0.0/16", "fd56::/64", "10.55.128.0/20":
            self.ip(self.there, "route", "add", "local", to, "dev", "lo")
        self.ip(self.here, "route", "add", "10.56.0.0/16", "via", "10.55.0.2")
        self.ip(self.here, "route", "add", "fd56::/64", "via", "fd55::2")
        for setting in "net.ipv4.icmp_ratelimit", "net.ipv6.icmp.ratelimit":
            self.sysctl(self.there, setting, 0)
        self.ends, self.wake = os.pipe()
        self.thread = threading.Thread(target=self.carry)
        self.thread.start()
        self.server = subprocess.Popen(["ip", "netns", "exec", self.there, "/usr/bin/python3", "-c",
                                        SERVER], stdout=subprocess.PIPE, text=True)
        assert self.server.stdout.readline() == "ready\n"

    @staticmethod
    def ip(name, *args):
        done = run_command("ip", "-n", name, *args)
        assert done.status == 0, done.err
        return done.out

    @staticmethod
    def sysctl(name, setting, value):
        run_command("ip", "netns", "exec", name, "sysctl", "-qw", "%s=%s" % (setting, value))

    def carry(self):
        """Each tun device's packets into the other, until the pipe is closed."""
        other = {self.tuns[0]: self.tuns[1], self.tuns[1]: self.tuns[0]}
        while True:
            for fd in select.select([self.ends, *self.tuns], [], [])[0]:
                if fd == self.ends:
                    return
                try:
                    os.write(other[fd], os.read(fd, 65536))
                except OSError:
                    pass

    def load(self, *args, prefix=()):
        done = run_command("ip", "netns", "exec", self.here, *prefix,
                           BUILD / "src/probe/probe-load", *args)
        assert done.status == 0, done.err
        lines = done.out.splitlines()
        account = {k: float(v) for k, v in re.findall(r"(\w+) ([\d.]+)", lines[-1])}
        answers = {tuple(line.split(" ", 2)[:2]): line.split(" ", 2)[2] for line in lines[:-1]}
        return answers, account

    def delete(self):
        self.server.kill()
        self.server.wait()
        os.close(self.wake)
        self.thread.join()
        for fd in self.tuns:
            os.close(fd)
        for name in self.here, self.there:
            run_command("ip", "netns", "del", name)


@pytest.fixture(scope="module")
def net():
    made = Net()
    try:
        yield made
    finally:
        made.delete()


@pytest.mark.parametrize("target", ["10.55.0.2", "fd55::2", "10.55.128.77", "10.56.7.8", "fd56::78",
                                    "10.57.0.2", "fd57::2"])
def test_syn(net, target):
    """A neighbour whom nobody has asked yet, behind a router, through a tunnel: all the same."""
    net.ip(net.here, "neigh", "flush", "all")
    answers, account = net.load("-v", "syn", target, "79-81,443", 0)
    assert answers == {(target, "79"): "rst ttl 64", (target, "80"): "syn-ack ttl 64",
                       (target, "81"): "rst ttl 64", (target, "443"): "syn-ack ttl 64"}
    assert account["sent"] == 4 and account["held"] == account["dropped"] == 0
    # The kernel's RST has ended what the SYN+ACKs began.
    states = run_command("ip", "netns", "exec", net.there, "ss", "-Htan", "state", "syn-recv").out
    assert states == ""


@pytest.mark.parametrize("target", ["127.0.0.1", "10.55.0.1", "::1", "fd55::1", "127.3.2.1"])
def test_syn_to_this_machine(net, target):
    answers, _ = net.load("-v", "syn", target, "9,10", 0)
    assert answers == {(target, "9"): "rst ttl 64", (target, "10"): "rst ttl 64"}


@pytest.mark.parametrize("target", ["10.55.0.99", "fd55::99"])
def test_nobody_there(net, target):
    answers, account = net.load("-v", "syn", target, "80", 0, 0, 2000)
    assert answers == {(target, "80"): "host unreachable"}
    assert account["failed"] == 1 and account["sent"] == 0


def test_no_route(net):
    answers, account = net.load("-v", "syn", "192.0.2.1,10.55.255.255", "80", 0)
    assert account["failed"] == 2
    assert answers[("192.0.2.1", "80")] == "no route"


def test_more_neighbours_than_the_kernel_keeps(net):
    """4,096 of 8,192 answer; the kernel's own table, shared by all namespaces, holds 1,024. Closed
    ports only: it would have to ask for those to which it sends a RST."""
    _, account = net.load("syn", "10.55.128.0/19", "81", 20000, 2, 2000)
    assert account["answered"] == 4096
    assert account["failed"] == 4096


def test_all_of_a_network(net):
    """Each address once, through one router."""
    _, account = net.load("syn", "10.56.0.0/18", "80,81", 50000, 3, 1000)
    assert account["answered"] == 2 * 2 ** 14


def test_routes_that_change(net):
    """What was true in the last run need not be in this one; rules count as well."""
    net.ip(net.here, "route", "add", "unreachable", "10.56.9.0/24")
    net.ip(net.here, "rule", "add", "to", "10.56.10.0/24", "prohibit")
    try:
        answers, _ = net.load("-v", "syn", "10.56.8.1,10.56.9.1,10.56.10.1", "80", 0)
    finally:
        net.ip(net.here, "rule", "del", "to", "10.56.10.0/24", "prohibit")
        net.ip(net.here, "route", "del", "unreachable", "10.56.9.0/24")
    assert answers[("10.56.8.1", "80")] == "syn-ack ttl 64"
    assert "unreachable" in answers[("10.56.9.1", "80")]
    assert answers[("10.56.10.1", "80")] != "syn-ack ttl 64"


NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


@pytest.mark.parametrize("prefix", [[], NOBODY], ids=["root", "nobody"])
@pytest.mark.parametrize("target", ["10.55.0.2", "fd55::2", "10.57.0.2", "fd57::2"])
def test_udp(net, target, prefix):
    answers, _ = net.load("-v", "udp", target, "53,54", 0, prefix=prefix)
    assert answers[(target, "53")] == "udp answer ttl 64"
    assert answers[(target, "54")].startswith("icmp port-unreachable")


@pytest.mark.parametrize("limit", [None, 64, 20])
@pytest.mark.parametrize("target", ["10.55.0.2", "fd55::2"])
def test_connections(net, target, limit):
    """All ports, with as many descriptors as there may be."""
    prefix = ["prlimit", "--nofile=%d:%d" % (limit, limit)] if limit else []
    answers, account = net.load("-v", "tcp", target, "1-2000", 0, prefix=[*prefix, *NOBODY])
    opened = {port for (_, port), why in answers.items() if why == "connected"}
    assert opened == {"80", "443"}
    assert len(answers) == 2000 and set(answers.values()) == {"connected", "refused"}
    assert account["failed"] == 0
    states = run_command("ip", "netns", "exec", net.here, "ss", "-Htan", "state", "time-wait").out
    assert states == ""


def test_connections_that_hang(net):
    """More targets that say nothing than descriptors."""
    net.ip(net.there, "route", "add", "blackhole", "10.56.200.0/24")
    try:
        _, account = net.load("tcp", "10.56.200.0/25", "80", 0, 0, 200,
                              prefix=["prlimit", "--nofile=64:64", *NOBODY])
    finally:
        net.ip(net.there, "route", "del", "blackhole", "10.56.200.0/24")
    assert account["silent"] == 128 and account["failed"] == 0


def test_hosts_beyond_the_kernels_neighbours(net):
    """ICMP asks those whom ARP has found, by frames: all 4,096 answer both."""
    done = run_command("ip", "netns", "exec", net.here, BUILD / "sonde", "hosts", "10.55.128.0/19",
                       "--rate", "20000", "--json")
    found = [r for r in done.records("host") if r["state"] == "alive"]
    assert len(found) == 4096
    assert all(r["evidence"] == ["arp", "icmp"] for r in found)
