"""HTTP, FTP, SMTP, POP3 and IMAP as Debian's servers speak them (captures/record_text.py), read from
whole streams: every value as tshark has it."""

import collections
import json
import pathlib
import shutil
import subprocess

import pytest

from conftest import BUILD

CAPTURES = pathlib.Path(__file__).parent / "captures"
TSHARK = shutil.which("tshark")
PROTOCOLS = ("http", "ftp", "smtp", "pop", "imap")

# Fields that tshark 4.0 gives no value, or none where we have one.
WITHOUT_VALUE = {"pop.request", "pop.response", "pop.response.data", "smtp.message"}


def is_part(some, whole):
    """Whether the values of @some are in @whole, in their order."""
    rest = iter(whole)
    return all(value in rest for value in some)


# Where both differ, and why; ours and theirs are lists of values in one packet.
KNOWN = {
    "imap.isrequest": ("for each message here, for each packet there",
                       lambda ours, theirs: set(ours) == set(theirs)),
    "imap": ("tshark takes literals, and what comes after them, for lines with a tag",
             lambda ours, theirs: is_part(ours, theirs)),
    "smtp.r": ("a reply of several lines is one message here, shown where it ends; there each "
               "packet has its part", lambda ours, theirs: not ours or is_part(theirs, ours)
               or theirs[0].startswith("250")),
    "ftp": ("what follows AUTH TLS and 234 is TLS here", lambda ours, theirs: not ours),
}


def explained(field, ours, theirs):
    if field in WITHOUT_VALUE and not any(theirs):
        return True
    known = KNOWN.get(field) or KNOWN.get(field.split(".")[0])
    if field.startswith("smtp.r") and not field.startswith("smtp.req"):
        known = KNOWN["smtp.r"]
    return known is not None and known[1](ours, theirs)


def shared_fields(sonde):
    text = subprocess.run([TSHARK, "-G", "fields"], capture_output=True, text=True, check=True,
                          errors="replace").stdout
    theirs = {row[2]: row[3] for row in (line.split("\t") for line in text.splitlines())
              if row[0] == "F"}
    ours = {line.split()[0] for name in PROTOCOLS for line in sonde("explain", name).out.splitlines()
            if line.strip().startswith(name + ".")}
    return sorted(name for name in ours if theirs.get(name, "FT_NONE") != "FT_NONE")


def read(command, path, fields):
    command = [*command, "-n", "-r", path, "-T", "fields", "-E", "aggregator=|", "-E",
               "separator=/t"]
    command += [word for field in fields for word in ("-e", field)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        yield {field: value.split("|") for field, value in zip(fields, line.split("\t")) if value}


@pytest.mark.skipif(not TSHARK, reason="tshark is not installed")
def test_values_are_tsharks(sonde):
    fields = shared_fields(sonde)
    agreed, differences = collections.Counter(), []
    for name in PROTOCOLS:
        path = CAPTURES / f"{name}.pcap"
        ours = list(read([BUILD / "sonde", "capture"], path, fields))
        theirs = list(read([TSHARK, "-o", "smtp.decryption:TRUE"], path, fields))
        assert len(ours) == len(theirs)
        for number, (mine, other) in enumerate(zip(ours, theirs), 1):
            for field in mine.keys() | other.keys():
                a, b = mine.get(field, []), other.get(field, [])
                if a == b:
                    agreed[field] += 1
                elif not explained(field, a, b):
                    differences.append((name, number, field, a, b))
    assert differences[:10] == []
    assert len(agreed) > 70 and sum(agreed.values()) > 700


def packets(sonde, name, *words):
    done = sonde("capture", "-n", "-q", "-r", CAPTURES / f"{name}.pcap", *words)
    assert done.status == 0
    return done


def test_lines(sonde):
    """What a colleague would say."""
    out = {name: packets(sonde, name).out for name in PROTOCOLS}
    for name, text in (
            ("http", "HTTP GET /missing 127.0.0.1"),
            ("http", "HTTP 206 Partial Content text/plain 16 bytes"),
            ("http", "HTTP 301 Moved Permanently text/html 169 bytes"),
            ("ftp", "FTP USER anonymous"),
            ("ftp", "FTP 227 Entering Passive Mode"),
            ("ftp", "FTP-DATA 100 bytes"),
            ("smtp", "SMTP MAIL FROM:<a@b>"),
            ("smtp", "SMTP mail 21 bytes"),
            ("pop", "POP RETR 1"),
            ("pop", "POP +OK"),
            ("imap", "IMAP x1 IDLE"),
            ("imap", "IMAP literal 21 bytes")):
        assert text in out[name], text


def test_starttls_is_followed_by_tls(sonde):
    assert "TLS Client Hello" in packets(sonde, "imap").out


def test_json(sonde):
    """Headers that come once are values; bodies are there when asked for, without their coding."""
    def bodies(*words):
        for line in packets(sonde, "http", "--json", *words).out.splitlines():
            http = json.loads(line).get("http", {})
            if http.get("content_encoding") == "gzip":
                yield http

    plain = list(bodies())
    assert [http["content_type"] for http in plain] == ["text/plain"]
    assert "file_data" not in plain[0]
    assert [http["file_data"] for http in bodies("-x")] == ["words and words\n" * 30]
