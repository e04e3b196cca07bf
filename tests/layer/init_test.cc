#include <gtest/gtest.h>

#include <avss/layer/init.hpp>
#include <avss/layer/recurrent.hpp>
#include <avss/model/convtasnet.hpp>
#include <limits>
#include <map>

namespace avss {
namespace {

constexpr convtasnet_config small{.filters = 64,
                                  .window = 16,
                                  .stride = 8,
                                  .bottleneck = 32,
                                  .skip = 32,
                                  .hidden = 64,
                                  .blocks = 2,
                                  .repeats = 2,
                                  .encoder_bias = true,
                                  .decoder_bias = true,
                                  .last = last_residual::unused};

template <class Net>
std::map<std::string, std::vector<double>> initial(Net& net, std::uint64_t seed) {
  std::vector<double> values(static_cast<std::size_t>(net.extent().values), std::numeric_limits<double>::quiet_NaN());
  init_params(net, seed, std::span<double>(values));
  std::map<std::string, std::vector<double>> named;
  for (const param_info& p : list_params(net))
    named[p.name].assign(values.begin() + p.offset, values.begin() + p.offset + p.size);
  return named;
}

bool ends_with(const std::string& s, const std::string& end) { return s.size() >= end.size() && s.ends_with(end); }

TEST(init, convtasnet_has_pytorchs_distributions) {
  ConvTasNet<small> net;
  const auto named = initial(net, 1);
  for (const param_info& p : list_params(net)) {
    const std::vector<double>& v = named.at(p.name);
    if (p.size == 1 && p.name != "decoder.bias") {  // the PReLUs
      EXPECT_EQ(v[0], 0.25) << p.name;
      continue;
    }
    const std::string group = p.name.substr(0, p.name.rfind('.'));
    const bool norm = ends_with(group, "input_norm") || ends_with(group, "conv_layers.2") || ends_with(group, "conv_layers.5");
    ASSERT_TRUE(!norm || p.shape.size() == 1) << p.name;
    if (norm) {
      for (double x : v) ASSERT_EQ(x, ends_with(p.name, "weight") ? 1 : 0) << p.name;
      continue;
    }
    std::vector<dim_t> weight = p.shape;
    if (ends_with(p.name, "bias"))
      for (const param_info& w : list_params(net))
        if (w.name == group + ".weight") weight = w.shape;
    const double bound = 1 / std::sqrt(static_cast<double>(weight.at(1) * weight.at(2)));
    double square = 0, most = 0;
    for (double x : v) {
      square += x * x;
      most = std::max(most, std::abs(x));
    }
    EXPECT_LE(most, bound) << p.name;
    if (p.size < 64) continue;
    EXPECT_GT(most, 0.9 * bound) << p.name;
    EXPECT_NEAR(square / static_cast<double>(p.size), bound * bound / 3,
                5 * bound * bound * std::sqrt(4.0 / 45 / static_cast<double>(p.size)))
        << p.name;
  }
}

TEST(init, depends_on_seed_and_name_alone) {
  constexpr convtasnet_config longer = [] {
    convtasnet_config c = small;
    c.repeats = 3;
    c.encoder_bias = false;
    return c;
  }();
  ConvTasNet<small> net;
  ConvTasNet<longer> other;
  const auto a = initial(net, 1), b = initial(other, 1), c = initial(net, 2);
  int same = 0;
  for (const auto& [name, v] : a) {
    if (const auto it = b.find(name); it != b.end() && it->second.size() == v.size()) {
      EXPECT_EQ(v, it->second) << name;
      ++same;
    }
    if (v.size() > 1 && v[0] != v[1]) {
      EXPECT_NE(v, c.at(name)) << name;
    }
  }
  EXPECT_GT(same, 40);
  EXPECT_NE(a.at("mask_generator.conv_layers.0.conv_layers.0.weight"),
            a.at("mask_generator.conv_layers.1.conv_layers.0.weight"));
}

struct rules {
  static constexpr init_rule initial(std::string_view leaf) {
    if (leaf == "xu") return {init_rule::kind::xavier_uniform, 2};
    if (leaf == "xn") return {init_rule::kind::xavier_normal, 1};
    if (leaf == "u") return {init_rule::kind::uniform, 0.125};
    return {init_rule::kind::constant, leaf == "running_var" ? 1.0 : 0.0};
  }
  param<40, 30, 3> xu, xn;
  param<500> u;
  state<6> running_mean, running_var;
  template <class V>
  void visit(V&& v) {
    v("xu", xu);
    v("xn", xn);
    v("u", u);
    v("running_mean", running_mean);
    v("running_var", running_var);
  }
};

TEST(init, every_rule) {
  rules net;
  const param_extent extent = assign_offsets(net);
  std::vector<float> values(static_cast<std::size_t>(extent.values)), states(static_cast<std::size_t>(extent.state), 9.f);
  init_params(net, 3, std::span<float>(values), std::span<float>(states));
  const auto moments = [&](const auto& p) {
    double square = 0, most = 0;
    for (dim_t i = 0; i < p.size; ++i) {
      const double x = values[static_cast<std::size_t>(p.offset + i)];
      square += x * x / static_cast<double>(p.size);
      most = std::max(most, std::abs(x));
    }
    return std::pair{square, most};
  };
  const double fans = 30 * 3 + 40 * 3;
  EXPECT_NEAR(moments(net.xu).second, 2 * std::sqrt(6 / fans), 0.01);
  EXPECT_NEAR(moments(net.xu).first, 4 * 2 / fans, 0.1 * 4 * 2 / fans);
  EXPECT_NEAR(moments(net.xn).first, 2 / fans, 0.1 * 2 / fans);
  EXPECT_NEAR(moments(net.u).second, 0.125, 0.002);
  EXPECT_EQ(states[0], 0);
  EXPECT_EQ(states[static_cast<std::size_t>(net.running_var.offset) + 5], 1);
}

// The gates' products are drawn smaller than the cell's and the highway's.
TEST(init, recurrent_units) {
  sru_layer<300, 1, 8> net;
  const param_extent extent = assign_offsets(net);
  std::vector<double> values(static_cast<std::size_t>(extent.values)), states(static_cast<std::size_t>(extent.state));
  init_params(net, 3, std::span<double>(values), std::span<double>(states));
  double most[4] = {};
  for (dim_t i = 0; i < decltype(net.weight)::size; ++i)
    most[i % 4] = std::max(most[i % 4], std::abs(values[static_cast<std::size_t>(net.weight.offset + i)]));
  for (int product : {0, 3}) EXPECT_NEAR(most[product], 0.1, 1e-3) << product;
  for (int product : {1, 2}) EXPECT_NEAR(most[product], 0.1 * std::sqrt(0.5), 1e-3) << product;
  EXPECT_EQ(values[static_cast<std::size_t>(net.bias.offset)], 0);
  EXPECT_EQ(states[static_cast<std::size_t>(net.scale_x.offset)], 1);
}

struct table {
  static constexpr init_rule initial(std::string_view) { return {init_rule::kind::positions, 1}; }
  state<1, 5, 4> pe;
  template <class V>
  void visit(V&& v) {
    v("pe", pe);
  }
};

TEST(init, positions) {
  table net;
  std::vector<double> states(static_cast<std::size_t>(assign_offsets(net).state)), none;
  init_params(net, 3, std::span<double>(none), std::span<double>(states));
  for (dim_t t = 0; t < 5; ++t)
    for (dim_t c = 0; c < 4; ++c)
      EXPECT_EQ(states[static_cast<std::size_t>(net.pe.offset + t * 4 + c)], position_value(t, c, 4)) << t << " " << c;
}

struct no_rule {
  param<4> scale;
  template <class V>
  void visit(V&& v) {
    v("scale", scale);
  }
};

TEST(init, says_what_has_no_rule) {
  no_rule net;
  std::vector<float> values(static_cast<std::size_t>(assign_offsets(net).values));
  try {
    init_params(net, 3, std::span<float>(values));
    FAIL();
  } catch (const error& e) {
    EXPECT_STREQ(e.what(), "scale: its group must say what it is to be initialised with");
  }
  EXPECT_THROW(init_params(net, 3, std::span<float>(values).first(3)), error);
}

}  // namespace
}  // namespace avss
