"""A simulated network with known truth behind a veth pair or a TUN device (src/lab/probe_responder.c).

     near ── n0 ═══ f0 ── the responder       10.9.0.1/16, fd09::1/64 is here, 10.9.0.2 the router
                                              to 10.128.0.0/9 and fd80::/16
"""

import contextlib
import itertools
import json
import os
import signal
import subprocess

import pytest

from conftest import BUILD, run_command

RESPONDER = BUILD / "src/lab/probe-responder"
ROUTER, ROUTER6 = "10.9.0.2", "fd09::2"
_numbers = itertools.count()


def need_namespaces():
    """To be given to pytestmark."""
    have = os.geteuid() == 0 and run_command("unshare", "-n", "true").status == 0
    return pytest.mark.skipif(not have, reason="needs root and network namespaces")


def truth(targets, ports, *options, over_udp=False):
    """{(address, port): state}, as `options` of a responder make it."""
    done = run_command(RESPONDER, *options, "--truth", targets, "--ports", ports,
                       *["--over-udp"] * over_udp)
    assert done.status == 0, done.err
    lines = (line.split() for line in done.out.splitlines())
    return {(address, int(port)): state for address, port, state in lines}


class Simulated:
    """run() and start() work in the near namespace; `account` is there after the end."""

    def __init__(self, tun=False):
        number = "%d-%d" % (os.getpid(), next(_numbers))
        self.near, self.far = "truth-n-" + number, "truth-f-" + number
        self.tun = tun
        self.account = None

    def run(self, *command, **kwargs):
        return run_command("ip", "netns", "exec", self.near, *command, **kwargs)

    def sonde(self, *args, **kwargs):
        return self.run(BUILD / "sonde", *args, **kwargs)

    def start(self, *command, **kwargs):
        words = ["ip", "netns", "exec", self.near, *map(str, command)]
        return subprocess.Popen(words, **kwargs)

    def ip(self, name, *args):
        done = run_command("ip", "-n", name, *args)
        assert done.status == 0, done.err

    def make(self):
        self.ip_netns("add")
        for name in (self.near, self.far):
            for setting in ("all", "default"):
                run_command("ip", "netns", "exec", name, "sysctl", "-qw",
                            "net.ipv6.conf.%s.accept_dad=0" % setting)
        self.ip(self.near, "link", "set", "lo", "up")
        if not self.tun:
            self.ip(self.near, "link", "add", "n0", "type", "veth", "peer", "name", "f0", "netns",
                    self.far)
            self.ip(self.far, "link", "set", "f0", "arp", "off", "up")
            self.ip(self.near, "link", "set", "n0", "up")

    def addresses(self):
        for address in ("10.9.0.1/16", "fd09::1/64"):
            self.ip(self.near, "addr", "add", address, "dev", "n0")
        if self.tun:
            self.ip(self.near, "route", "add", "10.128.0.0/9", "dev", "n0")
            self.ip(self.near, "route", "add", "fd80::/16", "dev", "n0")
        else:
            self.ip(self.near, "route", "add", "10.128.0.0/9", "via", ROUTER)
            self.ip(self.near, "route", "add", "fd80::/16", "via", ROUTER6)

    def ip_netns(self, what):
        for name in (self.near, self.far):
            run_command("ip", "netns", what, name)

    def respond(self, *options):
        """The responder, running."""
        where = self.near if self.tun else self.far
        words = ["ip", "netns", "exec", where, str(RESPONDER), "--router", ROUTER, "--router",
                 ROUTER6, *map(str, options), *(["--tun", "n0"] if self.tun else ["f0"])]
        p = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert p.stderr.readline() == "ready\n", p.stderr.read()
        return p


@contextlib.contextmanager
def simulated(*options, tun=False):
    """with simulated("--alive", 50) as network: a Simulated; what it did is in network.account"""
    network = Simulated(tun)
    try:
        network.make()
        responder = network.respond(*options)
        try:
            network.addresses()
            yield network
        finally:
            responder.send_signal(signal.SIGTERM)
            network.account = json.loads(responder.communicate(timeout=10)[0] or "null")
    finally:
        network.ip_netns("del")
