// The operations on maps and sequences of a backend against their definition, over many sizes: one call for each family.
#pragma once

#include <string>
#include <tests/op/fusion_cases.hpp>
#include <tests/op/map_cases.hpp>
#include <tests/op/sequence_cases.hpp>
#include <tests/support/against_reference.hpp>

namespace avss::test {

// At and around the edges of vectors and tiles; bins of the real networks (129, halved 64) among them.
inline std::vector<op::map_size> map_sizes() {
  std::vector<op::map_size> all;
  for (dim_t bins : {1, 7, 16, 33, 64, 129})
    for (dim_t frames : {1, 2, 5, 17})
      for (dim_t channels : {1, 4, 17}) all.push_back({1 + (bins + frames) % 2, channels, frames, bins});
  all.push_back({1, 64, 9, 64});
  all.push_back({1, 2, 300, 31});
  return all;
}

// body(size, i): i counts up, for choosing options.
template <class Body>
void sweep_maps(Body&& body) {
  int i = 0;
  for (const op::map_size& n : map_sizes()) {
    SCOPED_TRACE("batch " + std::to_string(n.batch) + " channels " + std::to_string(n.channels) + " frames " +
                 std::to_string(n.frames) + " bins " + std::to_string(n.bins));
    body(n, i++);
  }
}

template <class Backend>
void check_map_norm(double limit = 2e-4, Backend backend = {}) {
  sweep_maps([&](const op::map_size& n, int i) {
    for (norm_over over : norms_over)
      for (curve post : curves) {
        const curve pre = curves[i % 3];
        check_against_reference(map_norm_case{n, {over, pre, post, i % 5 == 0}, i % 2 == 0, i % 3 == 0, i % 3 == 1}, limit,
                                backend);
        ++i;
      }
  });
}

template <class Backend>
void check_spectrum(double limit = 2e-4, Backend backend = {}) {
  for (dim_t hop : {4, 16, 128})
    for (dim_t length : {9 * hop, 9 * hop + 1, 10 * hop - 1, 40 * hop})
      for (dim_t missing : {dim_t{0}, hop / 2}) {
        SCOPED_TRACE("hop " + std::to_string(hop) + " length " + std::to_string(length));
        const op::framing n{1 + length % 2, length - missing, length, 2 * hop, hop};
        check_against_reference(stft_case{n}, limit, backend);
        // What the falling half of one window covers alone is as wrong as the sum of the squared windows there is small.
        check_against_reference(istft_case{n, n.given / hop * hop}, limit, backend);
      }
}

template <class Backend>
void check_conv2d(double limit = 2e-4, Backend backend = {}) {
  sweep_maps([&](const op::map_size& n, int i) {
    const bool bias = i % 2, transposed = i % 3 == 0, accumulate = i % 5 < 2;
    const dim_t out = 1 + i % 3 * 8;
    check_against_reference(conv2d_case{n, out, {3, 3, 1, 1, 1, 1, n.frames, n.bins}, transposed, bias, i % 7 > 0}, limit,
                            backend);
    check_against_reference(conv2d_case{n, out, {3, 1, 1, 1, 1, 0, n.frames, n.bins}, transposed, bias}, limit, backend);
    for (dim_t kernel : {3, 4}) {
      const dim_t left = (kernel - 1) / 2;
      const auto half = [&](dim_t extent) { return (extent + 2 * left - kernel) / 2 + 1; };
      const dim_t wide = n.bins > 1 ? kernel : 1, left_f = n.bins > 1 ? left : 0;
      check_against_reference(depthwise2d_case{n, {kernel, wide, 1, 1, left, left_f, n.frames, n.bins}, bias, accumulate},
                              limit, backend);
      if (n.frames > 1)
        check_against_reference(
            depthwise2d_case{n,
                             {kernel, wide, 2, n.bins > 1 ? 2 : 1, left, left_f, half(n.frames), n.bins > 1 ? half(n.bins) : 1},
                             bias,
                             accumulate},
            limit, backend);
    }
    check_against_reference(grouped_pointwise_case{n.batch, n.channels, 1 + i % 3, 1 + i % 4, n.plane(), bias, accumulate},
                            limit, backend);
  });
}

template <class Backend>
void check_resize(double limit = 2e-4, Backend backend = {}) {
  sweep_maps([&](const op::map_size& n, int i) {
    const dim_t frames = std::max<dim_t>(1, n.frames / 2), bins = std::max<dim_t>(1, n.bins / (1 + i % 2));
    check_against_reference(pool_case{n, frames, bins}, limit, backend);
    const norm_over over = i % 2 ? norm_over::item : norm_over::channel;
    check_against_reference(inject_case{n, frames, bins, over, i % 3 == 0}, limit, backend);
    check_against_reference(inject_case{n, n.frames, n.bins, over, i % 3 != 0}, limit, backend);
  });
}

template <class Backend>
void check_fusion(double limit = 2e-4, Backend backend = {}) {
  sweep_maps([&](op::map_size n, int i) {
    const dim_t share = 1 + i % 3;
    n.batch *= share;
    check_against_reference(gateway_case{n, share, i % 4 > 0, i % 2 == 0}, limit, backend);
    check_against_reference(fusion_case{n, share, std::max<dim_t>(1, n.frames / 3), i % 2 == 0}, limit, backend);
    check_against_reference(head_softmax_case{n.batch, n.channels, 1 + i % 4, n.plane()}, limit, backend);
    check_against_reference(complex_mask_case{n.batch, share, 2 * n.channels, n.plane(), i % 2 == 0}, limit, backend);
    check_against_reference(dropout_case{n.batch, n.channels, n.plane(), 0.3, i % 2 == 0}, limit, backend);
    check_against_reference(dropout_case{1, n.size(), 1, 0.1, i % 2 == 0}, limit, backend);
  });
}

template <class Backend>
void check_sequence(double limit = 2e-4, Backend backend = {}) {
  sweep_maps([&](const op::map_size& n, int i) {
    const bool option = i % 2;
    for (bool along_bins : {false, true}) {
      check_against_reference(walk_case{{n, along_bins}, {norm_over::position}, option, !option}, limit, backend);
      check_against_reference(walk_case{{n, along_bins}, {}, !option, option}, limit, backend);
    }
    const dim_t window = n.bins > 8 ? 8 : 1, out = i % 3 ? 16 : 5;
    check_against_reference(window_linear_case{{n.bins, n.frames, n.channels, window, out}, option, i % 3 == 0, i % 5 == 0},
                            limit, backend);
    check_against_reference(window_fold_case{n.bins, n.frames, n.channels, 1 + i % 8, out}, limit, backend);
  });
}

template <class Backend>
void check_recurrent(double limit = 2e-4, Backend backend = {}) {
  for (dim_t steps : {1, 2, 9, 57})
    for (dim_t rows : {1, 3, 16, 33})
      for (dim_t hidden : {1, 5, 16, 32}) {
        SCOPED_TRACE("steps " + std::to_string(steps) + " rows " + std::to_string(rows) + " hidden " + std::to_string(hidden));
        const bool option = (steps + rows) % 2;
        for (dim_t products : {3, 4})
          check_against_reference(sru_case{{steps, rows, hidden, products}, option}, limit, backend);
        // Weights of up to one, thirty-two of them: chaotic after some steps, whatever the arithmetic.
        if (steps <= 9)
          for (bool backward : {false, true})
            check_against_reference(lstm_case{{steps, rows, hidden, option ? hidden : 2 * hidden, backward}}, 10 * limit,
                                    backend);
      }
}

template <class Backend>
void check_attention(double limit = 2e-4, Backend backend = {}) {
  for (dim_t length : {1, 2, 17, 65})
    for (dim_t width : {1, 8, 33}) {
      SCOPED_TRACE("length " + std::to_string(length) + " width " + std::to_string(width));
      const double rate = length % 3 ? 0 : 0.1;
      check_against_reference(attention_case{3, 1, length, width, 2 * width + 1, false, rate}, limit, backend);
      check_against_reference(attention_case{2, length, 4, width, width + 3, false, rate}, limit, backend);
      check_against_reference(attention_case{2, 2, length, width, width, true, rate}, limit, backend);
    }
  sweep_maps([&](const op::map_size& n, int i) {
    check_against_reference(stacked_pointwise_case{n.batch, n.channels, n.plane(), 1 + i % 5, 16}, limit, backend);
    check_against_reference(head_norm_case{n.batch, n.channels, n.frames, n.bins, i % 3}, limit, backend);
    check_against_reference(swap_axes_case{n.batch, n.channels, n.frames, n.bins}, limit, backend);
  });
}

}  // namespace avss::test
