// Uses a layer both ways, on a backend that takes every operation.
#pragma once

#include <avss/core/context.hpp>

struct nothing {
  using value_type = float;
};
template <class Op>
void execute(nothing&, const Op&, void*) {}

template <class Layer, class X>
void use(avss::context<nothing>& ctx, const Layer& layer, X x) {
  using Y = typename Layer::template out_shape<X>;
  typename Layer::template saved<X, float> s;
  layer.forward(ctx, avss::view<X, float>{nullptr, x}, avss::view<Y, float>{nullptr, Layer::out(x)}, s);
  layer.backward(ctx, avss::view<Y, const float>{nullptr, Layer::out(x)}, avss::view<X, float>{nullptr, x}, s);
}
