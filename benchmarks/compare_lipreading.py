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
import os
import sys

import against


def run_peer(mode, threads):
    sys.path.insert(0, os.path.join(against.ROOT, "tests", "golden"))
    import torch
    from make_lip_encoder_golden import Encoder

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net = Encoder("swish").train(mode != "running")
    clip = torch.randn(10 if mode == "train" else 50, 88, 88)
    dy = torch.randn(512, len(clip))

    def step():
        net(clip).backward(dy) if mode == "train" else net(clip)

    with torch.inference_mode(mode != "train"):
        against.print_peer(step, threads, 6)


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--peer":
        return run_peer(sys.argv[2], int(sys.argv[3]))
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--threads", default="1,2")
    args.add_argument("--modes", default="running,batch,train")
    a = args.parse_args()
    print("| statistics | threads | ours, s | PyTorch, s | times faster | ours: peak, MB | PyTorch: peak, MB |")
    print("|---|---|---|---|---|---|---|")
    for mode in a.modes.split(","):
        for threads in map(int, a.threads.split(",")):
            us, them = against.compare(a.rounds, lambda: against.ours("lipreading_benchmark", "%s/threads:%d" % (mode, threads), threads, 4),
                                       lambda: against.peer(__file__, (mode, threads), threads))
            print("| %s | %d | %.3f | %.3f | **%.2f** | %.0f | %.0f |" % (mode, threads, us["s"], them["s"], them["s"] / us["s"], us["MB"], them["MB"]), flush=True)
    print("\nPyTorch %s; load average at the end %.1f" % (them["torch"], os.getloadavg()[0]))


if __name__ == "__main__":
    main()
