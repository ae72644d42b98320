"""The command table: help, messages, manual pages and completions of every verb."""

import re
import shutil
import subprocess

import pytest

from conftest import BUILD, run_command

SONDE = BUILD / "sonde"


def verbs(*path):
    """The commands that help lists below a path of verbs."""
    text = run_command(SONDE, "help", *path).out
    found = re.search(r"^Commands\n((?:  .*\n)+)", text, re.MULTILINE)
    return re.findall(r"^  (\S+)", found.group(1), re.MULTILINE) if found else []


def all_paths(path=()):
    for verb in verbs(*path):
        yield path + (verb,)
        yield from all_paths(path + (verb,))


PATHS = [()] + list(all_paths())


def test_there_are_verbs():
    assert ("help",) in PATHS


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help(sonde, path):
    """Every verb explains itself in lines that fit 100 columns, by help and by --help alike."""
    by_help, by_option = sonde("help", *path), sonde(*path, "--help")
    assert by_help.status == by_option.status == 0
    assert by_help.out == by_option.out
    assert by_help.out.startswith("sonde" + "".join(" " + verb for verb in path) + ": ")
    assert max(map(len, by_help.out.splitlines())) <= 100


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_results_are_explained(sonde, path):
    """Every field of every record has a sentence."""
    text = sonde("help", *path).out
    results = text.partition("Results, and the fields")[2].partition("\nExamples")[0]
    for line in results.splitlines():
        if line.startswith("    ") and not line.startswith("      "):
            assert re.fullmatch(r"    \S+ *(\S.*)?", line)
    names = re.findall(r"^    (\w+)$(?!\n {20})", results, re.MULTILINE)
    assert not names, "fields without a sentence"


@pytest.mark.parametrize("path", [p for p in PATHS if len(p) < 2], ids=" ".join)
def test_manual(sonde, path):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    page = sonde("help", "--manual", *path).out
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=page, text=True,
                          capture_output=True)
    assert lint.stdout == ""


@pytest.mark.parametrize("args, message", [
    (["hlep"], 'no command "hlep"; did you mean "sonde help"?'),
    (["zzzzzz"], 'no command "zzzzzz"; see: sonde help'),
    (["arp", "zzzzzz"], 'no command "zzzzzz"; see: sonde help arp'),
    (["help", "-Z"], "no option -Z; see: sonde help --help"),
    (["help", "--manul"], "no option --manul; did you mean --manual?"),
    (["help", "--completion"], "--completion SHELL needs a value"),
    (["help", "--completion", "tcsh"], 'bash, zsh or fish, not "tcsh"'),
    (["help", "nothing"], 'sonde has no command "nothing"'),
])
def test_wrong_usage(sonde, args, message):
    done = sonde(*args)
    assert done.status == 2
    assert message in done.err
    assert done.out == ""


def test_options_stand_before_another_command(sonde):
    assert "sonde lab exec [OPTIONS] HOST COMMAND..." in sonde("help", "lab", "exec").out


def test_version(sonde):
    assert re.fullmatch(r"sonde \d+\.\d+\.\d+\n", sonde("--version").out)


@pytest.mark.parametrize("args", [
    ["--version"], ["help"], ["ifaces"], ["capture", "--help"], ["help", "--manual", "scan"],
    ["help", "--completion", "zsh"], ["explain", "tcp"], ["explain", "--list"],
    ["craft", "'ip(id=0-9999)'", "--hex"], ["craft", "ip"],
], ids=" ".join)
def test_results_that_nobody_gets(args):
    """A full disk and a closed standard output are failures; who stops reading is not."""
    command = " ".join([str(SONDE), *args])
    for redirect, status in [(">/dev/full", 3), (">&-", 3), ("<&- >/dev/null", 0),
                             ("| true; exit ${PIPESTATUS[0]}", 0)]:
        done = subprocess.run(["bash", "-c", f"{command} {redirect}"],
                              text=True, capture_output=True)
        assert done.returncode == status, (redirect, done.stderr)
        assert bool(done.stderr) == (status != 0)


def complete_bash(*words):
    script = """
        source /dev/stdin
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _sonde
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    completion = run_command(SONDE, "help", "--completion", "bash").out
    done = subprocess.run(["bash", "-c", script, "bash", *words], input=completion, text=True,
                          capture_output=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completion():
    assert "help" in complete_bash("sonde", "h")
    assert set(complete_bash("sonde", "")) >= {path[0] for path in PATHS if path}
    assert complete_bash("sonde", "help", "--man") == ["--manual"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_completions_parse(sonde, shell, tmp_path):
    if not shutil.which(shell):
        pytest.skip(shell + " is not installed")
    script = tmp_path / "completion"
    script.write_text(sonde("help", "--completion", shell).out)
    done = subprocess.run([shell, "-n", script], text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_fish_completion(sonde):
    if not shutil.which("fish"):
        pytest.skip("fish is not installed")
    script = sonde("help", "--completion", "fish").out
    done = subprocess.run(["fish", "-c", "source -; complete -C 'sonde he'"], input=script,
                          text=True, capture_output=True)
    assert done.stdout.startswith("help\t")
    done = subprocess.run(["fish", "-c", "source -; complete -C 'sonde help --man'"],
                          input=script, text=True, capture_output=True)
    assert done.stdout.startswith("--manual\t")




@pytest.mark.parametrize("args, status", [
    (["\x1b[2J"], 2), (["help", "\x1b]0;x\x07"], 2), (["--\x1b[2J"], 2), (["hosts", "\x1b[2J"], 2),
    (["ifaces", "\x1b[2J"], 2), (["explain", "\x1b[2J"], 2), (["monitor", "\x1b[2J\n"], 2),
    (["ifaces", "--fields", "\x1b[2J"], 2), (["ifaces", "-o", "/nonexistent/\x1b[2J"], 3),
])
def test_messages_hold_no_control_characters(sonde, args, status):
    done = sonde(*args)
    assert done.status == status and done.err.endswith("\n")
    assert not [c for c in done.err if c != "\n" and not c.isprintable()], done.err
    assert "\\x1b" in done.err


@pytest.mark.parametrize("verb", ["help", "ifaces", "explain", "hosts", "monitor"])
def test_messages_quote_no_endless_word(sonde, verb):
    done = sonde(verb, "a" * 120_000)
    assert done.status == 2 and len(done.err) < 2000


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/urandom"])
def test_endless_files_of_targets_end(sonde, path):
    done = sonde("ping", "-c", 1, "@" + path, timeout=20)
    assert done.status == 2 and path + ":" in done.err


def test_lines_of_targets(sonde, tmp_path):
    """Comments, blank lines, a last line without end; a NUL is no text; what is wrong is named."""
    path = tmp_path / "targets"
    path.write_bytes(b"# all\n\n127.0.0.1 # one\r\n127.0.0.2, 127.0.0.3")
    done = sonde("ping", "-c", 1, "--json", "@%s" % path)
    assert {r["host"] for r in done.records("summary")} == {"127.0.0.%d" % i for i in (1, 2, 3)}
    path.write_bytes(b"127.0.0.1\n127.0.0.2\0\n")
    assert "%s:2: not a line of targets" % path in sonde("ping", "-c", 1, "@%s" % path).err
    path.write_bytes(b"\n127.0.0.1 \x1b[31m!\n")
    done = sonde("ping", "-c", 1, "@%s" % path)
    assert done.status == 2 and "%s:2: " % path in done.err and "\x1b" not in done.err
