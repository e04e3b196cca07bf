// Runs operations forward and backward on named arrays, on any backend.
//
// A case describes one way to use a family of operations:
//   arrays() const -> std::vector<array_spec>
//   forward(op_run<B>&) const      from the inputs and parameters makes the outputs
//   backward(op_run<B>&) const     from the outputs' gradients makes those of inputs and parameters
#pragma once

#include <avss/core/context.hpp>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <tests/support/draw.hpp>
#include <vector>

namespace avss::test {

enum class role {
  input,      // backward must overwrite its gradient
  param,      // backward must add to its gradient; so for an input whose gradient is accumulated
  constant,   // has no gradient
  output,     // forward must overwrite it; its gradient is given
  made,       // forward or backward must overwrite it: statistics, sums
  workspace,  // of unspecified contents afterwards
};

struct array_spec {
  std::string name;
  dim_t size;
  role what;
};

// The memory of the arrays, which both the test and the backend must reach.
template <class B>
struct array_memory {
  template <class T>
  using array = std::vector<T>;
  static void* take(std::size_t bytes) { return ::operator new (bytes, std::align_val_t{arena::alignment}); }
  static void give_back(void* p) { ::operator delete (p, std::align_val_t{arena::alignment}); }
  static void wait(const B&) {}  // until what the backend executes is done
};

// What a gradient that is added to starts from.
inline constexpr double gradient_start = 0.5;

template <class B>
class op_run {
 public:
  using T = typename B::value_type;
  using memory = array_memory<B>;
  using array = typename memory::template array<T>;

  explicit op_run(const std::vector<array_spec>& arrays, B backend = {}) : backend_(backend) {
    constexpr T nan = std::numeric_limits<T>::quiet_NaN();
    for (const array_spec& a : arrays) {
      const bool given = a.what == role::input || a.what == role::param || a.what == role::constant;
      const std::vector<double> v = draw(a.name, a.size);
      values_[a.name] = given ? array(v.begin(), v.end()) : array(v.size(), nan);
      if (a.what == role::constant || a.what == role::made || a.what == role::workspace) continue;
      const std::vector<double> d = draw("d" + a.name, a.size);
      gradients_[a.name] =
          a.what == role::output ? array(d.begin(), d.end()) : array(d.size(), a.what == role::param ? T(gradient_start) : nan);
    }
  }

  array& values(const std::string& name) { return values_.at(name); }
  array& gradients(const std::string& name) { return gradients_.at(name); }
  // Null for an array that the case does not have.
  T* value(const std::string& name) { return values_.contains(name) ? values_[name].data() : nullptr; }
  T* gradient(const std::string& name) { return gradients_.contains(name) ? gradients_[name].data() : nullptr; }

  // The operation's scratch memory is NaN before.
  template <class Op>
  void run(const Op& o) {
    const std::size_t n = (scratch_bytes(backend_, o) + sizeof(T) - 1) / sizeof(T);
    struct release {
      void operator()(T* p) const { memory::give_back(p); }
    };
    const std::unique_ptr<T, release> scratch(n ? static_cast<T*>(memory::take(n * sizeof(T))) : nullptr);
    std::fill_n(scratch.get(), n, std::numeric_limits<T>::quiet_NaN());
    execute(backend_, o, static_cast<void*>(scratch.get()));
    memory::wait(backend_);
  }

 private:
  B backend_;
  std::map<std::string, array> values_, gradients_;
};

}  // namespace avss::test
