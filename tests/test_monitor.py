"""sonde monitor, in network namespaces of its own: what falls silent, comes back, is lost, is wrong."""

import fcntl
import json
import os
import queue
import resource
import signal
import socket
import sqlite3
import struct
import subprocess
import termios
import threading
import time
import urllib.error
import urllib.request

import pytest

from conftest import wait_for

WAIT = 40  # seconds until something must have been noticed, on a machine that has other things to do
CONFIG = """\
networks:
  - {name: lan, prefix: 10.77.0.0/24, iface: eth0, discover: 2s}
every: 1s
burst: 3
spacing: 50ms
timeout: 300ms
store: {path: %s}
web: {enabled: false}
"""
HOSTS = ["10.77.0.10", "10.77.0.11", "10.77.0.12", "10.77.0.13"]


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


class Net:
    """Two namespaces: `here`, where the monitor runs on 10.77.0.2, and `there` with the hosts."""

    def __init__(self, tag):
        self.here, self.there = "mon-%s-h" % tag, "mon-%s-t" % tag
        for name in (self.here, self.there):
            ip("netns", "add", name)
        # or else the first address would take the others with it
        subprocess.run(["ip", "netns", "exec", self.there, "sysctl", "-qw",
                        "net.ipv4.conf.all.promote_secondaries=1"], check=True, timeout=20)
        ip("-n", self.here, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0",
           "netns", self.there)
        ip("-n", self.here, "addr", "add", "10.77.0.2/24", "dev", "eth0")
        ip("-n", self.here, "addr", "add", "fd77::2/64", "dev", "eth0", "nodad")
        for host in HOSTS:
            self.join(host)
        ip("-n", self.there, "addr", "add", "fd77::10/64", "dev", "eth0", "nodad")
        for name in (self.here, self.there):
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", "eth0", "up")

    def join(self, host):
        ip("-n", self.there, "addr", "add", host + "/24", "dev", "eth0")

    def cut(self, host):
        ip("-n", self.there, "addr", "del", host + "/24", "dev", "eth0")

    def link(self, how):
        ip("-n", self.there, "link", "set", "eth0", how)

    def end(self):
        for name in (self.here, self.there):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, timeout=20)


class Monitor:
    """A running `sonde monitor --json`; its events are collected as they are shown."""

    def __init__(self, binary, net, config, before=(), **kwargs):
        self.events, self.shown, self.lines = [], [], queue.Queue()
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", net.here, *before, str(binary), "monitor", str(config), "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
            **kwargs)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def collect(self, seconds):
        """Takes what is shown; waits so long for something."""
        try:
            self.shown.append(json.loads(self.lines.get(timeout=max(seconds, 0.01))))
            self.events.append(self.shown[-1])
            return True
        except queue.Empty:
            return False

    def wait(self, kind, address=None, text=None):
        """The next event of that kind, host and sentence."""
        end = time.monotonic() + WAIT
        seen = 0
        while time.monotonic() < end:
            for event in self.events[seen:]:
                seen += 1
                if event["kind"] == kind and address in (None, event["address"]) and \
                        (text is None or text in event["text"]):
                    del self.events[:seen]
                    return event
            self.collect(1)
        raise AssertionError("no %s of %s among %s" % (kind, address, self.events))

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(20)
        error = self.process.stderr.read()
        while self.collect(0.3):
            pass
        return status, error


@pytest.fixture
def net(request):
    made = Net("%d" % os.getpid())
    yield made
    made.end()


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(CONFIG % (tmp_path / "m.db"))
    return path


@pytest.fixture
def start(binary, net, config):
    running = []

    def run(path=config, **kwargs):
        running.append(Monitor(binary, net, path, **kwargs))
        return running[-1]

    yield run
    for monitor in running:
        if monitor.process.poll() is None:
            monitor.process.kill()
            monitor.process.wait(20)


def database(config):
    return sqlite3.connect("file:%s?mode=ro" % config.with_suffix(".db"), uri=True)


def stored_events(config):
    with database(config) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return db.execute("SELECT id, kind, text FROM event ORDER BY id").fetchall()


def status_of(sonde, config):
    done = sonde("monitor", "status", config, "--json")
    assert done.status == 0, done.err
    return {host["address"]: host for host in done.records("host")}, done.records("monitor")[0]


def wait_status(sonde, config, ready):
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        done = sonde("monitor", "status", config, "--json")
        if done.status == 0:
            hosts = {host["address"]: host for host in done.records("host")}
            if ready(hosts):
                return hosts
        time.sleep(0.5)
    raise AssertionError("it never came to that: %s" % done.out)


def test_silent_and_back(sonde, net, config, start):
    monitor = start()
    for _ in HOSTS:
        monitor.wait("new")
    net.cut(HOSTS[2])
    gone = monitor.wait("inactive", HOSTS[2])
    assert gone["text"] == HOSTS[2] + " stopped answering ARP and ICMP"
    hosts, own = status_of(sonde, config)
    assert sorted(hosts) == HOSTS
    assert list(hosts)[0] == HOSTS[2] and hosts[HOSTS[2]]["state"] == "inactive"
    assert own["inactive"] == 1 and own["active"] == 3 and own["self_up"]
    assert hosts[HOSTS[0]]["evidence"] == ["arp", "icmp"] and hosts[HOSTS[0]]["rtt_ms"] > 0
    net.join(HOSTS[2])
    monitor.wait("active", HOSTS[2])
    table = sonde("monitor", "status", config)
    assert table.status == 0 and "4 hosts: 4 active" in table.out
    assert monitor.stop() == (0, "")


def test_names_of_the_dns(sonde, net, config, start, tmp_path):
    config.write_text(config.read_text() + "names: true\n")
    (tmp_path / "hosts").write_text("10.77.0.11 printer.example\n")
    start(before=["sh", "-c", "mount --bind $0 /etc/hosts; exec \"$@\"", str(tmp_path / "hosts")])
    hosts = wait_status(sonde, config, lambda hosts: hosts.get(HOSTS[1], {}).get("names"))
    assert hosts[HOSTS[1]]["names"] == ["printer.example"]
    assert hosts[HOSTS[0]]["names"] == []


def test_a_service_manager_is_told(net, start, tmp_path):
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(tmp_path / "notify"))
    told.settimeout(WAIT)
    monitor = start(env=dict(os.environ, NOTIFY_SOCKET=str(tmp_path / "notify")))
    assert told.recv(100) == b"READY=1"
    monitor.stop()
    assert told.recv(100) == b"STOPPING=1"
    told.close()


def test_own_link_down_reports_nobody(net, config, start):
    config.write_text(config.read_text().replace(
        "every:", "  - {name: lan6, prefix: 'fd77::/64', iface: eth0, discover: 2s}\nevery:"))
    monitor = start()
    for _ in HOSTS:
        monitor.wait("new")
    net.link("down")
    # two networks, but one cable
    assert monitor.wait("self-down")["text"] == \
        "eth0 has no carrier: hosts of lan and lan6 are not judged until it is back"
    while monitor.collect(6):  # twice as long as hosts need to become inactive
        pass
    net.link("up")
    monitor.wait("self-up")
    while monitor.collect(5):
        pass
    assert [e for e in monitor.events if e["kind"] in ("inactive", "degraded", "new", "self-down",
                                                       "self-up")] == []
    net.cut(HOSTS[0])  # and then it judges again
    monitor.wait("inactive", HOSTS[0])


def test_ipv6_joins_by_mac_and_a_changed_mac_is_told(sonde, net, config, start):
    text = config.read_text()
    config.write_text(text.replace("every:", "  - {name: lan6, prefix: 'fd77::/64', discover: 2s}\nevery:"))
    for host in HOSTS[1:]:
        net.cut(host)
    monitor = start()
    monitor.wait("new", HOSTS[0])
    hosts = wait_status(sonde, config, lambda hosts: "fd77::10" in hosts.get(HOSTS[0], {}).get(
        "other_addresses", []))
    assert list(hosts) == [HOSTS[0]]
    ip("-n", net.there, "link", "set", "eth0", "address", "02:00:00:00:77:10")
    event = monitor.wait("mac-changed", HOSTS[0])
    assert event["mac"] == "02:00:00:00:77:10" and event["old_mac"] == hosts[HOSTS[0]]["mac"]


def test_killed_at_any_moment_loses_no_event_shown(sonde, net, config, start):
    shown = []
    for round_number in range(4):
        monitor = start()
        monitor.wait("started")
        if round_number == 0:
            monitor.wait("new")  # and at once, amid others
        elif round_number == 1:
            # The kill may have come before it was found.
            wait_status(sonde, config,
                        lambda hosts: hosts.get(HOSTS[1], {}).get("state") == "active")
            net.cut(HOSTS[1])
            monitor.wait("inactive", HOSTS[1])
        else:
            time.sleep(0.3 * round_number)
        monitor.process.kill()
        # `ip netns exec` became the monitor itself: this is the process that was killed
        assert monitor.process.wait(20) == -signal.SIGKILL
        while monitor.collect(0.3):
            pass
        shown += [(e["id"], e["kind"]) for e in monitor.shown]
        kept = {row[0]: row[1] for row in stored_events(config)}
        assert all(kept.get(number) == kind for number, kind in shown)
    assert len(shown) >= 6  # four times started, somebody new, somebody silent
    monitor = start()
    assert "with 4 known hosts" in monitor.wait("started")["text"]
    hosts = wait_status(sonde, config, lambda hosts: len(hosts) == 4)
    assert hosts[HOSTS[1]]["state"] == "inactive" and hosts[HOSTS[0]]["state"] == "active"
    net.join(HOSTS[1])
    monitor.wait("active", HOSTS[1])
    assert len([1 for _, kind, _ in stored_events(config) if kind == "new"]) == 4


def test_reload_is_all_or_nothing(net, config, start):
    monitor = start()
    for _ in HOSTS:
        monitor.wait("new")
    good = config.read_text()
    config.write_text(good.replace("every: 1s", "every: 1"))
    monitor.process.send_signal(signal.SIGHUP)
    time.sleep(1)
    net.cut(HOSTS[0])
    monitor.wait("inactive", HOSTS[0])  # the old one goes on
    config.write_text(good + "hosts:\n  - {address: 10.77.0.99, name: nobody}\n")
    monitor.process.send_signal(signal.SIGHUP)
    assert "10.77.0.99 (nobody) does not answer" == monitor.wait("inactive", "10.77.0.99")["text"]
    status, error = monitor.stop()
    assert status == 0
    assert "the old configuration stays: %s:3: '1' is not a duration" % config in error
    assert "the new configuration is in force" in error


def unread(pipe):
    """The bytes that wait in a pipe."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


def test_reload_without_descriptors_to_spare(net, config, start):
    """Whatever it runs out of half-way: it lives on, with a configuration that is whole."""
    monitor = start()
    for _ in HOSTS:
        monitor.wait("new")
    pid = monitor.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    n = len(os.listdir("/proc/%d/fd" % pid))
    config.write_text(config.read_text() + """\
hosts:
  - {address: 127.0.0.1}
  - {address: "::1"}
  - {address: "fd77::10"}
""")
    for spare in range(20):
        said = unread(monitor.process.stderr)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (n + spare, before[1]))
        monitor.process.send_signal(signal.SIGHUP)
        wait_for(lambda said=said: unread(monitor.process.stderr) > said, "what became of the reload")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    net.cut(HOSTS[0])
    monitor.wait("inactive", HOSTS[0])
    status, error = monitor.stop()
    assert status == 0, error
    assert "the old configuration stays: cannot prepare to probe" in error
    assert "there is no interface" not in error
    assert "Sanitizer" not in error


def test_a_second_monitor_is_refused(binary, net, config, start):
    start().wait("started")
    second = start()
    status, error = second.process.wait(20), second.process.stderr.read()
    assert status in (2, 3) and str(config.with_suffix(".db")) in error


@pytest.mark.parametrize("content", ["not a database, but long enough to be read as one" * 50,
                                     None])
def test_a_foreign_database_is_refused(net, config, start, content):
    path = config.with_suffix(".db")
    if content:
        path.write_text(content)
    else:
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE hosts (name TEXT)")
    before = path.read_bytes()
    refused = start()
    assert refused.process.wait(20) == 2
    assert str(path) in refused.process.stderr.read()
    assert path.read_bytes() == before


def test_a_taken_port_is_refused(net, config, start):
    config.write_text(config.read_text().replace("enabled: false", "listen: '127.0.0.1:8077'"))
    taken = subprocess.Popen(
        ["ip", "netns", "exec", net.here, "/usr/bin/python3", "-c",
         "import socket, time\ns = socket.create_server(('127.0.0.1', 8077))\n"
         "print('ready', flush=True)\ntime.sleep(60)"], stdout=subprocess.PIPE)
    try:
        taken.stdout.readline()
        refused = start()
        assert refused.process.wait(20) == 2
        assert "127.0.0.1:8077" in refused.process.stderr.read()
    finally:
        taken.kill()
        taken.wait(20)


@pytest.fixture
def start_web(config, start):
    """Starts a monitor whose page is served on a socket of this namespace; gives the API's URL."""
    config.write_text(config.read_text().replace("web: {enabled: false}\n", ""))
    listener = socket.create_server(("127.0.0.1", 0))

    def pass_on():  # descriptor 3, as a service manager does it
        os.dup2(listener.fileno(), 3, inheritable=True)
        os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))

    def run():
        monitor = start(preexec_fn=pass_on, close_fds=False)
        return monitor, "http://127.0.0.1:%d/api/v1/" % listener.getsockname()[1]

    yield run
    listener.close()


def test_a_socket_from_outside_serves_the_page(start_web):
    monitor, url = start_web()
    monitor.wait("new", HOSTS[0])
    with urllib.request.urlopen(url + "summary", timeout=20) as answer:
        summary = json.load(answer)
    assert summary["self"] == "up" and summary["networks"][0]["name"] == "lan"


def test_a_forgotten_host_is_gone_everywhere(net, config, start, start_web):
    config.write_text(config.read_text() + "forget: 5s\n")
    monitor, url = start_web()
    for _ in HOSTS:
        monitor.wait("new")
    with urllib.request.urlopen(url + "stream", timeout=WAIT) as stream:
        net.cut(HOSTS[1])
        gone = monitor.wait("inactive", HOSTS[1])["host"]
        while stream.readline() != b"event: gone\n":
            pass
        assert stream.readline() == b'data: {"hosts":[%d]}\n' % gone
    for path in ("hosts/%d", "hosts/%d/latency"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url + path % gone, timeout=20)
        assert refused.value.code == 404 and "no such host" in json.load(refused.value)["error"]
    with urllib.request.urlopen(url + "events?host=%d" % gone, timeout=20) as answer:
        kinds = [event["kind"] for event in json.load(answer)["events"]]
    assert kinds == ["inactive", "new"]
    monitor.stop()
    monitor = start()
    assert "with 3 known hosts" in monitor.wait("started")["text"]
    net.join(HOSTS[1])
    assert monitor.wait("new", HOSTS[1])["host"] > gone


@pytest.mark.parametrize("change, line, says", [
    (("burst: 3", "brust: 3"), 4, "brust"),
    (("every: 1s", "every: soon"), 3, "duration"),
    (("10.77.0.0/24", "10.77.0.0/240"), 2, "prefix length"),
    (("web: {enabled: false}", "web: {listen: '0.0.0.0:80'}"), 8, "token_file"),
    (("timeout: 300ms", "timeout: ]"), 6, "YAML"),
])
def test_faults_of_the_configuration(sonde, config, change, line, says):
    config.write_text(config.read_text().replace(*change))
    for verb in (["monitor", "check"], ["monitor"]):
        done = sonde(*verb, config)
        assert done.status == 2 and done.out == ""
        assert "%s:%d: " % (config, line) in done.err and says in done.err


def test_missing_things(sonde, config, tmp_path):
    assert sonde("monitor").status == 2
    missing = sonde("monitor", tmp_path / "none.yaml")
    assert missing.status == 2 and "none.yaml" in missing.err
    nobody = sonde("monitor", "status", config)
    assert nobody.status == 3 and "no monitor answers" in nobody.err
    # no interface eth7 here
    config.write_text(config.read_text().replace("eth0", "eth7"))
    no_iface = sonde("monitor", config)
    assert no_iface.status == 2 and "no interface eth7" in no_iface.err
    assert sonde("monitor", "check", config).status == 0


@pytest.fixture
def pretender(tmp_path):
    """pretender(descriptor) -> the path of a socket that answers `monitor status` with that"""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    path = tmp_path / "false.sock"
    listener.bind(str(path))
    listener.listen()

    def answer(fd):
        def serve():
            client = listener.accept()[0]
            with client:
                socket.send_fds(client, [b"\0"], [fd] if fd is not None else [])

        threading.Thread(target=serve, daemon=True).start()
        return path

    yield answer
    listener.close()


def true_answer(config):
    """What a running monitor answers, and what protects it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(str(config.with_suffix(".db.sock")))
        fd = socket.recv_fds(s, 1, 1)[1][0]
    with open(fd, "rb") as f:
        return f.read(), fcntl.fcntl(fd, fcntl.F_GET_SEALS)


def test_who_pretends_to_be_the_monitor_is_not_believed(sonde, config, start, pretender):
    """Forged states end in an error, whatever they hold, and are not followed into the weeds."""
    start().wait("new", HOSTS[0])
    good, seals = true_answer(config)
    assert seals & fcntl.F_SEAL_WRITE and seals & fcntl.F_SEAL_SHRINK

    def ask(content, seals=seals):
        fd = os.memfd_create("false", os.MFD_ALLOW_SEALING)
        os.write(fd, content)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
        try:
            return sonde("monitor", "status", "--socket", pretender(fd), "--json")
        finally:
            os.close(fd)

    assert ask(good).status == 0
    assert ask(good, 0).status == 3  # could be cut off while it is read
    assert ask(good[:-1]).status == ask(good + b"\0").status == ask(b"").status == 3
    filled = good[:24] + b"\xff" * (len(good) - 24)  # behind version and sizes
    assert ask(filled).status == 3
    done = sonde("monitor", "status", "--socket", pretender(None))
    assert done.status == 3 and "cannot ask the monitor" in done.err


@pytest.mark.parametrize("n", ["2147483647", "99999999999", "-1", "x"])
def test_no_descriptor_behind_a_promise_of_many(binary, config, tmp_path, n):
    """LISTEN_FDS is only somebody's word: no loop over what is not there."""
    config.write_text("networks: [{name: lan, prefix: 10.77.0.0/24, iface: nope}]\n"
                      "store: {path: %s}\n" % (tmp_path / "m.db"))
    done = subprocess.run(
        ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", str(binary), "monitor", str(config)],
        env={**os.environ, "LISTEN_FDS": n}, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "no interface nope" in done.stderr


@pytest.mark.parametrize("change", [
    "UPDATE host SET first_seen = -1, last_seen = -9223372036854775808,"
    " last_change = 9223372036854775807",
    "UPDATE host SET state = -1, evidence = -1, mac = 'zz'",
    "UPDATE host SET addresses = 'x 10.77.0.10 10.77.0.10', names = x'1b0a' || char(0, 10)",
])
def test_a_tampered_row_is_passed_over(sonde, config, start, change):
    first = start()
    for _ in HOSTS:
        first.wait("new")
    first.stop()
    with sqlite3.connect(config.with_suffix(".db")) as db:
        db.execute(change)
    second = start()
    second.wait("started")
    wait_status(sonde, config, lambda hosts: set(HOSTS) <= set(hosts) and
                all(hosts[h]["state"] == "active" for h in HOSTS))
    status, error = second.stop()
    assert status == 0 and "Sanitizer" not in error and "runtime error" not in error


def test_a_file_in_the_socket_s_place_is_left_alone(config, start):
    path = config.with_suffix(".db.sock")
    path.write_text("precious")
    monitor = start()
    monitor.wait("started")
    status, error = monitor.stop()
    assert status == 0 and "`sonde monitor status` will find nobody" in error
    assert path.read_text() == "precious"
