#!/usr/bin/env python3
"""RTFS-Net, ours against PyTorch, on this machine and in one run; prints a Markdown table of ratios.

    ./bazelw build //benchmarks:rtfsnet_benchmark
    python3 -m venv /tmp/peer && /tmp/peer/bin/pip install torch numpy ninja
    /tmp/peer/bin/python benchmarks/compare_rtfsnet.py [--rounds 3] [--threads 1,2] [--cases infer/rtfsnet_4/2s,...]

The peer is the network of tests/golden/make_rtfsnet_golden.py in float32 at the paper's sizes, its SRUs' recurrences in C++
(below), forward and backward, threads over the rows. Each case runs in processes of its own, ours and the peer's in turn,
`rounds` times; the least time of each counts, with one thread that of the processor, with several that of the clock. Memory is
the peak resident size of the process; the peer's also without what it held before its network was made (interpreter, libraries,
the compiled recurrence).
"""
import argparse
import os
import sys

import against

CASES = "infer/rtfsnet_4/2s,infer/rtfsnet_12/2s,infer/rtfsnet_4/10s,train/rtfsnet_4/2s"

# u [S, N, 2, D, K]: candidate, forget, reset, and, with K = 4, the highway; otherwise x [S, N, 2, D] is it. v, b [2 gates, 2, D].
SRU = r"""
#include <torch/extension.h>
#include <cmath>
#include <vector>
namespace {
inline float sigmoid(float x) { return 1.f / (1.f + std::exp(-x)); }
constexpr int64_t most = 64;

template <int64_t K>
void forward_rows(const float* u, const float* x, const float* v, const float* b, float* c, float* h, int64_t S, int64_t N, int64_t D,
                  int64_t from, int64_t to) {
  for (int64_t i = from; i < to; ++i) {
    const int64_t way = i % 2;
    const float *vf = v + way * D, *vr = v + (2 + way) * D, *bf = b + way * D, *br = b + (2 + way) * D;
    float state[most] = {};
    for (int64_t j = 0; j < S; ++j) {
      const int64_t at = ((way ? S - 1 - j : j) * N * 2 + i) * D;
      const float *ut = u + at * K, *xt = x + at;
      for (int64_t d = 0; d < D; ++d) {
        const float f = sigmoid(ut[d * K + 1] + vf[d] * state[d] + bf[d]), r = sigmoid(ut[d * K + 2] + vr[d] * state[d] + br[d]);
        state[d] = f * state[d] + (1.f - f) * ut[d * K];
        const float way_out = K == 4 ? ut[d * K + K - 1] : xt[d];
        c[at + d] = state[d];
        h[at + d] = r * state[d] + (1.f - r) * way_out;
      }
    }
  }
}
template <int64_t K>
void backward_rows(const float* u, const float* x, const float* v, const float* b, const float* c, const float* dh, float* du, float* dx,
                   float* dv, float* db, int64_t S, int64_t N, int64_t D, int64_t from, int64_t to) {
  for (int64_t i = from; i < to; ++i) {
    const int64_t way = i % 2;
    const float *vf = v + way * D, *vr = v + (2 + way) * D, *bf = b + way * D, *br = b + (2 + way) * D;
    float dc[most] = {}, sums[4][most] = {};
    for (int64_t j = S - 1; j >= 0; --j) {
      const int64_t at = ((way ? S - 1 - j : j) * N * 2 + i) * D;
      const float* before = j == 0 ? nullptr : c + ((way ? S - j : j - 1) * N * 2 + i) * D;
      const float *ut = u + at * K, *xt = x + at;
      for (int64_t d = 0; d < D; ++d) {
        const float c0 = before ? before[d] : 0.f, g = dh[at + d];
        const float f = sigmoid(ut[d * K + 1] + vf[d] * c0 + bf[d]), r = sigmoid(ut[d * K + 2] + vr[d] * c0 + br[d]);
        const float way_out = K == 4 ? ut[d * K + K - 1] : xt[d];
        const float dr = g * (c[at + d] - way_out) * r * (1.f - r), dct = dc[d] + g * r;
        const float df = dct * (c0 - ut[d * K]) * f * (1.f - f);
        du[(at + d) * K] = dct * (1.f - f);
        du[(at + d) * K + 1] = df;
        du[(at + d) * K + 2] = dr;
        if (K == 4) du[(at + d) * K + K - 1] = g * (1.f - r);
        else dx[at + d] = g * (1.f - r);
        dc[d] = dct * f + df * vf[d] + dr * vr[d];
        sums[0][d] += df * c0;
        sums[1][d] += dr * c0;
        sums[2][d] += df;
        sums[3][d] += dr;
      }
    }
    for (int64_t d = 0; d < D; ++d) {  // of this row: [N, 2 gates, 2, D]
      const int64_t row = (i / 2) * 4 * D + way * D + d;
      dv[row] = sums[0][d];
      dv[row + 2 * D] = sums[1][d];
      db[row] = sums[2][d];
      db[row + 2 * D] = sums[3][d];
    }
  }
}
}  // namespace

std::vector<at::Tensor> sru_forward(at::Tensor u, at::Tensor x, at::Tensor v, at::Tensor b) {
  const int64_t S = u.size(0), N = u.size(1), D = u.size(3);
  auto c = at::empty({S, N, 2, D}, u.options()), h = at::empty({S, N, 2, D}, u.options());
  TORCH_CHECK(D <= most && u.is_contiguous() && x.is_contiguous() && v.is_contiguous() && b.is_contiguous());
  const auto rows = u.size(4) == 4 ? forward_rows<4> : forward_rows<3>;
  at::parallel_for(0, 2 * N, 4, [&](int64_t from, int64_t to) {
    rows(u.data_ptr<float>(), x.data_ptr<float>(), v.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), h.data_ptr<float>(), S, N, D, from, to);
  });
  return {h, c};
}
std::vector<at::Tensor> sru_backward(at::Tensor u, at::Tensor x, at::Tensor v, at::Tensor b, at::Tensor c, at::Tensor dh) {
  const int64_t S = u.size(0), N = u.size(1), D = u.size(3);
  auto du = at::empty_like(u), dx = at::empty_like(x);
  auto dv = at::empty({N, 2, 2, D}, u.options()), db = at::empty({N, 2, 2, D}, u.options());
  dh = dh.contiguous();
  const auto rows = u.size(4) == 4 ? backward_rows<4> : backward_rows<3>;
  at::parallel_for(0, 2 * N, 4, [&](int64_t from, int64_t to) {
    rows(u.data_ptr<float>(), x.data_ptr<float>(), v.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), dh.data_ptr<float>(),
         du.data_ptr<float>(), dx.data_ptr<float>(), dv.data_ptr<float>(), db.data_ptr<float>(), S, N, D, from, to);
  });
  return {du, dx, dv.sum(0), db.sum(0)};
}
"""


def compiled_sru():
    import torch
    from torch.utils.cpp_extension import load_inline

    module = load_inline("avss_peer_sru", SRU, functions=["sru_forward", "sru_backward"],
                         extra_cflags=["-O3", "-march=native", "-ffast-math", "-fopenmp"])

    class Recurrence(torch.autograd.Function):
        @staticmethod
        def forward(ctx, u, x, v, b):
            h, c = module.sru_forward(u, x, v, b)
            ctx.save_for_backward(u, x, v, b, c)
            return h

        @staticmethod
        def backward(ctx, dh):
            du, dx, dv, db = module.sru_backward(*ctx.saved_tensors, dh)
            return du, dx if ctx.needs_input_grad[1] else None, dv, db

    return Recurrence.apply


def make_network(passes, batch_statistics, compiled=True, recurrence=None):
    """The paper's network with random weights; compiled: its recurrences in C++, or those that are given, in float32."""
    sys.path.insert(0, os.path.join(against.ROOT, "tests", "golden"))
    import make_rtfsnet_golden as golden
    import torch

    dtype = torch.float32 if compiled else torch.float64
    if compiled:
        double_hann = golden.hann
        golden.hann = lambda n: double_hann(n).float()
    sizes = golden.variant(window=256, channels=256, hidden=64, passes=passes, rnn_window=8, rnn_hidden=32, rnn_layers=4, heads=4,
                           attention_channels=4, video_channels=512, video_hidden=64, video_heads=8, fusion_heads=4, tail="exact",
                           batch_statistics=batch_statistics)
    recurrence = recurrence or (compiled_sru() if compiled else None)
    generator = torch.Generator().manual_seed(1)

    def draw(name, shape):
        leaf = name.rsplit(".", 1)[-1]
        r = 2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1
        if leaf == "running_var":
            return (1 + 0.5 * r).to(dtype)
        if leaf == "running_mean":
            return (0.3 * r).to(dtype)
        fan = max(1, r[0].numel()) if r.dim() > 1 else 4
        return (r / fan**0.5 + (1.0 if r.dim() == 1 and leaf in ("weight", "gamma") else 0.0)).to(dtype).requires_grad_()

    class Network(golden.network):
        def sru(self, name, x):
            if not compiled:
                return super().sru(name, x)
            d = self.v.rnn_hidden
            for layer in range(self.v.rnn_layers):
                q = f"{name}rnn_lst.{layer}."
                steps, n, width = x.shape
                k = 3 if width == 2 * d else 4
                u = (x.reshape(-1, width) @ self.get(q + "weight", width, 2 * d * k)).view(steps, n, 2, d, k)
                highway = x.view(steps, n, 2, d) if k == 3 else u.new_empty(0)
                v, b = (self.get(q + w, 4 * d).view(2, 2, d) for w in ("weight_c", "bias"))
                x = recurrence(u, highway, v, b).view(steps, n, 2 * d)
            return x

    return Network(sizes, draw)


def inputs(seconds, faces, dtype):
    import torch

    torch.manual_seed(0)
    return (0.1 * torch.randn(1, round(16000 * seconds))).to(dtype), torch.randn(faces, 512, round(25 * seconds)).to(dtype)


def run_peer(case, threads):
    import torch

    torch.set_num_threads(threads)
    mode, preset, seconds = case.split("/")
    compiled_sru()
    before = against.resident_megabytes()
    net = make_network(int(preset.split("_")[1]), mode == "train")
    x, v = inputs(int(seconds[:-1]), 1, torch.float32)

    def once():
        if mode == "infer":
            with torch.inference_mode():
                return net.run(x, v)
        for p in net.p.values():
            p.grad = None
        y, _ = net.run(x, v)
        return y.backward(torch.full_like(y, 1e-3))

    against.print_peer(once, threads, 4, before)


def check():
    """The peer against its golden script, plain loops in double: values and gradients."""
    import torch

    torch.set_num_threads(1)
    results = []
    for compiled in (False, True):
        net = make_network(2, False, compiled)
        y, _ = net.run(*inputs(0.2, 1, torch.float32 if compiled else torch.float64))
        y.backward(torch.cos(torch.arange(y.numel(), dtype=y.dtype)).view_as(y))
        results.append({"output": y.detach(), **{n: p.grad for n, p in net.p.items()}})
    right, fast = results
    largest = max(float(g.norm()) for n, g in right.items() if n != "output")
    far = {n: float((a - fast[n]).norm()) / (float(a.norm()) if n == "output" else max(float(a.norm()), 1e-3 * largest)) for n, a in right.items()}
    worst = max(far, key=far.get)
    print("output differs by %.1e, gradients by up to %.1e, that of %s" % (far["output"], far[worst], worst))
    return far[worst]


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--peer":
        return run_peer(sys.argv[2], int(sys.argv[3]))
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--rounds", type=int, default=3)
    args.add_argument("--threads", default="1,2")
    args.add_argument("--cases", default=CASES)
    args.add_argument("--check", action="store_true", help="compare the peer's compiled recurrence with plain loops instead")
    a = args.parse_args()
    if a.check:
        sys.exit(check() > 1e-3)
    print("| case | threads | ours, s | PyTorch, s | times faster | ours: arena, MB | ours: peak, MB | PyTorch: peak, MB | net | memory ratio, net |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for case in a.cases.split(","):
        for threads in map(int, a.threads.split(",")):
            u, t = against.compare(a.rounds, lambda: against.ours("rtfsnet_benchmark", "%s/faces:1/threads:%d" % (case, threads), threads),
                                   lambda: against.peer(__file__, (case, threads), threads))
            net = t["MB"] - t["before"]
            print("| %s | %d | %.3f | %.3f | **%.2f** | %.0f | %.0f | %.0f | %.0f | %.2f |" %
                  (case, threads, u["s"], t["s"], t["s"] / u["s"], u["arena"], u["MB"], t["MB"], net, u["MB"] / net), flush=True)
    for threads in map(int, a.threads.split(",")):
        one, two = (against.ours("rtfsnet_benchmark", "infer/rtfsnet_4/2s/faces:%d/threads:%d" % (f, threads), threads)["s"] for f in (1, 2))
        print("\ntwo faces on %d threads: %.3f s, %.2f times one" % (threads, two, two / one))
    print("\nPyTorch %s; load average at the end %.1f" % (t["torch"], os.getloadavg()[0]))


if __name__ == "__main__":
    main()
