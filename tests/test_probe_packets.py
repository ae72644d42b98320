"""What the probe modules write, read by tshark."""

import struct


from conftest import BUILD, TOP, run_command

RAW_IP = 101  # LINKTYPE_


def written(kind):
    """[(port, bytes)] of that kind, as the modules write them."""
    lines = run_command(BUILD / "src/probe/probe-dump").out.splitlines()
    rows = [line.split(" ") for line in lines]
    return [(int(port), bytes.fromhex(data)) for name, port, data in rows if name == kind]


def capture_of(packets):
    """A pcap file of IP packets."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, RAW_IP)
    for i, packet in enumerate(packets):
        out += struct.pack("<IIII", i, 0, len(packet), len(packet)) + packet
    return out


def tshark(path, *args):
    done = run_command("tshark", "-n", "-r", path, "-o", "ip.check_checksum:TRUE",
                       "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", *args)
    assert done.status == 0, done.err
    return done.out


def fields(path, *names, of=""):
    """A list for each packet (of those that the filter lets through) with its fields' values."""
    args = [word for name in names for word in ("-e", name)]
    return [line.split("\t") for line in tshark(path, "-Y", of, "-T", "fields", *args).splitlines()]


def test_syn_is_a_clients(tmp_path):
    path = tmp_path / "syn.pcap"
    packets = [data for _, data in written("syn")]
    path.write_bytes(capture_of(packets))
    rows = fields(path, "ip.checksum.status", "tcp.checksum.status", "tcp.flags.str", "tcp.seq_raw",
                  "tcp.srcport", "tcp.dstport", "tcp.options.mss_val", "tcp.options.sack_perm",
                  "tcp.options.timestamp.tsval", "tcp.options.wscale.shift",
                  "tcp.window_size_value", "ip.flags.df", "ip.ttl", "ipv6.hlim", "_ws.malformed")
    common = ["··········S·", str(0x01020304), "40001", "80"]
    assert rows == [
        ["1", "1", *common, "1460", "0402", str(0x11223344), "7", "64240", "1", "64", "", ""],
        ["", "1", *common, "1440", "0402", str(0x11223344), "7", "64800", "", "", "3", ""],
    ]


def test_syn_is_as_linux_writes_it(tmp_path):
    """Beside one that connect() sent, in a capture of Postfix."""
    names = ["tcp.option_kind", "tcp.hdr_len", "tcp.options.mss_val", "tcp.window_size_value",
             "tcp.options.timestamp.tsecr", "tcp.ack_raw", "tcp.urgent_pointer", "ip.len",
             "ip.dsfield", "ip.flags", "ip.ttl"]
    path = tmp_path / "syn.pcap"
    path.write_bytes(capture_of([written("syn")[0][1]]))
    real = TOP / "tests/captures/smtp-postfix.pcap"
    of_linux = fields(real, *names, of="tcp.flags.str == \"··········S·\"")
    assert fields(path, *names)[0] == of_linux[0]


def in_udp(number, port, payload):
    """An IPv4 packet with that payload, from a port of its own; without checksums."""
    udp = struct.pack(">HHHH", 40001 + number, port, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0x4000, 64, 17, 0,
                     bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    return ip + udp


# What tshark calls the payload to each port, and two values of it that show that it is understood.
PAYLOADS = [
    (53, "dns", {"dns.qry.type": "2", "dns.id": "0x0304"}),
    (53, "dns", {"dns.qry.name": "version.bind", "dns.qry.class": "0x0003"}),
    (67, "dhcp", {"dhcp.option.dhcp": "8", "dhcp.id": "0x01020304", "dhcp.ip.client": "10.0.0.1"}),
    (69, "tftp", {"tftp.opcode": "1", "tftp.source_file": "sonde-no-such-file"}),
    (80, "quic", {}),
    (88, "kerberos", {"kerberos.msg_type": "10", "kerberos.realm": "SONDE"}),
    (111, "rpc", {"rpc.program": "100000", "rpc.procedure": "0"}),
    (123, "ntp", {"ntp.flags.mode": "3", "ntp.flags.vn": "4"}),
    (123, "ntp", {"ntp.flags.mode": "6", "ntp.ctrl.flags2.opcode": "2"}),
    (137, "nbns", {"nbns.type": "33"}),
    (161, "snmp", {"snmp.version": "0", "snmp.name": "1.3.6.1.2.1.1.1.0"}),
    (161, "snmp", {"snmp.msgVersion": "3", "snmp.msgFlags": "04"}),
    (161, "snmp", {"snmp.version": "1", "snmp.community": "public"}),
    (177, "xdmcp", {"xdmcp.opcode": "0x0002"}),
    (389, "cldap", {"ldap.protocolOp": "3", "ldap.scope": "0"}),
    (443, "quic", {"quic.version": "0x1a2a3a4a"}),
    (500, "isakmp", {"isakmp.exchangetype": "34", "isakmp.version": "0x20"}),
    (500, "isakmp", {"isakmp.exchangetype": "2", "isakmp.version": "0x10"}),
    (520, "rip", {"rip.command": "1", "rip.metric": "16"}),
    (623, "asf", {"asf.type": "0x80"}),
    (853, None, {}),
    (1194, "openvpn", {"openvpn.opcode": "0x07"}),
    (1701, "l2tp", {"l2tp.avp.message_type": "1", "l2tp.avp.host_name": "sonde"}),
    (1812, "radius", {"radius.code": "12"}),
    (1813, "radius", {"radius.code": "12"}),
    (1900, "ssdp", {"http.request.method": "M-SEARCH"}),
    (2049, "rpc", {"rpc.program": "100003", "rpc.procedure": "0"}),
    (3391, "dtls", {"dtls.handshake.type": "1"}),
    (3478, "stun", {"stun.type": "0x0001"}),
    (4433, "dtls", {"dtls.handshake.type": "1"}),
    (4500, "isakmp", {"isakmp.exchangetype": "34"}),
    (4569, "iax2", {"iax2.iax.subclass": "30"}),
    (5060, "sip", {"sip.Method": "OPTIONS", "sip.Via.branch": "z9hG4bK01020304"}),
    (5351, "portcontrol", {"nat-pmp.opcode": "0"}),
    (5353, "mdns", {"dns.qry.name": "_services._dns-sd._udp.local"}),
    (5683, "coap", {"coap.code": "1", "coap.opt.uri_path": ".well-known,core"}),
    (5684, "dtls", {"dtls.handshake.type": "1"}),
    (6881, "bt-dht", {"bt-dht.bencoded.string": None}),
    (8443, "quic", {}),
    (10161, "dtls", {"dtls.handshake.type": "1"}),
    (11211, "memcache", {}),
    (19302, "stun", {"stun.type": "0x0001"}),
]


def test_udp_payloads_are_well_formed(tmp_path):
    path = tmp_path / "udp.pcap"
    payloads = written("udp")
    path.write_bytes(capture_of(in_udp(i, *p) for i, p in enumerate(payloads)))
    assert [port for port, _ in payloads] == [port for port, _, _ in PAYLOADS]
    names = sorted({name for _, _, values in PAYLOADS for name in values})
    rows = fields(path, "frame.protocols", "_ws.malformed", *names)
    for (port, protocol, values), (protocols, malformed, *row) in zip(PAYLOADS, rows):
        found = dict(zip(names, row))
        assert not malformed, (port, protocols)
        assert protocol is None or protocol in protocols.split(":"), (port, protocols)
        for name, value in values.items():
            assert found[name] and value in (None, found[name]), (port, name, found[name])
