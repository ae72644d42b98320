"""SNMP, TLS and certificates as net-snmp and OpenSSL speak them, read from whole streams: every value
as tshark has it."""

import collections
import pathlib
import shutil
import subprocess

import pytest

from conftest import BUILD

CAPTURES = pathlib.Path(__file__).parent / "captures"
TSHARK = shutil.which("tshark")
PREFIXES = ("snmp.", "tls.", "x509", "pkcs1.", "pkix1")

# Where both differ, and why; ours and theirs are lists of values in one packet.
KNOWN = {
    "empty": ("bytes of length 0: tshark says <MISSING>",
              lambda ours, theirs: [v for v in theirs if v != "<MISSING>"] == ours),
    "ECDHE_PSK": ("tshark 4.0 does not read this key exchange", lambda ours, theirs: not theirs),
}
ECDHE_PSK = {f"tls.handshake.{name}" for name in (
    "hint", "hint_len", "identity", "identity_len", "client_point", "client_point_len",
    "server_curve_type", "server_named_curve", "server_point", "server_point_len")}


def explained(capture, field, ours, theirs):
    if KNOWN["empty"][1](ours, theirs):
        return True
    return capture == "tls-psk" and field in ECDHE_PSK and KNOWN["ECDHE_PSK"][1](ours, theirs)


def shared_fields(sonde):
    """Fields of both that have values: groups are Wireshark's nodes without one."""
    text = subprocess.run([TSHARK, "-G", "fields"], capture_output=True, text=True, check=True,
                          errors="replace").stdout
    theirs = {row[2]: row[3] for row in (line.split("\t") for line in text.splitlines())
              if row[0] == "F"}
    ours = {word for name in ("snmp", "tls") for line in sonde("explain", name).out.splitlines()
            if line.startswith("  ") for word in line.split()[:2] if "list" not in line.split()[:2]}
    return sorted(name for name in ours if name.startswith(PREFIXES) and
                  theirs.get(name, "FT_NONE") != "FT_NONE")


def read(command, path, fields):
    command = [*command, "-n", "-r", path, "-T", "fields", "-E", "aggregator=|", "-E",
               "separator=/t"]
    command += [word for field in fields for word in ("-e", field)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        yield {field: value.split("|") for field, value in zip(fields, line.split("\t")) if value}


@pytest.mark.skipif(not TSHARK, reason="tshark is not installed")
def test_values_are_tsharks(sonde):
    fields = shared_fields(sonde)
    agreed, differences = collections.Counter(), []
    for path in sorted(CAPTURES.glob("snmp.pcap")) + sorted(CAPTURES.glob("tls-*.pcap")):
        ours = list(read([BUILD / "sonde", "capture"], path, fields))
        theirs = list(read([TSHARK], path, fields))
        assert len(ours) == len(theirs)
        for number, (mine, other) in enumerate(zip(ours, theirs), 1):
            for field in mine.keys() | other.keys():
                a, b = mine.get(field, []), other.get(field, [])
                if a == b or a == [value.replace(":", "") for value in b]:
                    agreed[field] += 1
                elif not explained(path.stem, field, a, b):
                    differences.append((path.stem, number, field, a, b))
    assert differences[:10] == []
    assert len(agreed) > 130 and agreed["tls.record.opaque_type"] and agreed["snmp.value.oid"]
