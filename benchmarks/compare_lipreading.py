#!/usr/bin/env python3
"""The lip-reading encoder, ours against PyTorch, on this machine and in one run; prints a Markdown table of ratios.

    ./bazelw build //benchmarks:lipreading_benchmark
    python3 -m venv /tmp/peer && /tmp/peer/bin/pip install torch numpy
    /tmp/peer/bin/python benchmarks/compare_lipreading.py [--rounds 3] [--threads 1,2] [--modes running,batch,train]

The peer is the encoder of tests/golden/make_lip_encoder_golden.py in float32, 50 frames of 88 x 88 pixels; in the mode `train`
ten frames, forward and backward, BatchNorm by their statistics. Each case runs in
processes of its own, ours and the peer's in turn, `rounds` times; the least time of each counts. With one thread that is
processor time, which other work on the machine leaves nearly alone; with several it is by the clock. Memory is the peak
resident size of the process, libraries and weights included.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import time

from compare_pytorch import ROOT, environment


def peer(mode, threads):
    """One case of the peer, in this process; prints a line of JSON."""
    sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))
    import torch
    from make_lip_encoder_golden import Encoder

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = Encoder("swish").train(mode != "running")
    clip = torch.randn(10 if mode == "train" else 50, 88, 88)
    dy = torch.randn(512, len(clip))

    def step():
        net(clip).backward(dy) if mode == "train" else net(clip)

    clock = time.process_time if threads == 1 else time.perf_counter
    best = float("inf")
    with torch.inference_mode(mode != "train"):
        step()
        began = time.perf_counter()
        while time.perf_counter() - began < 6:
            t = clock()
            step()
            best = min(best, clock() - t)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(json.dumps({"s": best, "MB": peak, "torch": torch.__version__}))


def ours(mode, threads):
    binary = os.path.join(ROOT, "bazel-bin", "benchmarks", "lipreading_benchmark")
    out = subprocess.run([binary, "--benchmark_filter=^%s/threads:%d/" % (mode, threads), "--benchmark_format=json",
                          "--benchmark_repetitions=4", "--benchmark_min_time=0.7"],
                         check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(threads)).stdout
    runs = [b for b in json.loads(out)["benchmarks"] if b["run_type"] == "iteration"]
    time_of = "cpu_time" if threads == 1 else "real_time"
    return {"s": min(b[time_of] for b in runs) / 1e3, "MB": max(b["peak_rss_MB"] for b in runs)}


def their(mode, threads):
    out = subprocess.run([sys.executable, os.path.abspath(__file__), "--peer", mode, str(threads)], check=True,
                         stdout=subprocess.PIPE, env=environment(threads)).stdout
    return json.loads(out)


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--peer":
        return peer(sys.argv[2], int(sys.argv[3]))
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--threads", default="1,2")
    args.add_argument("--modes", default="running,batch,train")
    a = args.parse_args()
    print("| statistics | threads | ours, s | PyTorch, s | times faster | ours: peak, MB | PyTorch: peak, MB |")
    print("|---|---|---|---|---|---|---|")
    for mode in a.modes.split(","):
        for threads in map(int, a.threads.split(",")):
            us, them = [], []
            for _ in range(a.rounds):
                us.append(ours(mode, threads))
                them.append(their(mode, threads))
            u, t = min(r["s"] for r in us), min(r["s"] for r in them)
            um, tm = max(r["MB"] for r in us), max(r["MB"] for r in them)
            print("| %s | %d | %.3f | %.3f | **%.2f** | %.0f | %.0f |" % (mode, threads, u, t, t / u, um, tm), flush=True)
    print("\nPyTorch %s; load average at the end %.1f" % (them[0]["torch"], os.getloadavg()[0]))


if __name__ == "__main__":
    main()
