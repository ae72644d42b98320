"""The monitor's HTTP server: its contract (docs/api.md), its limits, and who may ask.

`web-demo` serves made-up hosts through the real store and server.
"""

import gzip
import http.client
import json
import re
import resource
import shutil
import socket
import ssl
import subprocess
import time

import pytest

from conftest import BUILD

TOKEN = "correct-horse-battery-staple"
MAX_ANSWER = 200_000


class Server:
    """A running web-demo."""

    def __init__(self, *options, wrap=(), **kwargs):
        self.process = subprocess.Popen(
            [*wrap, str(BUILD / "src/web/web-demo"), *map(str, options)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)
        line = self.process.stdout.readline()
        if not line:
            self.error = self.process.stderr.read()
            self.status = self.process.wait(10)
            return
        self.port = int(re.search(r"on port (\d+)", line)[1])

    def stop(self):
        """Ends it; under the sanitizers a leak would show in the exit status."""
        self.process.terminate()
        errors = self.process.communicate(timeout=30)[1]
        assert self.process.returncode == 0, errors
        assert not errors

    def request(self, path, method="GET", headers=None, body=None, connection=None):
        c = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            c.request(method, path, body=body, headers=headers or {})
            answer = c.getresponse()
            answer.body = answer.read()
            return answer
        finally:
            if not connection:
                c.close()

    def get(self, path, **headers):
        """The JSON of a 200."""
        answer = self.request(path, headers=headers)
        assert answer.status == 200, answer.body
        assert answer.getheader("Content-Type") == "application/json"
        assert len(answer.body) <= MAX_ANSWER
        return json.loads(answer.body)

    def stream(self, query="", **headers):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        lines = "".join("%s: %s\r\n" % h for h in headers.items())
        s.sendall(("GET /api/v1/stream%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
                   % (query, lines)).encode())
        return Stream(s)


class Stream:
    """Reads server-sent events."""

    def __init__(self, s):
        self.socket = s
        self.answer = http.client.HTTPResponse(s)
        self.answer.begin()

    def __iter__(self):
        """(event, id, data) of each message; comments as (None, None, None)."""
        event = number = data = None
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("data: "):
                data = json.loads(line[6:])
            elif line == "":
                if self.answer.isclosed():
                    return
                yield event, number, data
                event = number = data = None
            else:
                assert line in (":", "retry: 3000"), line

    def close(self):
        self.answer.close()
        self.socket.close()


@pytest.fixture(scope="module")
def server():
    """1,000 hosts with an hour of history; nothing changes."""
    s = Server("--hosts", 1000, "--hours", 1, "--every", 0, "--hostile")
    yield s
    s.stop()


@pytest.fixture(scope="module")
def live():
    """30 hosts that change five times a second."""
    s = Server("--hosts", 30, "--hours", 8, "--every", 0.2)
    yield s
    s.stop()


@pytest.fixture(scope="module")
def guarded():
    s = Server("--hosts", 3, "--hours", 0, "--token", TOKEN, "--allow-host", "monitor.example")
    yield s
    s.stop()


# --- the contract ---


def test_summary(server):
    s = server.get("/api/v1/summary")
    assert set(s) == {"now", "monitor", "version", "started", "interval_s", "self", "counts",
                      "networks", "last_event"}
    assert s["counts"]["total"] == 1000
    assert sum(v for k, v in s["counts"].items() if k != "total") == 1000
    assert s["networks"] == [{"name": "lan", "prefix": "10.77.0.0/16", "iface": "eth0"}]
    assert s["self"] == "up" and s["last_event"] > 0
    assert abs(s["now"] - time.time() * 1000) < 60_000


def all_hosts(server, query=""):
    hosts, offset = [], 0
    while offset is not None:
        page = server.get("/api/v1/hosts?offset=%d%s" % (offset, query))
        hosts += page["hosts"]
        offset = page["next"]
    assert len(hosts) == page["total"]
    return hosts


@pytest.mark.parametrize("query", ["", "&fields=brief", "&limit=7"])
def test_hosts_come_in_pages_worst_first(server, query):
    if "limit" in query:
        page = server.get("/api/v1/hosts?limit=7&offset=3")
        assert len(page["hosts"]) == 7 and page["next"] == 10
        assert page["hosts"] == all_hosts(server)[3:10]
        return
    hosts = all_hosts(server, query)
    assert len({h["id"] for h in hosts}) == 1000
    worst = ["inactive", "degraded", "unknown", "active"]
    ranks = [worst.index(h["state"]) for h in hosts]
    assert ranks == sorted(ranks)
    full = {"id", "address", "other_addresses", "mac", "vendor", "names", "network", "state",
            "evidence", "first_seen", "last_seen", "last_change", "rtt_ms", "jitter_ms", "loss"}
    brief = full - {"names", "evidence", "first_seen"}
    assert all(set(h) == (brief if query else full) for h in hosts)


def test_hosts_by_state(server):
    counts = server.get("/api/v1/summary")["counts"]
    for state in ("active", "degraded", "inactive", "unknown"):
        hosts = all_hosts(server, "&state=" + state)
        assert len(hosts) == counts[state]
        assert all(h["state"] == state for h in hosts)


def test_one_host(server):
    host = server.get("/api/v1/hosts/9")
    assert host in all_hosts(server)
    assert host["id"] == 9 and host["address"] == "10.77.0.9" and host["mac"] == "02:00:00:00:00:09"


def test_latency(live):
    r = live.get("/api/v1/hosts/5/latency")
    n = len(r["t"])
    assert r["source"] == "samples" and r["step_ms"] == 10_000 and 300 < n <= 600
    for column in ("sent", "loss", "min", "p10", "p25", "median", "p75", "p90", "max"):
        assert len(r[column]) == n
    assert all(b - a == r["step_ms"] for a, b in zip(r["t"], r["t"][1:]))
    answered = 0
    for i in range(n):
        ranked = [r[c][i] for c in ("min", "p10", "p25", "median", "p75", "p90", "max")]
        if r["sent"][i] and r["loss"][i] < 1:
            assert ranked == sorted(ranked)
            answered += 1
        else:
            assert ranked == [None] * 7
            assert (r["loss"][i] is None) == (r["sent"][i] == 0)
    assert answered > n / 2


def test_latency_sources_and_bounds(live):
    now = int(time.time() * 1000)
    r = live.get("/api/v1/hosts/5/latency?from=%d&to=%d&points=2000" % (now - 7 * 3600_000, now))
    assert r["source"] == "samples" and 1000 < len(r["t"]) <= 2000
    r = live.get("/api/v1/hosts/5/latency?from=%d&to=%d&points=100" % (now - 8 * 3600_000, now))
    assert r["source"] == "minutes" and len(r["t"]) <= 100 and r["step_ms"] % 60_000 == 0
    r = live.get("/api/v1/hosts/5/latency?from=%d&to=%d&points=2" % (now - 8 * 3600_000, now))
    assert r["source"] == "hours" and len(r["t"]) <= 2


@pytest.mark.parametrize("span_s, buckets, step_ms", [
    (24 * 3600, 48, 1800_000), (24 * 3600, 96, 900_000), (3600, 30, 120_000), (600, 96, 10_000)])
def test_heat(server, span_s, buckets, step_ms):
    now = int(time.time() * 1000)
    hosts, offset = [], 0
    while offset is not None:
        r = server.get("/api/v1/heat?from=%d&to=%d&buckets=%d&offset=%d"
                       % (now - span_s * 1000, now, buckets, offset))
        assert r["step_ms"] == step_ms
        n = (r["to"] - r["from"]) // r["step_ms"]
        assert 0 < n <= buckets and r["from"] < now - span_s * 1000 + step_ms and r["to"] >= now
        assert len(r["hosts"]) == len(r["cells"]) == len(r["latency"])
        for cells, latency in zip(r["cells"], r["latency"]):
            assert re.fullmatch("[.0-9x]{%d}" % n, cells)
            assert re.fullmatch("[.a-z]{%d}" % n, latency)
            # A time is there exactly where something answered.
            assert [c in ".x" for c in cells] == [l == "." for l in latency]
        assert any("0" in cells for cells in r["cells"])
        hosts += r["hosts"]
        offset = r["next"]
    assert hosts == list(range(1, 1001)) and r["total"] == 1000


def test_heat_agrees_with_latency(server):
    now = int(time.time() * 1000)
    for host in (11, 12, 13):
        heat = server.get("/api/v1/heat?from=%d&to=%d&buckets=12&offset=%d"
                          % (now - 3600_000, now, host - 1))
        series = server.get("/api/v1/hosts/%d/latency?from=%d&to=%d&points=2000"
                            % (host, heat["from"], heat["to"]))
        for i, cell in enumerate(heat["cells"][0]):
            start = heat["from"] + i * heat["step_ms"]
            # Whole buckets only: a series has a phase of its own.
            inside = [k for k, t in enumerate(series["t"])
                      if series["sent"][k] and start <= t + 5000 < start + heat["step_ms"]]
            sent = sum(series["sent"][k] for k in inside)
            lost = sum(series["sent"][k] * series["loss"][k] for k in inside)
            if not sent:
                assert cell == "."
            elif round(lost) == 0:
                assert cell == "0"
            else:
                assert cell in "123456789x"


def test_events_page(server):
    last = server.get("/api/v1/summary")["last_event"]
    seen, before = [], None
    while True:
        r = server.get("/api/v1/events?limit=200" + ("&before=%d" % before if before else ""))
        seen += [e["id"] for e in r["events"]]
        if not r["more"]:
            break
        before = seen[-1]
    assert seen == list(range(last, 0, -1))
    r = server.get("/api/v1/events?after=%d" % (last - 3))
    assert [e["id"] for e in r["events"]] == [last, last - 1, last - 2]
    host = r["events"][0]["host"]
    r = server.get("/api/v1/events?host=%d" % host)
    assert r["events"] and all(e["host"] == host for e in r["events"])
    assert set(r["events"][0]) == {"id", "time", "host", "address", "kind", "text", "mac",
                                   "old_mac"}


def test_metrics_are_openmetrics(server):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    answer = server.request("/metrics")
    assert answer.getheader("Content-Type").startswith("application/openmetrics-text")
    text = answer.body.decode()
    families = {f.name: f for f in parser.text_string_to_metric_families(text)}
    counts = server.get("/api/v1/summary")["counts"]
    assert {s.labels["state"]: s.value for s in families["sonde_hosts"].samples} == {
        k: v for k, v in counts.items() if k != "total"}
    up = {s.labels["host"]: s.value for s in families["sonde_host_up"].samples}
    assert len(up) == 1000 and sum(up.values()) == counts["active"] + counts["degraded"]
    rtt = {s.labels["host"]: s.value for s in families["sonde_host_rtt_seconds"].samples}
    host = server.get("/api/v1/hosts/20")
    assert rtt[host["address"]] * 1000 == pytest.approx(host["rtt_ms"], abs=1e-3)
    for name in ("sonde_host_loss_ratio", "sonde_events", "sonde_probes_sent",
                 "sonde_probes_answered", "sonde_build", "process_cpu_seconds",
                 "process_resident_memory_bytes"):
        assert families[name].samples
    assert text.endswith("# EOF\n")


# --- what arrives ---


def test_answers_are_gzipped_for_those_who_take_it(server):
    plain = server.request("/api/v1/hosts")
    packed = server.request("/api/v1/hosts", headers={"Accept-Encoding": "br, gzip"})
    assert packed.getheader("Content-Encoding") == "gzip" and not plain.getheader("Content-Encoding")
    assert len(packed.body) < len(plain.body) / 4
    assert json.loads(gzip.decompress(packed.body))["hosts"] == json.loads(plain.body)["hosts"]
    for refusal in ("gzip;q=0", "gzip; q=0", "br, GZIP ;Q=0.0"):
        refused = server.request("/api/v1/hosts", headers={"Accept-Encoding": refusal})
        assert not refused.getheader("Content-Encoding"), refusal


def test_page_has_an_etag_and_nothing_inline(server):
    page = server.request("/")
    packed = server.request("/", headers={"Accept-Encoding": "gzip"})
    assert page.status == 200 and gzip.decompress(packed.body) == page.body
    again = server.request("/", headers={"If-None-Match": page.getheader("ETag")})
    assert again.status == 304 and not again.body
    if page.getheader("Content-Type").startswith("text/plain"):
        assert b"make deps" in page.body  # built without the page
        return
    text = page.body.decode()
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|\son\w+=|https?://", text)
    for name in re.findall(r'(?:src|href)="(/[^"]+)"', text):
        asset = server.request(name)
        assert asset.status == 200 and asset.body
    kinds = {"/app.js": "text/javascript", "/app.css": "text/css", "/icon.svg": "image/svg+xml"}
    for name, kind in kinds.items():
        assert server.request(name).getheader("Content-Type").startswith(kind)


@pytest.mark.parametrize("path", ["/", "/api/v1/summary", "/metrics", "/nowhere"])
def test_security_headers_are_everywhere(server, path):
    answer = server.request(path)
    policy = answer.getheader("Content-Security-Policy")
    assert "default-src 'self'" in policy and "unsafe" not in policy
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert answer.getheader("Referrer-Policy") == "no-referrer"
    assert answer.getheader("X-Frame-Options") == "DENY"
    assert not answer.getheader("Access-Control-Allow-Origin")


def test_hostile_names_stay_harmless(server):
    hosts = {h["id"]: h for h in all_hosts(server)}
    assert hosts[1]["names"] == ["<script>alert(1)</script>"]
    assert hosts[3]["names"] == ["a\x01\x02\x1b[31mred\x7f"]
    assert hosts[4]["names"][0].startswith("bad \ufffd\ufffd\ufffd( utf-8 ")
    assert hosts[5]["names"] == ["line\nbreak\r\ndata: {}\n\nevent: event"]
    raw = server.request("/api/v1/hosts").body
    assert not re.search(rb"[\x00-\x09\x0b-\x1f]", raw)


def test_hostile_names_cannot_break_the_stream():
    server = Server("--hosts", 10, "--hours", 0, "--every", 0, "--hostile")
    stream = server.stream("?last_event_id=0")
    events = take(stream, 10)  # whose lines and order Stream checks
    stream.close()
    assert [number for _, number, _ in events] == list(range(1, 11))
    assert "line\nbreak\r\ndata: {}\n\nevent: event" in events[4][2]["text"]
    server.stop()


# --- bad requests ---


@pytest.mark.parametrize("path, status, word", [
    ("/api/v1/hosts?limit=0", 400, "limit"),
    ("/api/v1/hosts?limit=1001", 400, "1000"),
    ("/api/v1/hosts?limit=-1", 400, "limit"),
    ("/api/v1/hosts?limit=99999999999999999999999", 400, "limit"),
    ("/api/v1/hosts?limit", 400, "limit"),
    ("/api/v1/hosts?offset=1e3", 400, "offset"),
    ("/api/v1/hosts?state=asleep", 400, "inactive"),
    ("/api/v1/hosts?fields=%00brief", 400, "brief"),
    ("/api/v1/hosts?colour=red", 400, "colour"),
    ("/api/v1/hosts?%3Cb%3E%1b=1", 400, "there is no parameter"),
    ("/api/v1/hosts/0", 404, "nothing at this path"),
    ("/api/v1/hosts/1001", 404, "no such host"),
    ("/api/v1/hosts/99999999999", 404, ""),
    ("/api/v1/hosts/7x", 404, ""),
    ("/api/v1/hosts/7/latency/x", 404, ""),
    ("/api/v1/hosts/1001/latency", 404, "no such host"),
    ("/api/v1/hosts/7/latency?points=2001", 400, "2000"),
    ("/api/v1/hosts/7/latency?points=0", 400, "points"),
    ("/api/v1/hosts/7/latency?from=5&to=5", 400, "from"),
    ("/api/v1/hosts/7/latency?from=0", 400, "span"),
    ("/api/v1/heat?buckets=97", 400, "96"),
    ("/api/v1/heat?from=9&to=3", 400, "from"),
    ("/api/v1/events?limit=201", 400, "200"),
    ("/api/v1/events?before=x", 400, "before"),
    ("/api/v1/summary?x=1", 400, "x"),
    ("/api/v1/stream?last_event_id=-4", 400, "last_event_id"),
    ("/api/v2/hosts", 404, ""),
    ("/../../etc/passwd", 404, ""),
    ("/%2e%2e/etc/passwd", 404, ""),
])
def test_bad_requests_are_told_why(server, path, status, word):
    answer = server.request(path)
    assert answer.status == status
    assert word in json.loads(answer.body)["error"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(server, method):
    for path in ("/", "/api/v1/hosts", "/metrics", "/api/v1/stream"):
        assert server.request(path, method=method).status == 405
    assert server.request("/api/v1/login").status == 405


def test_head_has_no_body(server):
    answer = server.request("/api/v1/summary", method="HEAD")
    assert answer.status == 200 and not answer.body


def raw(server, request, n=65536):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as s:
        try:
            s.sendall(request)
        except OSError:
            pass  # closed before all was taken: that is an answer too
        try:
            return s.recv(n)
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("request_bytes", [
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500 + b"\r\n\r\n",
    b"\x00" * 5000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
], ids=["url", "header", "headers", "tls", "zeros", "no-host"])
def test_oversize_and_garbage(server, request_bytes):
    answer = raw(server, request_bytes)
    assert not answer.startswith(b"HTTP/1.1 2")
    assert server.request("/api/v1/summary").status == 200


def test_large_bodies_are_not_taken(guarded):
    body = json.dumps({"token": "x" * 100_000})
    answer = guarded.request("/api/v1/login", "POST", {"Content-Type": "application/json"}, body)
    assert answer.status == 400


# --- who may ask ---


@pytest.mark.parametrize("host, status", [
    ("localhost", 200), ("LOCALHOST:8080", 200), ("127.0.0.1", 200), ("127.0.0.1:1", 200),
    ("[::1]", 200), ("[::1]:8080", 200),
    ("evil.example", 403), ("localhost.evil.example", 403), ("127.0.0.1.evil.example", 403),
    ("10.1.2.3", 403), ("[2001:db8::1]", 403), ("", 403), ("localhost:80@evil.example", 403),
    ("[::1", 403), ("localhost:x", 403), ("monitor.example", 403),
])
def test_host_header_must_be_ours(server, host, status):
    for path in ("/", "/api/v1/summary", "/metrics", "/api/v1/stream?last_event_id=1"):
        if status == 200 and "stream" in path:
            continue
        answer = server.request(path, headers={"Host": host})
        assert answer.status == status, path
        assert status == 200 or b"allowed_hosts" in answer.body


def test_token_is_needed(guarded):
    assert guarded.request("/").status == 200
    for path in ("/api/v1/summary", "/api/v1/hosts", "/api/v1/hosts/1", "/api/v1/heat",
                 "/api/v1/events", "/metrics", "/api/v1/stream", "/api/v1/nothing"):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "},
                        {"Authorization": TOKEN}, {"Authorization": "Bearer %sx" % TOKEN},
                        {"Cookie": "sonde_session="}, {"Cookie": "sonde_session=" + "0" * 32}):
            answer = guarded.request(path, headers=headers)
            assert answer.status == 401, (path, headers)
            assert answer.getheader("WWW-Authenticate").startswith("Bearer")
    bearer = {"Authorization": "Bearer " + TOKEN}
    assert guarded.request("/api/v1/summary", headers=bearer).status == 200
    assert guarded.request("/metrics", headers=bearer).status == 200
    named = {"Host": "monitor.example:8443", **bearer}
    assert guarded.request("/api/v1/summary", headers=named).status == 200


def login(server, body, **headers):
    return server.request("/api/v1/login", "POST",
                          {"Content-Type": "application/json", **headers}, body)


def test_login_gives_a_cookie(guarded):
    answer = login(guarded, json.dumps({"token": TOKEN}))
    assert answer.status == 200
    cookie = answer.getheader("Set-Cookie")
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and TOKEN not in cookie
    headers = {"Cookie": cookie.split(";")[0]}
    assert guarded.request("/api/v1/summary", headers=headers).status == 200
    assert login(guarded, json.dumps({"token": "wrong"})).status == 401
    for body in ("", "{}", "[]", '{"token":1}', '{"token":"x"', '{"token":"x"}y', '{"Token":"x"}'):
        assert login(guarded, body).status == 400, body


@pytest.mark.parametrize("headers, status", [
    ({}, 200),
    ({"Origin": "http://localhost:80"}, 200),
    ({"Origin": "http://localhost:80", "Sec-Fetch-Site": "same-origin"}, 200),
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "http://localhost"}, 403),
    ({"Origin": "https://localhost:80"}, 403),
    ({"Origin": "null"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:80"}, 403),
    ({"Content-Type": "text/plain"}, 415),
    ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
])
def test_writes_must_come_from_our_own_page(guarded, headers, status):
    body = json.dumps({"token": TOKEN})
    answer = login(guarded, body, Host="localhost:80", **headers)
    assert answer.status == status
    assert (answer.getheader("Set-Cookie") is None) == (status != 200)


@pytest.mark.parametrize("options, word", [
    (["--listen", "0.0.0.0"], "token"),
    (["--listen", "::"], "token"),
    (["--listen", "0.0.0.0", "--token", TOKEN], "clear"),
    (["--listen", "0.0.0.0", "--behind-proxy"], "token"),
])
def test_wider_bind_is_refused(options, word):
    server = Server("--hosts", 1, "--hours", 0, *options)
    assert server.status == 3 and word in server.error


def test_wider_bind_with_token_and_proxy():
    # In a namespace without any way out.
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespaces here")
    server = Server("--hosts", 1, "--hours", 0, "--listen", "0.0.0.0", "--token", TOKEN,
                    "--behind-proxy", wrap=["unshare", "-rn"])
    assert server.port
    server.stop()


def test_port_that_is_taken(server):
    other = Server("--hosts", 1, "--hours", 0, "--port", server.port)
    assert other.status == 3 and "Another program has this port" in other.error


def test_inherited_socket():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server("--hosts", 2, "--hours", 0, "--listen-fd", listening.fileno(),
                        pass_fds=[listening.fileno()])
        assert server.port == listening.getsockname()[1]
        assert server.get("/api/v1/summary")["counts"]["total"] == 2
        server.stop()
    with socket.socket() as deaf:
        server = Server("--hosts", 1, "--hours", 0, "--listen-fd", deaf.fileno(),
                        pass_fds=[deaf.fileno()])
        assert server.status == 3 and "not a listening" in server.error


def test_tls(tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("no openssl")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                    "-out", cert], check=True, capture_output=True)
    options = ["--hosts", 2, "--hours", 0, "--token", TOKEN, "--every", 0.2]
    server = Server(*options, "--tls-cert", cert, "--tls-key", key)
    context = ssl.create_default_context(cafile=cert)
    connection = http.client.HTTPSConnection("localhost", server.port, context=context, timeout=20)
    answer = server.request("/api/v1/login", "POST", {"Content-Type": "application/json"},
                            json.dumps({"token": TOKEN}), connection)
    assert answer.status == 200 and "Secure" in answer.getheader("Set-Cookie")
    # The stream flows through TLS too.
    connection.request("GET", "/api/v1/stream", headers={"Authorization": "Bearer " + TOKEN})
    stream = connection.getresponse()
    assert stream.status == 200
    lines = [stream.readline() for _ in range(12)]
    assert b"event: hosts\n" in lines
    connection.close()
    server.stop()
    server = Server(*options, "--tls-cert", key, "--tls-key", cert)
    assert server.status == 3 and "PEM" in server.error
    server = Server(*options, "--tls-cert", tmp_path / "none", "--tls-key", key)
    assert server.status == 3 and "cannot read" in server.error


# --- the stream ---


def take(stream, n, kind="event"):
    taken = []
    for message in stream:
        if message[0] == kind:
            taken.append(message)
        if len(taken) == n:
            break
    return taken


def test_stream_tells_events_and_rounds(live):
    stream = live.stream()
    assert stream.answer.status == 200
    assert stream.answer.getheader("Content-Type") == "text/event-stream"
    assert stream.answer.getheader("Cache-Control") == "no-store"
    events, rounds = [], []
    for event, number, data in stream:
        if event == "event":
            assert data["id"] == number
            events.append(data)
        elif event == "hosts":
            rounds.append(data)
        if len(events) >= 3 and len(rounds) >= 3:
            break
    stream.close()
    numbers = [e["id"] for e in events]
    assert numbers == sorted(set(numbers))
    # An event that was told is on file.
    on_file = live.get("/api/v1/events?after=%d&limit=200" % (numbers[0] - 1))["events"]
    assert all(e in on_file for e in events)
    assert set(rounds[0]) == {"now", "counts", "self", "hosts"}
    assert len(rounds[0]["hosts"]) == 30 and "names" not in rounds[0]["hosts"][0]
    assert rounds[0]["counts"]["total"] == 30


@pytest.mark.parametrize("how", ["header", "query"])
def test_stream_replays_what_was_missed(live, how):
    last = live.get("/api/v1/summary")["last_event"]
    since = last - 40
    stream = (live.stream(**{"Last-Event-ID": since}) if how == "header"
              else live.stream("?last_event_id=%d" % since))
    events = take(stream, 45)  # into what happens now, without a gap
    stream.close()
    assert [number for _, number, _ in events] == list(range(since + 1, since + 46))


def test_stream_reloads_who_missed_too_much():
    server = Server("--hosts", 1100, "--hours", 0, "--every", 0)
    last = server.get("/api/v1/summary")["last_event"]
    assert last > 1000
    for since in (0, last + 5):  # long ago; or from another database
        stream = server.stream("?last_event_id=%d" % since)
        assert take(stream, 1, "reload") == [("reload", last, {})]
        stream.close()
    stream = server.stream("?last_event_id=%d" % (last - 1000))
    assert len(take(stream, 1000)) == 1000
    stream.close()
    server.stop()


def test_stream_beats_when_nothing_happens(server):
    stream = server.stream()
    stream.socket.settimeout(60)
    messages = iter(stream)
    assert next(messages) == (None, None, None)  # retry
    assert next(messages) == (None, None, None)  # a comment
    stream.close()


def test_streams_are_bounded():
    server = Server("--hosts", 1, "--hours", 0, "--every", 0)
    streams = [server.stream() for _ in range(64)]
    assert all(s.answer.status == 200 for s in streams)
    answer = server.request("/api/v1/stream")
    assert answer.status == 503 and b"64" in answer.body
    assert server.request("/api/v1/summary").status == 200
    # Clients that went away make room, without waiting for a heartbeat.
    for s in streams:
        s.close()
    until = time.monotonic() + 30
    stream = server.stream()
    while stream.answer.status != 200:
        assert time.monotonic() < until
        stream.close()
        time.sleep(0.2)
        stream = server.stream()
    stream.close()
    server.stop()


def test_slow_client_is_told_to_reload():
    server = Server("--hosts", 1000, "--hours", 0, "--every", 0.05)
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.settimeout(20)
    slow.connect(("127.0.0.1", server.port))
    slow.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    # Others go on meanwhile; the rounds soon fill the slow one's queue of 4 MB.
    quick = server.stream()
    assert len(take(quick, 150, "hosts")) == 150
    quick.close()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    stream = Stream(slow)
    kinds = [event for event, _, _ in stream]
    assert kinds[-1] == "reload" and kinds.count("reload") == 1
    stream.close()
    server.stop()


def test_streams_end_with_the_server():
    server = Server("--hosts", 5, "--hours", 0, "--every", 0.2)
    streams = [server.stream() for _ in range(3)]
    server.stop()
    for s in streams:
        for _ in s:
            pass
        s.close()


# --- too much ---


def test_many_and_slow_connections_do_not_last(guarded):
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    idle = []
    for i in range(300):
        s = socket.create_connection(("127.0.0.1", guarded.port), timeout=20)
        s.setblocking(False)
        idle.append(s)
    until = time.monotonic() + 40
    answered = False
    while not answered and time.monotonic() < until:
        for s in idle:  # a byte now and then, never a whole request
            try:
                s.send(b"G")
            except OSError:
                pass
        try:
            answered = guarded.request("/").status == 200
        except (OSError, http.client.HTTPException):
            time.sleep(1)
    for s in idle:
        s.close()
    assert answered
