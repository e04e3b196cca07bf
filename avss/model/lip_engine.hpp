// A lip-reading encoder with its numbers, on one backend.
#pragma once

#include <array>
#include <avss/core/context.hpp>
#include <avss/core/error.hpp>
#include <avss/core/placement.hpp>
#include <avss/layer/image_units.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace avss {

// Owns weights in host memory, and the same laid out for the backend, in its memory, once prepare() was called. Threads may
// embed at once, each with a workspace of its own; on a device one comes after another, in the order of its one stream.
template <class Net, class B>
class lip_engine {
 public:
  using T = typename B::value_type;
  static constexpr dim_t features = Net::features;
  // At most so many frames go through the network together, unless statistics of the batch need them all.
  static constexpr dim_t piece = 16;

  // Working memory; it grows to the largest clip met. It must not outlive the engine.
  struct workspace {
    arena memory;
    typename placement<B>::template passage<T> clip, features;
    // What has been done with it, as graphs, by sizes, switches and all memory that it works on.
    typename placement<B>::template steps<std::array<std::uintptr_t, 9>> steps;
  };

  explicit lip_engine(B backend = {})
      : backend_(std::move(backend)),
        values_(static_cast<std::size_t>(net_.extent().values)),
        state_(static_cast<std::size_t>(net_.extent().state)) {}

  const Net& net() const { return net_; }
  B& backend() { return backend_; }
  // To change them; prepare() again afterwards.
  std::span<T> values() {
    height_ = 0;
    return values_;
  }
  std::span<T> state() {
    height_ = 0;
    return state_;
  }
  std::span<const T> values() const { return values_; }
  std::span<const T> state() const { return state_; }

  // Lays the weights out for frames of a size, with or without BatchNorm in them.
  void prepare(dim_t height, dim_t width, bool batch_statistics = false) {
    if (height < 1 || width < 1) fail("frames of ", height, " x ", width, " pixels: both must be at least 1");
    rules_.batch_statistics = batch_statistics;
    arena sizes;
    context<measure<B>> plan({backend_}, sizes, pass::infer);
    net_.prepare(plan, height, width, rules_, prepared_);
    placement<B>::before_release(backend_);
    packed_ = arena();
    packed_ = placement<B>::make_arena(sizes.peak());
    const std::span<T> values = values_there_.of(backend_, values_), state = state_there_.of(backend_, state_);
    context<B> ctx(backend_, packed_, pass::infer, values, {}, state);
    net_.prepare(ctx, height, width, rules_, prepared_);
    ++prepared_times_;
    height_ = height;
    width_ = width;
  }

  // Bytes of working memory for a clip, beside the prepared weights.
  std::size_t planned_bytes(dim_t frames) const {
    check_prepared();
    arena plan;
    context<measure<B>> ctx({backend_}, plan, pass::infer);
    run(ctx, frames, frames, 0, longest(frames), nullptr, nullptr, frames, rules_);
    return plan.peak();
  }
  // Values of a frame.
  std::size_t frame_size() const {
    check_prepared();
    return static_cast<std::size_t>(height_ * width_);
  }
  std::size_t prepared_bytes() const { return packed_.measures() ? 0 : packed_.capacity(); }

  // clip [frames, height, width], normalised -> y [features, frames]
  void embed(workspace& w, std::span<const T> clip, std::span<T> y) const { embed_with(w, clip, 0, y, rules_); }

  // Running statistics for an encoder that nobody trained, out of what it is going to see: clips of `each` frames, one after
  // another, are embedded as one batch, and its statistics, mean and unbiased variance, become the running ones. prepare()
  // again afterwards.
  void calibrate(workspace& w, std::span<const T> clips, dim_t each, dim_t height, dim_t width) {
    prepare(height, width, true);
    const std::size_t frames = clips.size() / frame_size();
    if (each < 1 || frames % static_cast<std::size_t>(each)) fail(frames, " frames cannot be clips of ", each, " frames each");
    std::vector<T> y(frames * static_cast<std::size_t>(features));
    embed_with(w, clips, each, y, {true, 1});
    state_there_.back(backend_, state_);
    height_ = 0;
  }

 private:
  void check_prepared() const {
    if (height_ == 0) fail("the encoder's weights were changed, or it was never prepared: call prepare(height, width)");
  }
  // As even as can be: the network's large weights are read once for each piece, however short it is.
  dim_t pieces(dim_t frames) const { return rules_.batch_statistics ? 1 : (frames + piece - 1) / piece; }
  dim_t longest(dim_t frames) const { return (frames + pieces(frames) - 1) / pieces(frames); }

  // each: frames of one of several clips; 0: there is one.
  void embed_with(workspace& w, std::span<const T> clip, dim_t each, std::span<T> y, const image_rules& rules) const {
    const std::size_t size = frame_size();
    if (clip.empty() || clip.size() % size)
      fail("a clip of at least one frame of ", height_, " x ", width_, " values is needed, ", clip.size(), " values are given");
    const dim_t frames = static_cast<dim_t>(clip.size() / size);
    if (y.size() != static_cast<std::size_t>(features * frames))
      fail("features of ", frames, " frames: ", features * frames, " values are needed, ", y.size(), " are given");
    const std::size_t need = planned_bytes(frames);
    std::unique_lock<std::mutex> alone;
    if constexpr (!placement<B>::on_host) alone = std::unique_lock(*one_at_a_time_);
    if (w.memory.measures() || w.memory.capacity() < need) {
      placement<B>::before_release(backend_);
      w.memory = arena();  // gives the old one back first
      w.memory = placement<B>::make_arena(need);
    }
    T* const from = w.clip.in(backend_, clip, "the frames");
    T* const to = w.features.room(backend_, y, y.size(), "the features");
    const auto number = [](const auto* p) { return reinterpret_cast<std::uintptr_t>(p); };
    w.steps.run(backend_,
                {static_cast<std::uintptr_t>(frames), static_cast<std::uintptr_t>(each), static_cast<std::uintptr_t>(height_),
                 static_cast<std::uintptr_t>(width_), static_cast<std::uintptr_t>(prepared_times_), number(from), number(to),
                 number(w.memory.base()), static_cast<std::uintptr_t>(w.memory.capacity())},
                [&] { embed_there(w, from, frames, each > 0 ? each : frames, to, rules); });
    w.features.out(backend_, y);
  }

  void embed_there(workspace& w, T* from, dim_t frames, dim_t each, T* to, const image_rules& rules) const {
    w.memory.reset();
    // The network reads its values, and its state unless it is calibrated; contexts hold spans of one type.
    context<B> ctx(backend_, w.memory, pass::infer, values_there_.last(values_), {}, state_there_.last(state_));
    const dim_t count = pieces(frames);
    for (dim_t i = 0; i < count; ++i) {
      const dim_t first = frames * i / count, end = frames * (i + 1) / count;
      run(ctx, frames, each, first, end - first, from, to + first, frames, rules);
    }
  }

  template <class C>
  void run(C& ctx, dim_t all, dim_t each, dim_t first, dim_t frames, T* x, T* y, dim_t pitch, const image_rules& rules) const {
    const typename Net::clip_shape n(all, height_, width_);
    net_.forward(ctx, view<typename Net::clip_shape, T>{x, n}, each, first, frames, y, pitch, rules, prepared_);
  }

  // The host's values where the backend reads them: there, or as a copy.
  class placed {
   public:
    // As they are now.
    std::span<T> of(const B& backend, std::vector<T>& host) {
      if constexpr (!placement<B>::on_host) {
        if (copy_.size() != host.size()) copy_ = array(host.size());
        placement<B>::copy_in(backend, std::span<const T>(host), std::span<T>(copy_.data(), copy_.size()));
      }
      return last(host);
    }
    // As they were when they were last asked for.
    std::span<T> last(const std::vector<T>& host) const {
      if constexpr (placement<B>::on_host)
        return {const_cast<T*>(host.data()), host.size()};
      else
        return {copy_.data(), copy_.size()};
    }
    // What the backend has made of them.
    void back(const B& backend, std::vector<T>& host) const {
      if constexpr (!placement<B>::on_host)
        placement<B>::copy_out(backend, std::span<const T>(copy_.data(), copy_.size()), std::span<T>(host));
    }

   private:
    using array = typename placement<B>::template array<T>;
    array copy_;
  };

  Net net_;
  B backend_;
  std::vector<T> values_, state_;
  placed values_there_, state_there_;
  arena packed_;
  typename Net::template prepared<T> prepared_;
  image_rules rules_;
  dim_t height_ = 0, width_ = 0;
  std::uint64_t prepared_times_ = 0;
  std::unique_ptr<std::mutex> one_at_a_time_ = std::make_unique<std::mutex>();
};

}  // namespace avss
