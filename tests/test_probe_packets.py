"""What the probe modules write, read by tshark."""

import struct


from conftest import BUILD, run_command

RAW_IP = 101  # LINKTYPE_


def written(kind):
    """[(port, bytes)] of that kind, as the modules write them."""
    lines = [line.split(" ") for line in run_command(BUILD / "src/probe/probe-dump").out.splitlines()]
    return [(int(port), bytes.fromhex(data)) for name, port, data in lines if name == kind]


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


def fields(path, *names):
    """A list for each packet, with the value of each field."""
    args = [word for name in names for word in ("-e", name)]
    return [line.split("\t") for line in tshark(path, "-T", "fields", *args).splitlines()]


def test_syn_is_a_clients(tmp_path):
    path = tmp_path / "syn.pcap"
    packets = [data for _, data in written("syn")]
    path.write_bytes(capture_of(packets))
    rows = fields(path, "ip.checksum.status", "tcp.checksum.status", "tcp.flags.str", "tcp.seq_raw",
                  "tcp.srcport", "tcp.dstport", "tcp.options.mss_val", "tcp.options.sack_perm",
                  "tcp.options.timestamp.tsval", "tcp.options.wscale.shift", "tcp.window_size_value",
                  "ip.flags.df", "ip.ttl", "ipv6.hlim", "_ws.malformed")
    common = ["··········S·", str(0x01020304), "40001", "80"]
    assert rows == [
        ["1", "1", *common, "1460", "0402", str(0x11223344), "7", "64240", "1", "64", "", ""],
        ["", "1", *common, "1440", "0402", str(0x11223344), "7", "64800", "", "", "3", ""],
    ]
