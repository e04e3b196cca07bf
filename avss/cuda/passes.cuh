// Passes over [B, C, T] arrays: along rows, one (b, c) after another, and along columns, one (b, t) after another; with sums of
// what they see, made in an order that the sizes alone determine.
#pragma once

#include <avss/cuda/backend.cuh>
#include <avss/cuda/endings.cuh>
#include <cstdint>

namespace avss::cuda_kernel {

// body(i) for i in [first, first + n)
template <class Body, class Index>
struct each_value {
  static constexpr int threads = 256;
  static constexpr bool cooperates = false;
  Body body;
  Index first, n;
  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const Index i = static_cast<Index>(t.block()) * threads + t.index();
    if (i < n) body(first + i);
  }
};

// Whether every index, and that of the last block's last thread, has room in 32 bits: registers are saved, and a division need
// not look at the upper halves first, as one in 64 bits does (in the code for sm_90), before it takes the same short way.
inline constexpr bool narrow_index(dim_t first, dim_t n) {
  return first >= 0 && n <= 0x7FFFFFFF - each_value<int, int>::threads - first;
}

// A body that divides its index takes it as the type that it comes in, and makes addresses in 64 bits.
template <class Body>
void pass_values(const cuda_backend& backend, const char* name, dim_t first, dim_t n, const Body& body) {
  const dim_t blocks = blocks_for(n, each_value<Body, dim_t>::threads);
  if (narrow_index(first, n))
    launch(backend, name, each_value<Body, std::int32_t>{body, static_cast<std::int32_t>(first), static_cast<std::int32_t>(n)},
           blocks);
  else
    launch(backend, name, each_value<Body, dim_t>{body, first, n}, blocks);
}

// A row is worked on in pieces of so many frames, one block each, so that few long rows fill a device as well as many short.
inline constexpr dim_t row_piece = 4096;
inline constexpr dim_t row_pieces(dim_t frames) { return blocks_for(frames, row_piece); }

// Where an element is.
struct place {
  dim_t b, c, t;
  dim_t i;  // its index
};

// body(place, sums) for every element. Body::sums: how many sums it makes, maybe 0; in double, which devices for computing add
// faster than memory brings the terms.
//   partial [B, C, pieces, Body::sums], or null
template <class Body, class Endings = endings<>>
struct row_pass {
  static constexpr int threads = 256, sums = Body::sums;
  static constexpr bool cooperates = sums > 0;
  Body body;
  pass_size n;
  dim_t frames;
  double* partial;
  Endings last;
  unsigned* counters;

  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t row = t.block() / n.pieces, begin = t.block() % n.pieces * row_piece;
    const dim_t end = begin + row_piece < frames ? begin + row_piece : frames;
    double sum[sums ? sums : 1] = {};
    for (dim_t at = begin + t.index(); at < end; at += threads)
      body(place{row / n.channels, row % n.channels, at, row * frames + at}, sum);
    if constexpr (sums > 0) {
      if (!partial) return;
      double* const shared = t.template shared<double>();
      simt::block_sum(t, sum, shared);
      if (t.index() == 0)
        for (int k = 0; k < sums; ++k) partial[t.block() * sums + k] = sum[k];
      last.end_block(t, n, row, counters, shared);
    }
  }
};

// Endings read `partial`.
template <class Body, class... E>
void pass_rows(const cuda_backend& backend, const char* name, dim_t batch, dim_t channels, dim_t frames, const Body& body,
               double* partial = nullptr, const endings<E...>& last = {}) {
  const pass_size n{batch, channels, row_pieces(frames)};
  with_endings(backend, name, n, last, [&]<class List>(const List& list, unsigned* counters) {
    using pass = row_pass<Body, List>;
    constexpr int most = Body::sums > List::sums ? Body::sums : List::sums;
    launch(backend, name, pass{body, n, frames, partial, list, counters}, n.parts(),
           simt::sum_doubles<pass, most> * sizeof(double));
  });
}

// Channels of which one thread makes a column's sums.
inline constexpr dim_t column_group = 32;
inline constexpr dim_t column_groups(dim_t channels) { return blocks_for(channels, column_group); }

// body(place, sums) for every element, two sums in double for every column:
//   partial [B, groups, T, 2]
template <class Body>
struct column_pass {
  static constexpr int threads = 128;
  static constexpr bool cooperates = false;
  Body body;
  dim_t channels, frames;
  double* partial;

  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t tiles = blocks_for(frames, threads), groups = column_groups(channels);
    const dim_t at = t.block() % tiles * threads + t.index(), group = t.block() / tiles % groups,
                b = t.block() / tiles / groups;
    if (at >= frames) return;
    const dim_t begin = group * column_group, end = begin + column_group < channels ? begin + column_group : channels;
    double sum[2] = {0, 0};
    for (dim_t c = begin; c < end; ++c) body(place{b, c, at, (b * channels + c) * frames + at}, sum);
    double* const to = partial + ((b * groups + group) * frames + at) * 2;
    to[0] = sum[0];
    to[1] = sum[1];
  }
};

template <class Body>
void pass_columns(const cuda_backend& backend, const char* name, dim_t batch, dim_t channels, dim_t frames, const Body& body,
                  double* partial) {
  using pass = column_pass<Body>;
  launch(backend, name, pass{body, channels, frames, partial},
         batch * column_groups(channels) * blocks_for(frames, pass::threads));
}

// to_k[c] += sum over b and pieces of partial[b, c, piece, k], for those k whose `to` is not null.
template <int N>
struct add_channel_sums {
  static constexpr int threads = 128;
  static constexpr bool cooperates = false;
  dim_t batch, channels, pieces;
  const double* partial;
  float* to[N];

  AVSS_DEVICE void operator()(const simt::thread& t) const {
    const dim_t c = t.block() * threads + t.index();
    if (c >= channels) return;
    for (int k = 0; k < N; ++k) {
      if (!to[k]) continue;
      double sum = 0;
      for (dim_t b = 0; b < batch; ++b)
        for (dim_t p = 0; p < pieces; ++p) sum += partial[((b * channels + c) * pieces + p) * N + k];
      to[k][c] += static_cast<float>(sum);
    }
  }
};

template <int N>
void add_to_channels(const cuda_backend& backend, const char* name, const add_channel_sums<N>& kernel) {
  launch(backend, name, kernel, blocks_for(kernel.channels, kernel.threads));
}

}  // namespace avss::cuda_kernel
