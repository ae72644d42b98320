"""DNS, DHCP, NTP, STUN, RTCP and syslog, messages of all kinds: every value as tshark has it."""

import collections
import pathlib
import shutil
import subprocess

import pytest

from conftest import BUILD

CAPTURES = pathlib.Path(__file__).parent / "captures"
TSHARK = shutil.which("tshark")
PREFIXES = ("dns.", "dhcp.", "dhcpv6.", "ntp.", "stun.", "rtcp.", "syslog.")

# Where both differ, and why; ours and theirs are lists of values in one packet.
KNOWN = {
    "dhcp.option.type": ("the end option has code 255, tshark 4.0 gives 0",
                         lambda ours, theirs: sorted(v.replace("255", "0") for v in ours)
                         == sorted(theirs)),
    "dhcp.option.length": ("options in the file name before those in the server name",
                           lambda ours, theirs: sorted(ours) == sorted(theirs)),
    "dhcp.option.value": ("options in the file name before those in the server name",
                          lambda ours, theirs: sorted(ours) == sorted(theirs)),
    "dhcp.client_id.uuid": ("tshark does not read DUIDs of type 4", lambda ours, theirs: not theirs),
    "dhcp.bad_length": ("of a Cisco option that is not read here",
                        lambda ours, theirs: not ours and theirs == ["1"]),
    "dhcp.option.agent_information_option.value": ("bytes of length 0: tshark says <MISSING>",
                                                   lambda ours, theirs: set(ours) < set(theirs)),
    "dhcp.option.bulk_lease.base_time": ("seconds since 1970 (RFC 6926), tshark takes NTP's",
                                         lambda ours, theirs: "2023" in ours[0]),
    "dhcp.option.suboption_length": ("tshark reads vendors' options", lambda ours, theirs: True),
    "dhcp.option.vi.value": ("tshark reads vendors' options", lambda ours, theirs: True),
    "dhcpv6.malformed_option": ("of options that are not read here",
                                lambda ours, theirs: not ours),
    "dns.resp.name": ("tshark leaves out the name of SRV records",
                      lambda ours, theirs: ours[0].startswith("_sip") and not theirs),
    "dns.flags.authenticated": ("tshark leaves it out of queries where it is not set",
                                lambda ours, theirs: ours == ["0"] and not theirs),
    "ntp.org": ("tshark says NULL for no time", lambda ours, theirs: theirs == ["NULL"]),
    "rtcp.rtpfb.nack_pid": ("tshark also gives those that the map names",
                            lambda ours, theirs: ours[0] == theirs[0]),
    "rtcp.app.data": ("tshark gives text under another name", lambda ours, theirs: not theirs),
    "stun.value": ("tshark says nothing of channel data", lambda ours, theirs: not theirs),
    "syslog.msgid": ("tshark takes all that follows",
                     lambda ours, theirs: not ours or theirs[0].startswith(ours[0])),
    "syslog.timestamp": ("tshark takes no time for 1970", lambda ours, theirs: not ours),
}


def same(ours, theirs):
    """Bytes may have colons; tshark ends names of DHCPv6 in a dot, and says when there are none."""
    theirs = [value for value in theirs if value != "<MISSING>"]
    return (ours == theirs or ours == [value.replace(":", "") for value in theirs] or
            ours == [value.removesuffix(".") for value in theirs])


def explained(field, ours, theirs):
    if field.startswith("dhcpv6.vendoropts."):
        return theirs == ours[1:]  # tshark reads those of one vendor as that vendor's
    return field in KNOWN and KNOWN[field][1](ours, theirs)


def shared_fields(sonde):
    text = subprocess.run([TSHARK, "-G", "fields"], capture_output=True, text=True, check=True,
                          errors="replace").stdout
    theirs = {row[2] for row in (line.split("\t") for line in text.splitlines())
              if row[0] == "F" and row[3] != "FT_NONE"}
    ours = {line.split()[0] for line in sonde("capture", "--list-fields").out.splitlines() if line}
    return sorted(name for name in ours & theirs if name.startswith(PREFIXES))


def read(command, path, fields):
    command = [*command, "-n", "-r", path, "-T", "fields", "-E", "aggregator=|", "-E",
               "separator=/t"]
    command += [word for field in fields for word in ("-e", field)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        yield {field: value.split("|") for field, value in zip(fields, line.split("\t")) if value}


@pytest.mark.skipif(not TSHARK, reason="tshark is not installed")
@pytest.mark.parametrize("name, least", [("dns", 190), ("dhcp", 120), ("dhcpv6", 60),
                                         ("datagrams", 80)])
def test_values_are_tsharks(sonde, name, least):
    path = CAPTURES / f"{name}.pcap"
    all_fields = shared_fields(sonde)
    agreed, differences = collections.Counter(), []
    for start in range(0, len(all_fields), 200):
        fields = all_fields[start:start + 200]
        ours = list(read([BUILD / "sonde", "capture"], path, fields))
        theirs = list(read([TSHARK], path, fields))
        assert len(ours) == len(theirs)
        for number, (mine, other) in enumerate(zip(ours, theirs), 1):
            for field in mine.keys() | other.keys():
                a, b = mine.get(field, []), other.get(field, [])
                if same(a, b):
                    agreed[field] += 1
                elif not explained(field, a, b):
                    differences.append((number, field, a, b))
    assert differences[:10] == []
    assert len(agreed) > least
