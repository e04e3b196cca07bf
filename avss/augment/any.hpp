// Augmentations chosen at run time: the same values behind one type.
#pragma once

#include <algorithm>
#include <avss/augment/item.hpp>
#include <avss/core/error.hpp>
#include <avss/core/random.hpp>
#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace avss {

// Any augmentation. Copies share the value, which does not change.
class any_augmentation {
 public:
  template <class A>
  requires(!std::same_as<std::remove_cvref_t<A>, any_augmentation> && augmentation<std::remove_cvref_t<A>>)
      any_augmentation(A&& a)  // NOLINT(google-explicit-constructor): it is the same augmentation
      : held_(std::make_shared<const model<std::remove_cvref_t<A>>>(std::forward<A>(a))) {}

  bool alike() const { return held_->alike(); }
  void check(const sound_kind& kind) const { held_->check(kind); }
  double moves(const sound_kind& kind) const { return held_->moves(kind); }
  void apply(const sound_item& x, const random_stream& random) const { held_->apply(x, random); }

 private:
  struct interface {
    virtual ~interface() = default;
    virtual bool alike() const = 0;
    virtual void check(const sound_kind& kind) const = 0;
    virtual double moves(const sound_kind& kind) const = 0;
    virtual void apply(const sound_item& x, const random_stream& random) const = 0;
  };
  template <class A>
  struct model final : interface {
    A what;
    explicit model(A a) : what(std::move(a)) {}
    bool alike() const override { return what.alike(); }
    void check(const sound_kind& kind) const override { what.check(kind); }
    double moves(const sound_kind& kind) const override { return detail::moves_of(what, kind); }
    void apply(const sound_item& x, const random_stream& random) const override { what.apply(x, random); }
  };

  std::shared_ptr<const interface> held_;
};

// chain{} of a list.
struct chain_of {
  std::vector<any_augmentation> parts;

  bool alike() const {
    bool result = true;
    for (const any_augmentation& a : parts) result = result && a.alike();
    return result;
  }
  void check(const sound_kind& kind) const {
    for (const any_augmentation& a : parts) a.check(kind);
    detail::keep_step(kind, "a chain of augmentations", moves(kind));
  }
  double moves(const sound_kind& kind) const {
    double sum = 0;
    for (const any_augmentation& a : parts) sum += a.moves(kind);
    return sum;
  }
  void apply(const sound_item& x, const random_stream& random) const {
    for (std::uint64_t i = 0; const any_augmentation& a : parts) a.apply(x, random.sub(i++));
  }
};

// one_of{} of a list.
struct choice_of {
  std::vector<any_augmentation> parts;

  bool alike() const { return chain_of{parts}.alike(); }
  void check(const sound_kind& kind) const {
    if (parts.empty()) fail("a choice needs an augmentation to choose");
    for (const any_augmentation& a : parts) a.check(kind);
  }
  double moves(const sound_kind& kind) const {
    double most = 0;
    for (const any_augmentation& a : parts) most = std::max(most, a.moves(kind));
    return most;
  }
  void apply(const sound_item& x, const random_stream& random) const {
    const std::uint64_t chosen = random.below(parts.size(), 0);
    parts[static_cast<std::size_t>(chosen)].apply(x, random.sub(chosen));
  }
};

}  // namespace avss
