"""Servers of a few lines each, kind and hostile, on ports of 127.0.0.1."""

import os
import socketserver
import threading
import time

MYSQL = (b"8.0.36-test\0\1\0\0\0abcdefgh\0\xff\xff\xff\2\0\xff\xc1\x15" + bytes(10) +
         b"ijklmnopqrst\0")


def greet(data):
    def serve(connection):
        connection.sendall(data)
        connection.recv(1000)
    return serve


def answer(question, data):
    """Says @data to who begins with @question, else hangs up."""
    def serve(connection):
        if connection.recv(1000).startswith(question):
            connection.sendall(data)
            connection.recv(1000)
    return serve


def endless(connection):
    while True:
        connection.sendall(os.urandom(65536))


def endless_zeros(connection):
    while True:
        connection.sendall(bytes(65536))


def drip(connection):
    for byte in b"220 " + b"never " * 100:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def silent(connection):
    while connection.recv(1000):
        pass


def page(connection):
    connection.recv(1000)
    body = b"<html><head><TITLE id=x>\n A title \x1b[31m of \xc3\xa4\n</TITLE>"
    connection.sendall(b"HTTP/1.0 404 Not Found\r\nX: y\r\nServer: own/1.0\r\n\r\n" + body)


def page_without_end(connection):
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 200 OK\r\nServer: endless\r\n\r\n")
    while True:
        connection.sendall(b"<p>and so on</p>" * 1000)


SERVERS = {
    2201: greet(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
    2202: greet(b"220 mail.example ESMTP Postfix\r\n"),
    2203: greet(b"220 (vsFTPd 3.0.3)\r\n"),
    2204: greet(b"+OK Dovecot ready.\r\n"),
    2205: greet(b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n"),
    2206: greet(len(MYSQL).to_bytes(3, "little")[:3] + b"\0" + b"\n" + MYSQL[:-1]),
    2207: greet(b"RFB 003.008\n"),
    2208: greet(b"\xff\xfd\x18\xff\xfb\x01\r\nrouter login:\r\n"),
    2209: greet(b"@RSYNCD: 31.0\n"),
    2210: greet(b"hello\x1b[2J\x07there\n"),
    2211: page,
    25: greet(b"220 ready\r\n"),
    6379: answer(b"PING", b"+PONG\r\n$31\r\n# Server\r\nredis_version:7.0.15\r\n"),
    5432: answer(b"\0\0\0\x08\x04\xd2\x16\x2f", b"N"),
    11211: answer(b"version", b"VERSION 1.6.18\r\n"),
    1883: answer(b"\x10", b"\x20\x02\x00\x05"),
    554: answer(b"OPTIONS", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: cam/2\r\n\r\n"),
    3001: endless,
    3002: endless_zeros,
    3003: drip,
    3004: silent,
    3005: lambda connection: None,
    3006: page_without_end,
    3007: greet(b"\x15\x03\x01\x00\x02\x02\x28"),  # an alert, whatever is said
    3008: greet(b"\x16\x03\x03\xff\xff" + b"\xff" * 5000),
    443: greet(b"\x16\x03\x03\xff\xff" + b"\xff" * 5000),
    993: silent,
    8080: silent,
}


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            SERVERS[self.server.server_address[1]](self.request)
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512


if __name__ == "__main__":
    for number in SERVERS:
        threading.Thread(target=Server(("127.0.0.1", number), Handler).serve_forever).start()
