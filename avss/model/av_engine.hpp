// An audio-visual network with its numbers and its working memory, on one backend.
#pragma once

#include <avss/core/context.hpp>
#include <avss/core/error.hpp>
#include <avss/layer/map_units.hpp>
#include <avss/model/av_size.hpp>
#include <avss/model/net_numbers.hpp>
#include <cstddef>
#include <span>
#include <utility>

namespace avss {

// As engine (model/engine.hpp): owns weights, gradients and one arena, which grows to the largest shape met; what it computes
// with lies where the backend reaches it, sounds and faces are the host's. One thread at a time; several engines may run at
// once.
template <class Net, class B>
class av_engine : public net_numbers<Net, B> {
  using numbers = net_numbers<Net, B>;

 public:
  using T = typename B::value_type;
  using array = typename numbers::array;
  using mixture_view = view<typename Net::mixture_shape, T>;
  using faces_view = view<typename Net::faces_shape, T>;
  using estimate_view = view<typename Net::estimate_shape, T>;
  using spectrum_view = view<typename Net::spectrum_shape, T>;

  explicit av_engine(B backend = {}, Net net = Net()) : numbers(std::move(backend), std::move(net)) {}

  using numbers::backend, numbers::net, numbers::values, numbers::state, numbers::gradients;

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
      net().backward(ctx, estimates(n, nullptr), nullptr, mixtures(n, nullptr), faces(n, nullptr), saved);
    });
  }

  // mixture [batch, length] and video [batch faces, channels, video_frames], the faces of one mixture after another
  //   -> voices [batch, faces, length], and, where it is wanted, the spectrum that they were made of, shaped as spectrum_of(n)
  void separate(const av_size& n, std::span<const T> mixture, std::span<const T> video, std::span<T> voices,
                std::span<T> spectrum = {}) {
    check(n, mixture.size(), video.size(), voices.size());
    if (!spectrum.empty()) expect("spectra", spectrum.size(), spectrum_of(n).size());
    this->reserve(bytes_of_inference(n));
    T* const x = mixtures_.in(backend(), mixture, "the mixtures");
    T* const v = faces_.in(backend(), video, "the features of the faces");
    T* const y = voices_.room(backend(), voices, voices.size(), "the voices");
    T* const to =
        spectrum.empty() ? nullptr : spectrum_.room(backend(), spectrum, spectrum.size(), "the spectra of the voices");
    inference_.run(backend(), this->key_of(n.batch, n.length, n.faces, n.video_frames, x, v, y, to), [&] {
      this->memory_.reset();
      context<B> ctx(backend(), this->memory_, pass::infer, values(), {}, state());
      typename Net::template saved<T> saved;
      saved.to_spectrum = to;
      net().forward(ctx, mixtures(n, x), faces(n, v), estimates(n, y), {}, saved);
    });
    voices_.out(backend(), voices);
    if (!spectrum.empty()) spectrum_.out(backend(), spectrum);
  }

  // Estimates, then gradients of a loss: loss(ctx, voices, spectrum, d_voices, d_spectrum) fills both gradients (they are zero
  // before) and returns its value; all lie in the backend's memory. Gradients of the parameters are added to. The host's
  // voices, and d_video, shaped as the video, are assigned where they are given.
  template <class Loss>
  auto train_step(const av_size& n, std::span<const T> mixture, std::span<const T> video, std::span<T> voices,
                  const pass_rules& rules, Loss&& loss, std::span<T> d_video = {}) {
    const auto size = static_cast<std::size_t>(n.batch * n.faces * n.length);
    check(n, mixture.size(), video.size(), voices.empty() ? size : voices.size());
    this->reserve(bytes_of_training(n, rules));
    T* const x = mixtures_.in(backend(), mixture, "the mixtures");
    T* const v = faces_.in(backend(), video, "the features of the faces");
    T* const y = voices_.room(backend(), voices, size, "the voices");
    T* const dv = d_video.empty() ? nullptr : d_faces_.room(backend(), d_video, video.size(), "the gradients of the features");
    const typename Net::spectrum_shape of_spectrum = spectrum_of(n);
    const std::span<T> d_voices = zeros(d_voices_, size),
                       d_spectrum = zeros(d_spectrum_, static_cast<std::size_t>(of_spectrum.size()));
    pass_rules at = rules;
    if constexpr (!placement<B>::on_host)
      if (rules.dropout) at.dropout_at = dropout_.set(backend(), *rules.dropout), at.dropout.reset();
    context<B> ctx(backend(), this->memory_, pass::train, values(), gradients(), state());
    const int switches = (at.batch_statistics ? 1 : 0) + (at.recompute ? 2 : 0) + (at.dropout_at ? 4 : 0);
    const auto key =
        this->key_of(n.batch, n.length, n.faces, n.video_frames, switches, x, v, y, dv, d_voices.data(), d_spectrum.data());
    auto& kept = training_[key];
    training_.forward.run(backend(), key, [&] {
      this->memory_.reset();
      kept.saved = {};
      net().forward(ctx, mixtures(n, x), faces(n, v), estimates(n, y), at, kept.saved);
      kept.front = this->memory_.front_mark();
    });
    this->memory_.reset(kept.front);
    auto value = loss(ctx, estimates(n, y), kept.saved.spectrum, estimates(n, d_voices.data()),
                      spectrum_view{d_spectrum.data(), of_spectrum});
    training_.backward.run(backend(), key, [&] {
      this->memory_.reset(kept.front);
      net().backward(ctx, estimates(n, d_voices.data()), d_spectrum.data(), mixtures(n, nullptr), faces(n, dv), kept.saved);
    });
    if (!voices.empty()) voices_.out(backend(), voices);
    if (dv) d_faces_.out(backend(), d_video);
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
    context<measure<B>> ctx({this->backend_}, plan, mode);
    typename Net::template saved<T> saved;
    net().forward(ctx, mixtures(n, nullptr), faces(n, nullptr), estimates(n, nullptr), rules, saved);
    back(ctx, saved);
    return plan.peak();
  }

  std::span<T> zeros(array& a, std::size_t n) {
    grow(backend(), a, n);
    const std::span<T> values(a.data(), n);
    placement<B>::zero(backend(), values);
    return values;
  }

  typename numbers::steps inference_;
  typename numbers::template training_passes<typename Net::template saved<T>> training_;
  typename placement<B>::template variable<random_stream> dropout_;
  typename placement<B>::template passage<T> mixtures_, faces_, voices_, spectrum_, d_faces_;
  array d_voices_, d_spectrum_;
};

}  // namespace avss
