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
import os
import sys

import against


def make_network():
    """torchaudio's, with random weights. Raises ImportError."""
    import torch

    found = importlib.util.find_spec("torchaudio")
    if found is None:
        raise ImportError("torchaudio is not there")
    path = os.path.join(os.path.dirname(found.origin), "models", "conv_tasnet.py")
    spec = importlib.util.spec_from_file_location("conv_tasnet", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    torch.manual_seed(0)
    return module.conv_tasnet_base(num_sources=2)


def run_peer(mode, seconds, threads):
    import torch

    torch.set_num_threads(threads)
    net = make_network()
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
    against.print_peer(once, threads, 2)


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "--peer":
        return run_peer(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--seconds", default="4,30")
    args.add_argument("--threads", default="1,2")
    args.add_argument("--modes", default="infer,train")
    a = args.parse_args()
    print("| pass | audio | threads | ours, s | PyTorch, s | times faster | ours: arena, MB | ours: peak, MB | PyTorch: peak, MB | memory ratio |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for mode in a.modes.split(","):
        for seconds in a.seconds.split(","):
            for threads in map(int, a.threads.split(",")):
                name = "%s/%ss/threads:%d" % (mode, seconds, threads)
                us, them = against.compare(a.rounds, lambda: against.ours("convtasnet_benchmark", name, threads),
                                           lambda: against.peer(__file__, (mode, seconds, threads), threads))
                print("| %s | %s s | %d | %.3f | %.3f | **%.2f** | %.0f | %.0f | %.0f | %.2f |" %
                      (mode, seconds, threads, us["s"], them["s"], them["s"] / us["s"], us["arena"], us["MB"], them["MB"], us["MB"] / them["MB"]), flush=True)
    print("\nPyTorch %s; load average at the end %.1f" % (them["torch"], os.getloadavg()[0]))


if __name__ == "__main__":
    main()
