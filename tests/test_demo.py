"""make demo: the story is told, noticed, and cleaned up after."""

import os
import signal
import subprocess

from conftest import TOP


def start(binary, **settings):
    env = {**os.environ, "SONDE_BUILD": str(binary.parent), "DEMO_PORT": "0", **settings}
    return subprocess.Popen([TOP / "tools/demo"], env=env, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, start_new_session=True)


def no_lab_of(sonde, demo):
    return "demo%d" % demo.pid not in sonde("lab", "list", "--csv").out


def test_demo(binary, sonde, tmp_path):
    """Three at once: one as it is, one whose monitor is too patient to notice, one interrupted."""
    example = (TOP / "examples/monitor-office.yaml").read_text()
    patient = tmp_path / "patient.yaml"
    patient.write_text(example.replace("down: 3", "down: 1000"))
    assert patient.read_text() != example
    told = start(binary, DEMO_SECONDS="30")
    unnoticed = start(binary, DEMO_SECONDS="30", DEMO_CONFIG=str(patient))
    interrupted = start(binary)
    try:
        for line in interrupted.stdout:
            if line.startswith("The page: http://127.0.0.1:"):
                break
        else:
            raise AssertionError("no page")
        os.killpg(interrupted.pid, signal.SIGINT)
        interrupted.communicate(timeout=20)
        assert interrupted.returncode == 0
        assert no_lab_of(sonde, interrupted)

        out, _ = told.communicate(timeout=90)
        assert told.returncode == 0, out
        assert "inactive, " in out and "active, " in out and "10.77.0.13" in out
        assert no_lab_of(sonde, told)

        out, _ = unnoticed.communicate(timeout=90)
        assert unnoticed.returncode == 1, out
        assert "nothing" in out
        assert no_lab_of(sonde, unnoticed)
    finally:
        for demo in [told, unnoticed, interrupted]:
            if demo.poll() is None:
                os.killpg(demo.pid, signal.SIGTERM)
                demo.communicate(timeout=20)


def test_demo_seconds(binary):
    for bad in ["x", "5", "-60", "60 "]:
        demo = start(binary, DEMO_SECONDS=bad)
        out, _ = demo.communicate(timeout=20)
        assert demo.returncode == 2 and "DEMO_SECONDS" in out
