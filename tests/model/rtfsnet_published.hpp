// Compares RTFS-Net with values made by the published code, which lie beside the specifications and are not part of the
// repository. The tests that use this skip where the environment variable AVSS_SHARED does not name that folder.
#pragma once

#include <gtest/gtest.h>

#include <avss/io/npz.hpp>
#include <avss/io/rtfsnet_layouts.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/rtfsnet.hpp>
#include <avss/op/fusion.hpp>
#include <avss/reference/rtfsnet.hpp>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <tests/support/compare.hpp>
#include <tests/support/run_rtfsnet.hpp>
#include <type_traits>
#include <vector>

namespace avss::test {

// Arrays of one file, as doubles.
class published_values {
 public:
  explicit published_values(const std::string& path)
      : arrays_(read_npz(path, [](std::string_view name) { return name != "param_names"; })) {}

  bool has(const std::string& name) const { return arrays_.find(name); }
  std::vector<double> operator[](const std::string& name) const {
    const tensor* t = arrays_.find(name);
    if (!t) fail("no array ", name);
    return t->values<double>();
  }
  double number(const std::string& name) const { return (*this)[name].at(0); }
  // Those whose names start with `prefix`, without it.
  tensor_dict below(std::string_view prefix) const {
    tensor_dict found;
    for (const named_tensor& e : arrays_.entries)
      if (e.name.starts_with(prefix)) found.add(e.name.substr(prefix.size()), e.value);
    return found;
  }

 private:
  tensor_dict arrays_;
};

inline const char* published_folder() { return std::getenv("AVSS_SHARED"); }

// A network with published weights.
template <rtfsnet_config S>
class published_network {
 public:
  using network = RtfsNet<S>;

  explicit published_network(const published_values& values)
      : values_(static_cast<std::size_t>(net_.extent().values)), states_(static_cast<std::size_t>(net_.extent().state)) {
    init_params(net_, 1, std::span<double>(values_), std::span<double>(states_));  // the table of positions is not in the files
    const rtfsnet_weights w = to_rtfsnet(values.below("w/"), "golden");
    source_ = w.source;
    std::size_t found = 0;
    for (const param_info& p : list_params(net_)) {
      const tensor* t = w.tensors.find(p.name);
      if (!t && p.name.ends_with(".pe")) continue;
      if (!t) fail("no weight ", p.name);
      EXPECT_EQ(t->shape, p.shape) << p.name;
      const std::vector<double> v = t->values<double>();
      std::copy(v.begin(), v.end(), (p.is_state ? states_ : values_).begin() + p.offset);
      ++found;
    }
    EXPECT_EQ(found, w.tensors.entries.size());
  }

  const network& net() const { return net_; }
  // What the file calls a tensor of the network.
  std::string name_in_file(const std::string& ours) const { return their_name(source_, ours); }
  std::vector<double>& values() { return values_; }
  std::vector<double>& states() { return states_; }

  // On another backend the weights are rounded to its values.
  template <class B = reference<double>, class MakeDy, class Look>
  rtfsnet_result<typename B::value_type> run(const std::vector<double>& x, const std::vector<double>& v, rtfsnet_task task,
                                             MakeDy&& make_dy, Look&& look) {
    task.length = static_cast<dim_t>(x.size()) / task.batch;
    task.video_frames = static_cast<dim_t>(v.size()) / (task.batch * task.faces * network::video_channels);
    if constexpr (std::is_same_v<B, reference<double>>) {
      return run_rtfsnet<B>(net_, values_, states_, x, v, task, make_dy, look);
    } else {
      using T = typename B::value_type;
      std::vector<T> values(values_.begin(), values_.end()), states(states_.begin(), states_.end());
      return run_rtfsnet<B>(net_, values, states, {x.begin(), x.end()}, {v.begin(), v.end()}, task, make_dy, look);
    }
  }

  std::vector<double> gradient(const rtfsnet_result<double>& r, const param_info& p) const {
    return {r.gradients.begin() + p.offset, r.gradients.begin() + p.offset + p.size};
  }

 private:
  network net_;
  std::vector<double> values_, states_;
  layout source_;
};

inline double norm_of(const std::vector<double>& v) {
  double sum = 0;
  for (double x : v) sum += x * x;
  return std::sqrt(sum);
}

// The intermediate array `name` of a case: its mean and deviation, and every 9973rd value.
inline void expect_intermediate(const published_values& g, const std::string& name, const double* p, double limit,
                                bool positive_part = false) {
  const std::vector<double> extents = g[name + "_shape"], moments = g[name + "_meanstd"], some = g[name + "_every9973"];
  std::size_t n = 1;
  for (double e : extents) n *= static_cast<std::size_t>(e);
  const auto at = [&](std::size_t i) { return positive_part ? std::max(p[i], 0.0) : p[i]; };
  double mean = 0, square = 0;
  for (std::size_t i = 0; i < n; ++i) mean += at(i) / static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) square += (at(i) - mean) * (at(i) - mean) / static_cast<double>(n);
  const double scale = moments[1];
  EXPECT_NEAR(mean, moments[0], limit * scale) << name;
  EXPECT_NEAR(std::sqrt(square), moments[1], limit * scale) << name;
  for (std::size_t i = 0; i < some.size(); ++i) ASSERT_NEAR(at(i * 9973), some[i], limit * 10 * scale) << name << " " << i;
}

// The masked map, which a pass does not keep.
template <class Saved>
std::vector<double> masked_map(const Saved& s) {
  const auto& e = s.e;
  std::vector<double> z(static_cast<std::size_t>(e.size()));
  reference<double> backend;
  const op::complex_mask_fwd<double> o{e.dim(0), 1, e.dim(1), e.dim(2) * e.dim(3), s.masked.mask, e.data, z.data()};
  execute(backend, o, nullptr);
  return z;
}

inline std::vector<double> without_mean(std::vector<double> v) {
  double mean = 0;
  for (double x : v) mean += x / static_cast<double>(v.size());
  for (double& x : v) x -= mean;
  return v;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// The loss that the paper's network was trained with, and its gradient.
inline double negative_snr(const std::vector<double>& estimate, const std::vector<double>& target, std::vector<double>& d) {
  constexpr double eps = 1e-8;
  const std::vector<double> y = without_mean(estimate), t = without_mean(target);
  double noise = 0;
  for (std::size_t i = 0; i < y.size(); ++i) noise += (y[i] - t[i]) * (y[i] - t[i]);
  const double signal = dot(t, t), ratio = signal / (noise + eps) + eps;
  for (std::size_t i = 0; i < y.size(); ++i)
    d[i] = 10 / std::log(10.0) / ratio * signal / ((noise + eps) * (noise + eps)) * 2 * (y[i] - t[i]);
  return -10 * std::log10(ratio);
}

// torchmetrics' SI-SNR, negative, and its gradient.
inline double negative_si_snr(const std::vector<double>& estimate, const std::vector<double>& target, std::vector<double>& d) {
  constexpr double eps = 1.1920929e-7;
  const std::vector<double> p = without_mean(estimate), t = without_mean(target);
  const double energy = dot(t, t), a = (dot(p, t) + eps) / (energy + eps);
  std::vector<double> e(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) e[i] = a * t[i] - p[i];
  const double num = a * a * energy + eps, den = dot(e, e) + eps, et = dot(e, t);
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double dnum = 2 * a * energy * t[i] / (energy + eps), dden = 2 * (et * t[i] / (energy + eps) - e[i]);
    d[i] = -10 / std::log(10.0) * (dnum / num - dden / den);
  }
  d = without_mean(d);
  return -10 * std::log10(num / den);
}

}  // namespace avss::test
