"""Banners of real servers, of servers that misbehave, and of hundreds at once; on a loopback that
is nobody else's."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import banner_servers
from conftest import BUILD, run_command

ASK = BUILD / "src/probe/banner-ask"
SPACE = "banner%d" % os.getpid()
HERE = Path(__file__).parent
TIMEOUT_MS = 6000


def have_namespaces():
    return os.geteuid() == 0 and run_command("unshare", "-n", "true").status == 0


pytestmark = pytest.mark.skipif(not have_namespaces(), reason="needs root and network namespaces")


def inside(*command):
    return ["ip", "netns", "exec", SPACE, *map(str, command)]


def ask(*ports, most=100, timeout_ms=TIMEOUT_MS, prefix=()):
    """{port: (error, service, text)}"""
    done = run_command(*inside(*prefix, ASK, most, timeout_ms, "127.0.0.1", *ports), timeout=60)
    assert done.status == 0, done.err
    rows = [line.split(" ", 3) for line in done.out.splitlines()]
    assert sorted(int(row[0]) for row in rows) == sorted(ports)
    return {int(port): (int(error), service, text) for port, error, service, text in rows}


def wait_for(*ports):
    """Until they listen."""
    for _ in range(200):
        done = run_command(*inside("ss", "-Hltn"))
        if all(":%d " % port in done.out for port in ports):
            return
        time.sleep(0.05)
    raise AssertionError("nobody listens: %s" % done.out)


@pytest.fixture(scope="module")
def start():
    """start("command", ..., port=80): a server in the namespace until the end."""
    run_command("ip", "netns", "add", SPACE)
    run_command("ip", "-n", SPACE, "link", "set", "lo", "up")
    servers = []

    def begin(*command, port, **kwargs):
        servers.append(subprocess.Popen(inside(*command), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, **kwargs))
        wait_for(*([port] if isinstance(port, int) else port))

    yield begin
    for server in servers:
        server.kill()
        server.wait()
    run_command("ip", "netns", "del", SPACE)


@pytest.fixture(scope="module")
def own(start):
    start(sys.executable, HERE / "banner_servers.py", port=list(banner_servers.SERVERS))


def test_greetings_and_answers(own):
    expected = {
        2201: ("ssh", "OpenSSH_9.2p1 Debian-2+deb12u3"),
        2202: ("smtp", "mail.example ESMTP Postfix"),
        2203: ("ftp", "(vsFTPd 3.0.3)"),
        2204: ("pop3", "Dovecot ready."),
        2205: ("imap", "[CAPABILITY IMAP4rev1] Dovecot ready."),
        2206: ("mysql", "8.0.36-test"),
        2207: ("rfb", "003.008"),
        2208: ("telnet", "router login:"),
        2209: ("rsync", "31.0"),
        2210: ("-", r"hello\x1b[2J\x07there"),
        2211: ("http", 'own/1.0 (404, "A title \\x1b[31m of ä")'),
        25: ("smtp", "ready"),
        6379: ("redis", "7.0.15"),
        5432: ("postgresql", "-"),
        11211: ("memcached", "1.6.18"),
        1883: ("mqtt", "not authorised"),
        554: ("rtsp", "cam/2 (200)"),
    }
    assert ask(*expected) == {port: (0, *found) for port, found in expected.items()}


def test_servers_that_misbehave(own):
    ports = [3001, 3002, 3003, 3004, 3005, 3006, 3007, 3008, 443, 993, 8080]
    found = ask(*ports)
    assert all(error == 0 for error, _, _ in found.values())
    assert all(len(text) < 700 and text.isprintable() for _, _, text in found.values())
    assert found[3003][1] == "-" and found[3003][2].startswith("never never")
    for port in (3002, 3004, 3005, 993, 8080):
        assert found[port][1] == "-", port
    assert found[3006] == (0, "http", "endless (200)")
    assert found[3007] == (0, "tls", "handshake refused")


def test_nobody_there(own):
    assert ask(9)[9] == (111, "-", "-")


def test_real_web_server(start, tmp_path):
    (tmp_path / "index.html").write_text("<title>Hello</title>")
    start(sys.executable, "-m", "http.server", 8000, cwd=tmp_path, port=8000)
    start(sys.executable, "-m", "http.server", 4000, cwd=tmp_path, port=4000)
    found = ask(8000, 4000)
    for port in (8000, 4000):  # asked at once, and after a silence
        error, service, text = found[port]
        assert (error, service) == (0, "http")
        assert text.startswith("SimpleHTTP/") and text.endswith('(200, "Hello")')


def certificate(tmp_path):
    done = run_command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                       "ec_paramgen_curve:P-256", "-nodes", "-days", 30, "-subj",
                       "/CN=first.example", "-addext",
                       "subjectAltName=DNS:first.example,DNS:*.second.example,"
                       "IP:192.0.2.7,IP:2001:db8::7",
                       "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem")
    assert done.status == 0, done.err
    return ["-cert", tmp_path / "cert.pem", "-key", tmp_path / "key.pem"]


def test_real_tls(start, tmp_path):
    server = ["openssl", "s_server", "-quiet", *certificate(tmp_path)]
    start(*server, "-www", "-port", 4430, port=4430)
    start(*server, "-WWW", "-port", 8443, "-tls1_2", "-alpn", "http/1.1", cwd=tmp_path, port=8443)
    start(*server, "-port", 4431, "-psk_hint", "x", "-verify_return_error", "-Verify", 1, port=4431)
    until = run_command("openssl", "x509", "-in", tmp_path / "cert.pem", "-noout", "-enddate",
                        "-dateopt", "iso_8601").out.split("=")[1][:10]
    names = "first.example, *.second.example, 192.0.2.7, 2001:db8::7, until " + until
    found = ask(4430, 8443, 4431)
    assert found[4430] == (0, "https", "(200), TLSv1.3, " + names)
    assert found[8443][:2] == (0, "https") and found[8443][2].endswith("TLSv1.2, " + names)
    assert found[4431] == (0, "tls", "refused after the handshake, TLSv1.3, " + names)


def test_hundreds_at_once_with_few_descriptors(own, start):
    few = ["prlimit", "--nofile=40"]
    many = [2201] * 300
    done = run_command(*inside(*few, ASK, 1000, 30000, "127.0.0.1", *many), timeout=60)
    assert done.out.splitlines() == ["2201 0 ssh OpenSSH_9.2p1 Debian-2+deb12u3"] * 300
    done = run_command(*inside(ASK, 1000, 30000, "127.0.0.1", *many), timeout=60)
    assert done.out.splitlines() == ["2201 0 ssh OpenSSH_9.2p1 Debian-2+deb12u3"] * 300
