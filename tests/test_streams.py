"""What TCP segments are among those before them: random conversations, as sonde and as tshark see them."""

import random
import shutil
import struct
import subprocess

import pytest

FIELDS = """stream seq ack len nxtseq window_size window_size_scalefactor completeness time_relative
time_delta analysis.acks_frame analysis.ack_rtt analysis.initial_rtt analysis.bytes_in_flight
analysis.duplicate_ack_num analysis.duplicate_ack_frame analysis.rto_frame analysis.rto
analysis.retransmission analysis.fast_retransmission analysis.spurious_retransmission
analysis.out_of_order analysis.lost_segment analysis.ack_lost_segment analysis.duplicate_ack
analysis.window_update analysis.window_full analysis.zero_window analysis.zero_window_probe
analysis.zero_window_probe_ack analysis.keep_alive analysis.keep_alive_ack analysis.reused_ports
connection.syn connection.synack connection.fin connection.rst""".split()

# tshark prints a sentence for those that sonde gives as 1.
NOTES = {field for field in FIELDS if field.startswith("connection.")} | set(
    """analysis.retransmission analysis.fast_retransmission analysis.spurious_retransmission
    analysis.out_of_order analysis.lost_segment analysis.ack_lost_segment analysis.duplicate_ack
    analysis.window_update analysis.window_full analysis.zero_window analysis.zero_window_probe
    analysis.zero_window_probe_ack analysis.keep_alive analysis.keep_alive_ack
    analysis.reused_ports""".split())

SYN, ACK, FIN, PSH, RST = 2, 16, 1, 8, 4


class Talk:
    """One connection that does everything a connection may do, written into a pcap file."""

    def __init__(self, capture, host):
        self.capture, self.rng, self.host = capture, capture.rng, host
        self.open()

    def segment(self, way, flags, seq=None, length=0, window=None, options=b"", ack=None):
        """Sends a segment of side @way; one in some is not captured."""
        rng = self.rng
        options += b"\1" * (-len(options) % 4)
        ports = [30000 + self.host, 5080]
        addresses = [bytes([10, 0, 0, self.host]), bytes([10, 0, 1, 1])]
        tcp = struct.pack(
            ">HHIIBBHHH", ports[way], ports[1 - way],
            (self.seq[way] if seq is None else seq) % 2**32,
            (self.acked[way] if ack is None else ack) % 2**32 if flags & ACK else 0,
            (20 + len(options)) // 4 << 4, flags,
            self.window[way] if window is None else window, 0, 0) + options
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp) + length, 1, 0x4000, 64, 6, 0)
        frame = bytes(12) + b"\x08\0" + ip + addresses[way] + addresses[1 - way] + tcp
        self.capture.time += rng.choice([5, 50, 500, 2000, 3500, 10000, 25000, 200000])
        if rng.random() >= self.loss:
            self.capture.write(frame + bytes([200]) * length)

    def open(self):
        rng = self.rng
        self.loss = 0
        self.seq = [rng.getrandbits(31) + 1000, rng.getrandbits(31) + 1000]
        self.window = [rng.choice([1000, 5000, 60000]) for _ in range(2)]
        self.sent, self.over = [[], []], False
        self.acked = [self.seq[1] + 1, self.seq[0] + 1]
        scale = [b"\3\3" + bytes([rng.randrange(9)]) if rng.random() < .7 else b""
                 for _ in range(2)]
        for way, flags in ((0, SYN), (1, SYN | ACK)):
            for _ in range(2 if rng.random() < .1 else 1):
                self.segment(way, flags, options=b"\2\4\5\xb4" + scale[way])
        self.seq = [seq + 1 for seq in self.seq]
        self.segment(0, ACK)
        self.loss = rng.choice([0, 0, .02, .1])

    def data(self, way, length):
        self.sent[way].append((self.seq[way], length))
        self.segment(way, ACK | PSH, length=length)
        self.seq[way] += length

    def acknowledge(self, way):
        if self.sent[1 - way]:
            seq, length = self.rng.choice(self.sent[1 - way][-6:])
            self.acked[way] = max(self.acked[way], seq + length)
        self.segment(way, ACK)

    def repeat_ack(self, way):
        sack = b"\1\1\5\x0a" + struct.pack(
            ">II", (self.acked[way] + 1000) % 2**32, (self.acked[way] + 2000) % 2**32)
        for _ in range(self.rng.randrange(1, 5)):
            self.segment(way, ACK, options=sack if self.rng.random() < .3 else b"")

    def retransmit(self, way):
        if self.sent[way]:
            seq, length = self.rng.choice(self.sent[way][-8:])
            self.segment(way, ACK | PSH, seq, length)

    def zero_window(self, way):
        window, self.window[way] = self.window[way], 0
        self.segment(way, ACK)
        for _ in range(self.rng.randrange(3)):
            self.segment(1 - way, ACK, length=1)
            self.segment(way, ACK)
        self.window[way] = window
        self.segment(way, ACK)

    def keep_alive(self, way):
        self.segment(way, ACK, self.seq[way] - 1, self.rng.randrange(2))
        self.segment(1 - way, ACK)

    def swap(self, way):
        seq = self.seq[way]
        self.segment(way, ACK | PSH, seq + 700, 700)
        self.segment(way, ACK | PSH, seq, 700)
        self.sent[way] += [(seq, 700), (seq + 700, 700)]
        self.seq[way] += 1400

    def end(self, way):
        for _ in range(2 if self.rng.random() < .3 else 1):
            self.segment(way, ACK | FIN, length=50)
        self.over = True

    def step(self):
        way, rng = self.rng.randrange(2), self.rng
        if self.over:
            self.open()
            return
        rng.choices(
            [lambda: [self.data(way, rng.choice([1, 10, 100, 1000, 1460]))
                      for _ in range(rng.randrange(1, 5))],
             lambda: self.acknowledge(way), lambda: self.repeat_ack(way),
             lambda: self.retransmit(way), lambda: self.zero_window(way),
             lambda: self.keep_alive(way), lambda: self.swap(way), lambda: self.end(way)],
            [35, 25, 8, 10, 3, 4, 3, 1])[0]()


class Capture:
    def __init__(self, path, seed):
        self.rng, self.time, self.file = random.Random(seed), 10**15, open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))

    def write(self, frame):
        self.file.write(struct.pack("<IIII", self.time // 10**6, self.time % 10**6, len(frame),
                                    len(frame)) + frame)

    def fill(self, steps):
        talks = [Talk(self, host) for host in range(1, 5)]
        for _ in range(steps):
            self.rng.choice(talks).step()
        self.file.close()


def rows(command, path):
    command = command + ["-r", str(path), "-T", "fields", "-E", "occurrence=f", "-E", "separator=|"]
    for field in FIELDS:
        command += ["-e", "tcp." + field]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split("|") for line in done.stdout.splitlines()]


@pytest.mark.skipif(not shutil.which("tshark"), reason="needs tshark")
@pytest.mark.parametrize("seed", range(3))
def test_analysis_is_that_of_tshark(binary, tmp_path, seed):
    path = tmp_path / "talk.pcap"
    Capture(path, seed).fill(300)
    ours, theirs = rows([str(binary), "capture"], path), rows(["tshark"], path)
    assert len(ours) == len(theirs) > 300
    seen = set()
    for number, (mine, other) in enumerate(zip(ours, theirs), 1):
        for field, a, b in zip(FIELDS, mine, other):
            b = ("1" if b else "") if field in NOTES else b
            assert a == b, f"frame {number}: {field}"
            seen |= {field} if b else set()
    assert len(seen) > len(FIELDS) * 2 // 3  # the conversations had something of nearly everything
