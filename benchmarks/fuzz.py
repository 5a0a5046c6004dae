"""Bytes that nobody would send, at every reader: no crash, no hang, no unaccounted record, bounded memory.

    python benchmarks/fuzz.py [--inputs 100000] [--seconds N] [--reader NAME] [--seed 0] [--keep]

Each reader has a process of its own, so that a crash in native code or a hang ends that one and is told. Inputs are
small valid files (`_seeds.py`) with bytes changed, cut, doubled and joined, and random ones; the same seed gives the
same inputs. With `--seconds`, a reader stops after that long, and the table says how far it came. What fails is told
with the input's number, and a short one in base64. `--keep` writes docs/fuzz.md.
"""

import argparse
import base64
import multiprocessing
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from _seeds import READERS, TOKENS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "fuzz.md"
HANG_S, MEMORY_MB, ADDRESSES_GB = 20, 512, 16
LARGEST = 1 << 16
_NUMBERS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\1\0\0\0", b"\xfe\xff")


@dataclass
class Result:
    """How a reader fared; `failures` has what went wrong, each with the first input's number (from 0) and bytes."""

    reader: str
    inputs: int
    refused: int
    seconds: float
    grown_mb: float
    failures: dict


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--inputs", type=int, default=100_000, help="for each reader")
    ask.add_argument("--seconds", type=float, help="for each reader, at most")
    ask.add_argument("--reader", choices=sorted(READERS), action="append")
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--keep", action="store_true", help="write docs/fuzz.md")
    given = ask.parse_args()
    lines = [HEAD]
    print(HEAD, flush=True)
    results = []
    for reader in given.reader or READERS:
        results.append(run_apart(reader, given.inputs, given.seconds, given.seed))
        lines.append(as_row(results[-1]))
        print(lines[-1], flush=True)
        for what, (number, data) in results[-1].failures.items():
            print(f"  input {number}: {what}\n    {base64.b64encode(data).decode()[:800]}", flush=True)
    if given.keep:
        PAGE.write_text(as_page("\n".join(lines), given), encoding="utf-8", newline="\n")
        print(f"Written: docs/{PAGE.name}")
    raise SystemExit(any(r.failures for r in results))


def fuzz(reader, inputs, seed=0, seconds=None, before=lambda data: None):
    """Give a reader mutated inputs in this process.

    Parameters
    ----------
    reader : str
        One of `READERS`.
    inputs : int
    seed : int
    seconds : float, optional
        Stop after that long.
    before : callable
        Called with each input before the reader is.

    Returns
    -------
    Result
    """
    with tempfile.TemporaryDirectory() as folder:
        act = READERS[reader].act
        seeds = READERS[reader].seeds()
        for whole in seeds:  # compiles what has to be compiled, and shows that the seed is no junk
            act(whole, Path(folder))
        start, peak, refused, failures, done = time.perf_counter(), peak_mb(), 0, {}, 0
        for data in mutations(seeds, seed, inputs):
            before(data)
            try:
                refused += act(data, Path(folder)) == "refused"
            except Exception as error:  # whatever it is, it is what we look for
                failures.setdefault(_last_line(error), (done, data))
            done += 1
            if seconds and time.perf_counter() - start > seconds:
                break
        grown = peak_mb() - peak
        if grown > MEMORY_MB:
            failures[f"memory grew by {grown:.0f} MB"] = (done, b"")
        return Result(reader, done, refused, time.perf_counter() - start, grown, failures)


def mutations(seeds, seed, n):
    """Inputs made of seeds: most with a few changes, some of tokens, some of random bytes."""
    rng = random.Random(seed)
    for _ in range(n):
        kind = rng.random()
        if kind < 0.08:
            yield rng.randbytes(rng.randrange(200))
        elif kind < 0.2:
            yield b"".join(rng.choices(TOKENS, k=rng.randrange(1, 16)))
        else:
            data = bytearray(rng.choice(seeds))
            for _ in range(rng.choice((1, 1, 2, 3, 6))):
                _change(data, rng, seeds)
            yield bytes(data[:LARGEST])


def _change(data, rng, seeds):
    """One change in place: a byte, a token, a number, a slice taken out, doubled or brought in, the end cut off."""
    at, end = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    short = min(end, at + rng.randrange(1, 40))
    what = rng.randrange(8)
    if what == 0 and data:
        data[at % len(data)] = rng.randrange(256)
    elif what == 1 and data:
        data[at % len(data)] ^= 1 << rng.randrange(8)
    elif what == 2:
        data[at:at] = rng.choice(TOKENS)
    elif what == 3:
        data[at : at + 4] = rng.choice(_NUMBERS)
    elif what == 4:
        del data[at:short]
    elif what == 5:
        data[at:at] = data[at:end] if rng.random() < 0.2 else data[at:short] * rng.choice((1, 2, 50))
    elif what == 6:
        other = rng.choice(seeds)
        start = rng.randrange(len(other) + 1)
        data[at:short] = other[start : start + rng.randrange(200)]
    else:
        del data[end:]


def run_apart(reader, inputs, seconds, seed):
    """As `fuzz`, in a process that is ended when one input takes too long, and may crash."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        last = Path(folder) / "input"
        last.touch()
        process = context.Process(target=_child, args=(reader, inputs, seconds, seed, last, theirs))
        start = time.perf_counter()
        process.start()
        theirs.close()
        failure = _watch(process, ours, last)
        if not isinstance(failure, str):
            return failure
        done, data = last.read_bytes().partition(b"\n")[::2]
        return Result(reader, int(done or 0), 0, time.perf_counter() - start, 0.0,
                      {failure: (int(done or 1) - 1, data)})


def _watch(process, pipe, last):
    """The result; or in words how the process ended without one."""
    try:
        while not pipe.poll(1):
            if last.stat().st_size and time.time() - last.stat().st_mtime > HANG_S:
                process.kill()
                return f"no answer within {HANG_S} s"
        return pipe.recv()
    except EOFError:
        process.join()
        return f"the process ended with code {process.exitcode}"
    finally:
        process.join()


def _child(reader, inputs, seconds, seed, last, pipe):
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES_GB << 30, ADDRESSES_GB << 30))
    done = 0
    with open(last, "r+b", buffering=0) as note:
        def before(data):
            nonlocal done
            done += 1
            note.seek(0)
            note.write(b"%d\n%s" % (done, data))
            note.truncate()

        pipe.send(fuzz(reader, inputs, seed, seconds, before))
    os._exit(0)


def peak_mb():
    """Peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _last_line(error):
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {str(error)[:200]} ({Path(where.filename).name}:{where.lineno})"


HEAD = ("| reader | inputs | refused in a sentence | seconds | memory grown by, MB | failures |\n"
        "|---|---:|---:|---:|---:|---:|")


def as_row(r):
    return (f"| {r.reader} | {r.inputs:,} | {r.refused / max(r.inputs, 1):.0%} | {r.seconds:.0f} | {r.grown_mb:.0f} | "
            f"{len(r.failures)} |")


def as_page(table, given):
    """docs/fuzz.md: dated by the commit that was tried, not by the clock."""
    commit, date = subprocess.check_output(["git", "log", "-1", "--format=%h %cs"], text=True, cwd=PAGE.parent).split()
    limit = f" --seconds {given.seconds:g}" if given.seconds else ""
    return PAGE_TEXT.format(table=table, commit=commit, date=date, hang=HANG_S, memory=MEMORY_MB,
                            command=f"python3 run.py bench fuzz --inputs {given.inputs}{limit} --seed {given.seed}")


PAGE_TEXT = """# Fuzzing: what the readers did with bytes that nobody would send

`{command} --keep` ran each reader of `kit.ingest` on small valid files with bytes changed, cut,
doubled and joined, and on random ones. Commit {commit} of {date}.

A failure is: an exception other than the kit's own sentence; a crash of the process; an input that takes more than
{hang} s; memory that grows by more than {memory} MB over all inputs; a record that is neither handed on nor broken with
a reason, that is told twice or out of order, or that is found or lost with the size of the blocks in which a file is
read (tried on every eighth input).

{table}

A reader that stopped at the limit of seconds has fewer inputs than were asked for. Most inputs differ from a valid file
in a few bytes, so this finds careless reading, not every attack. `tests/ingest/test_fuzz.py` runs 2,000 inputs of each
reader.
"""


if __name__ == "__main__":
    main()
