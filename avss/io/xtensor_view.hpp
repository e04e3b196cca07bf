// Tensors of files as xtensor arrays, for host code outside the hot path, and back.
#pragma once

#include <avss/core/error.hpp>
#include <avss/io/tensor.hpp>
#include <cstdint>
#include <span>
#include <vector>
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>

namespace avss {

// A copy with the values converted to T, whatever the element type.
template <class T>
xt::xarray<T> to_xarray(const tensor& t) {
  const std::vector<std::size_t> shape(t.shape.begin(), t.shape.end());
  xt::xarray<T> out = xt::xarray<T>::from_shape(shape);
  if constexpr (std::is_floating_point_v<T>) {
    const std::vector<T> values = t.values<T>();
    std::copy(values.begin(), values.end(), out.data());
  } else {
    if (t.type != dtype_of<T>())
      fail("a tensor of ", name_of(t.type), " is no array of ", name_of(dtype_of<T>()), "; convert it first");
    if (!t.bytes.empty()) std::memcpy(out.data(), t.bytes.data(), t.bytes.size());
  }
  return out;
}

// The tensor's own bytes as an array expression, without a copy; the tensor must outlive it. Throws avss::error where T is
// not the element type.
template <class T>
auto adapt(const tensor& t) {
  if (t.type != dtype_of<T>())
    fail("a tensor of ", name_of(t.type), " is no array of ", name_of(dtype_of<T>()), "; use to_xarray");
  const std::vector<std::size_t> shape(t.shape.begin(), t.shape.end());
  return xt::adapt(reinterpret_cast<const T*>(t.bytes.data()), static_cast<std::size_t>(t.size()), xt::no_ownership(), shape);
}

// A row-major tensor with the array's values.
template <class T>
tensor from_xarray(const xt::xarray<T>& array) {
  const std::vector<dim_t> shape(array.shape().begin(), array.shape().end());
  return tensor::of<T>(shape, std::span<const T>(array.data(), array.size()));
}

}  // namespace avss
