// The readable definition of every operation: plain loops, any element type. The oracle of the other backends.
#pragma once

namespace avss {

template <class T>
struct reference {
  using value_type = T;
};

}  // namespace avss
