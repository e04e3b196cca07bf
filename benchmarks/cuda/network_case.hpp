// A case of a network: inference, or steps of training. Operations as for separation_trainable.
#pragma once

#include <avss/core/error.hpp>
#include <avss/core/placement.hpp>
#include <avss/cuda/backend.cuh>
#include <avss/data/synthetic_mixtures.hpp>
#include <avss/layer/init.hpp>
#include <avss/train/separation_training.hpp>
#include <avss/train/trainable.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "benchmarks/cuda/timed.hpp"

namespace avss::bench {

// Free memory of the device.
inline std::size_t free_bytes() {
#if defined(__CUDACC__)
  std::size_t free = 0, total = 0;
  cuda_check(cudaMemGetInfo(&free, &total), "the device's free memory");
  return free;
#else
  return emulated::device_memory::all().free();
#endif
}
// Bytes that are gone since then; none where other memory came back meanwhile.
inline std::size_t taken_since(std::size_t before) {
  const std::size_t now = free_bytes();
  return before > now ? before - now : 0;
}
inline void wait(const cuda_backend& on) {
#if defined(__CUDACC__)
  on.wait();
#else
  (void)on;
#endif
}

// What no implementation in float32 can avoid: inputs are read, results are written and weights are read once; in a step of
// training what is kept for the way back is written and read, gradients are written and read, weights and two moments too.
// Working memory that is planned for training, less that for inference, stands for what is kept.
inline double floor_bytes(bool trains, double values, double in, double out, std::size_t inference, std::size_t training) {
  const double forward = 4 * (values + in + out);
  if (!trains) return forward;
  const double kept = training > inference ? static_cast<double>(training - inference) : 0;
  return forward + 2 * kept + 4 * values * (2 + 2 + 4);
}

// The arrays of the network get the values it would be trained from.
template <class Engine>
void initialise(Engine& e) {
  edit(e.backend(), e.values(), [&](std::span<float> values) {
    edit(e.backend(), e.state(), [&](std::span<float> state) { init_params(e.net(), 1, values, state); });
  });
}

inline separation_training_on<cuda_backend> training_of(dim_t faces) {
  separation_training_on<cuda_backend> t;
  t.faces = faces, t.dropout = false;
  return t;
}

// Fills in times and memory of steps; make() gives a trainable.
template <class Make>
void measure_training(const request& r, const item_source& items, dim_t size, case_result& c, Make&& make) {
  const std::size_t before = free_bytes();
  const auto net = make();
  batch b;
  make_batch(items, 0, size, b);
  c.host = timed(r.seconds, [&] {
    net->train_step(b, 1);
    net->apply(5, {1e-3});  // whose norm the host reads: the step has ended
  });
  c.taken = taken_since(before);
}

inline bool wanted(const request& r, const std::string& name) { return name.find(r.filter) != std::string::npos; }

// body(c) measures; memory that is not there is told.
template <class Body>
void tell_case(case_result c, const report& tell, Body&& body) {
  try {
    body(c);
  } catch (const error& e) {  // the others may go well
    c.problem = e.what();
  }
  tell(c);
}

}  // namespace avss::bench
