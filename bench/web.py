#!/usr/bin/python3
"""What a request to the monitor costs with 1,000 hosts and 24 hours of history.

The made-up network of web-demo is served by the real store and server; each path is asked 30 times
over one connection. Time is the median of what the client sees, on an otherwise idle loop.
"""

import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BUILD = Path(os.environ.get("SONDE_BUILD", Path(__file__).resolve().parent.parent / "build"))
HOSTS, HOURS = 1000, 24
REQUESTS = 30
LIMIT = 200_000


def ask(connection, path, packed):
    start = time.perf_counter()
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"} if packed else {})
    answer = connection.getresponse()
    body = answer.read()
    taken = time.perf_counter() - start
    if answer.status != 200:
        sys.exit("%s: status %d" % (path, answer.status))
    return taken, len(body)


def measure(port):
    now = int(time.time() * 1000)
    day = "from=%d&to=%d" % (now - 86_400_000, now)
    paths = {
        "summary": "/api/v1/summary",
        "hosts, first page": "/api/v1/hosts",
        "hosts, second page": "/api/v1/hosts?offset=%d" % (HOSTS // 2),
        "latency, 1 h, samples": "/api/v1/hosts/7/latency",
        "latency, 24 h, minutes": "/api/v1/hosts/7/latency?" + day,
        "latency, 24 h, 2,000 points": "/api/v1/hosts/7/latency?points=2000&" + day,
        "heat, 24 h": "/api/v1/heat",
        "heat, 24 h, 96 buckets": "/api/v1/heat?buckets=96",
        "heat, 1 h": "/api/v1/heat?from=%d&to=%d" % (now - 3_600_000, now),
        "events": "/api/v1/events",
        "metrics": "/metrics",
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    print("%-28s %9s %9s %9s %9s" % ("", "ms", "bytes", "ms gzip", "bytes"))
    for name, path in paths.items():
        row = []
        for packed in (False, True):
            runs = [ask(connection, path, packed) for _ in range(REQUESTS)]
            row += [statistics.median(t for t, _ in runs) * 1000, runs[0][1]]
        print("%-28s %9.2f %9d %9.2f %9d" % (name, *row))
        if row[1] > LIMIT and name != "metrics":
            sys.exit("%s: larger than %d bytes" % (name, LIMIT))


def main():
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "web.db"
        start = time.perf_counter()
        demo = subprocess.Popen([BUILD / "src/web/web-demo", "--hosts", str(HOSTS), "--hours",
                                 str(HOURS), "--every", "0", "--db", database],
                                stdout=subprocess.PIPE, text=True)
        try:
            port = int(re.search(r"port (\d+)", demo.stdout.readline())[1])
            bursts = HOSTS * HOURS * 360
            print("%d bursts of 5 probes written and rolled up in %.1f s (%.0f a second), "
                  "%.1f bytes each\n" % (bursts, time.perf_counter() - start,
                                         bursts / (time.perf_counter() - start),
                                         database.stat().st_size / bursts))
            measure(port)
        finally:
            demo.terminate()
            demo.wait(30)


if __name__ == "__main__":
    main()
