#include "tools/models/keys.hpp"

#include <avss/model/convtasnet_weights.hpp>
#include <cstddef>
#include <string_view>
#include <variant>
#include <vector>

namespace avss::tools {
namespace {

template <class Config>
struct known_key {
  const char* name;
  double (*value)(const Config&);
};
constexpr known_key<convtasnet_config> convtasnet_keys[] = {
    {"encoder_dim", [](const convtasnet_config& c) { return static_cast<double>(c.filters); }},
    {"sample_rate", [](const convtasnet_config& c) { return static_cast<double>(c.sample_rate); }},
    {"slice_factor", [](const convtasnet_config& c) { return 1000.0 * static_cast<double>(c.window) / c.sample_rate; }},
    {"tcn_bottleneck_dim", [](const convtasnet_config& c) { return static_cast<double>(c.bottleneck); }},
    {"tcn_hidden_dim", [](const convtasnet_config& c) { return static_cast<double>(c.hidden); }},
    {"tcn_num_layers", [](const convtasnet_config& c) { return static_cast<double>(c.blocks); }},
    {"tcn_num_stacks", [](const convtasnet_config& c) { return static_cast<double>(c.repeats); }},
    {"tcn_kernel_size", [](const convtasnet_config& c) { return static_cast<double>(c.kernel); }},
    {"num_speakers", [](const convtasnet_config& c) { return static_cast<double>(c.sources); }},
};
constexpr known_key<rtfsnet_config> rtfsnet_keys[] = {
    {"sample_rate", [](const rtfsnet_config& c) { return static_cast<double>(c.sample_rate); }},
};

template <class Config, std::size_t N>
std::string differing_number(const config::settings& s, const known_key<Config> (&keys)[N], const Config& c) {
  for (const known_key<Config>& k : keys) {
    const std::string path = std::string("model.") + k.name;
    if (s.has(path) && s.get<double>(path) != k.value(c)) return path + "=" + s.at(path).described();
  }
  return "";
}
std::string differing_word(const config::settings& s, const std::string& path, const std::vector<std::string>& known,
                           std::string_view ours) {
  if (!s.has(path)) return "";
  const std::string word = s.one_of(path, known);
  return word != ours ? path + "=" + word : "";
}

std::string differing(const config::settings& s, const convtasnet_config& c) {
  const std::string number = differing_number(s, convtasnet_keys, c);
  if (!number.empty()) return number;
  return differing_word(s, "model.mask_activation", {"linear", "relu", "sigmoid", "softmax"}, detail::word_of(c.mask));
}
std::string differing(const config::settings& s, const rtfsnet_config& c) {
  const std::string number = differing_number(s, rtfsnet_keys, c);
  if (!number.empty()) return number;
  return differing_word(s, "model.attention", {"time", "heads"}, name_of(c.attention));
}

// Beyond the keys above: causal, norms, padding, biases.
bool same(const convtasnet_config& a, const convtasnet_config& b) {
  convtasnet_config c = a;
  c.filters = b.filters, c.sample_rate = b.sample_rate, c.window = b.window, c.bottleneck = b.bottleneck, c.hidden = b.hidden;
  c.blocks = b.blocks, c.repeats = b.repeats, c.kernel = b.kernel, c.sources = b.sources, c.mask = b.mask;
  if (2 * a.stride == a.window && 2 * b.stride == b.window) c.stride = b.stride;
  if (a.skip == a.bottleneck && b.skip == b.bottleneck) c.skip = b.skip;
  return c == b;
}
bool same(const rtfsnet_config& a, const rtfsnet_config& b) {
  rtfsnet_config c = a;
  c.sample_rate = b.sample_rate, c.passes = b.passes, c.attention = b.attention;
  return c == b;
}
template <class A, class B>
bool same(const A&, const B&) {
  return false;
}

}  // namespace

std::string differing_key(const config::settings& s, const model_entry& e) {
  return std::visit([&](const auto& c) { return differing(s, c); }, e.config);
}

bool same_kind(const model_entry& a, const model_entry& b) {
  return std::visit([](const auto& x, const auto& y) { return same(x, y); }, a.config, b.config);
}

}  // namespace avss::tools
