"""Capture files read and written, against a second reader written differently, and against tshark,
tcpdump, dumpcap and editcap."""

import gzip
import os
import random
import re
import resource
import shutil
import struct
import subprocess
import zlib
from fractions import Fraction
from pathlib import Path

import pytest

from conftest import BUILD, TOP

COPY = BUILD / "src/io/capture-copy"
SAMPLE = BUILD / "src/wire/wire-sample"
CAPTURES = Path(os.environ.get("SONDE_CAPTURES", TOP.parent / "shared/captures"))
SEVERAL = tuple(sorted(p for p in CAPTURES.glob("*/*") if p.suffix != ".md"))
INT64 = 2**63 - 1


def needs(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    return pytest.mark.skipif(bool(missing), reason="not installed: %s" % ", ".join(missing))


def run(*command, **kwargs):
    return subprocess.run([str(word) for word in command], capture_output=True, timeout=120,
                          **kwargs)


def copy(*args, **kwargs):
    done = run(COPY, *args, **kwargs)
    assert done.returncode == 0, done.stderr
    return done.stdout


# The second reader: the whole file at once, exact arithmetic, exceptions for what is wrong.

class Damaged(Exception):
    """What is left cannot be read."""


def take(data, at, n):
    if n < 0 or at + n > len(data):
        raise Damaged("%d bytes at %d" % (n, at))
    return data[at:at + n]


def hold(ns):
    return max(-INT64 - 1, min(INT64, ns))


def read_pcap(data, out):
    magics = {0xa1b2c3d4: (1000, 16), 0xa1b23c4d: (1, 16), 0xa1b2cd34: (1000, 24)}
    order = "<" if struct.unpack("<I", data[:4])[0] in magics else ">"
    unit, header = magics[struct.unpack(order + "I", data[:4])[0]]
    link = struct.unpack(order + "I", take(data, 0, 24)[20:])[0] & 0xffff
    at = 24
    while at < len(data):
        sec, part, cap, wire = struct.unpack(order + "IIII", take(data, at, header)[:16])
        if cap > 262144:
            raise Damaged("length")
        out.append((hold(sec * 10**9 + part * unit), max(cap, wire), 0, link, 0,
                    take(data, at + header, cap), None))
        at += header + cap


def options(order, data):
    at = 0
    while at < len(data):
        code, n = struct.unpack(order + "HH", take(data, at, 4))
        if not code:
            return
        take(data, at + 4, n + -n % 4)
        yield code, data[at + 4:at + 4 + n]
        at += 4 + n + -n % 4


def read_interface(order, body):
    link, _, snap = struct.unpack(order + "HHI", take(body, 0, 8))
    unit, offset = Fraction(1, 10**6), 0
    for code, value in options(order, body[8:]):
        if code == 9 and len(value) == 1:
            unit = Fraction(1, (2 if value[0] & 0x80 else 10) ** (value[0] & 0x7f))
        if code == 14 and len(value) == 8:
            offset = struct.unpack(order + "q", value)[0]
    return link, snap, unit, offset


def read_packet(order, kind, body, first, interfaces):
    """One of a packet block, of the three kinds."""
    here = interfaces[first:]
    flags, comment = 0, None
    if kind == 3:
        wire = struct.unpack(order + "I", take(body, 0, 4))[0]
        number, ns, at = 0, 0, 4
        cap = min(wire, here[0][1] or wire) if here else 0
    else:
        fields = struct.unpack(order + "IIIII", take(body, 0, 20))
        number = struct.unpack(order + "H", body[:2])[0] if kind == 2 else fields[0]
        cap, wire, at = fields[3], fields[4], 20
    if number >= len(here) or cap > 262144:
        raise Damaged("packet")
    link, _, unit, offset = here[number]
    data = take(body, at, cap)
    if kind != 3:
        ns = hold(int(((fields[1] << 32) + fields[2]) * unit * 10**9) + offset * 10**9)
        for code, value in options(order, body[at + cap + -cap % 4:]):
            if code == 1 and comment is None:
                comment = value.split(b"\0")[0]
            if code == 2 and len(value) == 4:
                flags = struct.unpack(order + "I", value)[0]
    return ns, max(cap, wire), first + number, link, flags, data, comment


def read_pcapng(data, out):
    order, at, first, interfaces = "<", 0, 0, []
    while at < len(data):
        take(data, at, 12)
        if data[at:at + 4] == b"\n\r\r\n":
            order = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(
                take(data, at, 28)[8:12])
            if not order or struct.unpack(order + "H", data[at + 12:at + 14])[0] != 1:
                raise Damaged("section")
            first = len(interfaces)
        kind, n = struct.unpack(order + "II", data[at:at + 8])
        if n < (28 if kind == 0x0a0d0d0a else 12) or n % 4 or (kind in (1, 2, 3, 5, 6) and
                                                              n > 1 << 20):
            raise Damaged("block")
        block = take(data, at, n)
        if struct.unpack(order + "I", block[-4:])[0] != n:
            raise Damaged("trailer")
        body = block[8:-4]
        if kind == 1:
            interfaces.append(read_interface(order, body))
        elif kind == 5:
            if struct.unpack(order + "I", take(body, 0, 12)[:4])[0] >= len(interfaces) - first:
                raise Damaged("statistics")
            list(options(order, body[12:]))
        elif kind in (2, 3, 6):
            out.append(read_packet(order, kind, body, first, interfaces))
        at += n


def read_naive(data):
    """Packets, and whether all could be read."""
    packets = []
    try:
        (read_pcapng if data[:4] == b"\n\r\r\n" else read_pcap)(data, packets)
    except Damaged:
        return packets, False
    return packets, True


def read_ours(path):
    """The same from the reader under test; and its message."""
    done = run(COPY, "-l", path)
    packets = []
    for line in done.stdout.decode(errors="replace").splitlines():
        word = line.split("\t")
        if word[0] == "packet":
            ns, cap, wire, interface, link, flags = map(int, word[1:7])
            data = bytes.fromhex(word[7])
            comment = bytes.fromhex(word[8][1:]) if word[8] else None
            assert cap == len(data)
            packets.append((ns, wire, interface, link, flags, data, comment))
    assert done.returncode in (0, 3), done.stderr
    return packets, done.returncode == 0, done.stderr.decode()


def interfaces_of(path):
    lines = run(COPY, "-l", path).stdout.decode().splitlines()
    return [line.split("\t")[2:] for line in lines if line.startswith("interface\t")]


def tshark_sees(path):
    """Time and lengths of each packet; a length that is less than what is there is raised."""
    done = run("tshark", "-n", "-r", path, "-T", "fields", "-e", "frame.time_epoch", "-e",
               "frame.len", "-e", "frame.cap_len")
    return [(time_, max(int(wire), int(cap)), int(cap)) for time_, wire, cap in
            (line.split("\t") for line in done.stdout.decode().splitlines())]


# Files to start from.

def mixed(path, n, seed=1):
    with path.open("wb") as out:
        subprocess.run([SAMPLE, "mixed", str(n), str(seed)], stdout=out, check=True)
    return path


def block(order, kind, body):
    n = 12 + len(body)
    return struct.pack(order + "II", kind, n) + body + struct.pack(order + "I", n)


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order):
    return block(order, 0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1) +
                 option(order, 3, b"test") + option(order, 0, b""))


def interface(order, link, snap=0, *opts):
    return block(order, 1, struct.pack(order + "HHI", link, 0, snap) +
                 b"".join(option(order, code, value) for code, value in opts))


def packet(order, number, stamp, data, *opts, wire=None, kind=6):
    head = struct.pack(order + "HH", number, 7) if kind == 2 else struct.pack(order + "I", number)
    return block(order, kind, head + struct.pack(order + "IIII", stamp >> 32, stamp & 0xffffffff,
                                                 len(data), wire or len(data)) +
                 data + bytes(-len(data) % 4) +
                 b"".join(option(order, code, value) for code, value in opts))


def rich(order, other):
    """Two sections in different byte orders, with every kind of block that is of use."""
    name = (2, b"eth0"), (3, b"the first"), (11, b"\0udp port 53"), (13, b"\4")
    stats = struct.pack(other + "III", 1, 5, 6) + option(other, 4, struct.pack(other + "Q", 900)) \
        + option(other, 5, struct.pack(other + "Q", 3)) + option(other, 0, b"")
    return b"".join([
        section(order),
        interface(order, 1, 65535, *name),
        packet(order, 0, 1700000000123456, b"microseconds"),
        interface(order, 101, 0, (9, b"\x09"), (2, b"tun0")),
        packet(order, 1, 1700000000123456789, b"nanoseconds, flagged", (2, struct.pack(order + "I", 2)),
               (1, b"a comment"), (1, b"another"), wire=1500),
        block(order, 4, b"\0\0\0\0"),
        block(order, 3, struct.pack(order + "I", 5) + b"plain\0\0\0"),
        packet(order, 1, 2**63, b"far away"),
        block(order, 0x80000bad, bytes(4000)),
        section(other),
        interface(other, 113, 6, (9, b"\x8a"), (14, struct.pack(other + "q", -1000))),
        interface(other, 1, 0, (9, b"\x0c")),
        packet(other, 0, 1700000000 << 10 | 512, b"binary fractions", kind=2),
        packet(other, 1, 1700000 * 10**12 + 123456789012, b""),
        block(other, 3, struct.pack(other + "I", 60) + b"cut to\0\0"),
        block(other, 5, stats),
    ])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("captures")


@pytest.fixture(scope="module")
def plain(folder):
    return mixed(folder / "mixed.pcap", 3000)


@pytest.mark.parametrize("order, other", ["<>", "><"])
def test_every_block(tmp_path, order, other):
    path = tmp_path / "rich.pcapng"
    path.write_bytes(rich(order, other))
    ours = read_ours(path)
    assert ours[:2] == read_naive(path.read_bytes())
    assert len(ours[0]) == 7 and ours[1]
    assert [p[0] for p in ours[0]] == [
        1700000000123456000, 1700000000123456789, 0, INT64, 1699999000500000000,
        1700000123456789, 0]
    assert ours[0][1][6] == b"a comment"
    assert interfaces_of(path) == [
        ["eth0", "the first", "udp port 53", "1", "65535", "4", "6", "-1", "-1"],
        ["tun0", "", "", "101", "0", "0", "9", "-1", "-1"],
        ["", "", "", "113", "6", "0", "138", "-1", "-1"],
        ["", "", "", "1", "0", "0", "12", "900", "3"]]


@pytest.mark.parametrize("magic", [0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34])
@pytest.mark.parametrize("order", "<>")
def test_every_pcap(tmp_path, magic, order):
    path = tmp_path / "x.pcap"
    more = b"\0\0\0\7\x08\0\0\0" if magic == 0xa1b2cd34 else b""
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 0x24000071)
    body = b"".join(struct.pack(order + "IIII", 2**32 - 1, n, n, 100) + more + bytes(range(n))
                    for n in range(50))
    path.write_bytes(head + body)
    ours = read_ours(path)
    assert ours[:2] == read_naive(path.read_bytes())
    assert len(ours[0]) == 50
    assert interfaces_of(path)[0][3:6] == ["113", "65535", "4"]


@pytest.mark.parametrize("path", SEVERAL, ids=[p.name for p in SEVERAL])
def test_strangers_files(path):
    """Captures that others recorded or made up, read the same by the second reader."""
    data = path.read_bytes()
    ours = read_ours(path)
    assert ours[:2] == read_naive(gzip.decompress(data) if path.suffix == ".gz" else data)


@needs("tshark", "mergecap")
def test_tshark_sees_the_same_in_a_copy(tmp_path):
    """Strangers' files with Ethernet, put one behind the other by mergecap, then copied by us."""
    files = [p for p in SEVERAL if read_ours(p)[1] and {i[3] for i in interfaces_of(p)} == {"1"}]
    if not files:
        pytest.skip("no captures")
    merged = tmp_path / "all.pcapng"
    assert run("mergecap", "-a", "-w", merged, *files).returncode == 0
    copy(merged, tmp_path / "copy.pcapng")
    seen = tshark_sees(merged)
    assert len(seen) > 500
    assert tshark_sees(tmp_path / "copy.pcapng") == seen


@needs("tshark", "editcap")
@pytest.mark.parametrize("kind", ["pcap", "nsecpcap", "pcapng", "modpcap"])
def test_editcaps_files(tmp_path, plain, kind):
    made, again = tmp_path / "made", tmp_path / "again"
    editcap = ["editcap", "-F", kind, "-s", "90", "-r", plain, made, "1-600"]
    if run(*editcap).returncode:
        pytest.skip("editcap does not write %s" % kind)
    ours = read_ours(made)
    assert ours[:2] == read_naive(made.read_bytes())
    assert len(ours[0]) == 600
    seen = tshark_sees(made)
    for form in "pcapng", "pcap", "nspcap":
        copy("-F", form, made, again)
        assert tshark_sees(again) == seen


@needs("capinfos", "tcpdump", "tshark")
def test_what_is_written(tmp_path):
    """Interfaces, comments, flags and statistics arrive; others can read it all."""
    source, made = tmp_path / "rich.pcapng", tmp_path / "made.pcapng"
    source.write_bytes(rich("<", ">"))
    copy(source, made)
    before, after = read_ours(source)[0], read_ours(made)[0]
    assert after == before
    told = run("capinfos", made).stdout.decode()
    assert "Number of interfaces in file: 4" in told
    assert "Name = eth0" in told and "Description = the first" in told
    assert "Capture filter" in told or "Filter string = udp port 53" in told
    assert "Capture application: sonde" in told
    fields = run("tshark", "-r", made, "-T", "fields", "-e", "frame.comment", "-e",
                 "frame.packet_flags", "-e", "frame.interface_id").stdout.decode().splitlines()
    assert fields[1].split("\t") == ["a comment", "0x00000002", "1"]
    assert [line.split("\t")[2] for line in fields] == ["0", "1", "0", "1", "2", "3", "2"]
    statistics = [line[7:] for line in interfaces_of(made)]
    assert statistics[3] == ["900", "3"] and statistics[0] == ["-1", "-1"]


@needs("tcpdump")
@pytest.mark.parametrize("form", ["pcap", "nspcap"])
def test_same_bytes_as_tcpdump(tmp_path, plain, form):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    copy("-F", form, plain, ours)
    precision = "nano" if form == "nspcap" else "micro"
    assert run("tcpdump", "-Z", "root", "--time-stamp-precision", precision, "-r", plain, "-w",
               theirs).returncode == 0
    assert ours.read_bytes() == theirs.read_bytes()


def test_pcap_of_one_link_type(tmp_path):
    path = tmp_path / "rich.pcapng"
    path.write_bytes(rich("<", ">"))
    done = run(COPY, "-F", "pcap", path, tmp_path / "out")
    assert done.returncode == 3 and b"not supported" in done.stderr


# Compression, pipes, and memory.

@needs("zstd")
@pytest.mark.parametrize("how", [["gzip", "-c"], ["zstd", "-qc"], ["zstd", "-qc", "--long=27"]])
def test_compressed(tmp_path, plain, how):
    packed = tmp_path / "packed"
    bytes_ = run(*how, plain).stdout
    packed.write_bytes(bytes_)
    assert read_ours(packed)[:2] == read_ours(plain)[:2]
    # In two members, as cat makes them; then cut; then with garbage behind.
    head, rest = plain.read_bytes()[:5000], plain.read_bytes()[5000:]
    packed.write_bytes(run(*how, input=head).stdout + run(*how, input=rest).stdout)
    assert read_ours(packed)[:2] == read_ours(plain)[:2]
    packed.write_bytes(bytes_[:-20])
    packets, whole, message = read_ours(packed)
    assert not whole and "data is cut short" in message
    assert packets == read_ours(plain)[0][:len(packets)] and len(packets) > 500
    packed.write_bytes(bytes_ + b"garbage!")
    packets, whole, message = read_ours(packed)
    assert not whole and "data is damaged" in message and len(packets) == 3000


def test_through_a_pipe(plain):
    with plain.open("rb") as source, subprocess.Popen(["cat"], stdin=source,
                                                      stdout=subprocess.PIPE) as cat:
        out = run(COPY, "-", "-", stdin=cat.stdout).stdout
    assert read_naive(out)[0] == read_naive(plain.read_bytes())[0]


@pytest.mark.parametrize("how", ["plain", "gzip"])
def test_what_has_arrived_is_given(plain, how):
    """Packet by packet: what is in the pipe comes out before more goes in."""
    data = plain.read_bytes()
    end = 24 + 16 + struct.unpack("<I", data[32:36])[0]
    packer = zlib.compressobj(wbits=31)

    def packed(part):
        return part if how == "plain" else packer.compress(part) + packer.flush(2)

    with subprocess.Popen([COPY, "-U", "-F", "pcap", "-", "-"], stdin=subprocess.PIPE, bufsize=0,
                          stdout=subprocess.PIPE) as process:
        process.stdin.write(packed(data[:end]))
        got = b""
        while len(got) < end:
            got += process.stdout.read(end - len(got))
        assert got == data[:end]
        process.stdin.write(packed(data[end:end + 100]))
        process.stdin.close()
        assert process.wait(timeout=20) == 3  # ends within a packet


def test_memory_is_flat(tmp_path):
    """A block of 256 MiB in a gzip file of 1 MB, then a packet: 64 MiB do."""
    path = tmp_path / "bomb.pcapng.gz"
    n = 1 << 28
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(section("<") + interface("<", 1) + struct.pack("<II", 0xbad, n))
        for _ in range(n // (1 << 20) - 1):
            out.write(bytes(1 << 20))
        out.write(bytes((1 << 20) - 12) + struct.pack("<I", n) + packet("<", 0, 0, b"there"))

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (64 << 20, 64 << 20))

    if b"__asan_init" in COPY.read_bytes():
        pytest.skip("the address sanitizer needs more address space")
    assert copy(path, preexec_fn=limit) == b"1 packets, 5 bytes\n"


# Damage.

def cuts(data):
    step = max(1, len(data) // 150)
    return sorted(set(range(0, len(data), step)) | set(range(max(0, len(data) - 40), len(data))))


@pytest.mark.parametrize("order, other", ["<>", "><"])
def test_cut_anywhere(tmp_path, order, other):
    """The whole packets before the cut, then an error that names the place."""
    data, path = rich(order, other), tmp_path / "cut"
    for n in cuts(data):
        path.write_bytes(data[:n])
        packets, whole, message = read_ours(path)
        expected = read_naive(data[:n]) if n >= 28 else ([], False)
        assert (packets, whole) == expected, n
        assert whole or re.search(r"byte \d+: ", message)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_bytes(tmp_path, seed):
    """Bytes changed at random: both readers stop at the same packet."""
    rng = random.Random(seed)
    data, path = bytearray(rich("<>"[seed % 2], "><"[seed % 2])), tmp_path / "damaged"
    for _ in range(rng.choice([1, 1, 3])):
        data[rng.randrange(28, len(data))] = rng.choice([0, 1, 0xff, rng.randrange(256)])
    path.write_bytes(data)
    packets, whole, message = read_ours(path)
    if "resolution" in message:
        return  # finer than what is understood here
    assert (packets, whole) == read_naive(bytes(data))


@pytest.mark.parametrize("data, message", [
    (b"", "ends within the header of a capture file"),
    (b"GIF89a" * 10, "not a capture file: it begins with 47 49 46 38"),
    (b"\xd4\xc3\xb2\xa1\3\0\4\0" + bytes(16), "version 3.4 of pcap"),
    (b"\xd4\xc3\xb2\xa1\2\0\4\0" + bytes(16) + bytes(8) + b"\1\0\4\0" * 2, "claims 262145 bytes"),
    (section("<") + block("<", 6, bytes(24)), "interface 0, but the section describes 0"),
    (section("<") + interface("<", 1, 0, (9, b"\x7f")), "resolution 10^-127"),
    (section("<") + struct.pack("<II", 6, 1 << 30) + bytes(100), "claims 1073741824 bytes"),
    (section("<") + struct.pack("<II", 6, 13) + bytes(100), "a block of 13 bytes"),
    (b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "zstd data"),
])
def test_messages(tmp_path, data, message):
    path = tmp_path / "x"
    path.write_bytes(data)
    packets, whole, told = read_ours(path)
    assert not packets and not whole and message in told and "byte" in told


def test_no_file(tmp_path):
    done = run(COPY, tmp_path / "none")
    assert done.returncode == 3 and b"No such file" in done.stderr
    done = run(COPY, tmp_path)
    assert done.returncode == 3 and b"Is a directory" in done.stderr


# Rows of files.

def shapes(directory):
    """{name: its packets}"""
    found = {}
    for path in sorted(directory.iterdir()):
        packets, whole, message = read_ours(path)
        assert whole, message
        found[path.name] = [p[5] for p in packets]
    return found


@needs("tcpdump")
@pytest.mark.parametrize("options_", [
    ["-C", "1"], ["-C", "1", "-W", "3"], ["-C", "1", "-W", "12"], ["-C", "1", "-G", "86400"],
    ["-C", "1", "-G", "86400", "-W", "2"], ["-G", "86400"]])
def test_rows_as_tcpdump(tmp_path, folder, options_):
    """The same files with the same packets, in pcap."""
    source = folder / "large.pcap"
    if not source.exists():
        mixed(source, 20000)
    for name in "ours", "theirs":
        (tmp_path / name).mkdir()
    copy("-F", "pcap", *options_, source, tmp_path / "ours/x.pcap")
    assert run("tcpdump", "-Z", "root", "-r", source, "-w", tmp_path / "theirs/x.pcap",
               *options_).returncode == 0
    ours, theirs = shapes(tmp_path / "ours"), shapes(tmp_path / "theirs")
    assert list(ours) == list(theirs) and ours == theirs


@needs("dumpcap")
@pytest.mark.parametrize("keep", [None, 2])
def test_rows_as_dumpcap(tmp_path, folder, keep):
    """Names and numbers as dumpcap's, which switches at the same packet."""
    source = mixed(folder / "small.pcap", 2000)
    options_ = ["-b", "packets:300"] + (["-b", "files:%d" % keep] if keep else [])
    for name in "ours", "theirs":
        (tmp_path / name).mkdir()
    copy(*options_, source, tmp_path / "ours/x.pcapng")
    with source.open("rb") as data:
        run("dumpcap", "-q", "-i", "-", "-w", tmp_path / "theirs/x.pcapng", *options_, stdin=data)
    ours, theirs = shapes(tmp_path / "ours"), shapes(tmp_path / "theirs")
    assert [re.sub(r"_\d{14}", "_", name) for name in ours] == \
        [re.sub(r"_\d{14}", "_", name) for name in theirs]
    assert all(re.fullmatch(r"x_\d{5}_\d{14}\.pcapng", name) for name in ours)
    assert list(ours.values()) == list(theirs.values())
    assert len(ours) == (keep or 7)


@needs("capinfos")
def test_each_file_is_complete(tmp_path):
    """Headers and interfaces stand in every file of a row; times decide when reading a file."""
    source = tmp_path / "in.pcapng"
    source.write_bytes(
        section("<") + interface("<", 1, 0, (2, b"a")) + interface("<", 101, 0, (2, b"b")) +
        b"".join(packet("<", n % 2, (1700000000 + n) * 10**6, b"%d" % n) for n in range(100)))
    copy("-G", "10", source, tmp_path / "x-%s.pcapng")
    made = sorted(tmp_path.glob("x-*"))
    assert [p.name for p in made] == ["x-%d.pcapng" % (1700000000 + n) for n in range(0, 100, 10)]
    for path in made:
        told = run("capinfos", path).stdout.decode()
        assert "Number of packets:   10" in told and "Number of interfaces in file: 2" in told
    copy("-G", "10", "-W", "3", source, tmp_path / "y-%s.pcapng")
    assert len(list(tmp_path.glob("y-*"))) == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_after_privileges_are_gone(tmp_path, plain):
    """Rotated files belong to the later user, in a folder that he reaches only by descriptor; when
    he may not write there, that is said at the start."""
    hidden = tmp_path / "hidden"
    target = hidden / "target"
    target.mkdir(parents=True)
    hidden.chmod(0o700)
    row = ["-b", "packets:500", "-u", "65534"]
    done = run(COPY, *row, plain, target / "x.pcapng")
    assert done.returncode == 3 and b"cannot create x_00001_" in done.stderr
    assert b"user with the id 65534" in done.stderr
    assert not list(target.iterdir())
    os.chown(target, 65534, 65534)
    copy(*row, plain, target / "x.pcapng")
    assert len(list(target.iterdir())) == 6
    assert {p.stat().st_uid for p in target.iterdir()} == {65534}
    # One file is opened while that is still possible.
    copy("-u", "65534", plain, hidden / "one.pcapng")
    assert len(read_ours(hidden / "one.pcapng")[0]) == 3000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_full_disk(plain):
    done = run(COPY, plain, "/dev/full")
    assert done.returncode == 3
    assert b"cannot write to /dev/full: No space left on device" in done.stderr


def test_not_onto_itself(tmp_path, plain):
    path = tmp_path / "x.pcap"
    shutil.copy(plain, path)
    os.link(path, tmp_path / "y.pcap")
    done = run(COPY, path, tmp_path / "y.pcap")
    assert done.returncode == 3 and path.read_bytes() == plain.read_bytes()


@pytest.mark.parametrize("options_, out, message", [
    (["-C", "x"], "x", "'x' is not a file's size"),
    (["-W", "3"], "x", "needs a size or a time"),
    (["-C", "1"], "-", "standard output cannot be several files"),
    (["-b", "files:0"], "x", "'0' is not a number from 1 to 99999"),
    (["-b", "size:1"], "x", "none of duration:SECONDS"),
    (["-G", "10"], "none-%H/x", "not the folder's"),
    (["-C", "1"], "none/x", "cannot open the folder"),
    (["-G", "1"], "x%D", "is not a file's name"),
])
def test_wrong_rows(tmp_path, plain, options_, out, message):
    done = run(COPY, *options_, plain, out, cwd=tmp_path)
    assert done.returncode == 3 and message in done.stderr.decode()
    assert not list(tmp_path.iterdir())
