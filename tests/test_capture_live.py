"""Capturing from interfaces, against tcpdump on the same interface at the same time. Everything happens
in a network namespace of the test's own, on veth pairs, tun devices and its loopback."""

import fcntl
import itertools
import json
import os
import random
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections import Counter

import pytest

from conftest import BUILD, run_command

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or run_command("unshare", "-n", "true").status != 0,
    reason="needs root and network namespaces")

RING_DUMP = BUILD / "src/io/ring-dump"
NUMBERS = itertools.count(1)
NEAR, FAR = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


class Packet:
    """One line of ring-dump, or a record of tcpdump's file."""

    def __init__(self, link_type, wire_len, data, time_ns=0, flags=0, interface=0):
        self.link_type, self.wire_len, self.data = link_type, wire_len, data
        self.time_ns, self.flags, self.interface = time_ns, flags, interface

    def key(self):
        return self.link_type, self.time_ns, self.wire_len, self.data


class Capture:
    """A running ring-dump."""

    def __init__(self, net, *args, binary=RING_DUMP):
        self.out = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(net.enter + [str(binary), *map(str, args)], text=True,
                                        stdout=self.out, stderr=subprocess.PIPE)
        self.first = self.process.stderr.readline()
        assert self.first == "ready\n", self.first

    def end(self, ask=True):
        """Its packets; what it says at the end is in .account, of what it skipped in .gaps."""
        if ask:
            self.process.send_signal(signal.SIGINT)
        self.account = json.loads(self.process.communicate(timeout=60)[1].splitlines()[-1])
        self.out.seek(0)
        packets, self.gaps = [], []
        for words in map(str.split, self.out):
            if words[0] == "skipped":
                self.gaps.append(int(words[1]))
                continue
            interface, link_type, flags, time_ns, wire_len = map(int, words[:5])
            data = bytes.fromhex(words[5]) if len(words) > 5 else b""
            packets.append(Packet(link_type, wire_len, data, time_ns, flags, interface))
        return packets


def read_pcap(path):
    """The packets of a file in nanoseconds or microseconds, in this machine's byte order."""
    data = path.read_bytes()
    magic, link_type = struct.unpack_from("<I", data)[0], struct.unpack_from("<I", data, 20)[0]
    packets, at = [], 24
    while at < len(data):
        seconds, part, cap_len, wire_len = struct.unpack_from("<IIII", data, at)
        time_ns = seconds * 10**9 + part * (1 if magic == 0xa1b23c4d else 1000)
        packets.append(Packet(link_type, wire_len, data[at + 16:at + 16 + cap_len], time_ns))
        at += 16 + cap_len
    return packets


class Tcpdump:
    """The peer, with nanoseconds, into a file."""

    def __init__(self, net, path, iface, *args, expression=""):
        self.path = path
        self.process = subprocess.Popen(
            net.enter + ["tcpdump", "-i", iface, "-n", "-U", "-Z", "root", "--immediate-mode", "-w", str(path),
                         "--time-stamp-precision=nano", *map(str, args), expression],
            stderr=subprocess.PIPE, text=True)
        line = ""
        while "listening on" not in line:
            line = self.process.stderr.readline()
            assert line, "tcpdump does not start"

    def end(self):
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=30)[1]
        captured, received = (int(line.split()[0]) for line in said.splitlines()[-3:-1])
        self.missed = received - captured
        return read_pcap(self.path)


class Net:
    """A namespace with v0 and v1, two ends of one cable, on which nothing is sent but what tests send."""

    def __init__(self):
        self.name = "live-%d-%d" % (os.getpid(), next(NUMBERS))
        self.enter = ["ip", "netns", "exec", self.name]
        run_command("ip", "netns", "add", self.name)
        self.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                 "net.ipv6.conf.default.disable_ipv6=1")
        self.ip("link", "add", "v0", "address", NEAR.hex(":"), "type", "veth", "peer", "name", "v1",
                "address", FAR.hex(":"))
        for name in ("lo", "v0", "v1"):
            self.ip("link", "set", name, "up")
        deadline = time.monotonic() + 10
        while "LOWER_UP" not in self.ip("link", "show", "v1").out and time.monotonic() < deadline:
            time.sleep(0.05)

    def ip(self, *words):
        return run_command("ip", "-n", self.name, *words)

    def run(self, *command, **kwargs):
        return run_command(*self.enter, *command, **kwargs)

    def inside(self, work):
        """work() in a child within the namespace."""
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with open("/run/netns/" + self.name) as namespace:
                    libc_setns(namespace.fileno())
                work()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0

    def send(self, frames, iface="v0"):
        def work():
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
                s.bind((iface, 0))
                for frame in frames:
                    s.send(frame)

        self.inside(work)
        time.sleep(0.3)  # blocks retire, tcpdump looks

    def end(self):
        run_command("ip", "netns", "del", self.name)


def libc_setns(fd):
    import ctypes
    if ctypes.CDLL(None, use_errno=True).setns(fd, 0) < 0:
        raise OSError(ctypes.get_errno(), "setns")


@pytest.fixture
def net():
    made = Net()
    yield made
    made.end()


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp(source, target, port, payload=b"", src_port=4660):
    """An IPv4 datagram."""
    def header(check):
        return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 1, 0, 64, 17, check,
                           socket.inet_aton(source), socket.inet_aton(target))

    return header(checksum(header(0))) + struct.pack("!HHHH", src_port, port, 8 + len(payload), 0) + payload


def frame(ethertype, rest, tags=(), to=FAR):
    """An Ethernet frame; tags are (TPID, TCI), outermost first."""
    head = to + NEAR
    for tpid, tci in tags:
        head += struct.pack("!HH", tpid, tci)
    return (head + struct.pack("!H", ethertype) + rest).ljust(60, b"\0")


def some_frames():
    """All sorts, all different."""
    rng = random.Random(3)
    query = udp("10.9.0.1", "10.9.0.2", 53, b"query")
    other = udp("10.9.0.3", "10.9.0.4", 80, b"other")
    frames = [
        frame(0x0800, query),
        frame(0x0800, other),
        frame(0x0800, udp("10.9.0.1", "10.9.0.255", 53, b"all"), to=b"\xff" * 6),
        frame(0x0800, udp("10.9.0.1", "224.0.0.251", 5353, b"some"), to=bytes.fromhex("01005e0000fb")),
        frame(0x0800, query, [(0x8100, 7)]),
        frame(0x0800, other, [(0x8100, 0xe008)]),
        frame(0x0800, query, [(0x8100, 0)]),
        frame(0x0800, query, [(0x88a8, 5), (0x8100, 9)]),
        frame(0x0800, other, [(0x8100, 7), (0x8100, 9)]),
        frame(0x0806, bytes(28)),
        frame(0x0806, bytes(28), [(0x8100, 7)]),
        frame(0x88b5, b"local experiment"),
        frame(0x0026, b"\xaa\xaa\x03" + b"llc" * 10),
        frame(0x0800, query, to=bytes.fromhex("0200000000ff")),
    ]
    for size in (0, 1, 40, 200, 1000, 1472):
        frames.append(frame(0x0800, udp("10.9.0.1", "10.9.0.2", 53, rng.randbytes(size))))
        frames.append(frame(0x0800, udp("10.9.0.1", "10.9.0.2", 99, rng.randbytes(size - size % 100)),
                            [(0x8100, 7)]))
    return frames


def both(net, tmp_path, iface, frames, expression="", snap=0):
    """What ring-dump got of the frames, having compared it with tcpdump's. For packets that come just
    after it begins, tcpdump runs the filter itself and cannot answer all its questions; it counts
    those as received and not captured."""
    peer = Tcpdump(net, tmp_path / "peer.pcap", iface, "-s", snap, expression=expression)
    capture = Capture(net, "-i", iface, "-f", expression, "-s", snap)
    net.send(frames)
    ours, theirs = capture.end(), peer.end()
    assert ours
    assert not Counter(map(Packet.key, theirs)) - Counter(map(Packet.key, ours))
    assert len(ours) == len(theirs) + peer.missed
    assert capture.account["received"] == capture.account["taken"] == len(ours)
    return ours


@pytest.mark.parametrize("iface", ["v0", "v1"])
def test_same_packets_as_tcpdump(net, tmp_path, iface):
    ours = both(net, tmp_path, iface, some_frames())
    assert [p.data for p in ours] == some_frames()
    assert all(p.link_type == 1 and p.wire_len == len(p.data) for p in ours)
    assert {p.flags & 3 for p in ours} == {2 if iface == "v0" else 1}


def test_reception(net):
    capture = Capture(net, "-i", "v1")
    net.send(some_frames())
    kinds = Counter(p.flags >> 2 & 7 for p in capture.end())
    assert (kinds[2], kinds[3], kinds[4]) == (1, 1, 1)  # one multicast, one broadcast, one for another
    assert kinds[1] == len(some_frames()) - 3


FILTERS = ["udp port 53", "not udp port 53", "ip", "arp", "not arp", "vlan", "vlan 7", "not vlan 7",
           "vlan 7 and udp port 53", "vlan and vlan 9", "vlan 7 or vlan 8", "udp and greater 200", "multicast",
           "inbound and udp", "ether dst 02:00:00:00:00:02", "ether proto 0x88b5", "not outbound",
           "udp[8:4] = 0x71756572", "host 10.9.0.3 and not port 53"]


@pytest.mark.parametrize("expression", FILTERS)
def test_filters_as_tcpdump(net, tmp_path, expression):
    both(net, tmp_path, "v1", some_frames(), expression)


@pytest.mark.parametrize("expression", ["udp port 53", "vlan and udp port 53"])
@pytest.mark.parametrize("iface", ["v1", "any"])
def test_filter_too_long_for_the_kernel(net, iface, expression):
    if iface == "any" and "vlan" in expression:
        expression = "not udp port 53"  # libpcap does not look for tags in cooked packets
    words = " or ".join("ether[%d:4] = 0x12345678" % i for i in range(2200))
    short = Capture(net, "-i", iface, "-f", expression)
    long = Capture(net, "-i", iface, "-f", "(%s) or %s" % (expression, words))
    net.send(some_frames())
    expected = list(map(Packet.key, short.end()))
    assert expected and list(map(Packet.key, long.end())) == expected
    assert long.account["received"] == len(expected)


def test_netmask_of_the_interface(net):
    net.ip("addr", "add", "10.9.0.2/24", "dev", "v1")
    capture = Capture(net, "-i", "v1", "-f", "ip broadcast")
    net.send([f for f in some_frames() if f[12:14] == b"\x08\0"])
    assert [p.data[30:34] for p in capture.end()] == [socket.inet_aton("10.9.0.255")]


@pytest.mark.parametrize("snap", [1, 13, 16, 60, 64, 300])
@pytest.mark.parametrize("expression", ["", "vlan"])
def test_snap_length(net, snap, expression):
    capture = Capture(net, "-i", "v1", "-f", expression, "-s", snap)
    net.send(some_frames())
    expected = [f for f in some_frames() if not expression or f[12:14] in (b"\x81\0", b"\x88\xa8")]
    assert [(p.data, p.wire_len) for p in capture.end()] == [(f[:snap], len(f)) for f in expected]


def test_leaving_with_a_tag(net, tmp_path):
    """A raw socket's frame has its tag inside, not beside it."""
    frames = [frame(0x0800, udp("10.9.0.1", "10.9.0.2", 53), [(0x8100, 7)])]
    assert [p.data for p in both(net, tmp_path, "v0", frames, "vlan 7 and udp")] == frames


def untagged():
    """libpcap does not put tags back into cooked packets."""
    return [f for f in some_frames() if f[12:14] not in (b"\x81\0", b"\x88\xa8")]


def test_any(net, tmp_path):
    ours = both(net, tmp_path, "any", untagged())
    assert {p.link_type for p in ours} == {276}
    assert len(ours) == 2 * len(untagged())
    assert {p.flags & 3 for p in ours} == {1, 2}


@pytest.mark.parametrize("expression", ["udp port 53", "not udp port 53", "arp", "outbound", "greater 200",
                                        "udp and inbound", "ip[8] = 64 and not host 10.9.0.3", "ifindex 2"])
def test_filters_on_any(net, tmp_path, expression):
    both(net, tmp_path, "any", untagged(), expression)


def test_tags_on_any(net):
    """The cooked header names the tag's protocol; the rest of the tag and what it carries follow."""
    capture = Capture(net, "-i", "any", "-f", "inbound")
    net.send(some_frames())
    for packet, sent in zip(capture.end(), some_frames(), strict=True):
        protocol = sent[12:14] if sent[12:14] != b"\0\x26" else b"\0\4"  # LLC
        head = protocol + b"\0\0" + packet.data[4:8] + struct.pack("!HBB", 1, packet.data[10], 6)
        assert packet.data == head + NEAR + b"\0\0" + sent[14:]
        assert packet.wire_len == len(packet.data)


def open_tun(net):
    """A tun device "t0" and its descriptor."""
    tun, name = os.open("/dev/net/tun", os.O_RDWR), "live%d" % os.getpid()
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1001))  # TUNSETIFF, TUN, no header
    run_command("ip", "link", "set", name, "netns", net.name, "name", "t0")
    net.ip("link", "set", "t0", "up")
    return tun


def test_tun(net, tmp_path):
    tun = open_tun(net)
    try:
        peer = Tcpdump(net, tmp_path / "peer.pcap", "t0")
        every, some = Capture(net, "-i", "t0"), Capture(net, "-i", "t0", "-f", "udp port 53")
        datagrams = [udp("10.8.0.1", "10.8.0.2", port, bytes(port)) for port in (53, 54, 53, 1000)]
        for datagram in datagrams:
            os.write(tun, datagram)
        time.sleep(0.3)
        ours, filtered, theirs = every.end(), some.end(), peer.end()
        assert [p.data for p in ours] == datagrams
        assert {p.link_type for p in ours} == {101}
        assert Counter(map(Packet.key, theirs)) == Counter(map(Packet.key, ours))
        assert [p.data for p in filtered] == [datagrams[0], datagrams[2]]
    finally:
        os.close(tun)


def test_loopback_sees_packets_once(net, tmp_path):
    """Also their checksums, which the kernel does not compute, are marked."""
    peer = Tcpdump(net, tmp_path / "peer.pcap", "lo")
    capture, every = Capture(net, "-i", "lo"), Capture(net, "-i", "any")

    def work():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for i in range(10):
                s.sendto(b"%d" % i, ("127.0.0.1", 9))
    net.inside(work)
    time.sleep(0.3)
    ours, on_any, theirs = capture.end(), every.end(), peer.end()
    assert len(ours) == 20  # with the port unreachable of each
    assert theirs and not Counter(map(Packet.key, theirs)) - Counter(map(Packet.key, ours))
    assert capture.account["received"] == 20
    assert len(on_any) == 20
    datagrams = [p for p in ours if p.data[23] == 17]
    assert len(datagrams) == 10 and all(p.flags & 1 << 9 for p in datagrams)


def test_two_interfaces_at_once(net):
    net.ip("link", "add", "w0", "type", "veth", "peer", "name", "w1")
    for name in ("w0", "w1"):
        net.ip("link", "set", name, "up")
    time.sleep(0.5)
    capture = Capture(net, "-i", "v1", "-i", "w1")
    net.send(some_frames())
    net.send(some_frames()[:5], "w0")
    packets = capture.end()
    assert [p.data for p in packets if p.interface == 0] == some_frames()
    assert [p.data for p in packets if p.interface == 1] == some_frames()[:5]
    assert capture.account["received"] == len(packets)


def test_every_frame_of_the_sending_ring_arrives(net):
    """What the AF_XDP sender takes is there once, and in order."""
    capture = Capture(net, "-i", "v1", "-f", "udp")
    said = net.run(BUILD / "src/io/blast", "v0", 20000, 0.5, 60, "xdp")
    assert said.status == 0, said.err
    numbers = [struct.unpack("<Q", p.data[42:50])[0] for p in capture.end()]
    assert len(numbers) == int(said.out.split()[0]) > 9000
    assert numbers == list(range(len(numbers)))


def test_ends_after_a_number(net):
    capture = Capture(net, "-i", "v1", "-c", 5, "-w")
    net.send(some_frames())
    assert [p.data for p in capture.end(ask=False)] == some_frames()[:5]
    assert capture.process.returncode == 0
    assert capture.account["taken"] == capture.account["written"] == 5


def test_ends_after_a_time(net):
    capture = Capture(net, "-i", "v1", "-a", 700)
    net.send(some_frames())
    assert [p.data for p in capture.end(ask=False)] == some_frames()


BURST = [frame(0x0800, udp("10.9.0.1", "10.9.0.2", 53, struct.pack("!I", i) + bytes(1400)))
         for i in range(20000)]


def test_consumer_asleep_without_a_file(net):
    """Its queue fills, then the ring; then the kernel drops, and every packet is accounted for."""
    capture = Capture(net, "-i", "v1", "-B", 4096, "-Q", 1024, "-S", 1500)
    net.send(BURST)
    packets, account = capture.end(), capture.account
    assert account["received"] == len(BURST)
    assert account["dropped"] > 0 and account["frozen"] > 0 and account["skipped"] == 0
    assert account["taken"] == account["queued"] == len(packets) == len(BURST) - account["dropped"]
    captured = {p.data for p in packets}
    assert [p.data for p in packets] == [f for f in BURST if f in captured]


def test_consumer_asleep_with_a_file(net):
    """The file gets everything, the consumer a sample, and is told how large the gaps are."""
    capture = Capture(net, "-i", "v1", "-w", "-Q", 1024, "-S", 1500)
    net.send(BURST + some_frames())
    time.sleep(1.5)  # the consumer wakes
    net.send(some_frames())
    packets, account = capture.end(), capture.account
    everything = BURST + some_frames() + some_frames()
    assert account["received"] == account["written"] == len(everything)
    assert account["dropped"] == 0 and account["skipped"] > 0
    assert account["queued"] == len(packets) == len(everything) - account["skipped"]
    assert [p.data for p in packets[-len(some_frames()):]] == some_frames()
    assert sum(capture.gaps) == account["skipped"]


@pytest.mark.parametrize("how, error", [("down", -100), ("gone", -6)])
def test_interface_leaves(net, how, error):
    """What came before still comes, then the capture ends by itself and says why."""
    capture = Capture(net, "-i", "v1", "-r", 300)
    net.send(some_frames())
    net.ip("link", *(["set", "v1", "down"] if how == "down" else ["del", "v1"]))
    packets = capture.end(ask=False)
    assert [p.data for p in packets] == some_frames()
    assert (capture.account["result"], capture.account["ring"]) == (error, 0)


@pytest.mark.parametrize("args, says", [
    (["-i", "nosuch"], "there is no interface nosuch here"),
    (["-i", "n" * 40], "there is no interface"),
    (["-i", "down0"], "down0 is down. Raise it: ip link set down0 up"),
    (["-i", "v1", "-f", "prot 53"], 'the filter "prot 53" is not understood: '),
    (["-i", "v1", "-f", "vlan and outbound"], "leave one of them away"),
    (["-i", "v1", "-B", str(1 << 40)], "is too large"),
    (["-i", "v1", "-s", "262145"], "at most 262144 bytes"),
    (["-i", "any", "-p"], '"any" cannot be promiscuous'),
])
def test_refusals(net, args, says):
    net.ip("link", "add", "down0", "type", "veth", "peer", "name", "down1")
    done = net.run(RING_DUMP, *args)
    assert done.status == 3 and says in done.err, done.err


def test_promiscuous_only_when_asked(net):
    for args, promiscuous in (([], "0"), (["-p"], "1")):
        capture = Capture(net, "-i", "v1", *args)
        shown = json.loads(net.ip("-d", "-j", "link", "show", "v1").out)[0]["promiscuity"]
        capture.end()
        assert str(shown) == promiscuous


def ids_of(process):
    """Of every thread: user and group ids, groups, capabilities, no_new_privs."""
    found = []
    for task in os.listdir("/proc/%d/task" % process.pid):
        with open("/proc/%d/task/%s/status" % (process.pid, task)) as status:
            lines = dict(line.split(":", 1) for line in status)
        found.append({name: lines[name].split() for name in (
            "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs")})
    return found


@pytest.mark.parametrize("user, sudo, uid", [
    ("nobody", "", 65534), ("daemon", "", 1), ("1", "", 1), ("", "", 65534), ("", "1", 1), ("", "0", 65534),
    ("root", "1", 0)])
def test_root_becomes_another(net, monkeypatch, user, sudo, uid):
    monkeypatch.setenv("SUDO_UID", sudo)
    capture = Capture(net, "-i", "v1", "-Z", user)
    threads = ids_of(capture.process)
    assert len(threads) == 2
    for ids in threads:
        assert set(ids["Uid"]) == {str(uid)}
        assert "0" not in ids["Gid"] + ids["Groups"] or uid == 0
        assert all(int(ids[cap][0], 16) == 0 for cap in ("CapInh", "CapPrm", "CapEff", "CapAmb"))
        assert ids["NoNewPrivs"] == ["1"]
    net.send(some_frames())
    assert [p.data for p in capture.end()] == some_frames()


def test_unknown_user(net):
    done = net.run(RING_DUMP, "-i", "v1", "-Z", "no-such-user")
    assert done.status == 3 and "there is no user no-such-user here" in done.err


def test_capabilities_instead_of_root(net, tmp_path):
    """A binary with cap_net_raw, run by nobody: captures, and has given the capability up."""
    copy = tmp_path / "ring-dump"
    copy.write_bytes(RING_DUMP.read_bytes())
    copy.chmod(0o755)
    for folder in list(copy.parents)[:-2]:
        folder.chmod(folder.stat().st_mode | 0o111)
    assert run_command("setcap", "cap_net_raw+ep", copy).status == 0
    as_nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    net.enter += as_nobody
    refused = net.run(copy, "-i", "v1", "-Z", "daemon")
    assert refused.status == 3 and "only root can become another user" in refused.err
    plain = net.run(RING_DUMP, "-i", "v1")
    assert plain.status in (1, 3, 126) and ("not permitted" in plain.err or plain.status != 3)
    capture = Capture(net, "-i", "v1", "-Z", "", binary=copy)
    for ids in ids_of(capture.process):
        assert int(ids["CapPrm"][0], 16) == int(ids["CapEff"][0], 16) == 0
        assert ids["NoNewPrivs"] == ["1"]
    net.send(some_frames())
    assert [p.data for p in capture.end()] == some_frames()


def test_rotated_files_without_privileges(net, sonde, binary, tmp_path):
    """The folder is opened by root, and its files made by the user who captures; nobody else could
    even come to the folder."""
    closed, folder = tmp_path / "closed", tmp_path / "closed/out"
    folder.mkdir(parents=True)
    closed.chmod(0o700)
    os.chown(folder, 65534, 65534)
    capture = subprocess.Popen(net.enter + [
        str(binary), "capture", "-i", "v1", "-Z", "nobody", "--nano", "-C", "2k", "-w", str(folder / "x.pcap")],
        stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while len(os.listdir("/proc/%d/task" % capture.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)  # until its thread captures
    assert all(set(ids["Uid"]) == {"65534"} for ids in ids_of(capture))
    frames = some_frames() * 5
    net.send(frames)
    capture.send_signal(signal.SIGINT)
    said = capture.communicate(timeout=30)[1]
    assert capture.returncode == 0, said
    assert "%d packets received, 0 dropped" % len(frames) in said
    paths = sorted(folder.iterdir(), key=lambda path: int(path.name[6:] or 0))
    assert len(paths) > 3 and {path.stat().st_uid for path in paths} == {65534}
    assert [p.data for path in paths for p in read_pcap(path)] == frames
    refused = net.run(binary, "capture", "-i", "v1", "-Z", "nobody", "-C", "2k", "-w", closed / "x.pcap")
    assert refused.status == 3 and "x.pcap" in refused.err
