"""tools/check-layers refuses each kind of offence, and names its place."""

import subprocess
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parent.parent / "tools" / "check-layers"


def check(tmp_path, files):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run([TOOL, tmp_path], capture_output=True, text=True)


def test_clean_tree(tmp_path):
    run = check(tmp_path, {
        "base/err.c": '#include <errno.h>\n#include "base/err.h"\n',
        "wire/ip.c": '#include "base/err.h"\n',
        "store/db.c": "#include <sqlite3.h>\n",
        "probe/engine.c": '#include "probe/plan.h"\n#include "wire/ip.h"\n',
        "probe/send_io.c": '#include "io/packet.h"\n#include "host/route.h"\n',
        "probe/send_io_test.c": '#include "io/clock.h"\n',
        "cli/main.c": '#include "web/http.h"\n',
    })
    assert (run.returncode, run.stdout) == (0, "")


@pytest.mark.parametrize("name, include, says", [
    ("base/err.c", '"wire/ip.h"', "wire/ is above base/"),
    ("wire/ip.c", '"io/packet.h"', "same floor"),
    ("probe/engine.c", '"snmp/manager.h"', "same floor"),
    ("probe/engine.c", '"io/packet.h"', "free of I/O"),
    ("probe/engine.h", '"host/route.h"', "free of I/O"),
    ("probe/engine_test.c", '"io/clock.h"', "free of I/O"),
    ("monitor/presence.c", '"web/http.h"', "web/ is above monitor/"),
    ("web/http.c", "<sqlite3.h>", "only store/"),
    ("out/table.c", '"format.h"', "by folder"),
    ("out/table.c", '"attic/format.h"', "no floor"),
    ("attic/old.c", "<stdio.h>", "no floor"),
])
def test_offence(tmp_path, name, include, says):
    run = check(tmp_path, {name: "/* why */\n\n  # include %s\n" % include})
    line = 1 if name.startswith("attic") else 3
    assert run.returncode == 1
    assert run.stdout.startswith("%s:%d: " % (tmp_path / name, line))
    assert says in run.stdout
    assert run.stdout.count("\n") == 1


def test_nothing_to_check(tmp_path):
    assert check(tmp_path, {}).returncode == 2
