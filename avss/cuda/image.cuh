// Frames as channels, the largest of neighbours and means of images on the device, and their way back.
#pragma once

#include <avss/cuda/passes.cuh>
#include <avss/op/image.hpp>
#include <avss/op/image_back.hpp>

namespace avss {
namespace cuda_kernel {

// Frame `at` and the one `by` behind it are of the same clip.
AVSS_DEVICE inline bool same_clip(dim_t at, dim_t by, dim_t clip) {
  return at + by >= at / clip * clip && at + by < (at / clip + 1) * clip;
}

struct stack_frames_body {
  op::stack_frames<float> o;
  template <class I>
  AVSS_DEVICE void operator()(I i) const {
    const I plane = static_cast<I>(o.height * o.width), taps = static_cast<I>(o.taps), p = i / taps % plane;
    const dim_t at = o.first + i / taps / plane, by = i % taps - taps / 2;
    o.y[i] = same_clip(at, by, o.clip) ? o.x[(at + by) * plane + p] : 0.f;
  }
};

struct unstack_frames_body {
  op::unstack_frames<float> o;
  template <class I>
  AVSS_DEVICE void operator()(I i) const {
    const I plane = static_cast<I>(o.height * o.width), p = i % plane;
    const dim_t at = i / plane;
    float sum = 0;
    for (dim_t k = 0; k < o.taps; ++k) {
      const dim_t by = o.taps / 2 - k;  // of the frame that saw this one at tap k
      if (same_clip(at, by, o.clip)) sum += o.dy[((at + by) * plane + p) * o.taps + k];
    }
    o.dx[i] = sum;
  }
};

// A channel of one of the images.
struct image_channel {
  op::image_size n;
  const float* x;  // its value in the first pixel
  // The place of the largest value of the window around (2 h, 2 w): of equal ones the first.
  AVSS_DEVICE dim_t top(dim_t h, dim_t w) const {
    dim_t best = -1;
    for (dim_t at_h = 2 * h - 1; at_h <= 2 * h + 1; ++at_h)
      for (dim_t at_w = 2 * w - 1; at_w <= 2 * w + 1; ++at_w) {
        if (at_h < 0 || at_h >= n.height || at_w < 0 || at_w >= n.width) continue;
        const dim_t at = at_h * n.width + at_w;
        if (best < 0 || x[at * n.channels] > x[best * n.channels]) best = at;
      }
    return best;
  }
};

struct image_max_body {
  op::image_max<float> o;
  dim_t height, width;  // of y
  template <class I>
  AVSS_DEVICE void operator()(I i) const {
    const I C = static_cast<I>(o.n.channels), pixel = i / C, row = pixel / static_cast<I>(width);
    const dim_t w = pixel % static_cast<I>(width), h = row % static_cast<I>(height), image = row / static_cast<I>(height);
    const image_channel x{o.n, o.x + image * o.n.height * o.n.width * C + i % C};
    o.y[i] = x.x[x.top(h, w) * C];
  }
};

// Each value asks the windows that hold it whether it is theirs.
struct image_max_back_body {
  op::image_max_bwd<float> o;
  dim_t height, width;  // of y
  template <class I>
  AVSS_DEVICE void operator()(I i) const {
    const I C = static_cast<I>(o.n.channels), in_row = static_cast<I>(o.n.width), rows = static_cast<I>(o.n.height);
    const I c = i % C, pixel = i / C, row = pixel / in_row;
    const dim_t w = pixel % in_row, h = row % rows, image = row / rows;
    const image_channel x{o.n, o.x + image * o.n.height * o.n.width * C + c};
    float sum = 0;
    for (dim_t to_h = h / 2; to_h <= (h + 1) / 2 && to_h < height; ++to_h)
      for (dim_t to_w = w / 2; to_w <= (w + 1) / 2 && to_w < width; ++to_w)
        if (x.top(to_h, to_w) == h * o.n.width + w) sum += o.dy[((image * height + to_h) * width + to_w) * C + c];
    o.dx[i] = sum;
  }
};

// i = image C + c
struct image_mean_body {
  op::image_mean<float> o;
  template <class I>
  AVSS_DEVICE void operator()(I i) const {
    const I channels = static_cast<I>(o.n.channels);
    const dim_t C = o.n.channels, plane = o.n.height * o.n.width, image = i / channels, c = i % channels;
    double sum = 0;
    for (dim_t p = 0; p < plane; ++p) sum += o.x[(image * plane + p) * C + c];
    o.y[c * o.pitch + image] = static_cast<float>(sum / static_cast<double>(plane));
  }
};

struct image_mean_back_body {
  op::image_mean_bwd<float> o;
  template <class I>
  AVSS_DEVICE void operator()(I i) const {
    const I C = static_cast<I>(o.n.channels), plane = static_cast<I>(o.n.height * o.n.width);
    o.dx[i] = o.dy[i % C * o.pitch + i / C / plane] / static_cast<float>(plane);
  }
};

}  // namespace cuda_kernel

inline void execute(cuda_backend& backend, const op::stack_frames<float>& o, void*) {
  cuda_kernel::pass_values(backend, "frames as channels", 0, o.frames * o.height * o.width * o.taps,
                           cuda_kernel::stack_frames_body{o});
}
inline void execute(cuda_backend& backend, const op::unstack_frames<float>& o, void*) {
  cuda_kernel::pass_values(backend, "back to frames", 0, o.frames * o.height * o.width, cuda_kernel::unstack_frames_body{o});
}
inline void execute(cuda_backend& backend, const op::image_max<float>& o, void*) {
  const op::image_size y = op::image_max<float>::kernel(o.n.channels).over(o.n);
  cuda_kernel::pass_values(backend, "largest of neighbours", 0, y.size(), cuda_kernel::image_max_body{o, y.height, y.width});
}
inline void execute(cuda_backend& backend, const op::image_max_bwd<float>& o, void*) {
  const op::image_size y = op::image_max<float>::kernel(o.n.channels).over(o.n);
  cuda_kernel::pass_values(backend, "back to the largest of neighbours", 0, o.n.size(),
                           cuda_kernel::image_max_back_body{o, y.height, y.width});
}
inline void execute(cuda_backend& backend, const op::image_mean<float>& o, void*) {
  cuda_kernel::pass_values(backend, "means of images", 0, o.n.images * o.n.channels, cuda_kernel::image_mean_body{o});
}
inline void execute(cuda_backend& backend, const op::image_mean_bwd<float>& o, void*) {
  cuda_kernel::pass_values(backend, "back from means of images", 0, o.n.size(), cuda_kernel::image_mean_back_body{o});
}

}  // namespace avss
