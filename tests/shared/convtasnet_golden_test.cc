// Conv-TasNet against the golden vectors of the folder AVSS_SHARED: small networks of torchaudio, asteroid and the
// reference project, with loss and all gradients.
#include <gtest/gtest.h>

#include <avss/convtasnet.hpp>
#include <avss/io/npz.hpp>
#include <avss/reference/act_norm.hpp>
#include <avss/reference/depthwise.hpp>
#include <avss/reference/filterbank.hpp>
#include <avss/reference/pointwise.hpp>
#include <avss/reference/separation_loss.hpp>
#include <avss/reference/to_host.hpp>
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

}  // namespace
}  // namespace avss
