"""Every capture of tests/captures: its lines are those beside it, its values are tshark's, and bytes
cut off or changed do no harm.

The lines of NAME.pcap are in NAME.txt; after a change of them that is meant,

    SONDE_GOLDEN=write /usr/bin/python3 -m pytest tests/test_captures.py -k lines

writes them anew, to be read in the difference.
"""

import os
import shutil
import subprocess
import sys

import pytest

from conftest import BUILD, TOP

FOLDER = TOP / "tests" / "captures"
CAPTURES = sorted(p for p in FOLDER.iterdir() if p.suffix in (".pcap", ".pcapng"))
COMPARE = TOP / "tools" / "compare-tshark"

each = pytest.mark.parametrize("path", CAPTURES, ids=lambda p: p.name)


@each
def test_lines(sonde, path):
    done = sonde("capture", "-n", "-q", "-r", path, "-t")
    assert done.status == 0 and not done.err
    golden = path.with_suffix(".txt")
    if os.environ.get("SONDE_GOLDEN") == "write":
        golden.write_text(done.out)
    assert done.out.splitlines() == golden.read_text().splitlines()


# How many fields of some protocols must have values that agree, at least.
LEAST = {
    ("dns.",): 190, ("dhcp.",): 120, ("dhcpv6.",): 60, ("ntp.", "stun.", "rtcp.", "syslog."): 80,
    ("snmp.", "tls.", "x509", "pkcs1.", "pkix1"): 130,
}


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_values_are_tsharks():
    """What still differs is explained in tshark-differences.yaml."""
    pytest.importorskip("yaml", reason="python3-yaml is not installed")
    done = subprocess.run([sys.executable, COMPARE, "-v", "--sonde", BUILD / "sonde", *CAPTURES],
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[1:-1]]
    agree = {row[0] for row in rows if len(row) == 4 and int(row[1])}
    assert len(agree) > 1000
    for prefixes, least in LEAST.items():
        assert sum(name.startswith(prefixes) for name in agree) > least, prefixes
    assert {"tls.record.opaque_type", "snmp.value.oid"} <= agree
