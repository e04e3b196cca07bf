// Runs RTFS-Net forward and backward the way a tool does: plan, allocate once, run.
#pragma once

#include <gtest/gtest.h>

#include <avss/core/context.hpp>
#include <avss/layer/map_units.hpp>
#include <limits>
#include <vector>

namespace avss::test {

// Mixtures [batch, length], features [batch faces, channels, video_frames].
struct rtfsnet_task {
  dim_t batch = 1, length = 0, faces = 1, video_frames = 0;
  pass mode = pass::infer;
  pass_rules rules{};
  bool backward = true;  // when training: not only forward
};

template <class T>
struct rtfsnet_result {
  std::vector<T> y, dx, dv, gradients;
  std::size_t peak = 0, planned = 0;
};

// `make_dy(y, spectrum, dy, dspectrum)` fills the gradients from the estimates when training; `look(saved)` sees what was kept,
// before backward. What is to be overwritten, the working memory included, is NaN before; gradients start from `start`.
template <class B, class Net, class MakeDy, class Look>
rtfsnet_result<typename B::value_type> run_rtfsnet(const Net& net, std::vector<typename B::value_type>& values,
                                                   std::vector<typename B::value_type>& states,
                                                   std::vector<typename B::value_type> x, std::vector<typename B::value_type> v,
                                                   const rtfsnet_task& task, MakeDy&& make_dy, Look&& look,
                                                   typename B::value_type start = 0, B backend = {}) {
  using T = typename B::value_type;
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  const typename Net::mixture_shape in(task.batch, task.length);
  const typename Net::faces_shape seen(task.batch * task.faces, task.video_frames);
  const typename Net::estimate_shape out(task.batch, task.faces, task.length);
  using saved = typename Net::template saved<T>;
  rtfsnet_result<T> r;
  {
    arena sizes;
    context<measure<B>> ctx({backend}, sizes, task.mode);
    saved s;
    net.forward(ctx, view<typename Net::mixture_shape, T>{nullptr, in}, view<typename Net::faces_shape, T>{nullptr, seen},
                view<typename Net::estimate_shape, T>{nullptr, out}, task.rules, s);
    if (task.mode == pass::train && task.backward)
      net.backward(ctx, view<typename Net::estimate_shape, const T>{nullptr, out}, nullptr,
                   view<typename Net::mixture_shape, T>{nullptr, in}, view<typename Net::faces_shape, T>{nullptr, seen}, s);
    r.planned = sizes.peak();
  }
  arena memory(r.planned);
  std::fill_n(static_cast<T*>(memory.take_front(0)), memory.capacity() / sizeof(T), nan);
  r.y.assign(static_cast<std::size_t>(out.size()), nan);
  r.gradients.assign(values.size(), start);
  context<B> ctx(backend, memory, task.mode, values, r.gradients, states);
  saved s;
  const view<typename Net::estimate_shape, T> y{r.y.data(), out};
  net.forward(ctx, view<typename Net::mixture_shape, T>{x.data(), in}, view<typename Net::faces_shape, T>{v.data(), seen}, y,
              task.rules, s);
  if (task.mode == pass::train) {
    look(s);
  }
  if (task.mode == pass::train && task.backward) {
    std::vector<T> dy(r.y.size()), dspectrum(static_cast<std::size_t>(s.spectrum.size()));
    make_dy(r.y, s.spectrum, dy, dspectrum);
    r.dx.assign(x.size(), nan);
    r.dv.assign(v.size(), nan);
    net.backward(ctx, view<typename Net::estimate_shape, const T>{dy.data(), out}, dspectrum.data(),
                 view<typename Net::mixture_shape, T>{r.dx.data(), in}, view<typename Net::faces_shape, T>{r.dv.data(), seen},
                 s);
  }
  r.peak = memory.peak();
  EXPECT_EQ(r.peak, r.planned);
  return r;
}

}  // namespace avss::test
