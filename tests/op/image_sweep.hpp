// The operations on images of a backend against their definition, over many sizes: one call for each family.
#pragma once

#include <string>
#include <tests/op/image_cases.hpp>
#include <tests/support/against_reference.hpp>

namespace avss::test {

inline constexpr image_curve image_curves[] = {image_curve::identity, image_curve::relu, image_curve::prelu,
                                               image_curve::swish};

// Around the edges of windows, warps and the pieces of sums. body(size, i): i counts up, for choosing options.
template <class Body>
void sweep_images(Body&& body) {
  int i = 0;
  for (const op::image_size& n : std::initializer_list<op::image_size>{
           {1, 1, 1, 1}, {2, 2, 3, 2}, {3, 5, 4, 7}, {1, 7, 7, 33}, {2, 8, 9, 16}, {1, 30, 35, 3}}) {
    SCOPED_TRACE("images " + std::to_string(n.images) + " height " + std::to_string(n.height) + " width " +
                 std::to_string(n.width) + " channels " + std::to_string(n.channels));
    body(n, i++);
  }
}

template <class Backend>
void check_image_conv(double limit) {
  sweep_images([&](const op::image_size& n, int i) {
    for (const op::image_kernel& k :
         std::initializer_list<op::image_kernel>{{5, 3, 1, 1}, {3, 3, 2, 1}, {2, 1, 2, 0}, {4, 7, 2, 3}}) {
      SCOPED_TRACE("kernel " + std::to_string(k.size) + " stride " + std::to_string(k.stride));
      check_against_reference<Backend>(image_conv_case{n, k, i % 3 > 0}, limit);
      check_against_reference<Backend>(image_unit_case{n, k, image_curves[i % 4], i % 2 == 0}, limit);
      ++i;
    }
  });
}

// Taps that are more than what a device unfolds at a time: images go in two groups, the last of which is smaller.
template <class Backend>
void check_large_image_conv(double limit) {
  const op::image_size n{3, 120, 120, 1};
  const op::image_kernel k{2, 15, 1, 7};
  check_against_reference<Backend>(image_conv_case{n, k}, limit);
  check_against_reference<Backend>(image_unit_case{n, k, image_curve::swish, true}, limit);
}

template <class Backend>
void check_image_norm(double limit) {
  sweep_images([&](const op::image_size& n, int i) {
    for (const image_curve form : image_curves)
      for (const bool plus : {false, true}) {
        SCOPED_TRACE("curve " + std::to_string(static_cast<int>(form)) + (plus ? " plus" : ""));
        check_against_reference<Backend>(image_norm_case{n, form, plus, i % 3 == 0, !plus && i % 2 == 0}, limit);
        ++i;
      }
  });
}

template <class Backend>
void check_image_pools(double limit) {
  sweep_images([&](const op::image_size& n, int i) {
    check_against_reference<Backend>(image_max_case{n, i % 2 == 0}, limit);
    check_against_reference<Backend>(image_max_case{n, false}, limit);
    check_against_reference<Backend>(image_mean_case{n}, limit);
    for (const dim_t taps : {1, 3, 5})
      check_against_reference<Backend>(stack_frames_case{n.images, n.height, n.width, n.channels, taps}, limit);
  });
}

}  // namespace avss::test
