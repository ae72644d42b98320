"""sonde ifaces tells what ip tells, value by value, in a namespace with links of many kinds."""

import json
import os
import re
import select
import signal
import subprocess
import time

import pytest

from conftest import BUILD, run_command

TUNSETIFF, TUNSETPERSIST = 0x400454ca, 0x400454cb
IFF_TUN, IFF_TAP, IFF_NO_PI = 1, 2, 0x1000


def have_namespaces():
    return os.geteuid() == 0 and run_command("unshare", "-n", "true").status == 0


pytestmark = pytest.mark.skipif(not have_namespaces(), reason="needs root and network namespaces")


class Namespace:
    def __init__(self, name):
        self.name = name
        run_command("ip", "netns", "add", name)

    def run(self, *command, **kwargs):
        return run_command("ip", "netns", "exec", self.name, *command, **kwargs)

    def ip(self, *args):
        done = run_command("ip", "-n", self.name, *args)
        assert done.status == 0, done.err
        return done.out

    def ip_json(self, *args):
        return json.loads(self.ip("-j", *args) or "[]")

    def ip_batch(self, lines):
        done = subprocess.run(["ip", "-n", self.name, "-batch", "-"], input="\n".join(lines),
                              text=True, capture_output=True)
        assert done.returncode == 0, done.stderr

    def sonde(self, *args, **kwargs):
        return self.run(BUILD / "sonde", *args, **kwargs)

    def records(self, *args):
        return self.sonde("ifaces", "--json", *args).records()

    def start(self, *args):
        return subprocess.Popen(["ip", "netns", "exec", self.name, BUILD / "sonde", *args],
                                stdout=subprocess.PIPE, text=True)

    def delete(self):
        run_command("ip", "netns", "del", self.name)


@pytest.fixture
def namespace():
    made = []

    def make(suffix):
        made.append(Namespace("host-%d-%s" % (os.getpid(), suffix)))
        return made[-1]

    yield make
    for ns in made:
        ns.delete()


def make_tun(ns, name, mode):
    """A lasting tun or tap interface."""
    code = ("import fcntl,struct; f=open('/dev/net/tun','r+b',buffering=0);"
            "fcntl.ioctl(f,%d,struct.pack('16sH22x',b'%s',%d)); fcntl.ioctl(f,%d,1)"
            % (TUNSETIFF, name, mode | IFF_NO_PI, TUNSETPERSIST))
    done = ns.run("/usr/bin/python3", "-c", code)
    assert done.status == 0, done.err


@pytest.fixture
def zoo(namespace):
    """A namespace with every kind of link that this kernel has, addresses, routes, neighbours."""
    here, there = namespace("zoo"), namespace("far")
    here.run("sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/default/router_solicitations")
    here.ip_batch([
        "link set lo up",
        "link add v0 type veth peer name v1",
        "link add out type veth peer name in netns %s" % there.name,
        "link add br0 type bridge",
        "link set v1 master br0",
        "link set v0 address 02:00:00:00:01:00 mtu 1400",
        "link property add dev v0 altname lan altname a-very-long-alternative-name",
        "link set v0 up", "link set v1 up", "link set out up", "link set br0 up",
        "address add 10.1.0.1/24 dev v0 broadcast +",
        "address add 10.1.0.2/24 dev v0",
        "address add 10.1.1.1 peer 10.1.1.9/32 dev br0",
        "address add 2001:db8:1::1/64 dev v0 nodad",
        "address add 2001:db8:1::2/64 dev v0 nodad valid_lft 5000 preferred_lft 0",
        "address add 2001:db8:2::1/128 dev out nodad valid_lft 9000 preferred_lft 800",
        "route add 10.2.0.0/16 nexthop via 10.1.0.8 dev v0 weight 3 nexthop via 10.1.1.9 dev br0",
        "route add 10.3.0.0/16 via 10.1.0.9 metric 50 mtu 1300 src 10.1.0.2 table 700",
        "route add 10.4.0.0/16 via inet6 fe80::1 dev v0 proto static",
        "route add blackhole 10.5.0.0/16",
        "route add unreachable 10.6.0.0/16 metric 9",
        "route add default via 10.1.0.254",
        "route add 2001:db8:9::/48 via 2001:db8:1::9 metric 77 pref high proto bgp",
        "route add prohibit 2001:db8:a::/48",
        "neighbour add 10.1.0.8 lladdr 02:00:00:00:00:08 dev v0",
        "neighbour add 10.1.0.9 lladdr 02:00:00:00:00:09 nud stale dev v0",
        "neighbour add 2001:db8:1::9 lladdr 02:00:00:00:00:99 router dev v0",
    ])
    there.ip("link", "set", "in", "up")
    here.ip("link", "set", "v0", "alias", 'to the "roof"')
    here.ip("-6", "route", "add", "default", "nexthop", "via", "2001:db8:1::7", "dev", "v0",
            "nexthop", "via", "2001:db8:1::8", "dev", "v0")
    for kind in ("ifb", "dummy", "vlan", "macvlan"):
        beneath = ["link", "v0"] if "vlan" in kind else []
        extra = ["id", "7"] if kind == "vlan" else []
        run_command("ip", "-n", here.name, "link", "add", *beneath, "name", "k-" + kind, "type",
                    kind, *extra)
    if os.path.exists("/dev/net/tun"):
        make_tun(here, "tun0", IFF_TUN)
        make_tun(here, "tap0", IFF_TAP)
        here.ip("link", "set", "tap0", "up")
    return here


def settled(ns):
    """Waits until interfaces are up and no duplicate detection runs any more."""
    for _ in range(100):
        links = [i for i in ns.ip_json("link", "show") if "UP" in i["flags"]]
        tentative = [a for i in ns.ip_json("addr") for a in i["addr_info"] if a.get("tentative")]
        if not tentative and all(i["operstate"] != "LOWERLAYERDOWN" for i in links):
            return
        time.sleep(0.1)
    pytest.fail("the interfaces do not settle")


def kind_of(link):
    names = {"ether": "ethernet", "loopback": "loopback"}
    return link.get("linkinfo", {}).get("info_kind") or names[link["link_type"]]


def check_link(ours, link, names):
    up = "UP" in link["flags"]
    assert ours["name"] == link["ifname"]
    assert ours["index"] == link["ifindex"]
    assert ours["kind"] == kind_of(link)
    assert ours["mtu"] == link["mtu"]
    assert ours["up"] is up
    assert ours["carrier"] is (("NO-CARRIER" not in link["flags"]) if up else None)
    assert ours["operstate"].upper() == link["operstate"]
    assert ours["link_address"] == (link.get("address") or None)
    if link["link_type"] == "ether":
        assert ours["mac"] == link["address"]
    assert ours["permanent_mac"] == link.get("permaddr", ours["permanent_mac"])
    assert ours["alt_names"] == link.get("altnames", [])
    assert ours["alias"] == link.get("ifalias")
    assert ours["master"] == link.get("master")
    assert ours["port_kind"] == link.get("linkinfo", {}).get("info_slave_kind")
    assert ours["peer"] == link.get("link")
    assert ours["peer_index"] == link.get("link_index", names.get(link.get("link")))
    assert ours["peer_netns"] == link.get("link_netnsid")
    assert ours["qdisc"] == link["qdisc"]
    assert ours["tx_queue_len"] == link.get("txqlen", 0)
    data = link.get("linkinfo", {}).get("info_data", {})
    assert ours["vlan"] == (data["id"] if ours["kind"] == "vlan" else None)
    assert ours["tun_mode"] == (data["type"] if ours["kind"] == "tun" else None)


def check_counters(ours, link):
    for way in ("rx", "tx"):
        for what in ("bytes", "packets", "errors", "dropped"):
            assert ours["%s_%s" % (way, what)] == link["stats64"][way][what], (ours["name"], what)


def silent(ns, read):
    """Both readings with nothing counted between them: links still chatter (IPv6's reports)."""
    for _ in range(50):
        before = ns.ip_json("-d", "-s", "link")
        ours = read()
        after = ns.ip_json("-d", "-s", "link")
        if [link["stats64"] for link in before] == [link["stats64"] for link in after]:
            return ours, before
        time.sleep(0.2)
    pytest.fail("the links are never silent")


def test_links(zoo):
    settled(zoo)
    ours, links = silent(zoo, lambda: zoo.records())
    ours = [r for r in ours if r["record"] == "interface"]
    names = {link["ifname"]: link["ifindex"] for link in links}
    assert len(ours) == len(links) >= 6
    for one, link in zip(ours, sorted(links, key=lambda link: link["ifindex"])):
        check_link(one, link, names)
        check_counters(one, link)
    kinds = {one["kind"] for one in ours}
    assert {"loopback", "veth", "bridge"} <= kinds
    assert not os.path.exists("/dev/net/tun") or "tun" in kinds


def check_address(ours, theirs):
    forever = 2 ** 32 - 1
    address, _, prefix_len = ours["address"].partition("/")
    assert address == theirs["local"]
    assert int(prefix_len) == theirs["prefixlen"]
    assert ours["scope"] == theirs["scope"]
    assert ours["broadcast"] == theirs.get("broadcast")
    assert ours["peer"] == theirs.get("address")
    assert ours["label"] == theirs.get("label")
    for mine, his in (("valid_s", "valid_life_time"), ("preferred_s", "preferred_life_time")):
        expected = None if theirs[his] == forever else theirs[his]
        if expected:
            assert abs(ours[mine] - expected) <= 60  # it runs down between the two readings
        else:
            assert ours[mine] == expected
    # ip calls permanent what is not dynamic.
    assert ("permanent" in ours["flags"]) is (not theirs.get("dynamic", False))
    for flag in ("secondary", "deprecated", "tentative", "nodad", "noprefixroute", "mngtmpaddr"):
        assert (flag in ours["flags"]) is theirs.get(flag, False), (ours["address"], flag)


def test_addresses(zoo):
    settled(zoo)
    ours = zoo.records("--addr")
    theirs = [(i["ifname"], a) for i in zoo.ip_json("addr") for a in i["addr_info"]]
    assert len(ours) == len(theirs) >= 9
    for one, (name, address) in zip(ours, theirs):
        assert one["interface"] == name
        check_address(one, address)
    lists = {r["name"]: r["addresses"] for r in zoo.records() if r["record"] == "interface"}
    for name, addresses in lists.items():
        assert addresses == [o["address"] for o in ours if o["interface"] == name]


def check_route(ours, theirs, version):
    default = "0.0.0.0/0" if version == 4 else "::/0"
    full = "/32" if version == 4 else "/128"
    to = default if theirs["dst"] == "default" else theirs["dst"]
    assert ours["to"] == (to if "/" in to else to + full)
    assert ours["type"] == theirs.get("type", "unicast")
    assert ours["table"] == str(theirs.get("table", "main"))
    assert ours["protocol"] == theirs.get("protocol")
    if version == 4:
        assert ours["scope"] == theirs.get("scope", "global")
    assert ours["metric"] == theirs.get("metric", 0)
    assert ours["source"] == theirs.get("prefsrc")
    assert ours["preference"] == theirs.get("pref")
    metrics = theirs.get("metrics") or [{}]
    assert ours["mtu"] == metrics[0].get("mtu")
    hops = theirs.get("nexthops") or ([theirs] if "dev" in theirs else [])
    assert ours["interfaces"] == ([hop["dev"] for hop in hops] or None)
    gateways = [hop.get("gateway") or hop.get("via", {}).get("host") for hop in hops]
    assert ours["gateways"] == (gateways if any(gateways) else None)
    assert ours["weights"] == ([hop.get("weight", 1) for hop in hops] or None)


@pytest.mark.parametrize("version", [4, 6])
def test_routes(zoo, version):
    settled(zoo)
    ours = zoo.records("--routes", "-%d" % version)
    theirs = zoo.ip_json("-d", "-%d" % version, "route", "show", "table", "all")
    assert len(ours) == len(theirs) >= 8
    for one, route in zip(ours, theirs):
        check_route(one, route, version)


def test_neighbours(zoo):
    ours = {(n["interface"], n["address"]): n for n in zoo.records("--neighbours")}
    theirs = {(n["dev"], n["dst"]): n for n in zoo.ip_json("neighbour")}
    assert ours.keys() == theirs.keys()
    assert len(ours) >= 3
    for key, one in ours.items():
        assert one["mac"] == theirs[key].get("lladdr")
        assert one["state"].upper() == theirs[key]["state"][0]
        assert one["router"] is ("router" in theirs[key])


def test_two_thousand_links(namespace):
    ns = namespace("many")
    ns.ip_batch("link add va%d type veth peer name vb%d" % (i, i) for i in range(1000))
    ours, links = silent(ns, lambda: [r for r in ns.records() if r["record"] == "interface"])
    names = {link["ifname"]: link["ifindex"] for link in links}
    assert len(ours) == len(links) == 2001
    for one, link in zip(ours, sorted(links, key=lambda link: link["ifindex"])):
        check_link(one, link, names)
        check_counters(one, link)
    tick = ns.records("--rates", "--every", "0.1", "-c", "1")
    assert [r["interface"] for r in tick[:-1]] == [r["name"] for r in ours]


def test_one_interface(zoo):
    """By name, by alternative name, and what scripts ask."""
    by_name, by_alternative = zoo.sonde("ifaces", "v0"), zoo.sonde("ifaces", "lan")
    assert by_name.status == 0

    def without_counters(text):
        return re.sub(r"\d+ (bytes|packets)", "", text)

    assert without_counters(by_name.out) == without_counters(by_alternative.out)
    assert "a-very-long-alternative-name" in by_name.out and "02:00:00:00:01:00" in by_name.out
    assert zoo.sonde("ifaces", "--mac", "a-very-long-alternative-name").out == \
        "02:00:00:00:01:00\n"
    assert zoo.sonde("ifaces", "--addr", "-4", "v0").out == "10.1.0.1\n10.1.0.2\n"
    assert zoo.sonde("ifaces", "--addr", "-6", "br0").out.startswith("fe80::")
    assert zoo.sonde("ifaces", "--mac", "lo").status == 1
    assert zoo.sonde("ifaces", "--up", "v0").status == 0
    brief = json.loads(zoo.sonde("ifaces", "--up", "--json", "v0").out)
    whole = json.loads(zoo.sonde("ifaces", "--json", "v0").out.splitlines()[0])
    assert brief["addresses"] == whole["addresses"] != []
    zoo.ip("link", "set", "v0", "down")
    assert zoo.sonde("ifaces", "--up", "v0").status == 1
    assert zoo.sonde("ifaces", "-q", "--up", "v0").out == ""


@pytest.mark.parametrize("args, message", [
    (["v9"], r'no interface "v9"; did you mean "v[01]"\?'),
    (["a-very-lang-alternative"], r'did you mean "a-very-long-alternative-name"\?'),
    (["nothing-like-it"], r'no interface "nothing-like-it"; see: sonde ifaces'),
    (["--mac"], "--mac needs the name of one interface"),
    (["--up", "v0", "v1"], "--up needs the name of one interface"),
    (["--up", "--mac", "v0"], "exclude each other"),
    (["--rates", "--every", "-1"], "--every: "),
    (["--every", "1"], "--every goes with --rates"),
    (["-c", "1", "v0"], "--count goes with --rates and --watch"),
    (["--routes", "--fields", "name"], 'no field "name"; there are to, gateways'),
])
def test_wrong_usage(zoo, args, message):
    done = zoo.sonde("ifaces", *args)
    assert done.status == 2
    assert re.search(message, done.err), done.err


def test_csv(zoo):
    """CSV is what was asked for: interfaces, or else routes."""
    first = zoo.sonde("ifaces", "--csv").out.splitlines()
    assert first[0].startswith("name,kind,up,") and len(first) == 1 + len(zoo.ip_json("link"))
    assert zoo.sonde("ifaces", "--csv", "--routes").out.startswith("to,gateways,")


def test_rates(namespace):
    """Known traffic gives the right figures, for the interface and for the whole machine."""
    here, there = namespace("here"), namespace("there")
    here.ip_batch(["link add out type veth peer name in netns %s" % there.name,
                   "link add i0 type veth peer name i1",
                   "link set lo up", "link set out address 02:00:00:00:02:01 up",
                   "link set i0 up", "link set i1 up", "address add 10.9.0.1/24 dev out",
                   "neighbour add 10.9.0.2 lladdr 02:00:00:00:02:02 dev out"])
    there.ip_batch(["link set in address 02:00:00:00:02:02 up"])
    settled(here)
    time.sleep(2)  # until IPv6 has said all it has to say on new links
    process = here.start("ifaces", "--json", "--rates", "--every", "0.5", "--for", "60")
    rows, n, size = [], 500, 1000

    def tick():
        """Reads the rows of one tick, of which the machine's is the last."""
        rows.append(json.loads(process.stdout.readline()))
        while not rows[-1]["machine"]:
            rows.append(json.loads(process.stdout.readline()))

    tick()
    sent = here.run("/usr/bin/python3", "-c", """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(%d):
    s.sendto(bytes(%d), ("10.9.0.2", 9))
""" % (n, size))
    assert sent.status == 0, sent.err
    tick()
    tick()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    frame = size + 8 + 20 + 14
    for wanted in (lambda r: r["interface"] == "out", lambda r: r["machine"]):
        mine = [r for r in rows if wanted(r)]
        packets = sum(r["tx_packets_per_s"] * r["interval_s"] for r in mine)
        octets = sum(r["tx_bytes_per_s"] * r["interval_s"] for r in mine)
        # Each figure is rounded down to whole ones a second; a stray report of IPv6 may add itself.
        assert n - len(mine) <= packets <= n + 5
        assert n * frame - len(mine) <= octets <= n * frame + 1000
    assert any(r["interface"] == "i0" for r in rows)
    counted = here.records("--rates", "--every", "0.1", "-c", "3")
    assert len([r for r in counted if r["machine"]]) == 3


def wait_for(path_text, process, seconds=10):
    """Reads lines of @process until one holds all of the words."""
    lines = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        lines.append(line)
        record = json.loads(line)
        if all(record.get(k) == v or (v in str(record.get(k))) for k, v in path_text.items()):
            return record
    pytest.fail("not seen: %s in %s" % (path_text, lines))


def test_watch(namespace):
    ns = namespace("watch")
    ns.ip("link", "set", "lo", "up")
    process = ns.start("ifaces", "--json", "--watch", "--for", "30")
    try:
        for _ in range(100):  # until it watches: only then is anything seen
            ns.ip("link", "set", "lo", "mtu", "60000")
            ns.ip("link", "set", "lo", "mtu", "65536")
            if select.select([process.stdout], [], [], 0.1)[0]:
                break
        wait_for({"object": "link", "event": "changed", "interface": "lo", "detail": "mtu"}, process)
        steps = [
            ("link add x type veth peer name y",
             {"object": "link", "event": "new", "interface": "x", "detail": "veth, down"}),
            ("link set y up", {"object": "link", "interface": "y", "detail": "down -> up"}),
            ("link set x up",
             {"object": "link", "interface": "x", "detail": "operstate lowerlayerdown -> up"}),
            ("address add 10.5.0.1/24 dev x",
             {"object": "address", "event": "new", "subject": "10.5.0.1/24"}),
            ("link property add dev x altname another",
             {"object": "link", "detail": "alt none -> another"}),
            ("neighbour add 10.5.0.9 lladdr 02:00:00:00:00:09 dev x",
             {"object": "neighbour", "event": "new", "subject": "10.5.0.9",
              "detail": "permanent 02:00:00:00:00:09"}),
            ("neighbour replace 10.5.0.9 lladdr 02:00:00:00:00:0a dev x",
             {"object": "neighbour", "event": "changed",
              "detail": "permanent 02:00:00:00:00:09 -> permanent 02:00:00:00:00:0a"}),
            ("route add 10.6.0.0/16 via 10.5.0.9",
             {"object": "route", "event": "new", "subject": "10.6.0.0/16",
              "detail": "via 10.5.0.9"}),
            ("link set x down", {"object": "link", "interface": "x", "detail": "up -> down"}),
            ("link set x name z", {"object": "link", "interface": "z", "detail": "name x -> z"}),
            ("address del 10.5.0.1/24 dev z",
             {"object": "address", "event": "gone", "interface": "z", "subject": "10.5.0.1/24"}),
            ("link del z", {"object": "link", "event": "gone", "interface": "z"}),
        ]
        for command, expected in steps:
            ns.ip(*command.split())
            wait_for(expected, process)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()


def test_watch_counts(namespace):
    """-c ends it, and interfaces that were not named are left out."""
    ns = namespace("count")
    ns.ip_batch(["link add va type veth peer name vb"])
    process = ns.start("ifaces", "--json", "--watch", "-c", "2", "--for", "20", "va")
    try:
        for mtu in range(1300, 1400):
            if process.poll() is not None:
                break
            ns.ip("link", "set", "va", "mtu", str(mtu))
            ns.ip("link", "set", "vb", "mtu", str(mtu))
            time.sleep(0.02)
        out, _ = process.communicate(timeout=10)
    finally:
        process.kill()
    rows = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0
    assert [row["interface"] for row in rows] == ["va", "va"]
    assert all(row["detail"].startswith("mtu 1") for row in rows)
