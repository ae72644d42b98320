"""sonde lab: against ping, ip, tc, nft and the kernel's own view of namespaces."""

import fcntl
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
from pathlib import Path

import pytest

import labs
from conftest import TOP, Done, wait_for

MANY = """
name: many
networks:
  - {name: lan, prefixes: [10.9.0.0/16]}
hosts:
"""


def many(n):
    line = "  - {name: h%d, links: [{network: lan, addresses: [10.9.%d.%d]}]}\n"
    return MANY + "".join(line % (i, i // 200, i % 200 + 1) for i in range(n))


def reachable(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


def target_of(link):
    try:
        return os.readlink(link)
    except OSError:
        return None


def users_of(namespaces):
    """Everything on this machine that keeps one of these ("net:[4026532000]") alive."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if "State:\tZ" in (process / "status").read_text():
                continue  # ended; it is init's to take note of it
            links = [*process.glob("ns/*"), *process.glob("fd/*")]
        except OSError:
            continue
        found += [str(link) for link in links if target_of(link) in namespaces]
    mounts = Path("/proc/self/mountinfo").read_text()
    return found + [n for n in namespaces if n in mounts]


def namespaces_of(lab, hosts):
    found = set()
    for host in hosts:
        for kind in ["net", "pid"]:
            done = lab.run(host, "readlink", "/proc/self/ns/" + kind)
            assert done.status == 0, done.err
            found.add(done.out.strip())
    return found


def keeper_of(lab):
    """The process of the lab: the parent's child that is first in its PID namespace."""
    pids = lab.run("ws1", "readlink", "/proc/self/ns/pid").out.strip()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "ns/pid") == pids:
                return int(process.name)
        except OSError:
            pass
    raise AssertionError("no keeper")


def test_office(lab):
    links = lab.links()
    lan = [o for o in links.values() if o["network"] == "lan"]
    assert len(lan) >= 9
    assert len([o for o in links.values() if o["network"] == "outside"]) == 3
    assert all(o["cable"] == "plugged" and o["lab"] == lab.name for o in links.values())
    for (host, iface), link in links.items():
        ip = json.loads(lab.run(host, "ip", "-j", "addr", "show", iface).out)[0]
        assert ip["address"] == link["mac"]
        assert ip["operstate"] == "UP"
        mine = {"%s/%d" % (a["local"], a["prefixlen"]) for a in ip["addr_info"]
                if a["scope"] == "global"}
        assert mine == set(link["addresses"])
        assert not any("tentative" in a for a in ip["addr_info"])


def test_everything_answers_at_once(lab):
    """No waiting for duplicate address detection or carriers: the first packets arrive."""
    for address in ["10.77.0.1", "fd77::1", "198.51.100.80", "2001:db8:51::80"]:
        done = lab.run("ws1", "ping", "-n", "-c", 1, "-W", 2, address)
        assert done.status == 0, done.out + done.err


def test_silent_hosts(lab):
    assert not lab.ping("ws1", "10.77.0.20")
    assert not lab.ping("ws1", "fd77::20")
    neighbours = json.loads(lab.run("ws1", "ip", "-j", "neigh", "show", "10.77.0.20").out)
    assert neighbours[0]["lladdr"] == "00:80:77:00:77:20"
    script = "import socket; socket.create_connection(('printer', %d), 2)"
    assert lab.run("ws1", "python3", "-c", script % 9100).status == 0
    refused = lab.run("ws1", "python3", "-c", script % 9101)
    assert "ConnectionRefusedError" in refused.err


def test_nat(lab, binary):
    """The outside server sees the router's address, by IPv6 the host's own."""
    server = ("import socket; s = socket.create_server(('::', 5000), family=socket.AF_INET6, "
              "dualstack_ipv6=True); print('ready', flush=True)\n"
              "for _ in range(2): c, peer = s.accept(); print(peer[0], flush=True)")
    client = "import socket, sys; socket.create_connection((sys.argv[1], 5000), 5)"
    with lab.start(binary, "www", "python3", "-c", server, stdout=subprocess.PIPE,
                   text=True) as listening:
        assert listening.stdout.readline() == "ready\n"
        for address in ["198.51.100.80", "2001:db8:51::80"]:
            done = lab.run("ws1", "python3", "-c", client, address)
            assert done.status == 0, done.err
        assert listening.stdout.read() == "::ffff:198.51.100.1\nfd77::11\n"
    # from outside there is no way to the LAN's addresses
    assert not lab.ping("www", "10.77.0.11")


def test_slow_link(lab):
    qdisc = json.loads(lab.run("ws4", "tc", "-j", "qdisc", "show", "dev", "eth0").out)[0]
    assert qdisc["kind"] == "tbf"
    assert qdisc["options"]["rate"] == 1000000 / 8
    plain = json.loads(lab.run("ws1", "tc", "-j", "qdisc", "show", "dev", "eth0").out)[0]
    assert plain["kind"] == "noqueue"


def test_cut_and_join(lab):
    def interface():
        return json.loads(lab.run("ws3", "ip", "-j", "addr", "show", "eth0").out)[0]

    def routes():
        return [json.loads(lab.run("ws3", "ip", family, "-j", "route").out)
                for family in ["-4", "-6"]]

    before, routes_before = interface(), routes()
    assert lab.ping("ws1", "10.77.0.13")
    lab.cut("ws3")
    assert lab.links()["ws3", "eth0"]["cable"] == "pulled"
    assert lab.links()["ws1", "eth0"]["cable"] == "plugged"
    pulled = interface()
    assert "NO-CARRIER" in pulled["flags"] and "UP" in pulled["flags"]
    assert ({a["local"] for a in pulled["addr_info"] if a["scope"] == "global"}
            == {"10.77.0.13", "fd77::13"})
    assert not lab.ping("ws1", "10.77.0.13")
    lab.cut("ws3")  # again: nothing to do
    lab.join("ws3")
    assert lab.links()["ws3", "eth0"]["cable"] == "plugged"
    wait_for(lambda: interface()["operstate"] == "UP", "the link is up")
    assert interface()["addr_info"] == before["addr_info"]
    assert routes() == routes_before
    assert lab.ping("ws1", "10.77.0.13") and lab.ping("ws1", "fd77::13")


def test_exec(lab, tmp_path, monkeypatch):
    assert lab.run("ws1", "sh", "-c", "exit 42").status == 42
    assert lab.run("ws1", "true").status == 0
    assert lab.run("ws1", "sh", "-c", "kill -USR1 $$").status == 128 + signal.SIGUSR1
    done = lab.run("ws1", "no-such-command")
    assert done.status == 127 and "no-such-command" in done.err
    assert lab.run("ws1", "/etc/passwd").status == 126
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOMETHING", "else")
    done = lab.run("ws1", "sh", "-c", "hostname; pwd; echo $SOMETHING; cat; ls /sys/class/net",
                   stdin=subprocess.DEVNULL)
    assert done.out.split() == ["ws1", str(tmp_path), "else", "eth0", "lo"]
    # options behind the host are the command's
    assert lab.run("ws1", "echo", "--listen", "-h").out == "--listen -h\n"
    done = lab.run("nobody", "true")
    assert done.status == 2 and "nobody" in done.err


def test_names(lab):
    done = lab.run("ws1", "getent", "hosts", "nas", "198.51.100.80")
    assert [line.split()[:2] for line in done.out.splitlines()] == [["fd77::30", "nas"],
                                                                    ["198.51.100.80", "www"]]


def test_exec_passes_signals(lab, binary):
    trap = "trap 'echo got it; exit 7' TERM INT; echo ready; while :; do sleep 0.05; done"
    for sig in [signal.SIGTERM, signal.SIGINT]:
        with lab.start(binary, "ws1", "sh", "-c", trap, stdout=subprocess.PIPE, text=True) as p:
            assert p.stdout.readline() == "ready\n"
            p.send_signal(sig)
            assert p.stdout.read() == "got it\n"
            assert p.wait(5) == 7


def test_exec_killed_takes_the_command_along(lab, binary):
    with lab.start(binary, "ws1", "sleep", "1000") as p:
        wait_for(lambda: "sleep" in lab.run("ws1", "ps", "ax", "-o", "comm").out, "sleep runs")
        p.kill()
    wait_for(lambda: "sleep" not in lab.run("ws1", "ps", "ax", "-o", "comm").out, "sleep ended")


def own_terminal():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_exec_on_a_terminal(lab, binary):
    """Ctrl-C on the terminal reaches the command once."""
    ours, theirs = pty.openpty()
    script = ("import os, signal, sys\n"
              "def caught(*_): print('caught', flush=True); sys.exit(5)\n"
              "signal.signal(signal.SIGINT, caught)\n"
              "if os.isatty(0) and os.isatty(1): print('ready', flush=True); signal.pause()\n")
    with lab.start(binary, "ws1", "python3", "-c", script, stdin=theirs, stdout=theirs,
                   preexec_fn=own_terminal) as p:
        os.close(theirs)
        seen = b""
        while b"ready" not in seen:
            seen += os.read(ours, 1000)
        os.write(ours, b"\x03")
        assert p.wait(10) == 5
    assert os.read(ours, 1000).count(b"caught") == 1
    os.close(ours)


def test_exec_listen(lab, binary, sonde):
    """A server inside is reached from outside through a socket that was handed in."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = ("import os, socket; n = int(os.environ['LISTEN_FDS'])\n"
              "assert int(os.environ['LISTEN_PID']) == os.getpid()\n"
              "s = socket.socket(fileno=3 + n - 1)\n"
              "for _ in range(2): c, peer = s.accept(); c.sendall(socket.gethostname().encode())")
    command = [binary, "lab", "exec", "--lab", lab.name, "--listen", "127.0.0.1:0", "--listen",
               "127.0.0.1:%d" % port, "admin", "python3", "-c", server]
    with subprocess.Popen([str(word) for word in command]) as p:
        wait_for(lambda: reachable(port), "it listens")
        with socket.create_connection(("127.0.0.1", port), 5) as c:
            assert c.recv(100) == b"admin"
        assert p.wait(10) == 0
    with socket.create_server(("127.0.0.1", port)):
        done = sonde("lab", "exec", "--lab", lab.name, "--listen", "127.0.0.1:%d" % port, "admin",
                     "true")
        assert done.status == 2 and "in use" in done.err
    for bad in ["80", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "nas:80", "::1:", ""]:
        done = sonde("lab", "exec", "--lab", lab.name, "--listen", bad, "admin", "true")
        assert done.status == 2 and "ADDRESS:PORT" in done.err


def test_down_leaves_nothing(lab, binary):
    inside = namespaces_of(lab, ["ws1", "router"])
    with lab.start(binary, "ws1", "sh", "-c", "trap '' TERM; sleep 1000") as held:
        wait_for(lambda: "sleep" in lab.run("ws1", "ps", "ax", "-o", "comm").out, "sleep runs")
        assert len(users_of(inside)) > 2
        assert lab.down().status == 0
        assert held.wait(5) == 128 + signal.SIGKILL
    wait_for(lambda: not users_of(inside), "namespaces are gone")
    assert lab.down().status == 1
    assert lab.run("ws1", "true").status == 1
    assert lab.sonde("lab", "list", lab.name).status == 1


def test_stopped_exec_does_not_hold_the_lab_up(lab, binary):
    inside = namespaces_of(lab, ["ws1"])
    with lab.start(binary, "ws1", "sh", "-c", "echo ready; sleep 1000",
                   stdout=subprocess.PIPE) as p:
        assert p.stdout.readline() == b"ready\n"
        p.send_signal(signal.SIGSTOP)
        done = lab.down()
        assert done.status == 0, done.err
        wait_for(lambda: not users_of(inside), "namespaces are gone")
        p.send_signal(signal.SIGCONT)
        assert p.wait(5) == 128 + signal.SIGTERM


def test_killed_keeper_leaves_nothing(lab, sonde):
    inside = namespaces_of(lab, ["ws1", "router", "www"])
    os.kill(keeper_of(lab), signal.SIGKILL)
    wait_for(lambda: not users_of(inside), "namespaces are gone")
    done = lab.run("ws1", "true")
    assert done.status == 1 and lab.name in done.err
    assert lab.name not in sonde("lab", "list", "--json").out
    # the name is free again
    done = sonde("lab", "up", "--name", lab.name)
    assert done.status == 0, done.err


def test_second_up(lab, sonde):
    pid = keeper_of(lab)
    done = sonde("lab", "up", "--name", lab.name)
    assert done.status == 2 and "already" in done.err and "--again" in done.err
    assert keeper_of(lab) == pid
    done = sonde("lab", "up", "--name", lab.name, "--again")
    assert done.status == 0, done.err
    assert keeper_of(lab) != pid


def test_two_ups_at_once(binary, sonde):
    """Of several at the same moment one wins, the others say so."""
    name = labs.new_name()
    racers = [subprocess.Popen([str(binary), "lab", "up", "-q", "--name", name],
                               stderr=subprocess.DEVNULL) for _ in range(5)]
    try:
        assert sorted(r.wait(20) for r in racers) == [0, 2, 2, 2, 2]
        assert sonde("lab", "exec", "--lab", name, "ws1", "true").status == 0
    finally:
        sonde("lab", "down", name)


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_up(binary, sonde, tmp_path, sig):
    (tmp_path / "many.yaml").write_text(many(800))
    name = labs.new_name()
    p = subprocess.Popen([str(binary), "lab", "up", "--name", name, str(tmp_path / "many.yaml")],
                         stderr=subprocess.PIPE, text=True)
    with p:
        children = Path("/proc/%d/task/%d/children" % (p.pid, p.pid))
        wait_for(lambda: children.read_text(), "the keeper runs")
        keeper = int(children.read_text())
        inside = {os.readlink("/proc/%d/ns/pid" % keeper)}
        p.send_signal(sig)
        assert p.wait(20) == (3 if sig != signal.SIGKILL else -signal.SIGKILL)
        if sig != signal.SIGKILL:
            assert "interrupted" in p.stderr.read()
    wait_for(lambda: not users_of(inside), "the keeper is gone")
    assert name not in sonde("lab", "list", "--json").out
    assert sonde("lab", "exec", "--lab", name, "h1", "true").status == 1


def test_hundred_hosts(make_lab):
    lab = make_lab(many(100))
    assert len(lab.links()) == 100
    done = lab.run("h0", "fping", "-q", "-r", 1, "-t", 1000, "-i", 1, "-g", "10.9.0.1",
                   "10.9.0.100")
    assert done.status == 0, done.err


def test_topology_with_everything(make_lab, tmp_path):
    lab = make_lab("""
name: all
networks:
  - {name: lan, prefixes: [10.1.0.0/24]}
  - {name: dmz}
hosts:
  - name: gate
    router: true
    links:
      - {network: lan, addresses: [10.1.0.1]}
      - {network: dmz, addresses: [192.0.2.1/24], mac: 00:1b:21:aa:bb:cc}
  - name: inner
    gateways: [10.1.0.1]
    sysctls: [net.ipv4.ip_default_ttl=33]
    run: ["hostname > WHO", "exec /usr/bin/python3 -m http.server 8000 --directory FOLDER"]
    links: [{network: lan, addresses: [10.1.0.2]}]
  - name: server
    routes: [10.1.0.0/24 via 192.0.2.1]
    links: [{network: dmz, addresses: [192.0.2.2/24], rate: 8M}]
  - name: lonely
""".replace("WHO", str(tmp_path / "who")).replace("FOLDER", str(tmp_path)))
    assert lab.links()["gate", "eth1"]["mac"] == "00:1b:21:aa:bb:cc"
    assert lab.ping("inner", "192.0.2.2")
    assert "ttl=32" in lab.run("server", "ping", "-c", 1, "-W", 2, "10.1.0.2").out
    wait_for(lambda: lab.run("server", "curl", "-s", "http://10.1.0.2:8000/who").out == "inner\n",
             "the commands that were to run have run")
    assert lab.run("lonely", "ls", "/sys/class/net").out == "lo\n"


def test_documented_topology(make_lab):
    """The example that docs/lab.md explains is one that works."""
    lab = make_lab((TOP / "docs/lab.md").read_text().split("```yaml\n")[1].split("```")[0])
    assert lab.ping("pc", "203.0.113.1")
    assert not lab.ping("pc", "203.0.113.80")
    assert {"192.0.2.10/25", "10.0.0.1/8"} == set(lab.links()["pc", "eth0"]["addresses"])


BROKEN = [
    ("", "1: the file is empty"),
    ("name: [", "not YAML"),
    ("name: x\nnetworks: [{name: n}]\nhosts: [{name: h, colour: red}]", "3: unknown key 'colour'"),
    ("name: x\nnetworks: [{name: n}]\nhosts: [{name: h, links: [{network: m}]}]",
     "3: there is no network 'm'"),
    ("name: x\nnetworks: [{name: n}]\nhosts:\n- {name: h, links: [{network: n, "
     "addresses: [10.0.0.256]}]}", "4: '10.0.0.256'"),
    ("name: x\nnetworks: [{name: n}]\nhosts: [{name: h, router: 5}]", "3: '5' is neither"),
    ("name: x\nnetworks: [{name: n}]\nhosts: []", "3: a list of 0"),
]


@pytest.mark.parametrize("text,fault", BROKEN)
def test_broken_topology(sonde, tmp_path, text, fault):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    done = sonde("lab", "up", path)
    assert done.status == 2
    assert "broken.yaml:" in done.err and fault in done.err


def test_bad_usage(sonde, tmp_path):
    done = sonde("lab", "up", tmp_path / "absent.yaml")
    assert done.status == 2 and "No such file" in done.err
    for words in [["up", "--name", "a/b"], ["up", "--name", "x" * 12], ["down", "../x"],
                  ["list", "a.lock"], ["exec", "ws1"], ["frobnicate"]]:
        assert sonde("lab", *words).status == 2, words


def test_impossible_network(sonde, tmp_path):
    """What only the kernel can refuse comes with its own words, and leaves nothing."""
    path = tmp_path / "lab.yaml"
    path.write_text("name: x\nnetworks: [{name: n}]\nhosts:\n- {name: h, "
                    "sysctls: [net.ipv4.no_such_thing=1]}\n")
    name = labs.new_name()
    done = sonde("lab", "up", "--name", name, path)
    assert done.status == 3 and "no_such_thing" in done.err
    assert sonde("lab", "down", name).status == 1


@pytest.fixture
def open_folder():
    """A folder that other users may enter; pytest's own may not be."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root can")
def test_without_root(binary, open_folder):
    """The same as a user, in a user namespace."""
    copy = open_folder / "sonde"  # the build folder may be closed to others
    shutil.copy(binary, copy)
    runtime = open_folder / "runtime"
    runtime.mkdir(0o700)
    os.chown(runtime, 65534, 65534)

    def sonde(*words):
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env",
                               "XDG_RUNTIME_DIR=%s" % runtime, str(copy), *map(str, words)],
                              capture_output=True, text=True, timeout=60)
        return Done(done)

    lab = labs.bring_up(sonde)
    try:
        assert lab.ping("ws1", "198.51.100.80")
        assert lab.ping("ws1", "2001:db8:51::80")
        assert lab.run("ws1", "id", "-u").out == "0\n"
        lab.cut("ws1")
        assert lab.links()["ws1", "eth0"]["cable"] == "pulled"
        inside = namespaces_of(lab, ["ws1", "router"])
    finally:
        assert lab.down().status == 0
    wait_for(lambda: not users_of(inside), "namespaces are gone")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a namespace with its own limit")
def test_namespaces_refused(binary, tmp_path):
    """Where the system allows none, the error says what to do."""
    shutil.copy(binary, tmp_path / "sonde")
    script = ("echo 0 > /proc/sys/user/max_user_namespaces; echo 0 > /proc/sys/user/max_net_namespaces;"
              "exec %s lab up --name refused" % (tmp_path / "sonde"))
    done = subprocess.run(["unshare", "-Ur", "sh", "-c", script], capture_output=True, text=True,
                          timeout=20)
    assert done.returncode == 3
    assert "Run as root" in done.stderr
