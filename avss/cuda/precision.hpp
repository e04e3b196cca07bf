// How exactly a network's matrix products are made on a device.
#pragma once

#include <array>
#include <avss/core/error.hpp>
#include <cstddef>
#include <string_view>

namespace avss {

// What the factors of a product's terms are rounded to. In memory they stay float, as do results; terms are added in float32
// whatever the factors, and all that is not a product of a network's is made as ever.
enum class product_precision {
  float32,         // not at all
  tensor_float32,  // 10 bits after the leading one, float's range
  bfloat16,        // 7 bits, float's range
};

// The words of a setting, in the order of the values above.
inline constexpr std::array<std::string_view, 3> precision_words{"float32", "tf32", "bf16"};

constexpr std::string_view precision_word(product_precision p) { return precision_words[static_cast<std::size_t>(p)]; }

// What a setting's word means. Throws where it is none; `setting` is the name that the user knows, as inferencer.precision.
inline product_precision precision_of(std::string_view word, std::string_view setting) {
  for (std::size_t i = 0; i < precision_words.size(); ++i)
    if (word == precision_words[i]) return static_cast<product_precision>(i);
  fail(setting, ": expected float32, tf32 or bf16, found '", word, "'");
}

}  // namespace avss
