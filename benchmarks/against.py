"""What the comparisons with PyTorch share: cases run in processes of their own, ours and the peer's in turn."""
import json
import os
import resource
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def environment(threads):
    env = dict(os.environ)
    env.update(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    return env


def resident_megabytes():
    """The peak so far, libraries and weights included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def clock_of(threads):
    """With one thread processor time, which other work on the machine leaves nearly alone; with several that of the wall."""
    return time.process_time if threads == 1 else time.perf_counter


def print_peer(once, threads, seconds, before=0.0):
    """Runs `once` for so long, and prints the least time as a line of JSON; `before`: MB before the network was made."""
    import torch

    clock = clock_of(threads)
    once()
    best, runs, began = float("inf"), 0, time.perf_counter()
    while runs < 2 or time.perf_counter() - began < seconds:
        t = clock()
        once()
        best = min(best, clock() - t)
        runs += 1
    print(json.dumps({"s": best, "MB": resident_megabytes(), "before": before, "torch": torch.__version__}))


def ours(binary, name, threads, repetitions=3):
    """The benchmark of that name, of //benchmarks:BINARY."""
    path = os.path.join(ROOT, "bazel-bin", "benchmarks", binary)
    if not os.path.exists(path):
        sys.exit("%s: not there; ./bazelw build //benchmarks:%s" % (path, binary))
    out = subprocess.run(
        [path, "--benchmark_filter=^%s/" % name, "--benchmark_format=json", "--benchmark_repetitions=%d" % repetitions, "--benchmark_min_time=0.7"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(threads)).stdout
    runs = [b for b in json.loads(out)["benchmarks"] if b["run_type"] == "iteration"]
    time_of = "cpu_time" if threads == 1 else "real_time"
    return {"s": min(b[time_of] for b in runs) / 1e3, "MB": max(b["peak_rss_MB"] for b in runs), "arena": runs[0].get("arena_MB", 0)}


def peer(script, arguments, threads):
    """`script --peer ARGUMENTS`, in the interpreter that runs this."""
    out = subprocess.run([sys.executable, os.path.abspath(script), "--peer", *map(str, arguments)], check=True, stdout=subprocess.PIPE,
                         env=environment(threads)).stdout
    return json.loads(out.splitlines()[-1])


def compare(rounds, us, them):
    """Both in turn, `rounds` times: the least time and the largest memory of each."""
    runs = [], []
    for _ in range(rounds):
        for kept, run in zip(runs, (us, them)):
            kept.append(run())
    best = []
    for kept in runs:
        best.append(dict(kept[0], s=min(r["s"] for r in kept), MB=max(r["MB"] for r in kept)))
    return best
