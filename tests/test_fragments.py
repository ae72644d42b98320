"""Datagrams put together of fragments, against tshark's reading of the same packets."""

import json
import random
import shutil
import struct
import subprocess

import pytest

TSHARK = shutil.which("tshark")
ETHERNET = bytes.fromhex("020000000002020000000001")
IP4 = bytes.fromhex("0a0000010a000002")
IP6 = bytes.fromhex("fd" + "00" * 14 + "01" + "fd" + "00" * 14 + "02")


def ip4(proto, payload, ident, off, more):
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), ident, more << 13 | off // 8, 64,
                       proto, 0) + IP4 + payload


def ip6(proto, payload, ident, off, more):
    header = struct.pack(">BBHI", proto, 0, off | more, ident)
    return struct.pack(">IHBB", 6 << 28, 8 + len(payload), 44, 64) + IP6 + header + payload


def frame(packet):
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86dd
    return ETHERNET + struct.pack(">H", kind) + packet


def udp(port, data):
    return struct.pack(">HHHH", port, 40100, 8 + len(data), 0) + data


def cut(make, proto, payload, ident, cuts):
    """The fragments of @payload, cut at the places @cuts."""
    ends = sorted(cuts | {len(payload)})
    return [make(proto, payload[off:end], ident, off, end < len(payload))
            for off, end in zip([0] + ends, ends)]


def write(path, packets):
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for n, packet in enumerate(packets):
            out.write(struct.pack("<IIII", 1700000000 + n // 1000, n % 1000, len(packet),
                                  len(packet)) + packet)


@pytest.fixture
def capture(tmp_path):
    """Datagrams of both versions, their fragments mixed, some of them twice, some in a tunnel."""
    rng = random.Random(7)
    packets = []
    for n in range(60):
        size = rng.randrange(100, 9000)
        cuts = {8 * rng.randrange(1, size // 8) for _ in range(rng.randrange(1, 9))}
        make = rng.choice([ip4, ip6])
        fragments = cut(make, 17, udp(41000 + n, rng.randbytes(size - 8)), 100 + n, cuts)
        rng.shuffle(fragments)
        if rng.randrange(3) == 0:
            fragments.insert(rng.randrange(len(fragments)), fragments[0])
        packets += fragments
    for outer in cut(ip4, 17, udp(42000, bytes(900)), 7, {304, 600}):
        packets += cut(ip4, 4, outer, 200 + len(packets), {160})
    path = tmp_path / "fragments.pcap"
    write(path, [frame(packet) for packet in packets])
    return path


FIELDS = ["ip.fragment.count", "ip.reassembled.length", "ip.fragment.overlap", "ipv6.fragment.count",
          "ipv6.reassembled.length", "ipv6.fragment.overlap", "ip.fragment", "ipv6.fragment"]


def theirs(path):
    """{packet: {field: [values]}} of the packets that completed something."""
    command = [TSHARK, "-n", "-r", path, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=,"]
    text = subprocess.run(command + [w for f in FIELDS for w in ("-e", f)], capture_output=True,
                          text=True, check=True).stdout
    rows = [dict(zip(FIELDS, line.split("\t"))) for line in text.splitlines()]
    return {n: {f: sorted(map(int, v.split(","))) for f, v in row.items() if v}
            for n, row in enumerate(rows, 1) if any(row.values())}


def gather(value, prefix, found):
    """All fields of FIELDS in a record, however deep."""
    if isinstance(value, list):
        for element in value:
            gather(element, prefix, found)
        return
    for key, inner in value.items() if isinstance(value, dict) else ():
        name = f"{prefix}.{key}" if f"{prefix}.{key}" in FIELDS else key
        if name in FIELDS:
            found.setdefault(name, []).extend(inner if isinstance(inner, list) else [int(inner)])
        gather(inner, key, found)


@pytest.mark.skipif(not TSHARK, reason="tshark is not installed")
def test_agrees_with_tshark(sonde, capture):
    """The same packets complete the same datagrams, of the same fragments."""
    ours = {}
    for line in sonde("capture", "-n", "-r", capture, "--json").out.splitlines():
        record, found = json.loads(line), {}
        gather(record, "", found)
        if found:
            ours[record["frame"]["number"]] = {f: sorted(v) for f, v in found.items()}
    expected = theirs(capture)
    assert len(expected) >= 60
    assert ours == expected


def test_line(sonde, capture):
    """The line of the last fragment says what is inside, with ports."""
    lines = sonde("capture", "-n", "-t", "-r", capture).out.splitlines()
    assert sum(", whole: " in line for line in lines) == 63
    assert lines[-1].endswith("at 600 last UDP, whole: 42000 > 40100 UDP len 900")
