"""What the tables read in packets, against tshark's reading of the same packets, field by field."""

import collections
import shutil
import subprocess

import pytest

from conftest import BUILD

SAMPLE = BUILD / "src/wire/wire-sample"
TSHARK = shutil.which("tshark")

needs_tshark = pytest.mark.skipif(not TSHARK, reason="tshark is not installed")

# Names of ours that Wireshark has no field for.
OWN_NAMES = {"ip.opt.data", "icmp.router"}

# Where both differ, and why; ours and theirs are lists of values in one packet.
KNOWN = {
    "tcp.flags.res": ("three bits: a number here, 'any of them' there",
                      lambda ours, theirs: [str(int(v != "0")) for v in ours] == theirs),
    "ip.version": ("tshark gives IPv6's version under this name, too",
                   lambda ours, theirs: not ours and set(theirs) == {"6"}),
    "icmp.length": ("tshark leaves out 0",
                    lambda ours, theirs: set(ours) == {"0"} and not theirs),
    "icmpv6.length": ("tshark leaves out 0, and counts it as reserved",
                      lambda ours, theirs: set(ours) == {"0"} and not theirs),
    "icmpv6.reserved": ("tshark takes a length of 0 for reserved",
                        lambda ours, theirs: ["00" + v for v in ours] == theirs),
    "icmpv6.opt.reserved": ("tshark gives no value", lambda ours, theirs: theirs == ["1"]),
    "icmpv6.opt.redirected_packet": ("tshark gives no value",
                                     lambda ours, theirs: theirs == ["1"]),
    "ip.src_rt": ("tshark calls the part of a route before the pointer recorded",
                  lambda ours, theirs: not theirs),
    "ip.rec_rt": ("tshark calls the part of a route before the pointer recorded",
                  lambda ours, theirs: not ours),
    "ipv6.opt.type.action": ("tshark does not take Pad1 apart",
                             lambda ours, theirs: ours[:len(theirs)] == theirs),
    "ipv6.opt.type.change": ("tshark does not take Pad1 apart",
                             lambda ours, theirs: ours[:len(theirs)] == theirs),
    "ipv6.opt.type.rest": ("tshark does not take Pad1 apart",
                           lambda ours, theirs: ours[:len(theirs)] == theirs),
    "icmp.reserved": ("tshark leaves it out", lambda ours, theirs: not theirs),
    "icmp.unused": ("tshark leaves it out in source quench", lambda ours, theirs: not theirs),
    "icmp.pref_level": ("unsigned here, signed there",
                        lambda ours, theirs: [int(v) - (1 << 32) for v in ours]
                        == [int(v) for v in theirs]),
    "icmpv6.opt.pref64.prefix": ("tshark shortens it by the prefix length code",
                                 lambda ours, theirs: len(ours) == 1),
}


def read_ours(path):
    """{packet number: {field: [values]}}"""
    text = subprocess.run([SAMPLE, "tell", path], capture_output=True, text=True, check=True).stdout
    packets = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) == 3:
            packets[int(parts[0])][parts[1]].append(parts[2])
    return packets


def wireshark_names():
    text = subprocess.run([TSHARK, "-G", "fields"], capture_output=True, text=True, check=True,
                          errors="replace").stdout
    return {line.split("\t")[2] for line in text.splitlines() if line.startswith("F\t")}


def read_theirs(path, fields):
    options = ["tcp.relative_sequence_numbers:FALSE", "ip.defragment:FALSE",
               "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE",
               "tcp.analyze_sequence_numbers:FALSE"]
    command = [TSHARK, "-n", "-r", path, "-T", "fields", "-E", "aggregator=|", "-E", "separator=/t"]
    command += [word for option in options for word in ("-o", option)]
    command += [word for field in fields for word in ("-e", field)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for number, line in enumerate(text.splitlines(), 1):
        # Bytes are with colons in some versions; that is no difference.
        yield number, {field: value.split("|") if value else []
                       for field, value in zip(fields, line.split("\t"))}


def agree(field, ours, theirs):
    plain = [value.replace(":", "") for value in theirs]
    if ours == theirs or ours == plain:
        return True
    return field in KNOWN and KNOWN[field][1](ours, plain)


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    path = tmp_path_factory.mktemp("wire") / "fields.pcap"
    with path.open("wb") as out:
        subprocess.run([SAMPLE, "fields", "3000", "1"], stdout=out, check=True)
    return path


@needs_tshark
def test_names_are_wiresharks(capture):
    names = {field for packet in read_ours(capture).values() for field in packet}
    assert names - wireshark_names() - OWN_NAMES == set()


@needs_tshark
def test_values_are_tsharks(capture):
    """Random values in every field of every protocol: both read the same."""
    ours = read_ours(capture)
    fields = sorted({field for packet in ours.values() for field in packet} - OWN_NAMES)
    agreed, differences = set(), []
    for number, theirs in read_theirs(capture, fields):
        if "icmpv6.opt.redirected_packet" in ours[number]:
            continue  # random bytes, which tshark takes for a packet
        for field in fields:
            mine = ours[number].get(field, [])
            if mine or theirs[field]:
                agreed.add(field)
                if not agree(field, mine, theirs[field]):
                    differences.append((number, field, mine, theirs[field]))
    assert differences[:10] == []
    assert len(agreed) > 190


def test_samples_are_whole(capture):
    """The crafter makes nothing that the walk finds cut or malformed."""
    found = {field for packet in read_ours(capture).values() for field in packet}
    assert not found & {"_ws.malformed", "_ws.short"}


@needs_tshark
def test_checksums_are_right(tmp_path):
    """tshark finds every checksum that was filled in correct (status 1)."""
    path = tmp_path / "mixed.pcap"
    with path.open("wb") as out:
        subprocess.run([SAMPLE, "mixed", "2000", "7"], stdout=out, check=True)
    fields = [f"{p}.checksum.status" for p in ("ip", "tcp", "udp", "icmp", "icmpv6")]
    command = [TSHARK, "-n", "-r", path, "-T", "fields"]
    command += [w for p in ("ip", "tcp", "udp") for w in ("-o", f"{p}.check_checksum:TRUE")]
    command += [word for field in fields for word in ("-e", field)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    seen = collections.Counter()
    for line in text.splitlines():
        for field, value in zip(fields, line.split("\t")):
            if value:
                seen[field, value] += 1
    assert {status for _, status in seen} == {"1"}
    assert {field for field, _ in seen} == set(fields)
