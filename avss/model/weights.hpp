// Between the flat buffers of an engine (engine, av_engine) and tensors by name.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/core/param.hpp>
#include <avss/core/placement.hpp>
#include <avss/io/layout.hpp>
#include <avss/io/match.hpp>
#include <avss/io/tensor.hpp>
#include <span>
#include <string>
#include <vector>

namespace avss {

// Copies tensors in the network's own names into the engine. Strict: throws error with the complete list of what is
// missing, unexpected, of another shape or not finite; then nothing was changed. `file_layout`, the layout they came in,
// lets the list speak in the file's terms.
template <class Engine>
void set_weights(Engine& to, const tensor_dict& weights, const std::string& origin, const layout* file_layout = nullptr) {
  const std::vector<param_info> list = list_params(to.net());
  std::vector<expected_tensor> expected;
  for (const param_info& p : list) expected.push_back({p.name, p.shape});
  const std::vector<const tensor*> found = match_strictly(expected, weights, origin, file_layout);
  for (std::size_t i = 0; i < list.size(); ++i)
    if (list[i].name.ends_with("running_var"))
      for (const auto v : found[i]->values<typename Engine::T>())
        if (v < 0) fail(origin, ": ", list[i].name, " holds ", v, ", and a variance is not negative; the file is damaged");
  const auto copy_in = [&](bool of_state, auto flat) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i].is_state != of_state) continue;
      const auto values = found[i]->values<typename Engine::T>();
      std::copy(values.begin(), values.end(), flat.begin() + list[i].offset);
    }
  };
  edit(to.backend(), to.values(), [&](auto flat) { copy_in(false, flat); });
  edit(to.backend(), to.state(), [&](auto flat) { copy_in(true, flat); });
}

// All parameters and state, in the network's own names and order.
template <class Engine>
tensor_dict get_weights(Engine& from) {
  using T = typename Engine::T;
  tensor_dict weights;
  look(from.backend(), std::span<const T>(from.values()), [&](std::span<const T> values) {
    look(from.backend(), std::span<const T>(from.state()), [&](std::span<const T> state) {
      for (const param_info& p : list_params(from.net()))
        weights.add(
            p.name,
            tensor::of<T>(
                p.shape,
                (p.is_state ? state : values).subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size))));
    });
  });
  return weights;
}

}  // namespace avss
