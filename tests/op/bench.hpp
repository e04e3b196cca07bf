// Operations run one by one on arrays that the test and the backend both reach.
#pragma once

#include <tests/support/draw.hpp>
#include <tests/support/op_run.hpp>

namespace avss::test {

template <class B>
class bench {
 public:
  using memory = array_memory<B>;
  using T = typename B::value_type;
  template <class U>
  using array = typename memory::template array<U>;

  template <class Op>
  void run(const Op& o) {
    const std::size_t n = scratch_bytes(backend_, o);
    array<double> scratch((n + sizeof(double) - 1) / sizeof(double), std::numeric_limits<double>::quiet_NaN());
    execute(backend_, o, static_cast<void*>(scratch.data()));
    memory::wait(backend_);
  }
  static array<T> drawn(const char* name, dim_t n) {
    const std::vector<double> v = draw(name, n);
    return array<T>(v.begin(), v.end());
  }
  // Of what an operation is to overwrite.
  template <class U = T>
  static array<U> unset(dim_t n) {
    return array<U>(static_cast<std::size_t>(n), std::numeric_limits<U>::quiet_NaN());
  }

 private:
  B backend_;
};

}  // namespace avss::test
