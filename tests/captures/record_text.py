#!/usr/bin/python3
"""Records http.pcap, ftp.pcap, smtp.pcap, imap.pcap and pop.pcap: what Debian's nginx, vsftpd and
dovecot, and Python's smtpd, say to curl and to Python's clients, on the loopback of a network
namespace of its own:

    unshare --net --mount --pid --fork --mount-proc tests/captures/record_text.py FOLDER

Needs nginx, vsftpd, dovecot (imapd, pop3d), curl, openssl and tcpdump in the path, and root.
"""

import ftplib
import imaplib
import os
import pathlib
import poplib
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import time

NGINX = """
user root; worker_processes 1; pid {d}/pid; error_log {d}/errors; daemon off;
events {{}}
http {{
    access_log off; client_body_temp_path {d}/t1; proxy_temp_path {d}/t2;
    fastcgi_temp_path {d}/t3; uwsgi_temp_path {d}/t4; scgi_temp_path {d}/t5;
    types {{ text/html html; text/plain txt; }}
    gzip on; gzip_min_length 10; gzip_types text/plain;
    server {{
        listen 80; root {d}/html;
        location /old {{ return 301 /index.html; }}
        location /private {{ auth_basic "x"; auth_basic_user_file {d}/users; }}
    }}
}}
"""

VSFTPD = """listen=YES
listen_ipv6=NO
anonymous_enable=YES
anon_root={d}/files
ftp_username=daemon
secure_chroot_dir={d}/empty
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
background=NO
connect_from_port_20=YES
ssl_enable=YES
allow_anon_ssl=YES
rsa_cert_file={d}/cert.pem
rsa_private_key_file={d}/key.pem
"""

DOVECOT = """protocols = imap pop3
listen = 127.0.0.1
base_dir = {d}/run
state_dir = {d}/state
log_path = {d}/log
ssl = yes
ssl_cert = <{d}/cert.pem
ssl_key = <{d}/key.pem
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:{d}/mail/%u
default_internal_user = nobody
default_login_user = nobody
default_internal_group = nogroup
first_valid_uid = 1
mail_uid = nobody
mail_gid = nogroup
passdb {{
  driver = static
  args = password=pw
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={d}/mail/%u
}}
service imap-login {{
  chroot =
}}
service pop3-login {{
  chroot =
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""

SMTPD = """
import asyncore, smtpd
class Server(smtpd.SMTPServer):
    def process_message(self, *args, **kwargs):
        return None
Server(("127.0.0.1", 25), None, decode_data=True)
asyncore.loop()
"""

PROCESSES = []


def start(*words):
    PROCESSES.append(subprocess.Popen(words))


def wait(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nobody listens at port {port}")


class Capture:
    def __init__(self, path, packets):
        self.words = ["tcpdump", "-i", "lo", "-U", "-Z", "root", "-w", str(path), packets]

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stderr=subprocess.PIPE)
        self.process.stderr.readline()
        time.sleep(0.5)

    def __exit__(self, *_):
        time.sleep(1)
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def tls():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def raw(port, *pieces):
    """Sends pieces one after another, and reads until the other side is done."""
    peer = socket.create_connection(("127.0.0.1", port))
    peer.settimeout(1)
    for piece in pieces:
        peer.sendall(piece)
        time.sleep(0.2)
    try:
        while peer.recv(65536):
            pass
    except TimeoutError:
        pass
    peer.close()


def record_http(folder, d):
    html = d / "html"
    html.mkdir()
    (html / "index.html").write_text("<html>hello</html>\n")
    (html / "text.txt").write_text("words and words\n" * 30)
    (html / "private").write_text("secret\n")
    (d / "users").write_text("bob:{PLAIN}pw\n")
    (d / "nginx").write_text(NGINX.format(d=d))
    start("nginx", "-c", str(d / "nginx"), "-p", str(d))
    wait(80)
    host = "http://127.0.0.1"

    def curl(*words):
        subprocess.run(["curl", "-s", *words], stdout=subprocess.DEVNULL)

    with Capture(folder / "http.pcap", "tcp port 80"):
        curl(host + "/", host + "/missing")
        curl("-I", host + "/")
        curl("--compressed", host + "/text.txt")
        curl("-d", "a=b&c=d", host + "/form?x=1&y")
        curl("-u", "bob:pw", host + "/private")
        curl("-L", host + "/old")
        curl("-r", "5-20", host + "/text.txt")
        curl("-H", "Transfer-Encoding: chunked", "-d", "in chunks", host + "/c")
        curl("-X", "OPTIONS", "-b", "a=1; b=2", "-e", host, host + "/")
        raw(80, b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /old HTTP/1.1\r\nHost: a\r\n\r\n"
                b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")


def record_ftp(folder, d):
    (d / "files").mkdir()
    (d / "empty").mkdir()
    (d / "files" / "file.txt").write_text("data\n" * 20)
    (d / "vsftpd").write_text(VSFTPD.format(d=d))
    start("vsftpd", str(d / "vsftpd"))
    wait(21)
    with Capture(folder / "ftp.pcap", "tcp"):
        ftp = ftplib.FTP("127.0.0.1")
        ftp.login()
        ftp.pwd()
        ftp.retrlines("LIST", str)
        ftp.set_pasv(False)
        ftp.retrbinary("RETR file.txt", bytes)
        ftp.sendcmd("EPRT |1|127.0.0.1|50123|")
        ftp.sendcmd("EPSV")
        try:
            ftp.cwd("nowhere")
        except ftplib.error_perm:
            pass
        ftp.quit()
        raw(21, b"AUTH TLS\r\n")


def record_smtp(folder, _d):
    start(sys.executable, "-W", "ignore", "-c", SMTPD)
    wait(25)
    with Capture(folder / "smtp.pcap", "tcp port 25"):
        smtp = smtplib.SMTP("127.0.0.1")
        smtp.sendmail("a@example.com", ["b@example.com", "c@example.com"],
                      "Subject: hello\r\n\r\n" + ".dots\r\ntext\r\n" * 10)
        smtp.verify("x")
        smtp.help()
        smtp.quit()
        raw(25, b"HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n",
            b"Subject: y\r\n\r\nhi\r\n.\r\n", b"AUTH PLAIN AHVzZXIAcGFzcw==\r\n", b"QUIT\r\n")


def record_mailbox(folder, d):
    (d / "mail").mkdir()
    os.chmod(d / "mail", 0o777)
    (d / "dovecot").write_text(DOVECOT.format(d=d))
    start("dovecot", "-F", "-c", str(d / "dovecot"))
    wait(143)
    with Capture(folder / "imap.pcap", "tcp port 143"):
        imap = imaplib.IMAP4("127.0.0.1")
        imap.login("bob", "pw")
        for i in range(2):
            imap.append("INBOX", None, None, b"Subject: m%d\r\n\r\ntext\r\n" % i)
        imap.select()
        imap.fetch("1:2", "(RFC822)")
        imap.uid("FETCH", "1:*", "(FLAGS)")
        imap.status("INBOX", "(MESSAGES)")
        imap.send(b"x1 IDLE\r\n")
        imap.readline()
        imap.send(b"DONE\r\n")
        imap.readline()
        imap.logout()
        imap = imaplib.IMAP4("127.0.0.1")
        imap.starttls(tls())
        imap.logout()
    with Capture(folder / "pop.pcap", "tcp port 110"):
        pop = poplib.POP3("127.0.0.1")
        pop.capa()
        pop.user("bob")
        pop.pass_("pw")
        pop.stat()
        pop.list()
        pop.list(1)
        pop.retr(1)
        try:
            pop.retr(9)
        except poplib.error_proto:
            pass
        pop.quit()
        raw(110, b"STLS\r\n")


def main():
    folder = pathlib.Path(sys.argv[1])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="record-") as name:
        d = pathlib.Path(name)
        os.chmod(d, 0o755)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                        "/CN=localhost", "-days", "3650", "-keyout", d / "key.pem", "-out",
                        d / "cert.pem"], check=True, stderr=subprocess.DEVNULL)
        try:
            for record in (record_http, record_ftp, record_smtp, record_mailbox):
                record(folder, d)
        finally:
            for process in PROCESSES:
                process.terminate()
            for process in PROCESSES:
                process.wait()


if __name__ == "__main__":
    main()
