// Conv-TasNet against the golden vectors of the folder AVSS_SHARED: small networks of torchaudio, asteroid and the
// reference project, with loss and all gradients.
#include <gtest/gtest.h>

#include <avss/convtasnet.hpp>
#include <avss/io/npz.hpp>
#include <avss/reference/act_norm.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/optim.hpp>
#include <avss/reference/pointwise.hpp>
#include <avss/reference/separation_loss.hpp>
#include <avss/reference/to_host.hpp>
#include <tests/shared/formula.hpp>
#include <tests/shared/shared_golden.hpp>
#include <tests/support/compare.hpp>

namespace avss {
namespace {

template <class Change>
constexpr convtasnet_config with(convtasnet_config c, Change change) {
  c.blocks = c.repeats = 2;
  change(c);
  return c;
}
constexpr convtasnet_config torchaudio(activation mask) {
  return with(presets::convtasnet_torchaudio, [&](auto& c) {
    c.filters = 8, c.window = 4, c.stride = 2, c.bottleneck = c.skip = 6, c.hidden = 10, c.mask = mask;
  });
}
constexpr convtasnet_config asteroid(norm_kind norm = norm_kind::global) {
  return with(presets::convtasnet_asteroid, [&](auto& c) {
    c.filters = 8, c.window = 4, c.stride = 2, c.bottleneck = 6, c.skip = 5, c.hidden = 10, c.mask = activation::relu;
    if (norm != norm_kind::global) c.causal = true, c.first_norm = c.norm = norm;
  });
}
constexpr convtasnet_config asteroid_no_skip() {
  return with(asteroid(), [](auto& c) { c.skip = 0, c.last = last_residual::used, c.mask = activation::softmax; });
}
constexpr convtasnet_config asteroid_cumulative() {
  return with(asteroid(norm_kind::cumulative), [](auto& c) { c.mask = activation::sigmoid; });
}
constexpr convtasnet_config reference_project() {
  return with(presets::convtasnet, [](auto& c) { c.filters = 24, c.bottleneck = c.skip = 12, c.hidden = 48, c.blocks = 3; });
}

// What a network makes of a golden case.
template <class T>
struct outcome {
  double loss = 0;
  std::vector<T> estimates;
  tensor_dict gradients;  // in the network's own names
};

template <convtasnet_config S, class B, class Loss, class T = typename B::value_type>
outcome<T> run(const tensor_dict& weights, const std::vector<double>& mixture, const std::vector<double>& target, dim_t batch,
               const Loss& objective) {
  engine<ConvTasNet<S>, B> net;
  set_weights(net, weights, "golden");
  const std::vector<T> x(mixture.begin(), mixture.end());
  std::vector<T> t(target.begin(), target.end());
  outcome<T> o;
  o.estimates.resize(t.size());
  o.loss = net.train_step(std::span<const T>(x), std::span<T>(o.estimates), batch, [&](auto& ctx, auto y, auto dy) {
    return evaluate(ctx, objective, y, decltype(y){t.data(), y.extents}, dy);
  });
  for (const param_info& p : list_params(net.net()))
    if (p.trained)
      o.gradients.add(p.name, tensor::of<T>(p.shape, std::span<const T>(net.gradients()).subspan(p.offset, p.size)));
  return o;
}

// What is left of numbers in float.
std::vector<double> rounded(std::vector<double> v) {
  for (double& x : v) x = static_cast<float>(x);
  return v;
}
tensor_dict rounded(const tensor_dict& all) {
  tensor_dict r;
  for (const named_tensor& e : all.entries)
    r.add(e.name, tensor::of<double>(e.value.shape, std::span<const double>(rounded(e.value.values<double>()))));
  return r;
}

template <class Backend>
class SharedConvTasNet : public testing::Test {};
using backends = testing::Types<reference<double>, cpu>;
TYPED_TEST_SUITE(SharedConvTasNet, backends);

template <class T>
void expect_gradients(const tensor_dict& found, const tensor_dict& expected, double limit = 0) {
  ASSERT_EQ(found.entries.size(), expected.entries.size());
  double top = 0;
  for (const named_tensor& e : expected.entries) top = std::max(top, test::largest(e.value.values<double>()));
  for (const named_tensor& e : expected.entries) {
    const tensor* ours = found.find(e.name);
    ASSERT_NE(ours, nullptr) << e.name;
    const std::vector<double> golden = e.value.values<double>();
    test::expect_close(ours->values<double>(), golden, std::max(limit, test::gradient_tolerance<T>(golden.size())), e.name,
                       test::gradient_floor(golden, top));
  }
}

template <class B, convtasnet_config S>
void expect_case(const json_value& all, const char* name) {
  using T = typename B::value_type;
  SCOPED_TRACE(name);
  const json_value& golden = test::member(all, name);
  const convtasnet_weights w = to_convtasnet(test::tensors(test::member(golden, "params")), {}, name);
  tensor_dict gradients =
      to_canonical(w.source, test::tensors_like(test::member(golden, "grads"), test::tensors(test::member(golden, "params"))));
  const double limit = test::tolerance<T>;
  const std::vector<double> input = test::numbers(test::member(golden, "input"));
  const std::vector<double> targets = test::numbers(test::member(golden, "targets"));
  const pit objective{si_snr{asteroid_eps}};
  const auto o = run<S, B>(w.tensors, input, targets, 1, objective);
  test::expect_close(o.estimates, test::numbers(test::member(golden, "output")), limit, "output");
  const double loss = test::number(test::member(golden, "loss_pit_neg_sisdr_asteroid"));
  EXPECT_NEAR(o.loss, loss, limit * std::abs(loss));
  // Rounding weights and signals to float, all else exact, moves some of these gradients by up to 1.6e-5. A float network is
  // held against the exact gradients of the rounded numbers.
  if (!std::is_same_v<T, double>)
    gradients = run<S, reference<double>>(rounded(w.tensors), rounded(input), rounded(targets), 1, objective).gradients;
  expect_gradients<T>(o.gradients, gradients);
}

TYPED_TEST(SharedConvTasNet, six_networks) {
  const std::string path = test::shared_file("golden/convtasnet_golden.json");
  if (path.empty()) GTEST_SKIP() << test::how_to_share;
  const json_value all = test::read_json(path);
  ASSERT_EQ(all.keys.size(), 6u);
  expect_case<TypeParam, torchaudio(activation::relu)>(all, "torchaudio_small_relu");
  expect_case<TypeParam, torchaudio(activation::sigmoid)>(all, "torchaudio_small_sigmoid");
  expect_case<TypeParam, asteroid()>(all, "asteroid_small_gLN_relu");
  expect_case<TypeParam, asteroid_no_skip()>(all, "asteroid_small_noskip_softmax");
  expect_case<TypeParam, asteroid(norm_kind::per_frame)>(all, "asteroid_small_causal_cLN");
  expect_case<TypeParam, asteroid_cumulative()>(all, "asteroid_small_causal_cgLN");
}

// Tolerances of the folder's README: what is stored in float32 5e-6 for a float network, 1e-7 in double; the loss 1e-10;
// norms of gradients 1e-5, in float 1e-2.
TYPED_TEST(SharedConvTasNet, reference_project) {
  const std::string path = test::shared_file("golden/reference_convtasnet_golden.npz");
  if (path.empty()) GTEST_SKIP() << test::how_to_share;
  using T = typename TypeParam::value_type;
  constexpr bool exact = sizeof(T) == sizeof(double);
  const tensor_dict all = read_npz(path, [](std::string_view n) { return n.starts_with("s/") && !n.ends_with("param_names"); });
  const auto values = [&](const std::string& name) { return all.find(name)->values<double>(); };
  tensor_dict weights, gradients;
  for (const named_tensor& e : all.entries) {
    if (e.name.starts_with("s/w/")) weights.add(e.name.substr(4), e.value);
    if (e.name.starts_with("s/grad/")) gradients.add(e.name.substr(7), e.value);
  }
  const convtasnet_weights w = to_convtasnet(weights, {}, path);
  gradients = to_canonical(w.source, gradients);
  const auto o = run<reference_project(), TypeParam>(w.tensors, values("s/wav"), values("s/target"), 2, pit{si_snr{}});
  const std::vector<double> estimates = values("s/out");
  ASSERT_EQ(o.estimates.size(), estimates.size());
  for (std::size_t i = 0; i < estimates.size(); ++i) ASSERT_NEAR(o.estimates[i], estimates[i], exact ? 1e-7 : 5e-6) << i;
  EXPECT_NEAR(o.loss, values("s/pit_loss")[0], exact ? 1e-10 : 1e-5);
  expect_gradients<T>(o.gradients, gradients, 1e-7);  // which are stored in float32
  double squares = 0;
  for (const named_tensor& e : o.gradients.entries)
    for (double g : e.value.values<double>()) squares += g * g;
  const double total = values("s/grad_total")[0];
  EXPECT_NEAR(std::sqrt(squares), total, total * (exact ? 1e-5 : 1e-2));
}

// Six steps of the reference project's trainer: gradients clipped, AdamW, one cycle of rate and momentum.
TEST(SharedConvTasNetTraining, reference_project) {
  const std::string path = test::shared_file("golden/reference_convtasnet_golden.npz");
  if (path.empty()) GTEST_SKIP() << test::how_to_share;
  using B = reference<double>;
  const tensor_dict all = read_npz(path, [](std::string_view n) { return n.starts_with("s/") && !n.ends_with("param_names"); });
  const auto values = [&](const std::string& name) { return all.find(name)->values<double>(); };
  tensor_dict weights;
  for (const named_tensor& e : all.entries)
    if (e.name.starts_with("s/w/")) weights.add(e.name.substr(4), e.value);

  engine<ConvTasNet<reference_project()>, B> net;
  set_weights(net, to_convtasnet(weights, {}, path).tensors, path);
  const std::vector<double> x = values("s/wav"), loss = values("s/train6/loss"),
                            norm = values("s/train6/grad_norm_before_clip"), lr = values("s/train6/lr"),
                            momentum = values("s/train6/beta1");
  std::vector<double> target = values("s/target"), y(target.size());
  const std::vector<flat_range> trained = trained_ranges(net.net());
  adam<double> optimiser(adamw_config, trained, static_cast<dim_t>(net.values().size()));
  one_cycle schedule({.max_lr = 1e-3, .total_steps = 20, .pct_start = 0.1});
  const pit objective{si_snr{}};
  ASSERT_EQ(loss.size(), 6u);
  for (std::size_t k = 0; k < loss.size(); ++k) {
    SCOPED_TRACE(k);
    std::fill(net.gradients().begin(), net.gradients().end(), 0.0);
    const double found = net.train_step(std::span<const double>(x), std::span(y), 2, [&](auto& ctx, auto e, auto de) {
      return evaluate(ctx, objective, e, decltype(e){target.data(), e.extents}, de);
    });
    EXPECT_NEAR(found, loss[k], 1e-10);
    EXPECT_NEAR(schedule.now().lr, lr[k], 1e-15);
    EXPECT_NEAR(*schedule.now().momentum, momentum[k], 1e-12);
    arena memory(1 << 20);
    context<B> ctx(net.backend(), memory, pass::train);
    EXPECT_NEAR(clip_gradients(ctx, net.gradients(), trained, 5).norm, norm[k], 1e-8 * norm[k]);
    optimiser.step(ctx, net.values(), std::span<const double>(net.gradients()), schedule.now());
    schedule.advance();
  }
}

// Two rows in one.
template <class T>
std::vector<T> joined(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<T> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

// The published size, with weights from a formula; in float, on cpu.
TEST(SharedConvTasNetFull, reference_project) {
  const std::string path = test::shared_file("golden/reference_convtasnet_golden.npz");
  if (path.empty()) GTEST_SKIP() << test::how_to_share;
  const tensor_dict all =
      read_npz(path, [](std::string_view n) { return n.starts_with("full/") && !n.ends_with("param_names"); });
  const auto values = [&](const std::string& name) { return all.find("full/" + name)->values<double>(); };
  constexpr dim_t batch = 2, n = 8000;
  engine<ConvTasNet<presets::convtasnet>, cpu> net(cpu{1});
  tensor_dict weights = from_canonical(convtasnet_layout("reference", presets::convtasnet.blocks), get_weights(net));
  for (named_tensor& e : weights.entries) e.value = test::formula_convtasnet_weight(e.name, e.value.shape);
  set_weights(net, to_convtasnet(weights, {}, "formula").tensors, "formula");
  const std::vector<float> x = joined<float>(test::formula_wave("wavc0", n), test::formula_wave("wavc1", n));
  std::vector<float> y(static_cast<std::size_t>(2 * batch * n));
  net.separate(std::span<const float>(x), std::span(y), batch);

  const std::vector<double> moments = values("out_meanstd"), some = values("out_every101");
  for (std::size_t row = 0; row < 4; ++row) {
    const std::span<const float> signal = std::span<const float>(y).subspan(row * n, n);
    double sum = 0, squares = 0;
    for (const float v : signal) sum += v, squares += static_cast<double>(v) * v;
    const double mean = sum / n;
    EXPECT_NEAR(mean, moments[2 * row], 5e-6);
    EXPECT_NEAR(std::sqrt(squares / n - mean * mean), moments[2 * row + 1], 5e-6);
    for (std::size_t i = 0; i < 80; ++i) ASSERT_NEAR(signal[101 * i], some[80 * row + i], 5e-6) << row << ' ' << i;
  }

  // The targets: the network's own estimates, the first item's swapped, and a little of the formula's noise.
  const std::vector<double> noise = joined<double>(test::formula_noise("ct0", 2 * n), test::formula_noise("ct1", 2 * n));
  std::vector<float> target(y.size());
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t s = 0; s < 2; ++s) {
      target[s * n + i] = static_cast<float>(0.7 * y[(1 - s) * n + i] + 0.02 * noise[s * n + i]);
      target[(2 + s) * n + i] = static_cast<float>(y[(2 + s) * n + i] + 0.02 * noise[(2 + s) * n + i]);
    }
  const pit objective{si_snr{}};
  const double loss = net.train_step(std::span<const float>(x), std::span(y), batch, [&](auto& ctx, auto e, auto de) {
    return evaluate(ctx, objective, e, decltype(e){target.data(), e.extents}, de);
  });
  EXPECT_NEAR(loss, values("pit_loss")[0], 1e-4);
  double squares = 0;
  for (const float g : net.gradients()) squares += static_cast<double>(g) * g;
  const double total = values("grad_total")[0];
  EXPECT_NEAR(std::sqrt(squares), total, 1e-2 * total);
}

}  // namespace
}  // namespace avss
