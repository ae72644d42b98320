"""Real servers answer the payloads of UDP probes: dnsmasq's DNS and TFTP, OpenSSL's DTLS; chrony,
snmpd and memcached where they are installed (they are no packages that tests should put on a
machine)."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from conftest import BUILD, run_command
from test_probe_packets import written

SPACE = "udp%d" % os.getpid()
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

# Says each payload of a line "PORT HEX" on standard input; prints the port, where the answer came
# from and the answer, or - and nothing.
ASK = """
import socket, sys
for line in sys.stdin:
    port, data = line.split()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        s.sendto(bytes.fromhex(data), ("127.0.0.1", int(port)))
        try:
            answer, source = s.recvfrom(65536)
            print(port, source[1], answer.hex())
        except OSError:
            print(port, "-", "")
"""


def have_namespaces():
    return os.geteuid() == 0 and run_command("unshare", "-n", "true").status == 0


pytestmark = pytest.mark.skipif(not have_namespaces(), reason="needs root and network namespaces")


def inside(*command):
    return ["ip", "netns", "exec", SPACE, *map(str, command)]


@pytest.fixture
def start():
    """start(port, "command", ...): a server in a namespace of its own, which listens."""
    run_command("ip", "netns", "add", SPACE)
    run_command("ip", "-n", SPACE, "link", "set", "lo", "up")
    servers = []

    def begin(port, command, *args):
        program = shutil.which(command, path=PATH)
        if not program:
            pytest.skip("%s is not installed" % command)
        servers.append(subprocess.Popen(inside(program, *args), stdin=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        for _ in range(200):
            done = run_command(*inside("ss", "-Hlun"))
            if ":%d " % port in done.out:
                return
            time.sleep(0.05)
        raise AssertionError("%s does not listen at port %d: %s" % (command, port, done.out))

    yield begin
    for server in servers:
        server.kill()
        server.wait()
    run_command("ip", "netns", "del", SPACE)


def answers(port):
    """[(source port, answer)] to each payload of that port."""
    lines = "".join("%d %s\n" % (p, data.hex()) for p, data in written("udp") if p == port)
    done = run_command(*inside(sys.executable, "-c", ASK), stdin=None, input=lines)
    rows = [line.split(" ") for line in done.out.splitlines()]
    assert len(rows) == lines.count("\n") > 0
    return [(source, bytes.fromhex(data)) for _, source, data in rows]


def scan(port):
    """The state and reason that the scan gives."""
    done = run_command(*inside(BUILD / "sonde", "scan", "-sU", "-p", port, "--json", "127.0.0.1"))
    assert done.status == 0, done.out + done.err
    rows = [row for row in done.records() if row.get("port") == port]
    assert [row["state"] for row in rows] == ["open"], rows
    assert rows[0]["reason"].startswith("udp answer")


def test_dns(start):
    start(53, "dnsmasq", "-k", "-C", "/dev/null", "-R", "-h", "--user=root", "--pid-file=")
    root, version = answers(53)
    assert root[1][:2] == version[1][:2] == b"\x03\x04"
    assert b"dnsmasq-" in version[1]
    scan(53)


def test_tftp_from_another_port(start, tmp_path):
    start(69, "dnsmasq", "-k", "-C", "/dev/null", "-p", 0, "--user=root", "--pid-file=",
          "--enable-tftp", "--tftp-root=%s" % tmp_path)
    (source, answer), = answers(69)
    assert answer[:4] == b"\0\5\0\1"  # an error: no such file
    assert source != "-"


def test_ntp(start, tmp_path):
    conf = tmp_path / "chrony.conf"
    conf.write_text("local stratum 3\nallow all\nbindcmdaddress /\ncmdport 0\n"
                    "pidfile %s/pid\n" % tmp_path)
    start(123, "chronyd", "-d", "-x", "-u", "root", "-f", conf)
    (_, client), _ = answers(123)
    assert len(client) == 48 and client[0] & 7 == 4  # a server's
    scan(123)


def test_snmp(start, tmp_path):
    conf = tmp_path / "snmpd.conf"
    conf.write_text("rocommunity public default\nsysDescr the system under test\n")
    start(161, "snmpd", "-f", "-C", "-c", conf, "-Lo", "127.0.0.1:161")
    v1, v3, v2c = (answer for _, answer in answers(161))
    assert b"the system under test" in v1 and b"the system under test" in v2c
    assert b"\x06\x0a\x2b\x06\x01\x06\x03\x0f\x01\x01\x04\x00" in v3  # usmStatsUnknownEngineIDs.0
    scan(161)


def test_dtls(start, tmp_path):
    made = run_command("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2,
                       "-subj", "/CN=x", "-keyout", tmp_path / "key", "-out", tmp_path / "cert")
    assert made.status == 0, made.err
    start(4433, "openssl", "s_server", "-dtls", "-listen", "-port", 4433, "-key", tmp_path / "key",
          "-cert", tmp_path / "cert")
    (_, answer), = answers(4433)
    assert answer[:1] == b"\x16" and answer[13] == 3  # a handshake: HelloVerifyRequest
    scan(4433)


def test_memcached(start):
    start(11211, "memcached", "-u", "root", "-U", 11211, "-l", "127.0.0.1")
    (_, answer), = answers(11211)
    assert b"VERSION" in answer
    scan(11211)
