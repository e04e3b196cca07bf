#!/usr/bin/env python3
"""BSS-eval and STOI, ours against the usual Python packages, on this machine and in one run; prints a Markdown table of ratios.

    ./bazelw build //benchmarks:metrics_benchmark
    python3 -m venv /tmp/peer && /tmp/peer/bin/pip install torch torchmetrics mir_eval fast_bss_eval pystoi
    /tmp/peer/bin/python benchmarks/compare_metrics.py [--rounds 2] [--threads 1,2] [--files 100]

A hundred mixtures of two voices, 4 s at 16 kHz, in memory: each estimate against its target, no permutation. With one thread
processor time counts, with two that of the wall; the peers then score half of the files each in two processes of one thread,
which serves them better than two threads for one file. Few files (`--files`) are enough for peers that are slow: their time is
scaled up.
"""
import argparse
import json
import multiprocessing
import os
import sys
import time

import against

SAMPLES, RATE = 64000, 16000


def signals():
    import numpy as np

    n, random = np.arange(SAMPLES), np.random.default_rng(1)
    swell = [np.maximum(0, np.sin(f * n)) ** 2 for f in (0.0009, 0.0013)]
    s = np.stack([(random.random(SAMPLES) - 0.5) * w for w in swell])
    e = s + np.array([[0.2], [0.1]]) * s[::-1] + 0.01 * (random.random(s.shape) - 0.5)
    return s, e


def scorer(peer):
    s, e = signals()
    if peer == "mir_eval":
        import mir_eval.separation
        return lambda: mir_eval.separation.bss_eval_sources(s, e, compute_permutation=False)
    if peer in ("pystoi", "pystoi extended"):
        import pystoi
        return lambda: [pystoi.stoi(s[j], e[j], RATE, extended=peer != "pystoi") for j in range(2)]
    import torch
    torch.set_num_threads(1)
    targets, estimates = torch.from_numpy(s), torch.from_numpy(e)
    if peer == "torchmetrics":
        from torchmetrics.functional.audio import signal_distortion_ratio
        return lambda: signal_distortion_ratio(estimates, targets)
    import fast_bss_eval
    if peer == "fast_bss_eval, SDR":
        return lambda: fast_bss_eval.sdr(targets, estimates)
    return lambda: fast_bss_eval.bss_eval_sources(targets, estimates, compute_permutation=False)


def worker(peer, files, start, done):
    once = scorer(peer)
    once()
    start.wait()
    for _ in range(files):
        once()
    done.wait()


def run_peer(peer, threads, files):
    if threads == 1:
        once = scorer(peer)
        once()
        began = time.process_time()
        for _ in range(files):
            once()
        taken = time.process_time() - began
    else:
        start, done = multiprocessing.Barrier(threads + 1), multiprocessing.Barrier(threads + 1)
        team = [multiprocessing.Process(target=worker, args=(peer, files // threads, start, done)) for _ in range(threads)]
        for p in team:
            p.start()
        start.wait()
        began = time.perf_counter()
        done.wait()
        taken = time.perf_counter() - began
        for p in team:
            p.join()
        files = files // threads * threads
    print(json.dumps({"s": taken * 100 / files, "MB": against.resident_megabytes()}))


CASES = [("sdr", "SDR", "torchmetrics"), ("sdr", "SDR", "fast_bss_eval, SDR"), ("bss", "SDR, SIR, SAR", "fast_bss_eval"),
         ("bss", "SDR, SIR, SAR", "mir_eval"), ("stoi", "STOI", "pystoi"), ("estoi", "ESTOI", "pystoi extended")]


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--peer":
        return run_peer(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--rounds", type=int, default=2)
    args.add_argument("--threads", default="1,2")
    args.add_argument("--files", type=int, default=100)
    a = args.parse_args()
    print("| numbers | threads | ours, s | peer, s | peer | times faster |\n|---|---|---|---|---|---|")
    for threads in map(int, a.threads.split(",")):
        for name, numbers, peer in CASES:
            us, them = against.compare(a.rounds, lambda: against.ours("metrics_benchmark", "%s/threads:%d" % (name, threads), threads, 1),
                                       lambda: against.peer(__file__, (peer, threads, a.files), 1))
            print("| %s | %d | %.3f | %.2f | %s | **%.1f** |" % (numbers, threads, us["s"], them["s"], peer, them["s"] / us["s"]), flush=True)
    print("\nload average at the end %.1f" % os.getloadavg()[0])


if __name__ == "__main__":
    main()
