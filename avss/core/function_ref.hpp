// A callable as an argument, without owning it.
#pragma once

#include <type_traits>

namespace avss {

template <class Signature>
class function_ref;

// Refers to a callable that the caller keeps alive. What std::function would do by copying, <functional> costs every
// compilation a tenth of a second for.
template <class R, class... A>
class function_ref<R(A...)> {
 public:
  template <class F>
  requires(!std::is_same_v<F, function_ref> && std::is_invocable_r_v<R, const F&, A...>)
      function_ref(const F& f)  // NOLINT(google-explicit-constructor): a callable is given as it is
      : object_(&f), call_([](const void* object, A... a) -> R { return (*static_cast<const F*>(object))(a...); }) {}

  R operator()(A... a) const { return call_(object_, a...); }

 private:
  const void* object_;
  R (*call_)(const void*, A...);
};

}  // namespace avss
