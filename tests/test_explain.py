"""sonde explain: drawings, bytes, messages."""

import re

import pytest

SYN = ("02000000000202000000000108004500003c12344000400614860a0000010a0000029c40005000000001"
       "00000000a002faf09c760000020405b40402080a000000050000000001030307")


def protocols(sonde):
    return [record["protocol"] for record in sonde("explain", "--list", "--json").records()]


def test_list(sonde):
    names = protocols(sonde)
    assert {"eth", "arp", "ip", "ipv6", "icmp", "icmpv6", "udp", "tcp"} <= set(names)
    text = sonde("explain", "--list")
    assert text.status == 0 and "RFC 9293" in text.out
    headings = [line for line in text.out.splitlines() if line and line[0] != " "]
    assert headings == ["Links", "Network", "Transport", "Applications"]
    assert {"frame", "dns", "dhcpv6", "tls", "syslog", "stp", "data"} <= set(names)


def test_every_protocol_is_drawn(sonde):
    """Frames are closed, and no line is wider than 100 columns. What has no places has a list."""
    for name in protocols(sonde):
        done = sonde("explain", name)
        assert done.status == 0, name
        drawn = [line for line in done.out.splitlines() if re.match(r"  [+|]", line)]
        if not drawn:
            assert re.search(r"^Fields\n  \S+\.\S+ ", done.out, re.M), name
            continue
        assert drawn[0] == drawn[0][:2] + "+-" * (len(drawn[0][2:]) // 2) + "+"
        assert all(line[-1] in "+|" and len(line) <= 67 for line in drawn), name
        assert all(len(line) <= 100 for line in done.out.splitlines()), name


def test_udp_header(sonde):
    """Drawn as in RFC 768's successors."""
    assert """\
   0                   1                   2                   3
   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  |          Source port          |        Destination port       |
  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  |             Length            |            Checksum           |
  +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
""" in sonde("explain", "udp").out


def test_part_and_field(sonde):
    by_name, by_number = sonde("explain", "tcp", "mss"), sonde("explain", "tcp", "2")
    by_field = sonde("explain", "tcp.options.mss_val")
    assert by_name.status == 0 and "tcp.options.mss_val  2 bytes" in by_name.out
    assert by_name.out == by_number.out
    assert by_field.out.startswith("tcp.options.mss_val — ") and by_field.out.endswith(by_name.out)


@pytest.mark.parametrize("args, words", [
    (["http", "404"], ["404 Not Found — http.response.code"]),
    (["dns", "MX"], ["15 MX — dns.qry.type", "dns.mx.preference", "dns.mx.mail_exchange"]),
    (["tls", "0x1301"], ["0x1301 TLS_AES_128_GCM_SHA256 — "]),
    (["ftp", "226"], ["226 "]),
    (["ftp", "retr"], ["RETR fetch a file — ftp.request.command"]),
    (["http", "PROPFIND"], ["PROPFIND read properties — http.request.method"]),
    (["http.request.method"], ["GET fetch", "M-SEARCH look for devices"]),
    (["dhcp", "82"], ["Relay agent information — RFC 3046", "dhcp.option.agent_information_option"]),
    (["tcp.flags.syn"], ["tcp.flags.syn — SYN, Transmission Control Protocol", "A flag of 1 bit"]),
    (["dns.qry.type"], ["dns.qry.type — Type", "     15  MX"]),
    (["ip.addr"], ["ip.src — ", "ip.dst — "]),
], ids=str)
def test_values_and_fields(sonde, args, words):
    done = sonde("explain", *args)
    assert (done.status, done.err) == (0, "")
    assert all(word in done.out for word in words), done.out


def test_application_bytes(sonde):
    text = "485454502f312e3120323030204f4b0d0a5365727665723a20780d0a0d0a"
    done = sonde("explain", "--as", "http", "--hex", text)
    assert done.status == 0 and re.search(r"http\.server +x +Server", done.out)
    assert re.search(r"http\.response\.code +200 +Status code: OK", done.out)


def test_bytes(sonde):
    done = sonde("explain", "--hex", SYN)
    assert done.status == 0
    assert done.out.startswith("10.0.0.1:40000 > 10.0.0.2:80 TCP SYN seq 1 win 64240 mss 1460")
    assert re.search(r"^ +22  40 +ip\.ttl +64 +Time to live$", done.out, re.MULTILINE)
    assert re.search(r"tcp\.checksum +0x9c76 +Checksum: correct$", done.out, re.MULTILINE)
    wrong = sonde("explain", "--hex", SYN.replace("9c76", "9c77")).out
    assert "Checksum: wrong, 0x9c76 would be right" in wrong


def test_bytes_as_records(sonde):
    records = sonde("explain", "--json", "--hex", SYN).records("bytes")
    ttl = next(r for r in records if r["field"] == "ip.ttl")
    assert (ttl["offset"], ttl["length"], ttl["bytes"], ttl["value"]) == (22, 1, "40", "64")


def test_unquoted_bytes_and_protocol(sonde):
    done = sonde("explain", "--as", "udp", "--hex", "01", "bb", "00", "35", "00", "08", "00", "00")
    assert done.status == 0 and "udp.srcport" in done.out and "Checksum: none" in done.out


def test_every_cut_is_explained(sonde):
    for n in range(2, len(SYN), 14):
        done = sonde("explain", "--as", "eth", "--hex", SYN[:n])
        assert done.status == 0 and "Truncated" in done.out, n


@pytest.mark.parametrize("args, words", [
    ([], ["what shall be explained", "--list"]),
    (["tpc"], ["no protocol is called 'tpc'", "tcp"]),
    (["nonsense"], ["no protocol is called 'nonsense'", "--list"]),
    (["tcp", "foo"], ["has no part 'foo'", "mss"]),
    (["--hex", "45 0g"], ["this is not hexadecimal", "     ^"]),
    (["--hex", ""], ["no bytes are given"]),
    (["--hex", "ff ff ff"], ["neither like Ethernet nor like IP", "--as"]),
    (["--hex", "45 00", "--as", "tpc"], ["no protocol is called 'tpc'"]),
    (["--as", "ip"], ["--hex"]),
], ids=str)
def test_refusals(sonde, args, words):
    done = sonde("explain", *args)
    assert done.status == 2 and done.out == ""
    assert all(word in done.err for word in words), done.err
