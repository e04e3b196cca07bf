// RTFS-Net on a device: inference and steps of training, one face.
#pragma once

#include <avss/cuda/optim.cuh>
#include <avss/cuda/rtfsnet.cuh>
#include <avss/cuda/separation_loss.cuh>
#include <avss/cuda/to_host.cuh>
#include <avss/dsp/video_frames.hpp>
#include <avss/train/rtfsnet_trainable_on.hpp>
#include <memory>
#include <vector>

#include "benchmarks/cuda/network_case.hpp"

namespace avss::bench {

template <rtfsnet_config S>
void measure_rtfsnet_inference(const request& r, const item_source& items, const av_size& n, int passes, case_result& c) {
  using net = RtfsNet<S>;
  batch b;
  make_batch(items, 0, n.batch, b);
  std::vector<float> voices(b.targets.size());
  const std::size_t before = free_bytes();
  av_engine<net, cuda_backend> e(cuda_backend(r.precision), net(passes));
  initialise(e);
  c.host = timed(r.seconds, [&] { e.separate(n, b.mixtures, b.features, voices); });
  c.taken = taken_since(before);
  const device_buffer<float> x(e.backend(), std::span<const float>(b.mixtures)),
      v(e.backend(), std::span<const float>(b.features)), y(voices.size());
  arena memory = device_arena(c.planned);
  typename placement<cuda_backend>::template steps<int> kept;  // as a graph, as the engine does
  c.device = timed(r.seconds, [&] {
    kept.run(e.backend(), 0, [&] {
      memory.reset();
      context<cuda_backend> ctx(e.backend(), memory, pass::infer, e.values(), {}, e.state());
      typename net::template saved<float> saved;
      saved.to_spectrum = nullptr;
      e.net().forward(
          ctx, view<typename net::mixture_shape, float>{x.data(), typename net::mixture_shape(n.batch, n.length)},
          view<typename net::faces_shape, float>{v.data(), typename net::faces_shape(n.batch * n.faces, n.video_frames)},
          view<typename net::estimate_shape, float>{y.data(), typename net::estimate_shape(n.batch, n.faces, n.length)}, {},
          saved);
    });
    wait(e.backend());
  });
}

template <rtfsnet_config S>
void rtfsnet_case(const request& r, const std::string& name, bool trains, dim_t length, dim_t size, int passes, double macs,
                  const report& tell) {
  case_result first;
  first.precision = r.precision;
  first.name = std::string(trains ? "train/" : "infer/") + name + "/" + std::to_string(size);
  if (!wanted(r, first.name)) return;
  tell_case(first, tell, [&](case_result& c) {
    const av_size n{size, length, 1, lip_frames_of(length, S.sample_rate)};
    const av_engine<RtfsNet<S>, cuda_backend> plan(cuda_backend(r.precision), RtfsNet<S>(passes));
    const std::size_t infer = plan.bytes_of_inference(n), train = plan.bytes_of_training(n, {.batch_statistics = true});
    const double samples = static_cast<double>(size * length),
                 seen = static_cast<double>(size * S.video_channels * n.video_frames);
    c.planned = trains ? train : infer;
    c.gflop = (trains ? 3 : 1) * 2e-9 * macs * static_cast<double>(size);
    c.bytes = floor_bytes(trains, static_cast<double>(count_params(plan.net())), samples + seen, samples, infer, train);
    const synthetic_mixtures items(1, length, S.sample_rate, 0, 1, S.video_channels);
    if (!trains) return measure_rtfsnet_inference<S>(r, items, n, passes, c);
    measure_training(r, items, size, c, [&] {
      return std::make_unique<rtfsnet_trainable_on<S, cuda_backend>>(name, training_of(1), cuda_backend(r.precision), passes);
    });
  });
}

}  // namespace avss::bench
