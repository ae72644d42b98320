"""sonde trace tells the MPLS labels that routers put into ICMP errors, as traceroute -e does.

     here ── t0 ── a router of ours behind a TUN device, which answers for all hops
"""

import fcntl
import json
import os
import re
import select
import struct
import threading

import pytest

from conftest import BUILD, run_command
from simulated import need_namespaces

pytestmark = need_namespaces()

HERE = "mpls-%d" % os.getpid()
TARGET = {4: "10.74.9.9", 6: "fd74:9::9"}
#: By hop: label, class, bottom of stack, TTL.
STACKS = {1: [], 2: [(16001, 3, 1, 1)], 3: [(24000, 0, 0, 2), (1048575, 7, 1, 255)], 4: []}
LAST = 5


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def extensions(stack):
    if not stack:
        return b""
    entries = b"".join(struct.pack("!I", label << 12 | e << 9 | s << 8 | ttl)
                       for label, e, s, ttl in stack)
    body = struct.pack("!BBHHBB", 0x20, 0, 0, 4 + len(entries), 1, 1) + entries
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def answer4(packet, told):
    hop, icmp = packet[8], packet[20:]
    if packet[9] != 1 or icmp[0] != 8:
        return None
    if hop >= LAST:
        source, body = packet[16:20], b"\0\0\0\0" + icmp[4:]
    else:
        source = bytes([10, 74, 0, hop])
        more = extensions(STACKS[hop])
        quoted = packet[:128].ljust(128, b"\0") if more else packet[:28]
        body = struct.pack("!BBHBBH", 11, 0, 0, 0, 32 if more and told else 0, 0) + quoted + more
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, 1, 0) + source + packet[12:16]
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def answer6(packet, told):
    hop, icmp = packet[7], packet[40:]
    if packet[6] != 58 or icmp[0] != 128:
        return None
    if hop >= LAST:
        source, body = packet[24:40], bytes([129, 0, 0, 0]) + icmp[4:]
    else:
        source = bytes.fromhex("fd74") + bytes(13) + bytes([hop])
        more = extensions(STACKS[hop])
        quoted = packet[:128].ljust(128, b"\0") if more else packet
        body = bytes([3, 0, 0, 0, 16 if more and told else 0, 0, 0, 0]) + quoted + more
    pseudo = source + packet[8:24] + struct.pack("!II", len(body), 58)
    body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
    return struct.pack("!IHBB", 0x60000000, len(body), 58, 64) + source + packet[8:24] + body


@pytest.fixture(params=[True, False], ids=["said", "not-said"])
def network(request):
    """Whether the errors say where the extensions begin."""
    run_command("ip", "netns", "add", HERE)
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"mpls-tun", 0x1001))
    run_command("ip", "link", "set", "mpls-tun", "netns", HERE, "name", "t0")
    run_command("ip", "netns", "exec", HERE, "sysctl", "-qw", "net.ipv6.conf.t0.accept_dad=0")
    for words in (["link", "set", "t0", "up"], ["addr", "add", "10.74.1.1/16", "dev", "t0"],
                  ["addr", "add", "fd74:1::1/16", "dev", "t0"]):
        assert run_command("ip", "-n", HERE, *words).status == 0
    ended = threading.Event()

    def route():
        while not ended.is_set():
            if select.select([tun], [], [], 0.05)[0]:
                packet = os.read(tun, 65536)
                answer = (answer4 if packet[0] >> 4 == 4 else answer6)(packet, request.param)
                if answer:
                    os.write(tun, answer)

    thread = threading.Thread(target=route)
    thread.start()
    yield
    ended.set()
    thread.join()
    os.close(tun)
    run_command("ip", "netns", "del", HERE)


def labels(text):
    return re.findall(r"L=\d+,E=\d,S=\d,T=\d+", text)


@pytest.mark.parametrize("family", [4, 6])
def test_labels_are_those_of_traceroute(network, family):
    expected = {hop: ["L=%d,E=%d,S=%d,T=%d" % entry for entry in stack]
                for hop, stack in STACKS.items()}
    theirs = run_command("ip", "netns", "exec", HERE, "traceroute", "-%d" % family, "-n", "-I", "-e",
                         "-q", "1", "-m", LAST, TARGET[family], timeout=60)
    hops = re.findall(r"^ *(\d+)  (.*)$", theirs.out, re.M)
    assert {int(hop): labels(rest) for hop, rest in hops if int(hop) < LAST} == expected, theirs.out
    ours = run_command("ip", "netns", "exec", HERE, BUILD / "sonde", "trace", "-n", "-c", 1, "--json",
                       TARGET[family], timeout=60)
    records = [json.loads(line) for line in ours.out.splitlines()]
    told = {r["hop"]: r.get("mpls") or [] for r in records if r["record"] == "hop"}
    assert {hop: list(stack) for hop, stack in told.items() if hop < LAST} == expected, ours.out
    table = run_command("ip", "netns", "exec", HERE, BUILD / "sonde", "trace", "-n", "-c", 1,
                        TARGET[family], timeout=60)
    assert labels(table.out) == sum(expected.values(), [])
