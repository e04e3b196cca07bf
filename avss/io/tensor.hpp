// Arrays as files hold them: any element type, any rank, on the host. The networks' own arrays are views (core/view.hpp).
#pragma once

#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace avss {

enum class dtype : std::uint8_t { boolean, u8, i8, i16, i32, i64, f16, bf16, f32, f64 };

constexpr std::size_t bytes_of(dtype t) {
  switch (t) {
    case dtype::boolean:
    case dtype::u8:
    case dtype::i8: return 1;
    case dtype::i16:
    case dtype::f16:
    case dtype::bf16: return 2;
    case dtype::i32:
    case dtype::f32: return 4;
    case dtype::i64:
    case dtype::f64: return 8;
  }
  return 0;
}

constexpr const char* name_of(dtype t) {
  constexpr const char* names[] = {"bool",  "uint8",   "int8",     "int16",   "int32",
                                   "int64", "float16", "bfloat16", "float32", "float64"};
  return names[static_cast<int>(t)];
}

template <class T>
constexpr dtype dtype_of() {
  if constexpr (std::is_same_v<T, bool>)
    return dtype::boolean;
  else if constexpr (std::is_same_v<T, std::uint8_t>)
    return dtype::u8;
  else if constexpr (std::is_same_v<T, std::int8_t>)
    return dtype::i8;
  else if constexpr (std::is_same_v<T, std::int16_t>)
    return dtype::i16;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return dtype::i32;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return dtype::i64;
  else if constexpr (std::is_same_v<T, float>)
    return dtype::f32;
  else {
    static_assert(std::is_same_v<T, double>, "avss: a tensor cannot hold this element type");
    return dtype::f64;
  }
}

// "[512, 1, 16]", for messages.
inline std::string shape_string(std::span<const dim_t> shape) {
  std::string text = "[";
  for (std::size_t a = 0; a < shape.size(); ++a) text += (a ? ", " : "") + std::to_string(shape[a]);
  return text + "]";
}

// A dense row-major array. A scalar has the empty shape.
struct tensor {
  dtype type = dtype::f32;
  std::vector<dim_t> shape;
  std::vector<std::byte> bytes;

  template <class T>
  static tensor of(std::vector<dim_t> shape, std::span<const T> values) {
    tensor t{dtype_of<T>(), std::move(shape), {}};
    if (static_cast<std::size_t>(t.size()) != values.size())
      fail("a tensor of shape ", shape_string(t.shape), " needs ", t.size(), " values, not ", values.size());
    t.bytes.resize(values.size_bytes());
    if (!values.empty()) std::memcpy(t.bytes.data(), values.data(), values.size_bytes());
    return t;
  }

  dim_t size() const {
    dim_t n = 1;
    for (dim_t e : shape) n *= e;
    return n;
  }

  // The values converted to T (float or double), whatever the element type.
  template <class T>
  std::vector<T> values() const;
};

namespace detail {

inline float half_to_float(std::uint16_t h) {
  const std::uint32_t sign = std::uint32_t{h & 0x8000u} << 16;
  std::uint32_t exponent = (h >> 10) & 31u, mantissa = h & 1023u;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 5.9604644775390625e-8f;
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

template <class Stored, class T>
void convert_values(const tensor& t, std::vector<T>& out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored v;
    std::memcpy(&v, t.bytes.data() + i * sizeof(Stored), sizeof(Stored));
    out[i] = static_cast<T>(v);
  }
}

}  // namespace detail

template <class T>
std::vector<T> tensor::values() const {
  std::vector<T> out(static_cast<std::size_t>(size()));
  switch (type) {
    case dtype::boolean:
    case dtype::u8: detail::convert_values<std::uint8_t>(*this, out); break;
    case dtype::i8: detail::convert_values<std::int8_t>(*this, out); break;
    case dtype::i16: detail::convert_values<std::int16_t>(*this, out); break;
    case dtype::i32: detail::convert_values<std::int32_t>(*this, out); break;
    case dtype::i64: detail::convert_values<std::int64_t>(*this, out); break;
    case dtype::f32: detail::convert_values<float>(*this, out); break;
    case dtype::f64: detail::convert_values<double>(*this, out); break;
    case dtype::f16:
    case dtype::bf16:
      for (std::size_t i = 0; i < out.size(); ++i) {
        std::uint16_t v;
        std::memcpy(&v, bytes.data() + i * 2, 2);
        out[i] = static_cast<T>(type == dtype::f16 ? detail::half_to_float(v) : std::bit_cast<float>(std::uint32_t{v} << 16));
      }
      break;
  }
  return out;
}

struct named_tensor {
  std::string name;
  tensor value;
};

// Tensors by name, in the order of the file.
struct tensor_dict {
  std::vector<named_tensor> entries;

  // The tensor of that name, or nullptr.
  const tensor* find(std::string_view name) const {
    for (const named_tensor& e : entries)
      if (e.name == name) return &e.value;
    return nullptr;
  }
  void add(std::string name, tensor value) { entries.push_back({std::move(name), std::move(value)}); }
};

}  // namespace avss
