"""The recurrence of an SRU for PyTorch on a CUDA device: kernels of a thread for each row and unit, forward and backward, as an
operation that torch.compile keeps in its graphs."""

# As in compare_rtfsnet.py: u [S, N, 2, D, K]: candidate, forget, reset, and, with K = 4, the highway; otherwise x [S, N, 2, D]
# is it. v, b [2 gates, 2, D]; sums [N, 4, 2, D]: of v's two gates, and of b's.
KERNELS = r"""
__device__ inline float sru_sigmoid(float x) { return 1.f / (1.f + expf(-x)); }

template <int K>
__global__ void sru_forward_rows(const float* u, const float* x, const float* v, const float* b, float* c, float* h, long S, long N, long D) {
  const long unit = blockIdx.x * (long)blockDim.x + threadIdx.x;
  if (unit >= 2 * N * D) return;
  const long i = unit / D, d = unit % D, way = i % 2, gate = way * D + d;
  const float vf = v[gate], vr = v[2 * D + gate], bf = b[gate], br = b[2 * D + gate];
  float state = 0;
  for (long j = 0; j < S; ++j) {
    const long at = ((way ? S - 1 - j : j) * N * 2 + i) * D + d;
    const float* ut = u + at * K;
    const float f = sru_sigmoid(ut[1] + vf * state + bf), r = sru_sigmoid(ut[2] + vr * state + br);
    state = f * state + (1.f - f) * ut[0];
    c[at] = state;
    h[at] = r * state + (1.f - r) * (K == 4 ? ut[K - 1] : x[at]);
  }
}

template <int K>
__global__ void sru_backward_rows(const float* u, const float* x, const float* v, const float* b, const float* c, const float* dh, float* du,
                                  float* dx, float* sums, long S, long N, long D) {
  const long unit = blockIdx.x * (long)blockDim.x + threadIdx.x;
  if (unit >= 2 * N * D) return;
  const long i = unit / D, d = unit % D, way = i % 2, gate = way * D + d;
  const float vf = v[gate], vr = v[2 * D + gate], bf = b[gate], br = b[2 * D + gate];
  float dc = 0, dvf = 0, dvr = 0, dbf = 0, dbr = 0;
  for (long j = S - 1; j >= 0; --j) {
    const long at = ((way ? S - 1 - j : j) * N * 2 + i) * D + d;
    const float c0 = j == 0 ? 0.f : c[((way ? S - j : j - 1) * N * 2 + i) * D + d], g = dh[at];
    const float* ut = u + at * K;
    const float f = sru_sigmoid(ut[1] + vf * c0 + bf), r = sru_sigmoid(ut[2] + vr * c0 + br);
    const float dr = g * (c[at] - (K == 4 ? ut[K - 1] : x[at])) * r * (1.f - r), dct = dc + g * r;
    const float df = dct * (c0 - ut[0]) * f * (1.f - f);
    du[at * K] = dct * (1.f - f);
    du[at * K + 1] = df;
    du[at * K + 2] = dr;
    if (K == 4) du[at * K + K - 1] = g * (1.f - r);
    else dx[at] = g * (1.f - r);
    dc = dct * f + df * vf + dr * vr;
    dvf += df * c0;
    dvr += dr * c0;
    dbf += df;
    dbr += dr;
  }
  float* to = sums + (i / 2) * 8 * D + gate;
  to[0] = dvf;
  to[2 * D] = dvr;
  to[4 * D] = dbf;
  to[6 * D] = dbr;
}
"""

BINDING = r"""
#include <torch/extension.h>
#include <vector>
#if defined(__CUDACC__)
#include <c10/cuda/CUDAStream.h>
#define SRU_RUN(kernel, units, ...) kernel<<<(unsigned)((units + 127) / 128), 128, 0, c10::cuda::getCurrentCUDAStream()>>>(__VA_ARGS__)
#else  // the same kernels on the host, a thread after another, to try them
#include <cmath>
#define __global__
#define __device__
static inline float expf_here(float x) { return std::exp(x); }
#define expf expf_here
struct { long x; } static blockIdx, blockDim{1}, threadIdx;
#define SRU_RUN(kernel, units, ...) for (blockIdx.x = 0; blockIdx.x < (units); ++blockIdx.x) kernel(__VA_ARGS__)
#endif
KERNELS_HERE
std::vector<at::Tensor> sru_forward(at::Tensor u, at::Tensor x, at::Tensor v, at::Tensor b) {
  const long S = u.size(0), N = u.size(1), D = u.size(3);
  TORCH_CHECK(u.is_contiguous() && x.is_contiguous() && v.is_contiguous() && b.is_contiguous());
  auto c = at::empty({S, N, 2, D}, u.options()), h = at::empty({S, N, 2, D}, u.options());
  const auto rows = u.size(4) == 4 ? sru_forward_rows<4> : sru_forward_rows<3>;
  SRU_RUN(rows, 2 * N * D, u.data_ptr<float>(), x.data_ptr<float>(), v.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(),
          h.data_ptr<float>(), S, N, D);
  return {h, c};
}
std::vector<at::Tensor> sru_backward(at::Tensor u, at::Tensor x, at::Tensor v, at::Tensor b, at::Tensor c, at::Tensor dh) {
  const long S = u.size(0), N = u.size(1), D = u.size(3);
  TORCH_CHECK(dh.is_contiguous());
  auto du = at::empty_like(u), dx = at::empty_like(x), sums = at::empty({N, 4, 2, D}, u.options());
  const auto rows = u.size(4) == 4 ? sru_backward_rows<4> : sru_backward_rows<3>;
  SRU_RUN(rows, 2 * N * D, u.data_ptr<float>(), x.data_ptr<float>(), v.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(),
          dh.data_ptr<float>(), du.data_ptr<float>(), dx.data_ptr<float>(), sums.data_ptr<float>(), S, N, D);
  return {du, dx, sums};
}
"""


def load(device):
    """The compiled kernels; on the CPU they run there, one thread after another."""
    from torch.utils.cpp_extension import load_inline

    source = BINDING.replace("KERNELS_HERE", KERNELS)
    names = ["sru_forward", "sru_backward"]
    if device == "cpu":
        return load_inline("avss_peer_sru_tried", source, functions=names, extra_cflags=["-O2"])
    declared = ("#include <torch/extension.h>\nstd::vector<at::Tensor> sru_forward(at::Tensor, at::Tensor, at::Tensor, at::Tensor);\n"
                "std::vector<at::Tensor> sru_backward(at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor);\n")
    return load_inline("avss_peer_sru_device", declared, cuda_sources=source, functions=names, extra_cuda_cflags=["-O3", "--use_fast_math"])


def recurrence(device, compiled=True):
    """f(u, x, v, b) -> h, differentiable; for torch.compile, or eager, which pays less for a call of the plainer kind."""
    import torch

    module = load(device)
    if not compiled or not hasattr(torch.library, "custom_op"):  # before 2.4 torch.compile breaks its graph here

        class Recurrence(torch.autograd.Function):
            @staticmethod
            def forward(ctx, u, x, v, b):
                u, x, v, b = (t.contiguous() for t in (u, x, v, b))
                h, c = module.sru_forward(u, x, v, b)
                ctx.save_for_backward(u, x, v, b, c)
                return h

            @staticmethod
            def backward(ctx, dh):
                du, dx, sums = module.sru_backward(*ctx.saved_tensors, dh.contiguous())
                dv, db = sums.sum(0).split(2)
                return du, dx if ctx.needs_input_grad[1] else None, dv, db

        return Recurrence.apply

    Tensor = torch.Tensor

    @torch.library.custom_op("avss_peer::sru_forward", mutates_args=())
    def forward(u: Tensor, x: Tensor, v: Tensor, b: Tensor) -> list[Tensor]:
        return module.sru_forward(u.contiguous(), x.contiguous(), v.contiguous(), b.contiguous())

    @forward.register_fake
    def _(u, x, v, b):
        return [u.new_empty(u.shape[:4]), u.new_empty(u.shape[:4])]

    @torch.library.custom_op("avss_peer::sru_backward", mutates_args=())
    def backward(u: Tensor, x: Tensor, v: Tensor, b: Tensor, c: Tensor, dh: Tensor) -> list[Tensor]:
        return module.sru_backward(u.contiguous(), x.contiguous(), v.contiguous(), b.contiguous(), c.contiguous(), dh.contiguous())

    @backward.register_fake
    def _(u, x, v, b, c, dh):
        return [u.new_empty(u.shape), x.new_empty(x.shape), u.new_empty((u.shape[1], 4, 2, u.shape[3]))]

    def keep(ctx, inputs, output):
        ctx.save_for_backward(*inputs, output[1])

    def back(ctx, grads):
        du, dx, sums = backward(*ctx.saved_tensors, grads[0])
        dv, db = sums.sum(0).split(2)
        return du, dx if ctx.needs_input_grad[1] else None, dv, db

    forward.register_autograd(back, setup_context=keep)
    return lambda u, x, v, b: forward(u, x, v, b)[0]
