// What a forward or backward pass runs in: the backend, the numbers of the network, the working memory.
#pragma once

#include <avss/core/arena.hpp>
#include <avss/core/param.hpp>
#include <avss/core/view.hpp>
#include <cstddef>
#include <span>
#include <utility>

namespace avss {

enum class pass { infer, train };

// A backend that computes nothing: with it, the same forward and backward code sizes the arena.
template <class B>
struct measure {
  using value_type = typename B::value_type;
  B backend;
};

namespace detail {
template <class B>
inline constexpr bool is_measure = false;
template <class B>
inline constexpr bool is_measure<measure<B>> = true;
}  // namespace detail

// Bytes of scratch memory that execute(backend, op) wants handed in. A backend overloads it where it needs some; the
// bound depends on sizes only, so that planning needs no device.
template <class B, class Op>
std::size_t scratch_bytes(const B&, const Op&) {
  return 0;
}

// Whether the backend has the operation; execute is found where the operation and the backend are declared.
template <class B, class Op>
concept executes = requires(B& backend, const Op& op, void* scratch) {
  execute(backend, op, scratch);
};

template <class B>
class context {
 public:
  using backend_type = B;
  using T = typename B::value_type;

  // values, gradients [param_extent::values]; state [param_extent::state]. Gradients may be empty for inference. The spans
  // and the arena must outlive the context.
  context(B backend, arena& memory, pass mode, std::span<T> values = {}, std::span<T> gradients = {}, std::span<T> states = {})
      : backend_(std::move(backend)), memory_(&memory), mode_(mode), values_(values), gradients_(gradients), states_(states) {}

  B& backend() { return backend_; }
  pass mode() const { return mode_; }
  bool training() const { return mode_ == pass::train; }

  template <dim_t... D>
  T* value(const param<D...>& p) const {
    return values_.empty() ? nullptr : values_.data() + p.offset;
  }
  template <dim_t... D>
  T* value(const state<D...>& s) const {
    return states_.empty() ? nullptr : states_.data() + s.offset;
  }
  template <dim_t... D>
  T* gradient(const param<D...>& p) const {
    return gradients_.empty() ? nullptr : gradients_.data() + p.offset;
  }
  T* value(absent) const { return nullptr; }
  T* gradient(absent) const { return nullptr; }

  // Memory that lasts until the pass ends: what backward needs.
  template <class Shape>
  view<Shape, T> keep(Shape s) {
    return {static_cast<T*>(memory_->take_front(bytes(s))), s};
  }
  // Memory that lasts until the enclosing frame ends.
  template <class Shape>
  view<Shape, T> scratch(Shape s) {
    return {static_cast<T*>(memory_->take_back(bytes(s))), s};
  }
  // Kept when training, scratch when inferring.
  template <class Shape>
  view<Shape, T> hold(Shape s) {
    return training() ? keep(s) : scratch(s);
  }

  // Scratch memory taken after the frame was made is given back when it goes out of scope.
  class frame_guard {
   public:
    explicit frame_guard(arena& a) : arena_(a), mark_(a.back_mark()) {}
    frame_guard(const frame_guard&) = delete;
    frame_guard& operator=(const frame_guard&) = delete;
    ~frame_guard() { arena_.release_back(mark_); }

   private:
    arena& arena_;
    std::size_t mark_;
  };
  [[nodiscard]] frame_guard frame() { return frame_guard(*memory_); }

  // For a part of a network that keeps nothing and is made anew on the way back. While the first guard lives, a training
  // pass keeps nothing; what is kept while the second lives is given back when it goes out of scope:
  //   forward    { const auto g = ctx.without_keeping(); body.forward(ctx, x, y, s); }
  //   backward   { const auto g = ctx.kept_frame(); body.forward(ctx, x, y_again, s); body.backward(ctx, dy, dx, s); }
  class mode_guard {
   public:
    mode_guard(pass& mode, pass now) : mode_(mode), was_(mode) { mode = now; }
    mode_guard(const mode_guard&) = delete;
    mode_guard& operator=(const mode_guard&) = delete;
    ~mode_guard() { mode_ = was_; }

   private:
    pass& mode_;
    pass was_;
  };
  [[nodiscard]] mode_guard without_keeping() { return mode_guard(mode_, pass::infer); }

  class kept_guard {
   public:
    explicit kept_guard(arena& a) : arena_(a), mark_(a.front_mark()) {}
    kept_guard(const kept_guard&) = delete;
    kept_guard& operator=(const kept_guard&) = delete;
    ~kept_guard() { arena_.release_front(mark_); }

   private:
    arena& arena_;
    std::size_t mark_;
  };
  [[nodiscard]] kept_guard kept_frame() { return kept_guard(*memory_); }

  // Executes one operation on the backend; its scratch memory comes from the back of the arena.
  template <class Op>
  void run(const Op& op) {
    const frame_guard guard(*memory_);
    if constexpr (detail::is_measure<B>) {
      memory_->take_back(scratch_bytes(backend_.backend, op));
    } else {
      static_assert(executes<B, Op>,
                    "avss: this backend cannot execute this operation: include its header, or choose another backend");
      if constexpr (executes<B, Op>) {
        const std::size_t need = scratch_bytes(backend_, op);
        void* scratch = need ? memory_->take_back(need) : nullptr;
        execute(backend_, op, scratch);
      }
    }
  }

 private:
  template <class Shape>
  static std::size_t bytes(const Shape& s) {
    return static_cast<std::size_t>(s.size()) * sizeof(T);
  }

  B backend_;
  arena* memory_;
  pass mode_;
  std::span<T> values_, gradients_, states_;
};

}  // namespace avss
