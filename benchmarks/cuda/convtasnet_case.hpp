// Conv-TasNet on a device: inference and steps of training.
#pragma once

#include <avss/cuda/depthwise.cuh>
#include <avss/cuda/filterbank.cuh>
#include <avss/cuda/optim.cuh>
#include <avss/cuda/separation_loss.cuh>
#include <avss/cuda/to_host.cuh>
#include <avss/model/convtasnet_presets.hpp>
#include <avss/train/convtasnet_trainable_on.hpp>
#include <memory>
#include <vector>

#include "benchmarks/cuda/network_case.hpp"

namespace avss::bench {

template <convtasnet_config S>
void measure_convtasnet_inference(const request& r, const item_source& items, dim_t size, case_result& c) {
  using net = ConvTasNet<S>;
  batch b;
  make_batch(items, 0, size, b);
  std::vector<float> estimates(b.targets.size());
  const std::size_t before = free_bytes();
  engine<net, cuda_backend> e{cuda_backend(r.precision)};
  initialise(e);
  c.host = timed(r.seconds, [&] { e.separate(b.mixtures, estimates, size); });
  c.taken = taken_since(before);
  const device_buffer<float> x(e.backend(), std::span<const float>(b.mixtures)), y(estimates.size());
  arena memory = device_arena(c.planned);
  typename placement<cuda_backend>::template steps<int> kept;  // as a graph, as the engine does
  c.device = timed(r.seconds, [&] {
    kept.run(e.backend(), 0, [&] {
      memory.reset();
      context<cuda_backend> ctx(e.backend(), memory, pass::infer, e.values(), {}, e.state());
      typename net::template saved<float> saved;
      e.net().forward(ctx, view<typename net::mixture_shape, float>{x.data(), typename net::mixture_shape(size, b.length)},
                      view<typename net::estimate_shape, float>{y.data(), typename net::estimate_shape(size, b.length)}, saved);
    });
    wait(e.backend());
  });
}

template <convtasnet_config S>
void convtasnet_case(const request& r, const std::string& name, bool trains, dim_t length, dim_t size, double macs,
                     const report& tell) {
  case_result first;
  first.precision = r.precision;
  first.name = std::string(trains ? "train/" : "infer/") + name + "/" + std::to_string(size);
  if (!wanted(r, first.name)) return;
  tell_case(first, tell, [&](case_result& c) {
    const engine<ConvTasNet<S>, cuda_backend> plan{cuda_backend(r.precision)};
    const std::size_t infer = plan.planned_bytes(pass::infer, size, length),
                      train = plan.planned_bytes(pass::train, size, length);
    const double samples = static_cast<double>(size * length);
    c.planned = trains ? train : infer;
    c.gflop = (trains ? 3 : 1) * 2e-9 * macs * static_cast<double>(size);
    c.bytes =
        floor_bytes(trains, static_cast<double>(count_params(ConvTasNet<S>())), samples, samples * S.sources, infer, train);
    const synthetic_mixtures items(S.sources, length, S.sample_rate, 0, 1);
    if (!trains) return measure_convtasnet_inference<S>(r, items, size, c);
    measure_training(r, items, size, c, [&] {
      return std::make_unique<convtasnet_trainable_on<S, cuda_backend>>(name, training_of(1), cuda_backend(r.precision));
    });
  });
}

}  // namespace avss::bench
