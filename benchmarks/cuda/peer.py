#!/usr/bin/env python3
"""The cases of device_benchmark in PyTorch, on the same device: eager, and by torch.compile with CUDA graphs.

    peer.py [--json FILE] [--filter TEXT] [--modes eager,compiled] [--seconds 2] [--limit 400] [--precision tf32] [--ahead 6]

Prints a line for each case; FILE gets lines of JSON, which compare.py joins with ours. Each case runs in a process of its own,
which is ended after --limit seconds; --ahead N: N processes at once compile all cases into the cache of torch.compile before the
first is timed, alone. Float32 throughout, as ours, or products through TF32. A step of training: forward, SI-SNR of the best
permutation, backward, clipping of the norm, AdamW (fused). Conv-TasNet is torchaudio's; RTFS-Net that of
tests/golden/make_rtfsnet_golden.py, its recurrences by kernels that are compiled by nvcc (device_sru.py). Status 77: PyTorch or
a device is missing. --cpu --tiny: a little sound on the CPU, to try the program.
"""
import argparse
import concurrent.futures
import glob
import itertools
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
SKIPPED = 77


def names(tiny):
    """As device_benchmark names them."""
    # What matters most comes first, in case that time is short.
    for size in (1, 4, 32):
        for net in ("rtfsnet_4/2s", "convtasnet/4s", "rtfsnet_12/2s"):
            for what in ("infer", "train"):
                yield "%s/%s/%d" % (what, net.split("/")[0] + "/tiny" if tiny else net, size)


def problem(cpu):
    """Why nothing can be measured, or None."""
    try:
        import torch
    except ImportError as e:
        return "PyTorch is not there (%s); run this with a python that has it" % e
    if not cpu and not torch.cuda.is_available():
        return "PyTorch %s sees no CUDA device" % torch.__version__


def si_snr_loss(estimates, targets):
    """[B, S, T] both: minus the mean SI-SNR in dB of each item's best permutation."""
    import torch

    e = estimates - estimates.mean(-1, keepdim=True)
    t = targets - targets.mean(-1, keepdim=True)
    eps = 1e-8
    scale = torch.einsum("bst,bpt->bsp", e, t) / ((t * t).sum(-1)[:, None] + eps)  # of estimate s to target p
    along = scale[..., None] * t[:, None]
    ratio = (along**2).sum(-1) / (((e[:, :, None] - along) ** 2).sum(-1) + eps)
    db = 10 * torch.log10(ratio + eps)
    best = torch.stack([sum(db[:, s, p] for s, p in enumerate(order)) for order in itertools.permutations(range(db.shape[1]))])
    return -(best.max(0).values / db.shape[1]).mean()


class Case:
    """f(*inputs) -> estimates [B, S, T]; tensors() are trained, buffers() not."""

    def __init__(self, name, device, mode):
        import torch

        what, net, sound, size = name.split("/")
        self.trains, size = what == "train", int(size)
        torch.manual_seed(0)
        if net == "convtasnet":
            import compare_pytorch

            self.net = compare_pytorch.make_network().to(device).train(self.trains)
            length = 400 if sound == "tiny" else 32000
            self.inputs = [0.1 * torch.randn(size, 1, length)]
            self.trained, self.kept, sources = list(self.net.parameters()), list(self.net.buffers()), 2
            self.run = self.net
        else:
            import compare_rtfsnet
            import device_sru

            length, frames = (9600, 15) if sound == "tiny" else (32000, 50)
            chosen = {}
            net = compare_rtfsnet.make_network(int(net.split("_")[1]), self.trains,
                                               recurrence=lambda *a: chosen["recurrence"](*a))
            # Parameters are made when first asked for, on the CPU: once over a little sound, whose recurrences need not be right.
            chosen["recurrence"] = lambda u, x, v, b: u[..., 0] + v.sum() + b.sum()
            with torch.no_grad():
                net.run(torch.randn(1, 9600), torch.randn(1, 512, 15))
            chosen["recurrence"] = device_sru.recurrence(device, mode == "compiled")
            for held in (net.p, net.buffers):
                for n, value in held.items():
                    held[n] = value.detach().to(device).requires_grad_(held is net.p)
            if hasattr(torch, "set_default_device"):  # windows and positions are made in the network
                torch.set_default_device(device)
            self.inputs = [0.1 * torch.randn(size, length, device="cpu"), torch.randn(size, 512, frames, device="cpu")]
            self.trained, self.kept, sources = list(net.p.values()), list(net.buffers.values()), 1
            self.run = lambda x, v: net.run(x, v)[0]
        self.targets = 0.1 * torch.randn(size, sources, length, device="cpu")


def compiled(case, f):
    """With CUDA graphs, of which weights are a part and no input that is copied."""
    import torch

    for t in case.trained + case.kept:
        torch._dynamo.mark_static_address(t)
    return torch.compile(f, mode="reduce-overhead", dynamic=False)


def times(once, seconds, ready=lambda: None):
    for _ in range(4):  # what is compiled, chosen and captured at first
        once()
    ready()
    ms, began = [], time.perf_counter()
    while len(ms) < 5 or time.perf_counter() - began < seconds:
        t = time.perf_counter()
        once()
        ms.append(1e3 * (time.perf_counter() - t))
    return statistics.median(ms), min(ms), len(ms)


def measure(name, mode, seconds, cpu, precision, only_compile=False):
    """One case, here: a dictionary; only_compile: for the cache, without times."""
    import torch

    device = "cpu" if cpu else "cuda"
    torch.backends.cudnn.benchmark = True  # sizes stay the same: the fastest algorithms are found before what counts
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    wait = (lambda: None) if cpu else torch.cuda.synchronize
    case = Case(name, device, mode)
    there = [x.to(device) for x in case.inputs]
    # From and to pinned memory, where a careful program has what it copies.
    pinned = (lambda x: x) if cpu else (lambda x: x.pin_memory())
    inputs = [pinned(x) for x in case.inputs]
    send = lambda x: x.to(device, non_blocking=True)
    result = {"case": name, "by": mode, "precision": precision, "torch": torch.__version__}
    wrap = (lambda f: compiled(case, f)) if mode == "compiled" else (lambda f: f)
    if case.trains:
        targets = pinned(case.targets)
        loss = wrap(lambda targets, *inputs: si_snr_loss(case.run(*inputs), targets))
        optimiser = torch.optim.AdamW(case.trained, lr=1e-3, **({} if cpu else {"fused": True}))

        def once():
            value = loss(send(targets), *[send(x) for x in inputs])
            value.backward()
            torch.nn.utils.clip_grad_norm_(case.trained, 5)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            result["loss"] = float(value)
            wait()
    else:
        run = wrap(case.run)

        kept = []

        def once():
            with torch.no_grad():
                y = run(*[send(x) for x in inputs])
            if not kept:
                kept.append(pinned(torch.empty(y.shape, dtype=y.dtype)))
            kept[0].copy_(y, non_blocking=True)
            wait()
            return kept[0]

        def on_device():
            with torch.no_grad():
                run(*there)
            wait()
    if mode == "compiled" and hasattr(torch, "compiler"):
        plain = once

        def once():
            torch.compiler.cudagraph_mark_step_begin()
            return plain()

    if only_compile:
        once()
        return result
    # Not what cuDNN tried while it chose; graphs, which take theirs when they are captured, keep the whole peak.
    ready = torch.cuda.reset_peak_memory_stats if mode == "eager" and not cpu else (lambda: None)
    result["ms"], result["least_ms"], result["runs"] = times(once, seconds, ready)
    if not case.trains:
        result["device_ms"] = times(on_device, seconds)[0]
    if mode == "compiled":
        from torch._dynamo.utils import counters

        result["cudagraph_skips"] = counters["inductor"]["cudagraph_skips"]
        result["graph_breaks"] = sum(counters["graph_break"].values())
    if not cpu:
        result["peak_bytes"], result["device_bytes"] = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
    return result


def in_process(name, mode, a, *more):
    """measure() in a process of its own; what went wrong is told."""
    command = [sys.executable, os.path.abspath(__file__), "--one", name, "--modes", mode, "--seconds", str(a.seconds), "--precision", a.precision]
    failed = {"case": name, "by": mode, "precision": a.precision}
    try:
        done = subprocess.run(command + ["--cpu"] * a.cpu + list(more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=a.limit)
    except subprocess.TimeoutExpired:
        return dict(failed, problem="not ready after %.0f s" % a.limit)
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    said = [line for line in done.stderr.splitlines() if line.strip()]
    return dict(failed, problem=next((s for s in reversed(said) if "Error" in s), said[-1] if said else "status %d" % done.returncode))


def prepare(chosen, a):
    """What all cases share is made once, before any is timed. Returns what is wrong with RTFS-Net's recurrences, or None."""
    cache = os.path.join(os.path.expanduser("~"), ".cache", "avss_peer")
    os.environ.setdefault("TORCH_EXTENSIONS_DIR", os.path.join(cache, "extensions"))
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", os.path.join(cache, "inductor"))
    for switch in ("TORCHINDUCTOR_FX_GRAPH_CACHE", "TORCHINDUCTOR_AUTOGRAD_CACHE"):
        os.environ.setdefault(switch, "1")
    if any("/rtfsnet" in name for _, name in chosen):
        # Of a process that was killed while it compiled: all later ones would wait for it.
        for lock in glob.glob(os.path.join(os.environ["TORCH_EXTENSIONS_DIR"], "avss_peer_*", "lock")):
            os.remove(lock)
        command = [sys.executable, "-c", "import device_sru; device_sru.load('%s')" % ("cpu" if a.cpu else "cuda")]
        try:
            done = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=a.limit)
        except subprocess.TimeoutExpired:
            return "its recurrences were not compiled in %.0f s" % a.limit
        if done.returncode:
            said = [line for line in done.stdout.splitlines() if "rror" in line]
            return "its recurrences were not compiled (nvcc of PyTorch's CUDA version, ninja?): " + " / ".join(said[:1] + said[-1:])
    ahead = [(mode, name) for mode, name in chosen if mode == "compiled"]
    if a.ahead > 1 and len(ahead) > 1:
        began = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(a.ahead) as pool:
            list(pool.map(lambda c: in_process(c[1], c[0], a, "--only-compile"), ahead))
        print("%d cases compiled ahead in %.0f s" % (len(ahead), time.perf_counter() - began), flush=True)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--json")
    args.add_argument("--filter", default="")
    args.add_argument("--modes", default="eager,compiled")
    args.add_argument("--seconds", type=float, default=2)
    args.add_argument("--limit", type=float, default=400)
    args.add_argument("--precision", default="float32", choices=("float32", "tf32"))
    args.add_argument("--cpu", action="store_true")
    args.add_argument("--tiny", action="store_true")
    args.add_argument("--ahead", type=int, default=0)
    args.add_argument("--one", help=argparse.SUPPRESS)
    args.add_argument("--only-compile", action="store_true", help=argparse.SUPPRESS)
    a = args.parse_args()
    if a.one:
        return print(json.dumps(measure(a.one, a.modes, a.seconds, a.cpu, a.precision, a.only_compile)))
    if why := problem(a.cpu):
        print("skipped: " + why)
        sys.exit(SKIPPED)
    modes = a.modes.split(",")
    for mode in modes:
        if mode not in ("eager", "compiled"):
            sys.exit("peer: --modes takes eager and compiled, not " + mode)
    chosen = [(mode, name) for mode in modes for name in names(a.tiny) if a.filter in name]
    if wrong := prepare(chosen, a):
        print("Error: RTFS-Net is not measured: " + wrong, flush=True)
        chosen = [(mode, name) for mode, name in chosen if "/rtfsnet" not in name]
    lines = open(a.json, "a") if a.json else None
    for mode, name in chosen:
        r = in_process(name, mode, a)
        if "problem" in r:
            print("%-26s %-9s not measured: %s" % (name, mode, r["problem"]), flush=True)
        else:
            print("%-26s %-9s %10.3f ms, %.3f at least, device %.3f, peak %.0f MB" %
                  (name, mode, r["ms"], r["least_ms"], r.get("device_ms", 0), r.get("peak_bytes", 0) / 1e6), flush=True)
        if lines:
            print(json.dumps(r), file=lines, flush=True)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
