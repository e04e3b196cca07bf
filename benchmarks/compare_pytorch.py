#!/usr/bin/env python3
"""Conv-TasNet, ours against PyTorch, on this machine and in one run; prints a Markdown table of ratios.

    ./bazelw build //benchmarks:convtasnet_benchmark
    python3 -m venv /tmp/peer && /tmp/peer/bin/pip install torch torchaudio numpy
    /tmp/peer/bin/python benchmarks/compare_pytorch.py [--rounds 3] [--seconds 4,30] [--threads 1,2] [--modes infer,train]

The peer is torchaudio's ConvTasNet (its file is loaded by path, since the package insists on a torch of its own CUDA
version). Each case runs in processes of its own, ours and the peer's in turn, `rounds` times; the least time of each counts
(what disturbs a run only adds to it). Memory is the peak resident size of the process, libraries and weights included.
"""
import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def peer(mode, seconds, threads):
    """One case of the peer, in this process; prints a line of JSON."""
    import torch

    torch.set_num_threads(threads)
    found = importlib.util.find_spec("torchaudio")
    path = os.path.join(os.path.dirname(found.origin), "models", "conv_tasnet.py")
    spec = importlib.util.spec_from_file_location("conv_tasnet", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    torch.manual_seed(0)
    net = module.conv_tasnet_base(num_sources=2)
    x = 0.1 * torch.randn(1, 1, int(seconds * 8000))
    d = torch.full((1, 2, x.shape[-1]), 1e-3)

    def once():
        if mode == "infer":
            with torch.inference_mode():
                net(x)
        else:
            net.zero_grad()
            net(x).backward(d)

    net.train(mode == "train")
    once()
    best = float("inf")
    began = time.perf_counter()
    while True:
        t = time.perf_counter()
        once()
        best = min(best, time.perf_counter() - t)
        if time.perf_counter() - began > 2:
            break
    print(json.dumps({"s": best, "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, "torch": torch.__version__}))


def ours(mode, seconds, threads):
    binary = os.path.join(ROOT, "bazel-bin", "benchmarks", "convtasnet_benchmark")
    name = "%s/%ss/threads:%d" % (mode, seconds, threads)
    out = subprocess.run([binary, "--benchmark_filter=^%s/" % name, "--benchmark_format=json", "--benchmark_repetitions=3", "--benchmark_min_time=0.7"],
                         check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(threads)).stdout
    runs = [b for b in json.loads(out)["benchmarks"] if b["run_type"] == "iteration"]
    return {"s": min(b["real_time"] for b in runs) / 1e3, "MB": max(b["peak_rss_MB"] for b in runs), "arena": runs[0]["arena_MB"]}


def environment(threads):
    env = dict(os.environ)
    env.update(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    return env


def their(mode, seconds, threads):
    out = subprocess.run([sys.executable, os.path.abspath(__file__), "--peer", mode, str(seconds), str(threads)], check=True,
                         stdout=subprocess.PIPE, env=environment(threads)).stdout
    return json.loads(out)


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--peer":
        return peer(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--seconds", default="4,30")
    args.add_argument("--threads", default="1,2")
    args.add_argument("--modes", default="infer,train")
    a = args.parse_args()
    print("| pass | audio | threads | ours, s | PyTorch, s | times faster | ours: arena, MB | ours: peak, MB | PyTorch: peak, MB | memory ratio |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    version = ""
    for mode in a.modes.split(","):
        for seconds in a.seconds.split(","):
            for threads in map(int, a.threads.split(",")):
                us, them = [], []
                for _ in range(a.rounds):
                    us.append(ours(mode, seconds, threads))
                    them.append(their(mode, seconds, threads))
                u, t = min(r["s"] for r in us), min(r["s"] for r in them)
                um, tm = max(r["MB"] for r in us), max(r["MB"] for r in them)
                version = them[0]["torch"]
                print("| %s | %s s | %d | %.3f | %.3f | **%.2f** | %.0f | %.0f | %.0f | %.2f |" %
                      (mode, seconds, threads, u, t, t / u, us[0]["arena"], um, tm, um / tm), flush=True)
    print("\nPyTorch %s; load average at the end %.1f" % (version, os.getloadavg()[0]))


if __name__ == "__main__":
    main()
