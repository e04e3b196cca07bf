// An audio-visual network with its numbers and its working memory, on one backend.
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/error.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/model/av_size.hpp>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// As engine (model/engine.hpp): owns weights, gradients (made when first asked for) and one arena, which grows to the largest
// shape met. One thread at a time; several engines may run at once.
template <class Net, class B>
class av_engine {
 public:
  using T = typename B::value_type;
  using mixture_view = view<typename Net::mixture_shape, T>;
  using faces_view = view<typename Net::faces_shape, T>;
  using estimate_view = view<typename Net::estimate_shape, T>;
  using spectrum_view = view<typename Net::spectrum_shape, T>;

  explicit av_engine(B backend = {}, Net net = Net())
      : net_(std::move(net)),
        backend_(std::move(backend)),
        values_(static_cast<std::size_t>(net_.extent().values)),
        state_(static_cast<std::size_t>(net_.extent().state)) {}

  const Net& net() const { return net_; }
  B& backend() { return backend_; }
  std::span<T> values() { return values_; }
  std::span<T> state() { return state_; }
  std::span<T> gradients() {
    if (gradients_.empty()) gradients_.resize(values_.size());
    return gradients_;
  }

  // Bytes of working memory.
  std::size_t planned_bytes(pass mode, const av_size& n, const pass_rules& rules = {}) const {
    return mode == pass::train ? bytes_of_training(n, rules) : bytes_of_inference(n);
  }
  // [batch faces, 2, frames, bins]
  static typename Net::spectrum_shape spectrum_of(const av_size& n) {
    const dim_t rows = n.batch * n.faces;
    return typename Net::spectrum_shape(rows, Net::framing_of(rows, n.length).frames());
  }
  // A program that only separates asks this, and compiles nothing of the way back.
  std::size_t bytes_of_inference(const av_size& n) const {
    return measured(pass::infer, n, {}, [](auto&, auto&) {});
  }
  std::size_t bytes_of_training(const av_size& n, const pass_rules& rules) const {
    return measured(pass::train, n, rules, [&](auto& ctx, auto& saved) {
      net_.backward(ctx, estimates(n, nullptr), nullptr, mixtures(n, nullptr), faces(n, nullptr), saved);
    });
  }

  // mixture [batch, length] and video [batch faces, channels, video_frames], the faces of one mixture after another
  //   -> voices [batch, faces, length], and, where it is wanted, the spectrum that they were made of, shaped as spectrum_of(n)
  void separate(const av_size& n, std::span<const T> mixture, std::span<const T> video, std::span<T> voices,
                std::span<T> spectrum = {}) {
    check(n, mixture.size(), video.size(), voices.size());
    if (!spectrum.empty()) expect("spectra", spectrum.size(), spectrum_of(n).size());
    reserve(bytes_of_inference(n));
    context<B> ctx(backend_, memory_, pass::infer, values_, {}, state_);
    typename Net::template saved<T> saved;
    saved.to_spectrum = spectrum.empty() ? nullptr : spectrum.data();
    // The network reads its inputs only; views of inputs and of results are of one type.
    net_.forward(ctx, mixtures(n, const_cast<T*>(mixture.data())), faces(n, const_cast<T*>(video.data())),
                 estimates(n, voices.data()), {}, saved);
  }

  // Estimates, then gradients of a loss: loss(ctx, voices, spectrum, d_voices, d_spectrum) fills both gradients (d_spectrum
  // is zero before) and returns its value. Gradients of the parameters are added to; d_video, shaped as the video, is assigned
  // where it is given.
  template <class Loss>
  auto train_step(const av_size& n, std::span<const T> mixture, std::span<const T> video, std::span<T> voices,
                  const pass_rules& rules, Loss&& loss, std::span<T> d_video = {}) {
    check(n, mixture.size(), video.size(), voices.size());
    reserve(bytes_of_training(n, rules));
    context<B> ctx(backend_, memory_, pass::train, values_, gradients(), state_);
    typename Net::template saved<T> saved;
    net_.forward(ctx, mixtures(n, const_cast<T*>(mixture.data())), faces(n, const_cast<T*>(video.data())),
                 estimates(n, voices.data()), rules, saved);
    d_voices_.assign(voices.size(), T(0));
    d_spectrum_.assign(static_cast<std::size_t>(saved.spectrum.size()), T(0));
    auto value = loss(ctx, estimates(n, voices.data()), saved.spectrum, estimates(n, d_voices_.data()),
                      spectrum_view{d_spectrum_.data(), saved.spectrum.extents});
    net_.backward(ctx, estimates(n, d_voices_.data()), d_spectrum_.data(), mixtures(n, nullptr),
                  faces(n, d_video.empty() ? nullptr : d_video.data()), saved);
    return value;
  }

 private:
  static mixture_view mixtures(const av_size& n, T* data) { return {data, typename Net::mixture_shape(n.batch, n.length)}; }
  static faces_view faces(const av_size& n, T* data) {
    return {data, typename Net::faces_shape(n.batch * n.faces, n.video_frames)};
  }
  static estimate_view estimates(const av_size& n, T* data) {
    return {data, typename Net::estimate_shape(n.batch, n.faces, n.length)};
  }

  static void expect(const char* what, std::size_t given, dim_t needed) {
    if (given != static_cast<std::size_t>(needed)) fail(what, ": ", needed, " values are needed, ", given, " are given");
  }
  static void check(const av_size& n, std::size_t mixture, std::size_t video, std::size_t voices) {
    if (n.batch < 1 || n.faces < 1 || n.length < 1 || n.video_frames < 1)
      fail("at least one mixture, face, sample and frame of video are needed, not ", n.batch, ", ", n.faces, ", ", n.length,
           ", ", n.video_frames);
    expect("mixtures", mixture, n.batch * n.length);
    expect("features of the faces", video, n.batch * n.faces * Net::video_channels * n.video_frames);
    expect("voices", voices, n.batch * n.faces * n.length);
  }

  template <class Back>
  std::size_t measured(pass mode, const av_size& n, const pass_rules& rules, const Back& back) const {
    arena plan;
    context<measure<B>> ctx({backend_}, plan, mode);
    typename Net::template saved<T> saved;
    net_.forward(ctx, mixtures(n, nullptr), faces(n, nullptr), estimates(n, nullptr), rules, saved);
    back(ctx, saved);
    return plan.peak();
  }

  void reserve(std::size_t need) {
    if (memory_.measures() || memory_.capacity() < need) {
      memory_ = arena();  // gives the old one back first
      memory_ = arena(need);
    }
    memory_.reset();
  }

  Net net_;
  B backend_;
  arena memory_;
  std::vector<T> values_, gradients_, state_, d_voices_, d_spectrum_;
};

}  // namespace avss
