"""The verb `capture`: files read, chosen, printed, summed up and written, with tshark and tcpdump as
the second opinion; what it says when something is wrong; what it says of a live capture."""

import json
import os
import re
import shutil
import struct
import subprocess
from collections import Counter

import pytest

from conftest import BUILD, run_command

SAMPLE = BUILD / "src/wire/wire-sample"
needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
needs_tcpdump = pytest.mark.skipif(not shutil.which("tcpdump"), reason="tcpdump is not installed")


def tshark(*args):
    done = run_command("tshark", "-n", *args)
    assert done.status == 0, done.err
    return done.out


def sample(folder, n):
    path = folder / ("mixed%d.pcap" % n)
    with path.open("wb") as out:
        subprocess.run([SAMPLE, "mixed", str(n), "3"], stdout=out, check=True)
    return path


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    return sample(tmp_path_factory.mktemp("capture"), 6000)


def frames(done):
    """The numbers of the packets in --json."""
    assert done.status == 0, done.err
    return [json.loads(line)["frame"]["number"] for line in done.out.splitlines()]


def pcapng_block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def test_names_of_interfaces(sonde, tmp_path):
    """Packets are printed by other threads, when the file may be closed already."""
    name = b"interface7"
    option = struct.pack("<HH", 2, len(name)) + name + b"\0" * (-len(name) % 4) + b"\0" * 4
    packet = struct.pack("<IIIII", 0, 0, 0, 60, 60) + b"\xff" * 60
    path = tmp_path / "named.pcapng"
    path.write_bytes(pcapng_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
                     + pcapng_block(1, struct.pack("<HHI", 1, 0, 0) + option)
                     + pcapng_block(6, packet))
    for _ in range(5):
        done = sonde("capture", "-r", path, "-T", "fields", "-e", "frame.interface_name")
        assert done.out == "interface7\n"


def test_a_line_for_each_packet_in_order(sonde, tmp_path):
    """Several threads print: nothing is lost, doubled or moved."""
    many = sample(tmp_path, 12000)
    lines = sonde("capture", "-n", "-tt", "-r", many).out.splitlines()
    times = [float(line.split()[0]) for line in lines]
    assert len(lines) == 12000 and times == sorted(times)
    assert frames(sonde("capture", "-r", many, "--json")) == list(range(1, 12001))


@needs_tshark
@pytest.mark.parametrize("fields", [
    ["frame.number", "frame.len", "ip.src", "ip.dst"],
    ["tcp.stream", "tcp.seq", "tcp.ack", "tcp.len", "tcp.flags", "tcp.window_size"],
    ["udp.srcport", "udp.dstport", "dns.qry.name", "dns.a"],
    ["http.request.method", "http.request.uri", "http.host", "http.response.code"],
    ["icmp.type", "icmpv6.type", "arp.opcode", "ipv6.src"],
])
def test_columns_are_tsharks(sonde, mixed, fields):
    names = [word for field in fields for word in ("-e", field)]
    ours = sonde("capture", "-r", mixed, "-T", "fields", *names, "-E", "header=y").out
    theirs = tshark("-r", mixed, "-T", "fields", *names, "-E", "header=y",
                    "-o", "tcp.try_heuristic_first:FALSE")
    assert ours.splitlines() == theirs.splitlines()


@needs_tshark
@pytest.mark.parametrize("display", [
    "tcp.flags.syn == 1 && tcp.flags.ack == 0",
    "http.request or dns.flags.response == 1",
    "ip.addr == 10.0.0.0/27 and tcp.port in {80, 443}",
    "frame.len > 1000 || icmp",
    "tcp.analysis.acks_frame and tcp.len > 0",
])
def test_display_filters_choose_as_tshark(sonde, mixed, display):
    ours = frames(sonde("capture", "-r", mixed, "-Y", display, "--json"))
    theirs = tshark("-r", mixed, "-Y", display, "-T", "fields", "-e", "frame.number").split()
    assert ours == [int(n) for n in theirs] and ours


@needs_tcpdump
@pytest.mark.parametrize("expression", ["tcp port 80", "ip6 and udp", "arp or icmp", "less 100"])
def test_capture_filters_choose_as_tcpdump(sonde, mixed, expression):
    ours = sonde("capture", "-n", "-r", mixed, *expression.split()).out.splitlines()
    theirs = run_command("tcpdump", "-n", "-r", mixed, *expression.split()).out.splitlines()
    assert len(ours) == len(theirs) > 0
    assert ours == sonde("capture", "-n", "-r", mixed, "-f", expression).out.splitlines()


@needs_tshark
def test_conversations_are_tsharks(sonde, mixed):
    flows = sonde("capture", "-r", mixed, "--flows", "--json").records("flow")
    text = tshark("-r", mixed, "-q", "-z", "conv,udp")
    theirs = Counter()
    for line in text.splitlines():
        words = line.split()
        if len(words) > 3 and words[1] == "<->":
            total = int(words[words.index("<->") + 1 + 7])
            theirs[frozenset([words[0], words[2]])] += total
    ours = Counter()
    for flow in flows:
        if flow["protocol"] == "udp":
            ends = [re.sub(r"[][]", "", flow[side]) for side in ("client", "server")]
            ours[frozenset(ends)] += flow["packets_in"] + flow["packets_out"]
    assert ours == theirs and ours


@needs_tshark
def test_the_hierarchy_is_tsharks(sonde, mixed):
    """Every place that both know has the same packets; tshark does not count data in ICMP."""
    ours, path = {}, []
    for row in sonde("capture", "-r", mixed, "--protocols", "--json").records("protocol"):
        path = path[:row["depth"]] + [row["protocol"]]
        ours[":".join(path[1:])] = row["packets"], row["bytes"]
    theirs, path = {}, []
    for line in tshark("-r", mixed, "-q", "-z", "io,phs").splitlines():
        found = re.match(r"( *)(\S+) +frames:(\d+) bytes:(\d+)", line)
        if found:
            path = path[:len(found[1]) // 2] + [found[2]]
            theirs[":".join(path)] = int(found[3]), int(found[4])
    both = {place for place in set(ours) & set(theirs) if not place.endswith("data")}
    assert {place: ours[place] for place in both} == {place: theirs[place] for place in both}
    assert {"eth", "eth:ip:tcp:http", "eth:ipv6:udp:dns", "eth:arp"} <= both


def test_what_is_forgotten_is_said(sonde, tmp_path):
    """66,000 connections: 65,536 are kept. Datagrams begun and never complete: 1,024 are."""
    path = tmp_path / "many.pcap"
    sonde("craft", "eth/ip(src=10.0.0.1-2,dst=10.0.0.9)/tcp(srcport=1-33000,flags.syn=1)", "-w", path)
    done = sonde("capture", "-n", "-r", path, "--protocols")
    assert "sonde capture: 464 connections that were silent longest were forgotten" in done.err
    sonde("craft", "eth/ip(src=10.0.0.1,dst=10.0.0.9,id=0-40000,flags.mf=1)/udp", "-w", path)
    done = sonde("capture", "-n", "-r", path, "--talkers")
    assert "sonde capture: 38977 datagrams in fragments were forgotten" in done.err


def test_talkers_add_up(sonde, mixed):
    """Each IP packet counts once as sent and once as received."""
    rows = sonde("capture", "-r", mixed, "--talkers", "--json").records("talker")
    n = len(sonde("capture", "-n", "-r", mixed, "ip", "or", "ip6").out.splitlines())
    assert sum(row["packets_in"] for row in rows) == sum(row["packets_out"] for row in rows) == n


@pytest.mark.parametrize("times, shape", [
    ([], r"\d\d:\d\d:\d\d\.\d{6} \S+ > "),
    (["-t"], r"\S+ > "),
    (["-tt"], r"17000000\d\d\.\d{6} \S+ > "),
    (["-ttt"], r"\d+\.\d{6} \S+ > "),
    (["-tttt"], r"2023-11-14 \d\d:\d\d:\d\d\.\d{6} \S+ > "),
    (["-ttttt"], r"\d+\.\d{6} \S+ > "),
    (["-tt", "--nano"], r"17000000\d\d\.\d{9} \S+ > "),
])
def test_times(sonde, mixed, times, shape):
    for line in sonde("capture", "-n", "-c", 50, "-r", mixed, *times, "ip").out.splitlines():
        assert re.match(shape, line), line


@needs_tshark
def test_numbers_and_text(sonde, mixed):
    """-# counts as tshark does; -A shows what TCP carries."""
    done = sonde("capture", "-n", "-q", "-#", "-A", "-r", mixed, "-Y", "tcp.len > 0")
    shown = {}
    for block in re.split(r"\n\n(?= *\d+ \d\d:)", done.out):
        line, _, text = block.rstrip("\n").partition("\n")
        shown[int(line.split()[0])] = "".join(part[4:] for part in text.split("\n"))
    rows = tshark("-r", mixed, "-Y", "tcp.len > 0", "-T", "fields", "-e", "frame.number",
                  "-e", "tcp.payload").splitlines()
    assert len(rows) == len(shown) > 40
    for row in rows:
        number, payload = row.split("\t")
        text = bytes.fromhex(payload.replace(":", "")).replace(b"\r\n", b"").replace(b"\n", b"")
        assert shown[int(number)] == "".join(chr(c) if 32 <= c < 127 else "." for c in text)


def test_what_is_written_is_what_was_chosen(sonde, mixed, tmp_path):
    out = tmp_path / "out.pcapng"
    done = sonde("capture", "-r", mixed, "-Y", "dns", "-s", "60", "-w", out)
    assert (done.status, done.out) == (0, "")
    lengths = [json.loads(line)["frame"]["cap_len"]
               for line in sonde("capture", "-r", out, "--json").out.splitlines()]
    assert lengths and set(lengths) == {60}
    assert len(lengths) == len(frames(sonde("capture", "-r", mixed, "-Y", "dns", "--json")))
    assert len(sonde("capture", "-r", mixed, "-Y", "dns", "-w", out, "-P").out.splitlines()) \
        == len(lengths)


def test_a_pipe_is_read(binary, mixed):
    done = subprocess.run(f"gzip -c {mixed} | {binary} capture -n -r - -c 7", shell=True,
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 7


def test_a_closed_reader_is_no_error(binary, mixed):
    done = subprocess.run(f"{binary} capture -n -r {mixed} | head -1; echo ${{PIPESTATUS[0]}}",
                          shell=True, executable="/bin/bash", capture_output=True, text=True,
                          timeout=30)
    assert done.stdout.splitlines()[-1] == "0" and not done.stderr


@pytest.mark.parametrize("args, status, message", [
    (["-r", "missing.pcap"], 3, "cannot read"),
    (["-r", "/etc/passwd"], 2, "not a capture file"),
    (["-r", "MIXED", "-Y", "tcp.prot == 1"], 2, "tcp.port"),
    (["-r", "MIXED", "-Y", "tcp.port == "], 2, "sonde capture"),
    (["-r", "MIXED", "port", "foo"], 2, "not understood"),
    (["-r", "MIXED", "http.request"], 2, "as a display filter it is good: -Y 'http.request'"),
    (["-r", "MIXED", "-X"], 2, "no option -X: -x shows the bytes"),
    (["-D"], 2, "no option -D: sonde ifaces lists the interfaces."),
    (["-r", "MIXED", "-e", "ip.sorc"], 2, "ip.src"),
    (["-r", "MIXED", "-T", "xml", "-e", "ip.src"], 2, "-T takes"),
    (["-r", "MIXED", "-T", "fields"], 2, "which fields"),
    (["-r", "MIXED", "-d", "tcp.port==8080"], 2, "comma"),
    (["-r", "MIXED", "-d", "tcp.port==8080,htp"], 2, "no protocol is called"),
    (["-r", "MIXED", "-a", "packets:x"], 2, "duration:SECONDS"),
    (["-r", "MIXED", "-w", "MIXED"], 2, "being read"),
    (["-r", "MIXED", "--csv", "--flows", "--talkers"], 2, "one table"),
    (["-i", "no-such-if"], 2, "no interface"),
    (["-r", "MIXED", "-i", "lo"], 2, "one or the other"),
])
def test_faults_are_explained(sonde, mixed, args, status, message):
    size = mixed.stat().st_size
    done = sonde("capture", *[mixed if word == "MIXED" else word for word in args])
    assert done.status == status and message in done.err and not done.out
    assert mixed.stat().st_size == size


def test_results_that_cannot_be_written(sonde, mixed):
    with open("/dev/full", "w") as full:
        done = subprocess.run([BUILD / "sonde", "capture", "-n", "-r", mixed], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 3 and "No space left" in done.stderr


def test_who_stops_reading_a_file_from_a_pipe_wanted_no_more(mixed):
    done = subprocess.run(
        "set -o pipefail; %s capture -r %s -w - | head -c 100" % (BUILD / "sonde", mixed), shell=True, executable="/bin/bash", capture_output=True,
        timeout=30)
    assert (done.returncode, len(done.stdout), done.stderr) == (0, 100, b"")


def test_decode_as(sonde, mixed):
    """By hand against the port and against what the bytes look like."""
    assert "HTTP" not in sonde("capture", "-n", "-r", mixed, "-d", "tcp.port==80,data").out
    assert "HTTP" in sonde("capture", "-n", "-r", mixed).out


needs_namespace = pytest.mark.skipif(
    os.geteuid() != 0 or run_command("unshare", "-n", "true").status != 0,
    reason="needs root and network namespaces")


# `capturing` waits until a packet socket takes packets, `ping_it` pings then.
LIVE = r"""
ip link set lo up
capturing() {
    until awk 'NR > 1 && $6 == 1 { n++ } END { exit !n }' /proc/self/net/packet; do sleep 0.02; done
}
catching() { # SIGINT, which is ignored in the background until somebody handles it
    until grep -q '^SigCgt:.*[2367abef]$' /proc/$1/status; do sleep 0.02; done
}
ping_it() { capturing; ping -q -c 3 -i 0.05 127.0.0.1 >/dev/null; }
"""


def in_namespace(script):
    """Runs a shell script in a network namespace with its loopback up."""
    return run_command("unshare", "-n", "bash", "-c", LIVE + script, timeout=60)


@needs_namespace
def test_live_counts_and_account(binary):
    done = in_namespace(f"""
        ping_it &
        timeout 20 {binary} capture -n -i lo -c 4 icmp
        echo status $?""")
    lines = done.out.splitlines()
    assert lines[-1] == "status 0" and len(lines) == 5
    assert all("ICMP echo re" in line for line in lines[:-1])
    assert re.search(r"^\d+ packets received, 0 dropped by the kernel", done.err, re.M)


@needs_namespace
def test_live_for_a_time_into_a_file(binary, tmp_path):
    path = tmp_path / "live.pcapng"
    os.chmod(tmp_path, 0o777)
    done = in_namespace(f"""
        ping_it &
        timeout 20 {binary} capture -n -i lo --for 2 -w {path} -P
        timeout 20 {binary} capture -n -r {path}""")
    lines = done.out.splitlines()
    assert len(lines) == 12 and lines[:6] == lines[6:]
    assert re.search(r"6 packets received, 0 dropped by the kernel, 6 written", done.err)


@needs_namespace
def test_live_tables_as_records(binary):
    done = in_namespace(f"""
        ping_it &
        timeout 20 {binary} capture -n -i lo --for 1.5 --flows --json""")
    flows = done.records("flow")
    assert [(f["protocol"], f["packets_out"] + f["packets_in"]) for f in flows] == [("icmp", 6)]


@needs_namespace
def test_live_ends_when_asked(binary):
    """Ctrl-C: the account, and status 0."""
    done = in_namespace(f"""
        {binary} capture -n -i lo & pid=$!
        capturing; catching $pid; ping -q -c 1 127.0.0.1 >/dev/null; kill -INT $pid; wait $pid
        echo status $?""")
    lines = done.out.splitlines()
    assert lines[-1] == "status 0" and len(lines) == 3
    assert "2 packets received" in done.err


def streams_of(sonde, mixed, port):
    """Numbers of the web's connections that carried something."""
    flows = sonde("capture", "-r", mixed, "--flows", "--json").records("flow")
    return sorted(f["stream"] for f in flows if f["application"] == "http"
                  and f["server"].endswith(f":{port}"))


@needs_tshark
def test_streams_are_tsharks(sonde, mixed):
    for number in streams_of(sonde, mixed, 80)[:4]:
        text = tshark("-r", mixed, "-q", "-z", f"follow,tcp,raw,{number}")
        theirs = "".join(re.findall(r"^\t?([0-9a-f]+)$", text, re.M))
        ours = subprocess.run([BUILD / "sonde", "capture", "-r", mixed, "--follow",
                               f"tcp:{number},raw"], capture_output=True, timeout=30).stdout
        assert ours.hex() == theirs and ours


@needs_tshark
def test_conversations_of_udp_are_tsharks(sonde, mixed):
    """Numbers, and what was said."""
    ours = sonde("capture", "-n", "-q", "-r", mixed, "-Y", "udp and not icmp and not icmpv6",
                 "-e", "frame.number", "-e", "udp.stream").out
    theirs = tshark("-r", mixed, "-Y", "udp and not icmp and not icmpv6", "-T", "fields", "-e",
                    "frame.number", "-e", "udp.stream")
    assert ours == theirs and ours
    for number in (0, 3):
        text = tshark("-r", mixed, "-q", "-z", f"follow,udp,raw,{number}")
        theirs = "".join(re.findall(r"^\t?([0-9a-f]+)$", text, re.M))
        ours = subprocess.run([BUILD / "sonde", "capture", "-r", mixed, "--follow",
                               f"udp:{number},raw"], capture_output=True, timeout=30).stdout
        assert ours.hex() == theirs and ours
    done = sonde("capture", "-r", mixed, "--follow", "udp:4000000")
    assert (done.status, done.out) == (1, "") and "--flows" in done.err


def test_streams_for_people(sonde, mixed):
    number = streams_of(sonde, mixed, 80)[0]
    text = sonde("capture", "-r", mixed, "--follow", f"tcp:{number}").out
    assert text.startswith(">>> ") and "GET /page/" in text and "\r" not in text
    hexed = sonde("capture", "-r", mixed, "--follow", f"tcp:{number},hex").out
    assert re.search(r"^00000000  47 45 54 20 .* GET /", hexed, re.M)


@needs_tshark
def test_bodies_are_tsharks(sonde, mixed, tmp_path):
    done = sonde("capture", "-r", mixed, "--extract", "http", tmp_path / "ours", "--json")
    rows = done.records("object")
    tshark("-r", mixed, "-q", "--export-objects", f"http,{tmp_path / 'theirs'}")
    ours = sorted(p.read_bytes() for p in (tmp_path / "ours").iterdir())
    theirs = sorted(p.read_bytes() for p in (tmp_path / "theirs").iterdir())
    assert [body for body in ours if body] == [body for body in theirs if body] and ours
    assert {row["name"] for row in rows} == {p.name for p in (tmp_path / "ours").iterdir()}


def test_no_such_stream(sonde, mixed):
    done = sonde("capture", "-r", mixed, "--follow", "tcp:4000000")
    assert (done.status, done.out) == (1, "") and "--flows" in done.err
    done = sonde("capture", "-r", mixed, "--follow", "sctp:1")
    assert done.status == 2 and "tcp:N" in done.err


@needs_tshark
def test_documents_are_tsharks(sonde, mixed):
    """Of link and network layers every key and value; the others have a test of their own."""
    ours = sonde("capture", "-r", mixed, "-c", 60, "-T", "ek").out.splitlines()
    theirs = tshark("-r", mixed, "-c", 60, "-T", "ek").splitlines()
    assert len(ours) == len(theirs) == 120 and ours[::2] == theirs[::2]
    def read(line):
        """tshark writes a key that comes again again."""
        def pairs(items):
            values = {}
            for key, value in items:
                values.setdefault(key, []).append(value)
            return {key: value[0] if len(value) == 1 else value for key, value in values.items()}
        return json.loads(line, object_pairs_hook=pairs)

    for mine, other in zip(map(read, ours[1::2]), map(read, theirs[1::2])):
        assert mine["timestamp"] == other["timestamp"]
        for layer in ("eth", "ip", "udp"):
            known = set(mine["layers"].get(layer, {})) & set(other["layers"].get(layer, {}))
            assert {k: mine["layers"][layer][k] for k in known} \
                == {k: other["layers"][layer][k] for k in known}
            assert known or layer not in other["layers"]
