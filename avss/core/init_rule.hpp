// What a parameter starts from.
#pragma once

namespace avss {

// A group of parameters says so by a member
//   static constexpr init_rule initial(std::string_view leaf);
// and may change what was drawn by a member template
//   static void adjust_initial(std::string_view leaf, T* values);
// Groups without it follow fan_in, PyTorch's default for convolutions and linear layers. State without it starts from zero.
struct init_rule {
  enum class kind {
    fan_in,          // U(-b, b), b = 1 / sqrt(fan_in) of the group's weight [out, in, ...], fan_in = in * ...
    constant,        // value
    uniform,         // U(-value, value)
    xavier_uniform,  // U(-b, b), b = value sqrt(6 / (fan_in + fan_out)), fan_out = out * ...   (Glorot and Bengio 2010)
    xavier_normal,   // N(0, s^2), s = value sqrt(2 / (fan_in + fan_out))
    positions        // of [..., T, C]: position_value(t, c, C) of op/sequence.hpp
  };
  kind how = kind::fan_in;
  double value = 1;
};

}  // namespace avss
