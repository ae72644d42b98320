"""sonde craft: what it shows and writes, judged by tshark; what it sends, answered by a kernel and by
dnsmasq."""

import hmac
import json
import shutil
import subprocess

import pytest

from conftest import BUILD, run_command, wait_for

LAB = """
name: craft
networks:
  - {name: lan, prefixes: [10.9.0.0/24, "fd09::/64"]}
hosts:
  - name: one
    links: [{network: lan, addresses: [10.9.0.1, "fd09::1"]}]
  - name: two
    links: [{network: lan, addresses: [10.9.0.2, "fd09::2"]}]
"""


def needs(*programs):
    return pytest.mark.skipif(any(not shutil.which(p) for p in programs),
                              reason="needs " + ", ".join(programs))


def tshark(path, *fields):
    """Values of fields, a list for each packet."""
    words = ["tshark", "-n", "-r", path, "-T", "fields"]
    for field in fields:
        words += ["-e", field]
    done = run_command(*words)
    assert done.status == 0, done.err
    return [line.split("\t") for line in done.out.splitlines()]


def test_a_file_that_cannot_be_written(sonde):
    """Nothing is said to be written that is not; who stops reading wanted no more."""
    done = sonde("craft", "ip(id=0-65535)/udp", "-w", "/dev/full")
    assert done.status == 3
    assert done.err == "sonde craft: cannot write to /dev/full: No space left on device.\n"
    done = subprocess.run(["bash", "-c", "%s craft 'ip(id=0-65535,ttl=1-9)/udp' -w - | head -c 100 | wc -c;"
                           "exit ${PIPESTATUS[0]}" % (BUILD / "sonde")],
                          text=True, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "100\n", "")


def test_default_is_a_line_and_bytes(sonde):
    done = sonde("craft", "ip(src=10.0.0.1,dst=10.0.0.2)/udp/dns(qry.name=a.example)")
    lines = done.out.splitlines()
    assert (done.status, done.err) == (0, "")
    assert lines[0] == "10.0.0.1:49152 > 10.0.0.2:53 DNS A? a.example"
    assert lines[1] == "  0000  45 00 00 37 00 00 00 00 40 11 66 b4 0a 00 00 01"
    again = sonde("explain", "--hex", "-", stdin=None, input=done.out.split("\n", 1)[1])
    assert "a.example" in again.out


def test_json_and_hex(sonde):
    packet = json.loads(sonde("craft", "eth/ip(ttl=9)/tcp(dstport=80)", "--json").out)
    assert (packet["eth"]["type"], packet["ip"]["ttl"], packet["ip"]["proto"]) == (0x800, 9, 6)
    assert sonde("craft", "data(data={01,0203})", "--hex").out == "01\n0203\n"
    many = sonde("craft", "ip(ttl=1-200,id=0-9)", "--hex", "--limit", 15).out.splitlines()
    assert len(many) == 15 and many[10][16:18] == "02"


@pytest.mark.parametrize("text, message, place", [
    ("eth/ipp", "no protocol is called 'ipp'.", 4),
    ("ip(tll=3)", "ip has no field 'tll'. Did you mean 'ttl'?", 3),
    ("ip(ttl=300)", "ip.ttl must be at most 255.", 7),
    ("udp/arp", "udp carries applications and data, not arp.", 4),
    ("frame", "it cannot be crafted.", 0),
    ("ip/udp/tls(handshake.certificate=00)", "it cannot be set here.", 11),
    ("tcp/tls(handshake.type=2)", "tls(record.content_type=22)/data(data=…).", 8),
    ("snmp(auth_password=secret)", "give msgAuthoritativeEngineID.", 5),
    ("snmp(msgID=2147483648)", "snmp.msgID is at most 2147483647.", 5),
    ("tcp/tls(alert_message.desc=40,handshake.type=1)", "write a record for each.", 8),
])
def test_faults_have_a_place(sonde, text, message, place):
    done = sonde("craft", text)
    lines = done.err.splitlines()
    assert done.status == 2 and lines[0].endswith(message)
    assert lines[1:] == ["  " + text, "  " + " " * place + "^"]


def test_lengths_are_kept(sonde):
    """What a length cannot say is no packet with a wrong length."""
    done = sonde("craft", "tcp/tls(handshake.extensions_alpn_str=%s)" % (256 * "x"))
    assert done.status == 2
    assert "Application protocol: longer than its length can say." in done.err


@needs("tshark")
def test_tshark_reads_the_same(sonde, tmp_path):
    """One packet of each application: values that were given, and what was computed around them."""
    samples = [
        ("udp/dns(qry.name=example.com,qry.type=MX)",
         {"dns.qry.name": "example.com", "dns.qry.type": "15", "dns.count.queries": "1",
          "dns.flags.recdesired": "1", "udp.dstport": "53"}),
        ("udp/dns(flags.response=1,qry.name=a.b,a=1.2.3.4,a=1.2.3.5,additionals,aaaa=fd00::1)",
         {"dns.a": "1.2.3.4,1.2.3.5", "dns.aaaa": "fd00::1", "dns.count.answers": "2",
          "dns.count.add_rr": "1", "udp.srcport": "53"}),
        ("udp/dns(flags.response=1,qry.name=a,txt=hello,txt=you,srv.port=5060,srv.target=b.c,"
         "soa.mname=m,soa.serial_number=7,naptr.order=1,naptr.service=x,caa.issue=ca.example)",
         {"dns.txt": "hello,you", "dns.srv.port": "5060", "dns.srv.target": "b.c",
          "dns.soa.serial_number": "7", "dns.naptr.service": "x", "dns.count.answers": "5",
          "dns.caa.issue": "ca.example"}),
        ("tcp/dns(qry.name=x)", {"dns.length": "19", "dns.qry.name": "x"}),
        ("udp/dhcp(option.dhcp=Discover,option.hostname=x,option.requested_ip_address=10.0.0.9)",
         {"dhcp.option.dhcp": "1", "dhcp.option.hostname": "x", "udp.srcport": "68",
          "dhcp.option.requested_ip_address": "10.0.0.9", "dhcp.option.end": "255"}),
        ("udp/snmp(community=secret,data=set,name=1.3.6.1.2.1.1.5.0,value.octets=\"me\","
         "name=1.3.6.1.2.1.1.3.0,value.timeticks=500)",
         {"snmp.community": "secret", "snmp.data": "3", "udp.dstport": "161",
          "snmp.name": "1.3.6.1.2.1.1.5.0,1.3.6.1.2.1.1.3.0", "snmp.value.octets": "6d65",
          "snmp.value.timeticks": "500"}),
        ("udp/snmp(data=4,enterprise=1.3.6.1.4.1.8072,agent_addr=10.0.0.7,generic_trap=linkUp)",
         {"snmp.version": "0", "snmp.agent_addr": "10.0.0.7", "snmp.generic_trap": "3",
          "udp.dstport": "162"}),
        ("udp/snmp(msgID=7,msgMaxSize=1500,msgAuthoritativeEngineID=80001f8804616263,"
         "msgAuthoritativeEngineBoots=3,msgAuthoritativeEngineTime=99,msgUserName=me,"
         "contextName=ctx,data=get-bulk,max_repetitions=5,name=1.3.6.1.2.1.2)",
         {"snmp.msgVersion": "3", "snmp.msgID": "7", "snmp.msgMaxSize": "1500",
          "snmp.msgFlags": "04", "snmp.msgSecurityModel": "3",
          "snmp.msgAuthoritativeEngineID": "80001f8804616263",
          "snmp.msgAuthoritativeEngineBoots": "3", "snmp.msgAuthoritativeEngineTime": "99",
          "snmp.msgUserName": "me", "snmp.contextEngineID": "80001f8804616263",
          "snmp.contextName": "ctx", "snmp.data": "5", "snmp.max_repetitions": "5",
          "snmp.name": "1.3.6.1.2.1.2", "udp.dstport": "161"}),
        ("tcp/http(request.method=POST,request.uri=/a,host=h.example)/data(data=\"12345\")",
         {"http.request.method": "POST", "http.host": "h.example", "http.content_length": "5",
          "http.file_data": "3132333435"}),
        ("tcp/http(response.code=404)", {"http.response.code": "404", "tcp.srcport": "80",
                                         "http.response.phrase": "Not Found"}),
        ("tcp/ftp(request.command=USER,request.arg=me)",
         {"ftp.request.command": "USER", "ftp.request.arg": "me", "tcp.dstport": "21"}),
        ("tcp/smtp(response.code=250,rsp.parameter=one,rsp.parameter=two)",
         {"smtp.response.code": "250", "smtp.rsp.parameter": "one,two", "tcp.srcport": "25"}),
        ("tcp/pop(request.command=RETR,request.parameter=1)", {"pop.request.command": "RETR"}),
        ("tcp/imap(request_tag=a1,request.command=NOOP)", {"imap.request_tag": "a1"}),
        ("tcp(dstport=443)/tls(record.version=0x0303,alert_message.desc=40)",
         {"tls.record.content_type": "21", "tls.alert_message.desc": "40",
          "tls.record.length": "2"}),
        ("tcp(dstport=443)/tls(handshake.version=0x0303,handshake.random=" + 32 * "5a" + ","
         "handshake.ciphersuite=TLS_AES_128_GCM_SHA256,handshake.ciphersuite=0xc02f,"
         "handshake.extensions_server_name=www.example.test,handshake.extensions_alpn_str=h2,"
         "handshake.extensions_alpn_str=\"http/1.1\",handshake.extensions_supported_group=x25519,"
         "handshake.extensions.supported_version=\"TLS 1.3\",handshake.session_id=0102,"
         "handshake.sig_hash_alg=ecdsa_secp256r1_sha256,handshake.extension.type=23,"
         "handshake.extensions_key_share_group=x25519,extension.psk_ke_mode=1,"
         "handshake.extensions_key_share_key_exchange=1122,handshake.extension.type=65000,"
         "handshake.extension.data=aabb)",
         {"tls.handshake.type": "1", "tls.handshake.version": "0x0303",
          "tls.record.version": "0x0301", "tls.handshake.random": 32 * "5a",
          "tls.handshake.session_id": "0102", "tls.handshake.ciphersuite": "0x1301,0xc02f",
          "tls.handshake.extensions_server_name": "www.example.test",
          "tls.handshake.extensions_alpn_str": "h2,http/1.1",
          "tls.handshake.extensions_supported_group": "0x001d",
          "tls.handshake.extensions.supported_version": "0x0304",
          "tls.handshake.sig_hash_alg": "0x0403", "tls.extension.psk_ke_mode": "1",
          "tls.handshake.extensions_key_share_group": "29",
          "tls.handshake.extensions_key_share_key_exchange": "1122",
          "tls.handshake.extension.type": "0,16,10,43,13,23,51,45,65000",
          "tls.handshake.extension.data": "aabb"}),
    ]
    link = ("eth(dst=01:80:c2:00:00:0e,src=02:00:00:00:00:01)/lldp(chassis.id.mac="
            "02:00:00:00:00:01,port.subtype=5,port.id=eth0,time_to_live=60,port.desc=uplink,"
            "tlv.system.name=sw1,tlv.system.desc=\"a b\",tlv.system_cap.bridge=1,"
            "tlv.system_cap.router=1,tlv.enable_system_cap.bridge=1,mgn.addr.ip4=10.0.0.1,"
            "mgn.interface.number=7,mgn.obj.id=1.3.6.1,mgn.addr.ip6=fd00::1,"
            "ieee.802_1.port_vlan.id=12)")
    samples.append((link, {
        "lldp.chassis.id.mac": "02:00:00:00:00:01", "lldp.port.id": "eth0",
        "lldp.time_to_live": "60", "lldp.port.desc": "uplink", "lldp.tlv.system.name": "sw1",
        "lldp.tlv.system.desc": "a b", "lldp.tlv.system_cap": "0x0014",
        "lldp.tlv.enable_system_cap": "0x0004", "lldp.mgn.addr.ip4": "10.0.0.1",
        "lldp.mgn.interface.number": "7,0", "lldp.mgn.addr.ip6": "fd00::1",
        "lldp.mgn.obj.id": "1.3.6.1", "lldp.ieee.802_1.port_vlan.id": "12",
        "lldp.tlv.type": "1,2,3,4,5,6,7,8,8,127,0"}))
    for text, fields in samples:
        path = tmp_path / "one.pcap"
        text = text if text.startswith("eth") else "eth/ip(src=10.0.0.1,dst=10.0.0.2)/" + text
        done = sonde("craft", "-w", path, text)
        assert done.status == 0, done.err
        [values] = tshark(path, "_ws.malformed", *fields)
        assert values[0] == "", text
        told = dict(zip(fields, values[1:]))
        if "http.file_data" in told and told["http.file_data"] == "12345":
            told["http.file_data"] = "3132333435"  # as older versions have it
        assert told == fields, text


@pytest.mark.parametrize("name, digest, length", [
    ("MD5", "md5", 12), ("SHA", "sha1", 12), ("SHA-224", "sha224", 16), ("SHA-256", "sha256", 24),
    ("SHA-384", "sha384", 32), ("SHA-512", "sha512", 48)])
def test_snmp_is_authenticated(sonde, name, digest, length):
    """The digest is that of Python's library (RFC 3414 section 6.3.1, RFC 7860 section 4.2.1)."""
    key = bytes(range(1, 17))
    done = sonde("craft", "snmp(msgAuthoritativeEngineID=80001f8804616263,msgUserName=me,"
                 "auth_protocol=%s,auth_key=%s,name=1.3.6.1)" % (name, key.hex()), "--hex")
    message = bytes.fromhex(done.out)
    at = message.index(b"\x04\x02me") + 6  # the digest follows the user
    assert message[at - 1] == length
    zeroed = message[:at] + bytes(length) + message[at + length:]
    assert message[at:at + length] == hmac.new(key, zeroed, digest).digest()[:length]


@pytest.fixture
def pair(make_lab):
    return make_lab(LAB)


def send(pair, binary, *args):
    done = pair.run("one", binary, "craft", "-i", "eth0", *args)
    assert done.status == 0, done.err
    return done


class Watch:
    """tcpdump on a host, until it has seen so many packets."""

    def __init__(self, pair, binary, host, path, count, expression):
        self.start = pair.start(binary, host, "tcpdump", "-U", "-n", "-i", "eth0", "-c", count,
                                "-w", path, expression, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        self.process = self.start.__enter__()
        wait_for(lambda: "listening" in self.process.stderr.readline(), "tcpdump listens")
        return self

    def end(self):
        self.process.wait(timeout=30)

    def __exit__(self, *why):
        return self.start.__exit__(*why)


@needs("tcpdump", "tshark")
@pytest.mark.parametrize("text, expression, src, dst", [
    ("ip(dst=10.9.0.2)/icmp(type=8,ident=7,seq=1-3)/data(len=56)", "icmp", "ip.src", "icmp.type"),
    ("ipv6(dst=fd09::2)/icmpv6(type=128,echo.identifier=7,echo.sequence_number=1-3)",
     "icmp6 and ip6[40] >= 128 and ip6[40] <= 129", "ipv6.src", "icmpv6.type"),
])
def test_pings_are_answered(pair, binary, tmp_path, text, expression, src, dst):
    path = tmp_path / "seen.pcap"
    with Watch(pair, binary, "two", path, 6, expression) as watch:
        done = send(pair, binary, text, "--rate", 50)
        assert "3 packets" in done.err and "sent through eth0" in done.err
        watch.end()
    seen = tshark(path, src, dst)
    assert len(seen) == 6
    assert len({tuple(row) for row in seen}) == 2
    assert {row[1] for row in seen} in ({"0", "8"}, {"128", "129"})


@needs("tcpdump", "tshark", "dnsmasq")
def test_a_query_is_answered_by_dnsmasq(pair, binary, tmp_path):
    path = tmp_path / "seen.pcap"
    server = ["dnsmasq", "-k", "-C", "/dev/null", "-R", "-h", "-u", "root", "--log-facility=-",
              "--pid-file=", "--address=/craft.example/10.9.0.77"]
    with pair.start(binary, "two", *server, stderr=subprocess.PIPE, text=True) as dnsmasq:
        wait_for(lambda: "started" in dnsmasq.stderr.readline(), "dnsmasq answers")
        with Watch(pair, binary, "one", path, 2, "udp port 53") as watch:
            send(pair, binary, "ip(dst=10.9.0.2)/udp/dns(id=0x4711,qry.name=craft.example)")
            watch.end()
    [query, answer] = tshark(path, "dns.id", "dns.flags.response", "dns.a", "udp.dstport")
    assert query == ["0x4711", "0", "", "53"]
    assert answer == ["0x4711", "1", "10.9.0.77", "49152"]


def test_care_for_others(sonde, pair, binary):
    """Bridges lead to others: no sources of others there, no public destinations unasked."""
    public = sonde("craft", "-i", "lo", "ip(dst=8.8.8.8)/icmp(type=8)")
    assert public.status == 2 and "--authorized" in public.err
    router = pair.run("one", "ip", "link", "add", "br9", "type", "bridge")
    assert router.status == 0, router.err
    assert pair.run("one", "ip", "link", "set", "br9", "up").status == 0
    forged = pair.run("one", binary, "craft", "-i", "br9", "eth/ip(src=10.9.0.3,dst=10.9.0.2)/udp")
    assert forged.status == 2 and "10.9.0.3 is not this machine's address" in forged.err
    forged = pair.run("one", binary, "craft", "-i", "br9", "eth/arp(src.proto_ipv4=10.9.0.3)")
    assert forged.status == 2 and "not this machine's address" in forged.err
    nowhere = pair.run("one", binary, "craft", "-i", "eth0", "ip(dst=10.9.0.200)/icmp(type=8)")
    assert nowhere.status == 3 and "10.9.0.200 cannot be reached" in nowhere.err
