// Operations on maps and sequences at and around the edges of the CPU kernels' vectors and blocks, as lists of cases:
// body(case) for every one of a family.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <tests/op/fusion_cases.hpp>
#include <tests/op/map_cases.hpp>
#include <tests/op/sequence_cases.hpp>

namespace avss::test {

namespace detail {

// One value, frame or bin; below, at and above sixteen and its multiples, and blocks of 64 frames and 256 values.
inline constexpr op::map_size map_sizes[] = {{1, 1, 1, 1},  {2, 3, 5, 7},   {1, 4, 1, 16},   {2, 5, 9, 17},
                                             {3, 16, 2, 2}, {1, 3, 65, 33}, {1, 2, 130, 31}, {1, 33, 3, 15},
                                             {2, 2, 64, 1}, {1, 2, 7, 129}, {1, 1, 3, 300},  {2, 70, 1, 1}};

// Counts through combinations of options.
class chooser {
 public:
  explicit chooser(int at) : left_(at) {}
  int of(int n) {
    const int v = left_ % n;
    left_ /= n;
    return v;
  }
  bool coin() { return of(2) == 1; }

 private:
  int left_;
};

template <class Body>
void sweep_maps(int combinations, Body&& body) {
  int i = 0;
  for (const op::map_size& n : map_sizes)
    for (int k = 0; k < combinations; ++k, ++i) {
      SCOPED_TRACE("map " + std::to_string(n.batch) + " x " + std::to_string(n.channels) + " x " + std::to_string(n.frames) +
                   " x " + std::to_string(n.bins) + ", combination " + std::to_string(i));
      body(n, chooser(i * 7919 % 16384));
    }
}

}  // namespace detail

template <class Body>
void sweep_map_norm(Body&& body) {
  detail::sweep_maps(40, [&](const op::map_size& n, detail::chooser o) {
    map_norm_case c{n, {}};
    c.use.over = norms_over[o.of(5)];
    c.use.pre = curves[o.of(4)];
    c.use.post = curves[o.of(4)];
    c.use.fixed = o.coin();
    c.plus = o.coin();
    c.accumulate = o.coin();
    c.in_place = !c.accumulate && o.coin();
    body(c);
  });
  body(map_norm_case{{1, 5, 90, 129}, {norm_over::item, curve::prelu}});  // more values than are summed at once
}

template <class Body>
void sweep_conv2d(Body&& body) {
  struct kernel {
    dim_t t, f;
  };
  constexpr kernel kernels[] = {{3, 3}, {4, 4}, {3, 1}, {1, 1}, {4, 1}, {2, 5}};
  detail::sweep_maps(12, [&](const op::map_size& n, detail::chooser o) {
    const kernel k = kernels[o.of(6)];
    conv2d_case c{n, 1 + 2 * o.of(3), {k.t, k.f, 1, 1, (k.t - 1) / 2, (k.f - 1) / 2, n.frames, n.bins}};
    c.transposed = o.coin();
    c.bias = o.coin();
    c.want_dx = o.coin();
    if (n.channels < 20) body(c);

    const dim_t stride = 1 + o.of(3);
    const auto left = [](dim_t of) { return of > 1 ? (of - 1) / 2 : 0; };
    const auto fits = [&](dim_t size, dim_t of) { return (size + 2 * left(of) - of) / stride + 1; };
    depthwise2d_case d{n, {k.t, k.f, stride, stride, left(k.t), left(k.f), fits(n.frames, k.t), fits(n.bins, k.f)}};
    if (stride == 1) d.s.frames = n.frames, d.s.bins = n.bins;
    d.bias = o.coin();
    d.accumulate = o.coin();
    if (d.s.frames > 0 && d.s.bins > 0 && n.frames + 2 * d.s.left_t >= k.t && n.bins + 2 * d.s.left_f >= k.f) body(d);

    grouped_pointwise_case g{n.batch, n.channels, 1 + o.of(3), 1 + o.of(4), n.plane()};
    g.bias = o.coin();
    g.accumulate = o.coin();
    body(g);
  });
}

template <class Body>
void sweep_resize(Body&& body) {
  constexpr norm_over overs[] = {norm_over::item, norm_over::channel, norm_over::none, norm_over::position, norm_over::frame};
  detail::sweep_maps(8, [&](const op::map_size& n, detail::chooser o) {
    const auto part = [&](dim_t of) {
      return std::max<dim_t>(1, std::array{of, of / 2, of - 1, of / 5}[std::size_t(o.of(4))]);
    };
    const dim_t frames = part(n.frames), bins = part(n.bins);
    body(pool_case{n, frames, bins});
    body(inject_case{n, frames, bins, overs[o.of(5)], o.coin()});
  });
}

template <class Body>
void sweep_fusion(Body&& body) {
  detail::sweep_maps(8, [&](const op::map_size& one, detail::chooser o) {
    const dim_t share = 1 + o.of(3);
    const op::map_size n{one.batch * share, one.channels, one.frames, one.bins};
    const bool option = o.coin();
    body(gateway_case{n, share, option, option && o.coin()});
    body(fusion_case{n, share, 1 + o.of(static_cast<int>(std::min<dim_t>(n.frames, 20))), o.coin()});
    body(complex_mask_case{n.batch, share, 2 * n.channels, n.plane(), o.coin()});
    body(head_softmax_case{n.batch, n.channels, share, n.frames});
    body(dropout_case{n.batch, n.channels, n.bins, o.coin() ? 0.4 : 0.0, option});
    body(dropout_case{1, n.size(), 1, 0.4, option});
  });
}

template <class Body>
void sweep_sequence(Body&& body) {
  detail::sweep_maps(8, [&](const op::map_size& n, detail::chooser o) {
    walk_case c{{n, o.coin()}, {}};
    c.use.over = norms_over[o.of(5)];
    c.table = o.coin();
    c.plus = o.coin();
    body(c);
    if (n.frames < 40 && n.bins < 40) {
      const dim_t window = 1 + o.of(4), steps = window + n.frames / 2;
      window_linear_case l{{steps, n.bins, n.channels, window, 1 + 8 * o.of(3)}, o.coin()};
      l.bias = o.coin();
      l.accumulate = o.coin();
      body(l);
      body(window_fold_case{n.frames, n.bins, n.channels, window, 1 + 8 * o.of(3)});
    }
  });
  body(window_linear_case{{12, 120, 4, 3, 5}, true});  // several tiles and groups
  body(window_fold_case{12, 120, 4, 3, 5});
}

template <class Body>
void sweep_recurrent(Body&& body) {
  for (dim_t hidden : {1, 2, 16, 19, 32})
    for (dim_t rows : {1, 7, 8, 9, 17})
      for (dim_t steps : {1, 2, 6})
        for (dim_t products : {3, 4}) {
          SCOPED_TRACE(std::to_string(hidden) + " units, " + std::to_string(rows) + " rows, " + std::to_string(steps) +
                       " steps");
          body(sru_case{{steps, rows, hidden, products}, (rows + steps) % 2 == 0});
          body(lstm_case{{steps, rows * 5, hidden, 2 * hidden, products == 3}});
        }
  body(sru_case{{200, 2, 16, 4}});
  body(lstm_case{{300, 4, 5, 10, true}});
}

template <class Body>
void sweep_attention(Body&& body) {
  for (dim_t length : {1, 3, 16, 63, 65, 130})
    for (double rate : {0.0, 0.3}) {
      SCOPED_TRACE(std::to_string(length) + " frames, rate " + std::to_string(rate));
      body(attention_case{2, 1, length, 5, 7, false, rate});
      body(attention_case{1, 3, length, 16, 33, false, rate});
      body(attention_case{2, 2, length, 8, 8, true, rate});
    }
  for (dim_t bins : {1, 5, 16, 33}) {
    body(stacked_pointwise_case{2, 3, bins * 9, 2, 5});
    for (dim_t frames : {1, 9, 40}) body(head_norm_case{2, 3, frames, bins, 1});
    body(swap_axes_case{2, 3, 4, bins});
  }
}

template <class Body>
void sweep_spectrum(Body&& body) {
  for (const op::framing& n : {op::framing{2, 21, 21, 8, 4},
                               {1, 24, 24, 8, 4},
                               {1, 19, 24, 8, 4},
                               {1, 3, 16, 8, 4},
                               {2, 300, 320, 64, 32},
                               {1, 641, 641, 10, 5}}) {
    SCOPED_TRACE(std::to_string(n.given) + " samples of " + std::to_string(n.length));
    body(stft_case{n});
    body(istft_case{n, n.given});
    body(istft_case{n, n.given / n.hop * n.hop});
  }
}

// All of them.
template <class Body>
void sweep_maps_and_sequences(Body&& body) {
  sweep_map_norm(body);
  sweep_conv2d(body);
  sweep_resize(body);
  sweep_fusion(body);
  sweep_sequence(body);
  sweep_recurrent(body);
  sweep_attention(body);
  sweep_spectrum(body);
}

}  // namespace avss::test
