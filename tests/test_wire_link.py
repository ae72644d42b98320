"""What is below IP, and IGMP, in packets made by hand: every value as tshark has it."""

import collections
import pathlib

import pytest

from test_wire import needs_tshark, read_ours, read_theirs, wireshark_names

CAPTURES = sorted((pathlib.Path(__file__).parent / "captures").glob("link-*.pcap"))

PREFIXES = ("vlan.", "ieee8021a", "eth.", "pppoe", "ppp.", "lcp.", "ipcp.", "ipv6cp.", "pap.",
            "chap.", "sll.", "null.", "igmp.", "stp.", "lldp.", "llc.")

FAULTS = {"_ws.malformed", "_ws.short"}


def seconds(ours, theirs):
    return [float(v) for v in ours] == [float(v) for v in theirs]


def is_part(ours, theirs):
    """Theirs are among ours, in order."""
    rest = iter(ours)
    return all(value in rest for value in theirs)


# Where both differ, and why; ours and theirs are lists of values in one packet.
KNOWN = {
    "pppoed.tag": ("tshark gives it of unknown tags only", is_part),
    "pppoed.tag_length": ("tshark gives it of unknown tags only", is_part),
    "pppoed.tag.unknown_data": ("tshark begins at the frame's start, not the tag's",
                                lambda ours, theirs: len(ours[0]) == len(theirs[0])),
    "pppoed.tags.vendor_unspecified": ("tshark takes a known vendor's apart", is_part),
    "pppoed.tags.service_name": ("what is no UTF-8 is replaced there, shown here",
                                 lambda ours, theirs: "\ufffd" in theirs[0]),
    "ieee8021ad.id": ("tshark calls them svid and cvid when one follows the other",
                      lambda ours, theirs: len(ours) > 1),
    "ieee8021ah.etype": ("tshark leaves out the type of a provider's tag, and takes lengths for it",
                         lambda ours, theirs: is_part(ours, theirs) or theirs == ["0x0008"]),
    "vlan.len": ("tshark takes the length behind a provider's tag for a type",
                 lambda ours, theirs: not theirs),
    "eth.padding": ("tshark finds none behind a length after a provider's tag",
                    lambda ours, theirs: not theirs),
    "lcp.opt.type": ("tshark gives it of known options only, and stops at FCS alternatives",
                     is_part),
    "lcp.opt.length": ("likewise", is_part),
    "lcp.opt.data": ("not read by tshark in these options", is_part),
    "ipcp.data": ("tshark takes them apart", lambda ours, theirs: not theirs),
    "ipcp.opt.type": ("tshark gives it of known options only", is_part),
    "ipcp.opt.length": ("tshark gives it of known options only", is_part),
    "ppp.code": ("tshark reads rejected messages and CCP, too", None),
    "ppp.identifier": ("tshark reads rejected messages and CCP, too", None),
    "ppp.length": ("tshark reads rejected messages and CCP, too", None),
    "ppp.data": ("tshark reads rejected messages, too", lambda ours, theirs: not theirs),
    "ppp.protocol": ("tshark knows HDLC of Cisco, too", lambda ours, theirs: not theirs),
    "null.family": ("a family that there is none of", lambda ours, theirs: int(ours[0]) > 65535),
    "igmp.reserved": ("the second one of version 3 is left out here",
                      lambda ours, theirs: ours == theirs[:1]),
    "igmp.data": ("tshark has the rest of the header in it, and reads DVMRP and traces",
                  lambda ours, theirs: not theirs or theirs[0].endswith(ours[0])),
    "igmp.checksum": ("tshark leaves it out of unknown messages", lambda ours, theirs: not theirs),
    "igmp.type": ("tshark reads DVMRP", lambda ours, theirs: not theirs),
    "igmp.maddr": ("tshark reads traces", lambda ours, theirs: not ours),
    "stp.forward": ("seconds with nine decimals here", seconds),
    "stp.hello": ("seconds with nine decimals here", seconds),
    "stp.max_age": ("seconds with nine decimals here", seconds),
    "stp.msg_age": ("seconds with nine decimals here", seconds),
    "lldp.mgn.obj.id": ("an identifier that ends too early is marked here",
                        lambda ours, theirs: ours[0].startswith(theirs[0])),
    "lldp.unknown_subtype.content": ("tshark takes it apart", lambda ours, theirs: not theirs),
    "eth.trailer": ("tshark takes the end of LLDP's list for a trailer, too",
                    lambda ours, theirs: not ours),
}
KNOWN_OF_CAPTURE = {
    ("link-pppoe-session", "lcp."): "tshark 4.0 gives up at FCS alternatives",
    ("link-pppoe-session", "ipcp."): "tshark takes IPV6CP's compression for IPCP's",
    ("link-pppoe-session", "ipv6cp."): "likewise, and reads rejected messages",
    ("link-pppoe-session", "eth."): "tshark calls padding behind PPPoE malformed",
    ("link-cooked", "sll."): "tshark reads netlink's header instead",
    ("link-cooked2", "sll."): "tshark reads netlink's header instead",
    ("link-lldp", "lldp."): "tshark reads on only behind chassis, port and time to live",
    ("link-lldp", "eth."): "what tshark does not read is a trailer to it",
}
KNOWN_OF_PACKET = {
    ("link-vlan", 20): "a length beyond the frame: malformed here",
    ("link-vlan-trailers", 6): "LLC behind a provider's tag, which tshark does not look for",
    ("link-vlan-trailers", 7): "LLC behind a provider's tag, which tshark does not look for",
    ("link-vlan-trailers", 13): "thirty tags: tshark stops at 20, we at 23",
}


def explained(capture, field, ours, theirs):
    if (capture, field.split(".")[0] + ".") in KNOWN_OF_CAPTURE and \
            (not theirs or not ours or is_part(ours, theirs)):
        return True
    return field in KNOWN and (KNOWN[field][1] is None or KNOWN[field][1](ours, theirs))


@pytest.fixture(scope="module")
def known():
    return wireshark_names()


@needs_tshark
@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_values_are_tsharks(path, known):
    ours = read_ours(path)
    found = {field for packet in ours.values() for field in packet if field.startswith(PREFIXES)}
    assert found - known == set()
    agreed, differences = collections.Counter(), []
    for number, theirs in read_theirs(path, sorted(found)):
        # Of what is malformed each gives as much as it likes.
        if FAULTS & ours[number].keys() or (path.stem, number) in KNOWN_OF_PACKET:
            continue
        for field, other in theirs.items():
            mine = ours[number].get(field, [])
            if mine == other or mine == [value.replace(":", "") for value in other]:
                agreed[field] += bool(mine)
            elif not explained(path.stem, field, mine, other):
                differences.append((number, field, mine, other))
    assert differences == []
    assert sum(agreed.values()) > 10
