"""Listeners for scans: scan_server.py TCP,PORTS UDP,PORTS. Port 22 greets; UDP answers what it gets."""

import select
import socket
import sys


def made(kind, port):
    s = socket.socket(socket.AF_INET6, kind)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    if kind == socket.SOCK_STREAM:
        s.listen(512)
    s.setblocking(False)
    return s


def serve(s):
    if s.type == socket.SOCK_DGRAM:
        data, sender = s.recvfrom(4096)
        # A DNS query becomes its answer, without records.
        s.sendto(data[:2] + bytes([data[2] | 0x80]) + data[3:], sender)
        return
    connection, _ = s.accept()
    if s.getsockname()[1] == 22:
        connection.send(b"SSH-2.0-Test\x1b[2J <&\"'>\r\n")
    connection.close()


sockets = [made(socket.SOCK_STREAM, int(p)) for p in sys.argv[1].split(",")]
sockets += [made(socket.SOCK_DGRAM, int(p)) for p in sys.argv[2].split(",")]
print("ready", flush=True)
while True:
    for ready in select.select(sockets, [], [])[0]:
        try:
            serve(ready)
        except OSError:
            pass
