// Clipping of the gradient's global norm.
#pragma once

#include <avss/core/context.hpp>
#include <avss/op/to_host.hpp>
#include <avss/optim/trained.hpp>
#include <cmath>
#include <span>
#include <vector>

namespace avss {

struct clip_result {
  double norm = 0;  // before clipping, over the trained parameters
  // Not finite: the gradients are untouched and the step must be left out.
  bool finite() const { return std::isfinite(norm); }
};

// gradients *= min(1, max_norm / (norm + 1e-6)), as torch.nn.utils.clip_grad_norm_. max_norm infinite: only the norm.
template <class C>
clip_result clip_gradients(C& ctx, std::span<typename C::T> gradients, const std::vector<flat_range>& trained,
                           double max_norm) {
  using T = typename C::T;
  if (!(max_norm > 0)) fail("the greatest gradient norm must be positive, not ", max_norm);
  detail::check_ranges(trained, static_cast<dim_t>(gradients.size()));
  const auto frame = ctx.frame();
  // One double in memory of T.
  double* const norm = static_cast<double*>(static_cast<void*>(ctx.scratch(shape<2>{}).data));
  ctx.run(op::gradient_norm<T>{detail::as_ranges(trained), gradients.data(), norm});
  if (std::isfinite(max_norm)) ctx.run(op::clip_gradient<T>{detail::as_ranges(trained), gradients.data(), norm, max_norm});
  clip_result result;
  ctx.run(op::to_host<double>{1, norm, &result.norm});
  return result;
}

}  // namespace avss
