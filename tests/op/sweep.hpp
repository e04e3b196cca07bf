// The operations of a backend against their definition, over many sizes: one call for each family.
#pragma once

#include <string>
#include <tests/op/cases.hpp>
#include <tests/support/against_reference.hpp>

namespace avss::test {

namespace detail {

// Runs through the combinations of options from size to size, so that each meets every kind of size.
class options {
 public:
  explicit options(int at) : left_(at) {}
  int of(int n) {
    const int v = left_ % n;
    left_ /= n;
    return v;
  }
  bool coin() { return of(2) == 1; }
  norm_kind norm() { return norm_kinds[of(4)]; }

 private:
  int left_;
};

template <class Body>
void sweep(Body&& body) {
  int i = 0;
  for (const op_size& s : op_sizes())
    for (int twice = 0; twice < 4; ++twice, ++i) {
      SCOPED_TRACE("batch " + std::to_string(s.batch) + " channels " + std::to_string(s.channels) + " frames " +
                   std::to_string(s.frames) + " combination " + std::to_string(i));
      body(s, options(i * 7919 % 16384));
    }
}

}  // namespace detail

template <class Backend>
void check_act_norm(double limit = 2e-4, Backend backend = {}) {
  detail::sweep([&](const op_size& s, detail::options o) {
    act_norm_case c{s.batch, s.channels, s.frames, {}};
    c.use.norm = o.norm();
    c.use.slope = o.coin();
    c.accumulate = o.coin();
    c.in_place = !c.accumulate && o.coin();
    check_against_reference(c, limit, backend);
  });
}

template <class Backend>
void check_pointwise(double limit = 2e-4, Backend backend = {}) {
  constexpr dim_t outs[] = {1, 5, 16, 33};
  detail::sweep([&](const op_size& s, detail::options o) {
    pointwise_case c{s.batch, s.channels, s.frames, {}};
    c.use.norm = o.norm();
    c.use.slope = o.coin();
    const bool two = o.coin();
    c.outs = {outs[o.of(4)]};
    c.bias = o.coin();
    c.residual = o.of(3);
    if (two) {
      c.outs.push_back(outs[o.of(4)]);
    } else {
      c.next.norm = o.norm();
      c.next.slope = o.coin();
    }
    c.accumulate = c.use.norm == norm_kind::none && o.coin();
    check_against_reference(c, limit, backend);
  });
}

template <class Backend>
void check_depthwise(double limit = 2e-4, Backend backend = {}) {
  constexpr dim_t kernels[] = {3, 1, 5, 3}, dilations[] = {1, 2, 8, 128};
  detail::sweep([&](const op_size& s, detail::options o) {
    depthwise_case c{s.batch, s.channels, s.frames, kernels[o.of(4)], dilations[o.of(4)]};
    c.causal = o.coin();
    if (c.causal) ++c.kernel;
    c.use.norm = o.norm();
    c.use.slope = o.coin();
    c.next.norm = o.norm();
    c.next.slope = o.coin();
    c.bias = o.coin();
    c.in_place = o.coin();
    check_against_reference(c, limit, backend);
  });
}

template <class Backend>
void check_filterbank(double limit = 2e-4, Backend backend = {}) {
  struct frame {
    dim_t window, stride;
  };
  constexpr frame framings[] = {{4, 2}, {16, 8}, {5, 2}, {20, 10}, {32, 16}, {7, 3}, {8, 8}};
  detail::sweep([&](const op_size& s, detail::options o) {
    const frame f = framings[o.of(7)];
    // Frames that begin before the first sample, and samples that no frame covers or that end within one.
    const dim_t left = o.coin() ? f.stride : 0;
    const dim_t covered = (s.frames - 1) * f.stride + f.window - left;
    const dim_t length = std::max<dim_t>(1, covered + o.of(4) - 2);
    analysis_case a{s.batch, length, s.channels, f.window, f.stride, s.frames, left};
    a.act = o.coin() ? activation::relu : activation::identity;
    a.bias = o.coin();
    a.next.norm = o.norm();
    a.want_dx = o.coin();
    check_against_reference(a, limit, backend);

    constexpr dim_t ins[] = {1, 6, 16, 35};
    synthesis_case m{s.batch, ins[o.of(4)], 1 + o.of(3), s.channels, f.window, f.stride, s.frames, left, length};
    constexpr activation acts[] = {activation::sigmoid, activation::relu, activation::softmax};
    m.act = acts[o.of(3)];
    m.slope = o.coin();
    m.mask_bias = o.coin();
    m.bias = o.coin();
    // Beyond where e^x leaves float: made of its bits, it would come out as a small number of 200, as a large one of 133.
    constexpr double far_logits[] = {0, 133, 200};
    m.far_logits = far_logits[(s.channels + s.frames) % 3];
    m.mask_bias = m.mask_bias || m.far_logits != 0;
    check_against_reference(m, limit, backend);
  });
}

template <class Backend>
void check_copy(double limit = 0, Backend backend = {}) {
  detail::sweep([&](const op_size& s, detail::options o) {
    copy_case c{s.batch * s.channels, s.frames, s.frames, s.frames};
    c.accumulate = o.coin();
    c.from_pitch += o.of(3);
    c.to_pitch += o.of(3);
    check_against_reference(c, limit, backend);
  });
  check_against_reference<Backend>(copy_case{1, 100003, 100003, 100003, true}, limit, backend);
  check_against_reference<Backend>(copy_case{3, 40000, 40001, 40000, false}, limit, backend);
}

}  // namespace avss::test
