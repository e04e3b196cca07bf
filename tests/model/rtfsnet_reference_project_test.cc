// The reference project's RTFS-Net as its code computes it, against values made by that code in double precision.
#include <avss/loss/energy_ratio.hpp>
#include <avss/loss/objective.hpp>
#include <avss/optim/adam.hpp>
#include <avss/optim/clip.hpp>
#include <avss/reference/optim.hpp>
#include <avss/reference/separation_loss.hpp>
#include <avss/reference/to_host.hpp>
#include <tests/model/rtfsnet_published.hpp>

namespace avss {
namespace {

using namespace test;

constexpr rtfsnet_config silent = [] {
  rtfsnet_config c = presets::rtfsnet;
  c.tail = tail_rule::silent;
  return c;
}();
constexpr rtfsnet_config along_time = [] {
  rtfsnet_config c = silent;
  c.attention = attention_axis::time;
  return c;
}();

class RtfsNetReferenceProject : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = published_folder();
    if (!shared) GTEST_SKIP() << "set AVSS_SHARED to the folder that holds golden/reference_rtfsnet_golden.npz";
    folder = std::string(shared) + "/golden/";
  }

  // Gradients of one kind, against `tag` of the file of gradients. Values stored in float: whole arrays and `after`.
  template <rtfsnet_config S>
  static void expect_gradients(published_network<S>& net, const rtfsnet_result<double>& r, const published_values& g,
                               const published_values& grad, const std::string& tag) {
    const std::vector<double> norms = grad[tag + "/grad_norms"];
    std::map<std::string, double> expected;  // in the order of the file's weights, buffers left out
    for (const named_tensor& e : g.below("w/").entries)
      if (!e.name.ends_with("running_mean") && !e.name.ends_with("running_var") && !e.name.ends_with("num_batches_tracked")) {
        const std::size_t next = expected.size();
        expected[e.name] = norms.at(next);
      }
    ASSERT_EQ(expected.size(), 315u);
    std::size_t whole = 0;
    double total = 0;
    for (const param_info& p : list_params(net.net())) {
      const std::string theirs = net.name_in_file(p.name);
      if (p.is_state) {
        if (!grad.has(tag + "/after/" + theirs)) continue;
        const std::vector<double> now(net.states().begin() + p.offset, net.states().begin() + p.offset + p.size);
        expect_close(now, grad[tag + "/after/" + theirs], 1e-6, p.name);
        continue;
      }
      const std::vector<double> d = net.gradient(r, p);
      const double want = expected.at(theirs);
      total += norm_of(d) * norm_of(d);
      EXPECT_NEAR(norm_of(d), want, 1e-5 * want + 1e-7) << tag << " " << theirs;
      if (!grad.has(tag + "/grad/" + theirs)) continue;
      expect_close(d, grad[tag + "/grad/" + theirs], 1e-5, theirs, 1e-2);
      ++whole;
    }
    EXPECT_EQ(whole, 13u);
    const double want = grad.number(tag + "/grad_total");
    EXPECT_NEAR(std::sqrt(total), want, 1e-6 * want) << tag;
  }

  // The trainer's first step: gradients clipped to a norm of 5, AdamW at a rate of 4e-5. What it adds to a weight.
  template <rtfsnet_config S>
  static void expect_step(published_network<S>& net, std::vector<double> gradients, const published_values& grad) {
    const std::vector<param_info> params = list_params(net.net());
    const std::vector<flat_range> trained = trained_ranges(params);
    const std::vector<double> before = net.values();
    arena memory(1 << 16);
    context<reference<double>> ctx({}, memory, pass::train);
    clip_gradients(ctx, gradients, trained, 5.0);
    adam<double> optimiser({.weight_decay = 0.1, .decoupled = true}, trained, static_cast<dim_t>(before.size()));
    optimiser.step(ctx, net.values(), gradients, {.lr = 4e-5, .momentum = 0.95});
    std::size_t whole = 0;
    for (const param_info& p : params) {
      const std::string name = "train_sisnr/after_step/" + net.name_in_file(p.name);
      if (p.is_state || !grad.has(name)) continue;
      std::vector<double> expected = grad[name], added;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const std::size_t at = static_cast<std::size_t>(p.offset) + i;
        expected[i] -= before[at];
        added.push_back(net.values()[at] - before[at]);
      }
      expect_close(added, expected, 1e-4, p.name);
      ++whole;
    }
    EXPECT_EQ(whole, 13u);
  }

  std::string folder;
};

const auto no_loss = [](const auto&, const auto&, auto&, auto&) {};
const auto no_look = [](const auto&) {};

// The first samples of both: estimates beyond the last whole hop are zero, and have no target.
double si_snr_of_first(const std::vector<double>& y, const std::vector<double>& target, std::vector<double>& dy) {
  std::vector<double> d(target.size());
  const double loss = negative_si_snr({y.begin(), y.begin() + static_cast<std::ptrdiff_t>(d.size())}, target, d);
  std::copy(d.begin(), d.end(), dy.begin());
  return loss;
}

template <class Result>
std::vector<double> first(const Result& r, std::size_t n) {
  return {r.y.begin(), r.y.begin() + static_cast<std::ptrdiff_t>(n)};
}

template <class Saved>
void expect_intermediates(const published_values& g, const std::string& c, const Saved& s) {
  constexpr double limit = 1e-6;
  expect_intermediate(g, c + "/spec", s.encoded.spectrum, limit);
  expect_intermediate(g, c + "/enc", s.e.data, limit);
  expect_intermediate(g, c + "/a0", s.a0.data, limit);
  expect_intermediate(g, c + "/proj", s.first.p, limit);
  expect_intermediate(g, c + "/pooled", s.first.global.along_bins.x, limit);
  expect_intermediate(g, c + "/freq", s.first.global.along_frames.x, limit);
  expect_intermediate(g, c + "/time", s.first.global.attention.x, limit);
  expect_intermediate(g, c + "/attn", s.first.fusion[0].gate.x, limit);
  expect_intermediate(g, c + "/recon", s.first.e[0], limit);
  expect_intermediate(g, c + "/a1", s.a1.data, limit);
  expect_intermediate(g, c + "/v1", s.fused.video, limit);
  expect_intermediate(g, c + "/fused", s.a[0].data, limit);
  for (std::size_t i = 0; i < 4; ++i) expect_intermediate(g, c + "/r" + std::to_string(i), s.a[i + 1].data, limit);
  expect_intermediate(g, c + "/mask", s.masked.mask, limit, true);
  expect_intermediate(g, c + "/z", masked_map(s).data(), limit);
  expect_intermediate(g, c + "/outspec", s.spectrum.data, limit);
}

TEST_F(RtfsNetReferenceProject, intermediates_and_gradients) {
  const published_values g(folder + "reference_rtfsnet_golden.npz"), grad(folder + "reference_rtfsnet_golden_grad.npz");
  published_network<silent> net(g);
  double loss = 0;
  const auto r = net.run(
      g["a/wav"], g["a/emb"], {.mode = pass::train},
      [&](const auto& y, const auto&, auto& dy, auto&) { loss = si_snr_of_first(y, grad["a/target"], dy); },
      [&](const auto& s) { expect_intermediates(g, "a", s); });
  const std::vector<double> out = g["a/out"];
  expect_close(first(r, out.size()), out, 2e-7, "output");
  for (std::size_t i = out.size(); i < r.y.size(); ++i) ASSERT_EQ(r.y[i], 0) << i;
  EXPECT_NEAR(loss, grad.number("eval_sisnr/loss"), 1e-9);
  expect_gradients(net, r, g, grad, "eval_sisnr");
}

TEST_F(RtfsNetReferenceProject, gradients_through_the_spectrum) {
  const published_values g(folder + "reference_rtfsnet_golden.npz"), grad(folder + "reference_rtfsnet_golden_grad.npz");
  published_network<silent> net(g);
  const std::vector<double> target = grad["a/target"];
  // SI-SNR and the mean squared difference of the complex spectra, in these parts.
  struct mix {
    const char* tag;
    double si_snr, spectra;
  };
  for (const mix& m : {mix{"eval_mix1", 1, 0.1}, mix{"eval_mix2", 0.1, 1}, mix{"eval_cmse", 0, 1}}) {
    double loss = 0;
    const auto r = net.run(
        g["a/wav"], g["a/emb"], {.mode = pass::train},
        [&](const auto& y, const auto& spectrum, auto& dy, auto& dspectrum) {
          const dim_t length = static_cast<dim_t>(target.size());
          std::vector<double> wanted(dspectrum.size());
          reference<double> backend;
          execute(backend, op::stft_fwd<double>{{1, length, length, 256, 128}, target.data(), wanted.data()}, nullptr);
          const double count = static_cast<double>(wanted.size()) / 2;
          for (std::size_t i = 0; i < wanted.size(); ++i) {
            const double e = spectrum.data[i] - wanted[i];
            loss += m.spectra * e * e / count;
            dspectrum[i] = m.spectra * 2 * e / count;
          }
          loss += m.si_snr * si_snr_of_first(y, target, dy);
          for (double& d : dy) d *= m.si_snr;
        },
        no_look);
    EXPECT_NEAR(loss, grad.number(std::string(m.tag) + "/loss"), 1e-9);
    expect_gradients(net, r, g, grad, m.tag);
  }
}

TEST_F(RtfsNetReferenceProject, batch_statistics) {
  const published_values g(folder + "reference_rtfsnet_golden.npz"), grad(folder + "reference_rtfsnet_golden_grad.npz");
  published_network<silent> net(g);
  double loss = 0;
  const auto r = net.run(
      g["a/wav"], g["a/emb"], {.mode = pass::train, .rules = {.batch_statistics = true}},
      [&](const auto& y, const auto&, auto& dy, auto&) { loss = si_snr_of_first(y, grad["a/target"], dy); }, no_look);
  const std::vector<double> out = grad["train_sisnr/out"];
  expect_close(first(r, out.size()), out, 2e-7, "output");
  EXPECT_NEAR(loss, grad.number("train_sisnr/loss"), 1e-9);
  expect_gradients(net, r, g, grad, "train_sisnr");
  expect_step(net, r.gradients, grad);
}

// The two estimates are told whose they are by the faces; the loss does not know that, and exchanges them.
TEST_F(RtfsNetReferenceProject, permutation_of_two_estimates) {
  const published_values g(folder + "reference_rtfsnet_golden.npz"), grad(folder + "reference_rtfsnet_golden_grad.npz");
  std::vector<double> estimates = g["a/out"], target = grad["pit/target"];
  const std::vector<double> second = g["a/out2"];
  const shape<dyn, dyn, dyn> both(1, 2, static_cast<dim_t>(estimates.size()));
  estimates.insert(estimates.end(), second.begin(), second.end());
  ASSERT_EQ(estimates.size(), target.size());
  std::vector<double> d(estimates.size());
  arena memory(1 << 20);
  context<reference<double>> ctx({}, memory, pass::train);
  loss_detail detail;
  const double loss = evaluate(ctx, weighted{pit{si_snr{}}, 1.}, view<shape<dyn, dyn, dyn>, double>{estimates.data(), both},
                               view<shape<dyn, dyn, dyn>, const double>{target.data(), both},
                               view<shape<dyn, dyn, dyn>, double>{d.data(), both}, &detail);
  EXPECT_NEAR(loss, grad.number("pit/loss"), 1e-10);
  ASSERT_EQ(grad.number("pit/perm_index"), 1);  // the second order of two: exchanged
  EXPECT_EQ(detail.parts[0].permutation[0], 1);
  EXPECT_EQ(detail.parts[0].permutation[1], 0);
}

TEST_F(RtfsNetReferenceProject, two_seconds) {
  const published_values g(folder + "reference_rtfsnet_golden.npz");
  published_network<silent> net(g);
  const auto r = net.run(g["b/wav"], g["b/emb"], {.mode = pass::train, .backward = false}, no_loss,
                         [&](const auto& s) { expect_intermediates(g, "b", s); });
  expect_close(r.y, g["b/out"], 2e-7, "output");
  published_network<along_time> other(g);
  expect_close(other.run(g["b/wav"], g["b/emb"], {}, no_loss, no_look).y, g["b/out_time_axis"], 2e-7, "along time");
}

TEST_F(RtfsNetReferenceProject, two_faces_of_one_mixture) {
  const published_values g(folder + "reference_rtfsnet_golden.npz");
  published_network<silent> net(g);
  std::vector<double> faces = g["a/emb"];
  const std::vector<double> second = g["a/emb2"], out = g["a/out"], out2 = g["a/out2"];
  faces.insert(faces.end(), second.begin(), second.end());
  const auto r = net.run(g["a/wav"], faces, {.faces = 2}, no_loss, no_look);
  expect_close(first(r, out.size()), out, 2e-7, "first face");
  const auto start = r.y.begin() + static_cast<std::ptrdiff_t>(r.y.size() / 2);
  expect_close(std::vector<double>(start, start + static_cast<std::ptrdiff_t>(out2.size())), out2, 2e-7, "second face");
}

TEST_F(RtfsNetReferenceProject, attention_along_time) {
  const published_values g(folder + "reference_rtfsnet_golden.npz"), grad(folder + "reference_rtfsnet_golden_grad.npz");
  published_network<along_time> net(g);
  double loss = 0;
  const auto r = net.run(
      g["a/wav"], g["a/emb"], {.mode = pass::train},
      [&](const auto& y, const auto&, auto& dy, auto&) { loss = si_snr_of_first(y, grad["a/target"], dy); },
      [&](const auto& s) {
        expect_intermediate(g, "a_time/attn", s.first.fusion[0].gate.x, 1e-6);
        expect_intermediate(g, "a_time/a1", s.a1.data, 1e-6);
        expect_intermediate(g, "a_time/r3", s.a[4].data, 1e-6);
        expect_intermediate(g, "a_time/outspec", s.spectrum.data, 1e-6);
      });
  const std::vector<double> out = g["a/out_time_axis"];
  expect_close(first(r, out.size()), out, 2e-7, "output");
  EXPECT_NEAR(loss, grad.number("eval_sisnr_time_axis/loss"), 1e-9);
  expect_gradients(net, r, g, grad, "eval_sisnr_time_axis");

  const auto batch = net.run(g["d/wav"], g["d/emb"], {.batch = 2}, no_loss, no_look);
  expect_close(batch.y, g["d/out_time_axis"], 2e-7, "a batch of two");
}

}  // namespace
}  // namespace avss
