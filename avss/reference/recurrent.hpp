// Recurrences, as plain loops.
#pragma once

#include <avss/op/recurrent.hpp>
#include <avss/reference/backend.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

namespace avss {
namespace ref {

template <class T>
T sigmoid(T x) {
  return 1 / (1 + std::exp(-x));
}

// The steps in the order in which a direction takes them.
inline dim_t step_of(dim_t turn, dim_t steps, bool backward) { return backward ? steps - 1 - turn : turn; }

// One unit of an SRU at one step.
template <class T>
struct sru_unit {
  T before, forget, reset, c, highway;
};
template <class T>
sru_unit<T> sru_step(const op::sru_size& n, const T* u, const T* x, const T* v, const T* b, dim_t gate, dim_t place, T before) {
  const dim_t both = 2 * n.hidden;  // from the forget gate's values to the reset gate's
  const T* products = u + place * n.products;
  sru_unit<T> s{};
  s.before = before;
  s.forget = sigmoid(products[1] + v[gate] * before + b[gate]);
  s.reset = sigmoid(products[2] + v[both + gate] * before + b[both + gate]);
  s.c = s.forget * before + (1 - s.forget) * products[0];
  s.highway = n.products == 4 ? products[3] : x[place];
  return s;
}

}  // namespace ref

template <class T>
void execute(reference<T>&, const op::sru_fwd<T>& o, void*) {
  const dim_t width = 2 * o.n.hidden;
  for (dim_t r = 0; r < o.n.rows; ++r)
    for (dim_t gate = 0; gate < width; ++gate) {
      T c = 0;
      for (dim_t turn = 0; turn < o.n.steps; ++turn) {
        const dim_t place = (ref::step_of(turn, o.n.steps, gate >= o.n.hidden) * o.n.rows + r) * width + gate;
        const ref::sru_unit<T> s = ref::sru_step(o.n, o.u, o.x, o.weight_c, o.bias, gate, place, c);
        c = s.c;
        o.h[place] = s.reset * c + (1 - s.reset) * s.highway;
        if (o.c) o.c[place] = c;
      }
    }
}

template <class T>
void execute(reference<T>&, const op::sru_bwd<T>& o, void*) {
  const dim_t width = 2 * o.n.hidden;
  for (dim_t r = 0; r < o.n.rows; ++r)
    for (dim_t gate = 0; gate < width; ++gate) {
      const bool backward = gate >= o.n.hidden;
      const auto place_of = [&](dim_t turn) { return (ref::step_of(turn, o.n.steps, backward) * o.n.rows + r) * width + gate; };
      T dc = 0;
      for (dim_t turn = o.n.steps; turn-- > 0;) {
        const dim_t place = place_of(turn);
        const T before = turn > 0 ? o.c[place_of(turn - 1)] : T(0);
        const ref::sru_unit<T> s = ref::sru_step(o.n, o.u, o.x, o.weight_c, o.bias, gate, place, before);
        const T dh = o.dh[place];
        dc += dh * s.reset;
        const T dreset = dh * (s.c - s.highway) * s.reset * (1 - s.reset);
        const T dforget = dc * (before - o.u[place * o.n.products]) * s.forget * (1 - s.forget);
        T* du = o.du + place * o.n.products;
        du[0] = dc * (1 - s.forget);
        du[1] = dforget;
        du[2] = dreset;
        (o.n.products == 4 ? du[3] : o.dx[place]) = dh * (1 - s.reset);
        o.dweight_c[gate] += dforget * before;
        o.dweight_c[width + gate] += dreset * before;
        o.dbias[gate] += dforget;
        o.dbias[width + gate] += dreset;
        dc = dc * s.forget + dforget * o.weight_c[gate] + dreset * o.weight_c[width + gate];
      }
    }
}

template <class T>
void execute(reference<T>&, const op::lstm_fwd<T>& o, void*) {
  const dim_t d = o.n.hidden;
  for (dim_t turn = 0; turn < o.n.steps; ++turn)
    for (dim_t r = 0; r < o.n.rows; ++r) {
      const dim_t at = ref::step_of(turn, o.n.steps, o.n.backward) * o.n.rows + r;
      const dim_t before = turn > 0 ? ref::step_of(turn - 1, o.n.steps, o.n.backward) * o.n.rows + r : 0;
      T* g = o.gates + at * 4 * d;
      for (dim_t j = 0; j < 4 * d; ++j) {
        T sum = g[j] + o.bias_ih[j] + o.bias_hh[j];
        if (turn > 0)
          for (dim_t i = 0; i < d; ++i) sum += o.weight_hh[j * d + i] * o.h[before * o.n.pitch + i];
        g[j] = j / d == 2 ? std::tanh(sum) : ref::sigmoid(sum);
      }
      for (dim_t i = 0; i < d; ++i) {
        const T c = g[d + i] * (turn > 0 ? o.c[before * d + i] : T(0)) + g[i] * g[2 * d + i];
        o.c[at * d + i] = c;
        o.h[at * o.n.pitch + i] = g[3 * d + i] * std::tanh(c);
      }
    }
}

template <class T>
void execute(reference<T>&, const op::lstm_bwd<T>& o, void*) {
  const dim_t d = o.n.hidden;
  std::vector<T> dh(static_cast<std::size_t>(o.n.rows * d)), dc(dh.size());  // from the step after
  for (dim_t turn = o.n.steps; turn-- > 0;)
    for (dim_t r = 0; r < o.n.rows; ++r) {
      const dim_t at = ref::step_of(turn, o.n.steps, o.n.backward) * o.n.rows + r;
      const dim_t before = turn > 0 ? ref::step_of(turn - 1, o.n.steps, o.n.backward) * o.n.rows + r : 0;
      T* g = o.gates + at * 4 * d;
      for (dim_t i = 0; i < d; ++i) {
        T& dh_i = dh[static_cast<std::size_t>(r * d + i)];
        T& dc_i = dc[static_cast<std::size_t>(r * d + i)];
        const T all = dh_i + o.dh[at * o.n.pitch + i], tanh_c = std::tanh(o.c[at * d + i]);
        const T c_before = turn > 0 ? o.c[before * d + i] : T(0);
        const T input = g[i], forget = g[d + i], cell = g[2 * d + i], output = g[3 * d + i];
        const T now = dc_i + all * output * (1 - tanh_c * tanh_c);
        g[i] = now * cell * input * (1 - input);
        g[d + i] = now * c_before * forget * (1 - forget);
        g[2 * d + i] = now * input * (1 - cell * cell);
        g[3 * d + i] = all * tanh_c * output * (1 - output);
        dc_i = now * forget;
        dh_i = 0;
      }
      for (dim_t j = 0; j < 4 * d; ++j) {
        o.dbias_ih[j] += g[j];
        o.dbias_hh[j] += g[j];
        if (turn == 0) continue;
        for (dim_t i = 0; i < d; ++i) {
          o.dweight_hh[j * d + i] += g[j] * o.h[before * o.n.pitch + i];
          dh[static_cast<std::size_t>(r * d + i)] += g[j] * o.weight_hh[j * d + i];
        }
      }
    }
}

}  // namespace avss
