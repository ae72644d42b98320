"""Display filters, columns and documents, against tshark's answers for the same packets."""

import collections
import json
import shutil
import subprocess

import pytest

from conftest import BUILD

MATCH = BUILD / "src/wire/wire-match"
SAMPLE = BUILD / "src/wire/wire-sample"
TSHARK = shutil.which("tshark")

pytestmark = pytest.mark.skipif(not TSHARK, reason="tshark is not installed")

# Segments and fragments one by one, as wire-match takes them.
PLAIN = [word for option in ("tcp.desegment_tcp_streams:FALSE", "ip.defragment:FALSE",
                             "ipv6.defragment:FALSE", "tcp.relative_sequence_numbers:FALSE")
         for word in ("-o", option)]

ENVIRONMENT = {"TZ": "UTC", "PATH": "/usr/bin:/bin"}

# Each field with several operators and values: {field: values}.
COMPARED = {
    "ip.ttl": ["1", "64", "0x40", "0100", "0b1000000", "'@'", "200"],
    "ip.src": ["10.0.0.1", "10.0.0.9", "10.0.0.0/8", "10.0.0.8/29", "128.0.0.0/1", "0.0.0.0/0"],
    "ip.addr": ["10.0.0.1", "10.0.0.96/28", "192.168.0.0/16"],
    "tcp.port": ["443", "40010", "0x1bb"],
    "udp.dstport": ["40000", "53"],
    "tcp.flags": ["0x02", "0x0010", "18"],
    "tcp.flags.syn": ["1", "0", "True", "False", '"Set"', '"Not set"', "2"],
    "ipv6.src": ["fd00::1", "fd00::/8", "2001:db8::/32", "::"],
    "ipv6.hlim": ["64", "0x40"],
    "eth.src": ["02:00:00:00:00:01", "02-00-00-00-00-01", "0200.0000.0001", "ff:ff:ff:ff:ff:ff"],
    "eth.addr": ["02:00:00:00:00:02"],
    "eth.type": ["0x0800", "0x86dd", '"IPv4"', "IPv6"],
    "frame.len": ["66", "100", "1000"],
    "frame.number": ["1", "17", "150"],
    "frame.time_delta": ["0", "0.001", "0.001000000", "0.5"],
    "frame.time_relative": ["0.1", "0.05"],
    "frame.time": ['"2023-11-14 22:13:20.1"', '"2023-11-14T22:13:20.1Z"',
                   '"Nov 14, 2023 22:13:20.1"', '"2023-11-14 22:13:20.05 UTC"'],
    "frame.protocols": ['"eth"', '"zzz"'],
    "icmp.type": ["8", "0"],
    "arp.opcode": ["1", "request"],
    "tcp.options.timestamp.tsval": ["1000000000", "0"],
    "ip.proto": ["6", "TCP", '"UDP"'],
    "icmpv6.nd.ns.target_address": ["fd00::1"],
    "ip.host": ['"10.0.0.1"'],
}
OPERATORS = ["==", "!=", "===", "!==", "<", ">="]

# Both answer these alike.
FILTERS = [
    "tcp", "udp", "ip", "ipv6", "icmp", "icmpv6", "arp", "eth", "frame", "tcp.options.mss_val",
    "ip.opt.type", "ipv6.opt.type", "icmpv6.opt.type", "icmpv6.opt.mtu", "ipv6.routing",
    "not tcp", "!udp && ip", "!(tcp or udp)", "not not tcp", "tcp and ip or arp",
    "arp or ip and tcp", "(arp or ip) and tcp", "tcp.port == 443 and ip or arp",
    "tcp.port not in {443}", "not tcp.port in {443}", "tcp.port in {80, 443, 40000..40010}",
    "tcp.port in {90..80}", "ip.src in {10.0.0.1, 10.0.0.5 .. 10.0.0.9}",
    "ip.src in {10.0.0.0/29}", "frame.number in {1,2,5..7}", "eth.type in {0x0800..0x0806}",
    "any tcp.port in {443}", "all tcp.port in {400..50000}", "any tcp.port == 443",
    "all tcp.port > 442", "all tcp.port > 443", "any ip.addr != 10.0.0.1",
    "all ip.addr != 10.0.0.1", "any eth.src[0] == 02", "tcp.port any_eq 443",
    "tcp.port all_eq 443", "tcp.port any_ne 443", "tcp.port all_ne 443", "tcp.port ~= 443",
    "ip.ttl eq 64 and ip.len gt 60", "ip.len le 60 or ip.len ge 1000", "ip.len ne 60",
    "ip.len lt 100 && ip.ttl == 64", ".tcp.port == 443", "ip.src == ip.dst",
    "tcp.srcport > tcp.dstport", "tcp.srcport == tcp.dstport", "frame.len == ip.len",
    "tcp.flags.syn == tcp.flags.ack", "tcp.flags.syn != tcp.flags.ack",
    "tcp.flags & 2", "tcp.flags & 0x02 == 2", "tcp.flags bitwise_and 0x12",
    "tcp.flags & 0x12 == 0x10 && ip", "ip.addr & 255.0.0.0", "eth.src[0] & 2",
    "eth.src[0] & 0x02 == 2", "eth.src[0:2] & 00:ff", "{tcp.flags & 0x12} == 0x10",
    "ip.ttl + 1 == 65", "ip.ttl == 60 + 4", "ip.ttl % 2 == 0", "tcp.dstport * 2 == 886",
    "ip.ttl / 2 == 32", "tcp.srcport >= tcp.dstport + 39000", "ip.ttl * {1 + 1} > 100",
    "frame.time_relative + 1 > 1.1", "ip.ttl == +64",
    "eth.src[0:3] == 02:00:00", "eth.src[0] == 2", "eth.src[0] == 02", "eth.src[0-2] == 02:00:00",
    "eth.src[:4] == 02:00:00:00", "eth.src[4:] == 00:01", "eth.src[-2:] == 00:01",
    "eth.src[-1] == 1", "eth.src[0,5] == 02:01", "eth.src[0:2,5] == 02:00:01",
    "eth.src[0-1,5:1] == 020001", "eth.src[3-5] == 00:00:01",
    "eth.src[6] == 00", "eth.src[0:7] == 00", "eth.src[0:3] > 02:00", "eth.src[0:2] > 01:ff",
    "eth[12:2] == 08:00", "eth[0:1] == 02", "ip[0] == 0x45", "ip[8:2] == 40:06", "ip[9] == 6",
    "tcp[13] & 0x02", "tcp[0:2] == 9c:41", "udp[2:2] == 9c:40", "ip.src[0:2] == 0a:00",
    "ipv6.src[0:1] == fd", "frame[0:2] == 02:00", "frame[12:2] == 08:00", "frame[-1] == 00",
    "frame[-4:] == 00:00:00:00", "frame[14] == 0x45", "frame[0:3] == \"\\x02\\x00\\x00\"",
    "frame contains \"\\x02\\x00\"", "frame contains 02.00", "frame contains 0200",
    "frame contains :02", "frame contains 'a'", "frame contains 0x45", "eth contains 08:00",
    "eth.src contains 00:01", "ip contains 08:00", "tcp contains ab", "udp contains 00:00:00:00",
    "tcp contains \"a b\"", "frame.protocols contains \"tcp\"", "frame.protocols contains 't'",
    "frame.protocols[0:3] == \"eth\"", "frame.protocols[0] == \"e\"",
    "frame contains eth.src[3:3]", "frame.protocols matches \"TCP\"",
    "frame.protocols matches \"(?-i)TCP\"", "frame.protocols ~ r\"ip:tcp\"",
    "udp matches \"\\x00\\x00\\x00\"", "tcp matches r\"\\x00\\x01\"", "ip matches \"^E\"",
    "frame matches \"[a-f]{3}\"", "tcp.payload matches \"\\x00\\x00\"",
    "lower(frame.protocols) contains \"tcp\"", "upper(frame.protocols) contains \"TCP\"",
    "lower(frame.protocols) contains \"TCP\"", "string(ip.src) matches \"^10.*[1-3]$\"",
    "string(ip.src) contains \"0.1\"", "string(tcp.port) matches \"^44\"",
    "string(eth.src) == \"02:00:00:00:00:01\"", "string(ip.ttl) == \"64\"",
    "string(ipv6.src) matches \"^fd\"", "len(frame) > 100", "len(frame) == frame.len",
    "len(eth.src) == 6", "len(ip.src) == 4", "len(tcp.port) == 2", "len(tcp.payload) > 100",
    "len(udp.payload) > 100", "count(tcp.port) == 2",
    "count(ip.addr) == 2", "count(tcp) == 1", "count(ipv6.opt.type) > 1",
    "max(tcp.srcport, tcp.dstport) > 40010", "min(tcp.port) == 443", "max(ip.src) == 10.0.0.1",
    "abs(ip.ttl) == 64", "ip.src#1 == 10.0.0.1", "ip.src#[1] == 10.0.0.1", "ip.src#2",
    "ip.src#[1-2] == 10.0.0.1", "ip.src#[-1] == 10.0.0.1", "ip.addr#2",
    "ip.src#1[0:1] == 0a", "tcp.seq_raw > 2000000000", "ip.flags.df", "ip.frag_offset > 0",
    "ip.version == 6", "ip.version == 4", "icmp.seq > 30000", "arp.src.proto_ipv4",
    "icmpv6.type == 135", "ipv6.flow", "ipv6.plen > 40", "ip.dsfield.dscp > 10",
    "tcp.window_size_value < 1000", "udp.length > 100", "tcp.checksum > 0x8000",
    "ip.id == 0x0000", "tcp.urgent_pointer != 0", "ip.opt.type == 68", "ipv6.opt.type == 0xc2",
    "icmpv6.opt.type == 1 or icmpv6.opt.type == 25", "ipv6.routing.type == 4",
    "tcp.options.mss_val in {1460}", "tcp.options.wscale.shift > 3", "tcp.option_kind == 8",
    "tcp.options.sack_le > 0", "ip.opt.sid", "icmp.ident < 1000", "ah.spi", "ah.sequence > 5",
    "ipv6.tclass.dscp == 0", "icmpv6.mldr.nb_mcast_records", "arp.opcode > 1",
    "tcp.port==443&&ip.src==10.0.0.1", "tcp.port==443||udp", "!tcp.port==443",
    "not tcp.port==443 and ip", "!(tcp)&&ip", "tcp and(udp)", "tcp.port in {443,80}&&ip",
    "  tcp  ", "(((tcp)))", "tcp.port >= 443 and tcp.port <= 443",
]

# Both refuse these.
REFUSED = [
    "foo", "foo.bar == 1", "tcp.prt == 80", "tcp.port ==", "tcp.port == 80 &&", "(tcp.port == 80",
    "tcp.port == 80)", "tcp.port == abc", "ip.src == 300.1.1.1", "ip.src == 10.0.0.0/33",
    "ip.src == hello", "eth.src == 00:11", "tcp.port in {}", "tcp.port in 80", "tcp.port in {80..}",
    "tcp.port in {80,}", "tcp.port contains 80", "ip.src matches \"x\"", "tcp matches \"(\"",
    "tcp matches abc", "\"abc\"", "80", "tcp.port && 80", "tcp.port[0] == 80",
    "eth.src[0:0] == 00", "eth.src[1-0] == 00", "eth.src[] == 00", "len(foo) == 1", "foo(tcp)",
    "len() == 1", "len(tcp.payload, udp) == 1", "upper(tcp.port) == \"A\"",
    "tcp.port == 443 == 443", "443 == tcp.port", "0 == 0", "any (ip.addr == 10.0.0.1)",
    "TCP", "tcp.PORT == 443", "tcp.port == <443>", "tcp.port == :443", "tcp matches 00:00",
    "tcp.port matches \"44\"", "lower(\"ABC\") == \"abc\"", "upper(ip.src) == \"x\"",
    "frame.number in {1 2}", "frame.number == 1_0", "tcp.port == 70000", "tcp.port == \"https\"",
    "tcp.port == https", "ip.ttl == \"64\"", "ip.ttl == 64.0", "ip.src == eth.src",
    "ip.src contains 0a", "eth.src == \"02:00:00:00:00:01\"", "ip.src == \"10.0.0.1\"",
    "ipv6.src == 2001:db8::/200", "ipv6.src == \"fd00::1\"", "ipv6.src == fd00:1",
    "ip.dsfield.dscp == \"CS0\"", "tcp.flags.syn == 1.5", "tcp.flags.syn == \"maybe\"",
    "tcp.flags.syn & 1", "tcp.flags.syn contains 1", "frame.protocols == eth",
    "tcp contains tcp.srcport", "frame contains ip.src",
    "frame.time_delta == \"0.001\"", "frame.time == \"nonsense\"", "len(ip.src)", "tcp.port == 1bb",
    "tcp.port == 443U", "tcp.port in {\"443\"}", "ip.proto == tcp", "ip.src[0:1]#1 == 0a",
    "tcp udp", "and tcp", "tcp or", "tcp = udp", "tcp.port == 'ab'", "all eth.src", "()",
    "frame[0:", "frame[a] == 1", "tcp.port == \"443", "ip.ttl == 256", "ip.src == 1.2.3.4.5",
]

COLUMNS = ("frame.number ip.src ip.dst tcp.dstport eth.addr ip.addr tcp.port udp.port ip.ttl "
           "tcp.flags tcp.flags.syn ip.id frame.time frame.time_epoch frame.len icmp.type "
           "ipv6.src ip.version ip.host tcp.options.timestamp.tsval ip.proto frame.time_relative "
           "frame.time_delta tcp.len udp.length tcp.checksum arp.opcode udp.payload "
           "icmpv6.opt.type ipv6.opt.type ip.opt.type tcp.options.mss_val eth.type").split()


def ours(path, filters):
    """For each filter the numbers of the packets, or None where it is refused."""
    text = subprocess.run([MATCH, path], input="".join(f + "\n" for f in filters),
                          capture_output=True, text=True, check=True).stdout
    lines = text.split("\n")[:-1]
    assert len(lines) == len(filters)
    return [None if line.startswith("!") else [int(n) for n in line.split()] for line in lines]


# Starting tshark takes long: it answers all filters in one run.
ASK = """
local answers, filters = {}, {}
for line in io.lines(os.getenv("FILTERS")) do filters[#filters + 1] = line end
for i, text in ipairs(filters) do
	local ok, tap = pcall(Listener.new, "frame", text)
	answers[i] = ok and {} or "!"
	if ok then
		function tap.packet(pinfo) table.insert(answers[i], pinfo.number) end
	end
end
local all = Listener.new("frame")
function all.draw()
	for i = 1, #filters do
		print("@" .. (answers[i] == "!" and "!" or table.concat(answers[i], " ")))
	end
end
"""


def theirs(path, filters):
    """The same of tshark."""
    script, asked = path.with_suffix(".lua"), path.with_suffix(".filters")
    script.write_text(ASK)
    asked.write_text("".join(f + "\n" for f in filters))
    text = subprocess.run([TSHARK, "-n", "-q", "-r", path, *PLAIN, "-X", f"lua_script:{script}"],
                          capture_output=True, text=True, check=True,
                          env=ENVIRONMENT | {"FILTERS": str(asked)}).stdout
    lines = [line[1:] for line in text.splitlines() if line.startswith("@")]
    assert len(lines) == len(filters)
    return [None if line == "!" else [int(n) for n in line.split()] for line in lines]


def disagreements(path, filters):
    return [(text, mine and mine[:9], their and their[:9])
            for text, mine, their in zip(filters, ours(path, filters), theirs(path, filters))
            if mine != their]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    return make_sample(tmp_path_factory, "mixed", 200)


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    return make_sample(tmp_path_factory, "fields", 300)


def make_sample(tmp_path_factory, kind, n):
    path = tmp_path_factory.mktemp("filter") / (kind + ".pcap")
    with path.open("wb") as out:
        subprocess.run([SAMPLE, kind, str(n), "1"], stdout=out, check=True)
    return path


def test_comparisons(mixed):
    """Every operator with fields of every type."""
    filters = [f"{field} {operator} {value}" for field, values in COMPARED.items()
               for value in values for operator in OPERATORS]
    assert len(filters) > 300
    assert disagreements(mixed, filters) == []


def test_filters_on_usual_packets(mixed):
    assert disagreements(mixed, FILTERS) == []


def test_filters_on_random_fields(fields):
    assert disagreements(fields, FILTERS) == []


def test_refused_by_both(mixed):
    assert [text for text, answer in zip(REFUSED, ours(mixed, REFUSED)) if answer is not None] == []
    assert [text for text, answer in zip(REFUSED, theirs(mixed, REFUSED))
            if answer is not None] == []


@pytest.mark.parametrize("options", [
    "quote=n", "quote=d header=y", "quote=s occurrence=f separator=,",
    "occurrence=l separator=/s bom=y", "aggregator=/s separator=;",
])
def test_columns(options, mixed, fields):
    """The same bytes as tshark -T fields."""
    words = [word for option in options.split() for word in ("-E", option)]
    words += [word for name in COLUMNS for word in ("-e", name)]
    for path in (mixed, fields):
        mine = subprocess.run([MATCH, path, *options.split(), "--", *COLUMNS],
                              capture_output=True, check=True).stdout
        their = subprocess.run([TSHARK, "-n", "-r", path, *PLAIN, "-T", "fields", *words],
                               capture_output=True, check=True,
                               env=ENVIRONMENT).stdout
        assert mine == their


def test_columns_unknown(mixed):
    done = subprocess.run([MATCH, mixed, "--", "ip.scr"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2
    assert "perhaps ip.src" in done.stderr


def flat(pairs, path=(), found=None):
    """{path of keys: all values}; the same key may come again."""
    found = collections.defaultdict(list) if found is None else found
    for key, value in pairs:
        values = value if isinstance(value, list) and not (value and isinstance(value[0], tuple)) \
            else [value]
        for one in values:
            if isinstance(one, list):
                flat(one, (*path, key), found)
            else:
                found[(*path, key)].append(one)
    return found


def documents(text):
    lines = text.splitlines()
    for index, document in zip(lines[::2], lines[1::2]):
        pairs = json.loads(document, object_pairs_hook=lambda p: p)
        yield json.loads(index), pairs


# What is compared; the others' fields are the business of comparing captures.
LAYERS = {"frame", "eth", "arp", "ip", "ipv6", "icmp", "icmpv6", "tcp", "udp"}

# Where both differ, and why.
KNOWN_KEYS = {
    "frame_frame_protocols": "names of layers that are none here",
    "frame_frame_interface_id": "always said here",
    "tcp_tcp_flags_res": "a number here, a flag there",
    "tcp_tcp_option_kind": "padding behind the end is an end each there",
    "icmp_icmp_length": "left out there when 0",
    "icmpv6_icmpv6_length": "left out there when 0",
    "icmpv6_icmpv6_reserved": "the length of 0 belongs to it there",
    "icmp_icmp_reserved": "left out there",
    "icmp_icmp_unused": "left out there in source quench",
    "icmp_icmp_pref_level": "signed there",
    "icmpv6_icmpv6_opt_reserved": "without value there",
    "icmpv6_icmpv6_opt_redirected_packet": "without value there",
    "icmpv6_icmpv6_opt_pref64_prefix": "shortened there by the prefix length code",
    "ip_ip_src_rt": "the part before the pointer is called recorded there",
    "ip_ip_rec_rt": "the part before the pointer is called recorded there",
    "ipv6_ipv6_opt_type_action": "Pad1 is not taken apart there",
    "ipv6_ipv6_opt_type_change": "likewise",
    "ipv6_ipv6_opt_type_rest": "likewise",
}


def test_documents(mixed, fields):
    """Keys and values of -T ek are tshark's; keys are unique."""
    agreed = set()
    for path in (mixed, fields):
        mine = subprocess.run([MATCH, path, "ek"], capture_output=True, text=True,
                              check=True).stdout
        their = subprocess.run([TSHARK, "-n", "-r", path, *PLAIN, "-T", "ek"], capture_output=True,
                               text=True, check=True, env=ENVIRONMENT)
        n = 0
        for (index, document), (their_index, their_document) in zip(documents(mine),
                                                                    documents(their.stdout)):
            n += 1
            assert index == their_index
            assert [k for k, _ in document] == [k for k, _ in their_document]
            unique_keys(document)
            values, expected = flat(document), flat(their_document)
            if any("icmpv6_icmpv6_opt_redirected_packet" in where for where in values):
                continue  # random bytes, which tshark takes for a packet
            for where, value in values.items():
                if where[1:2] and where[1] not in LAYERS:
                    continue
                if where[-1] not in KNOWN_KEYS:
                    assert (n, where, expected.get(where)) == (n, where, value)
                    agreed.add(where[-1])
        assert n == len(their.stdout.splitlines()) // 2
    assert len(agreed) > 200


def unique_keys(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys))
    for _, value in pairs:
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            unique_keys(value)
