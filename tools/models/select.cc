#include "tools/models/select.hpp"

#include <avss/core/error.hpp>
#include <avss/model/convtasnet_weights.hpp>
#include <string_view>
#include <vector>

namespace avss::tools {
namespace {

// The keys of configurations, as the presets answer them.
struct known_key {
  const char* name;
  double (*value)(const convtasnet_config&);
};
constexpr known_key sizes[] = {
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

// The first key of the section that the network answers differently, "" if there is none.
std::string differing_key(const config::settings& s, const convtasnet_config& c) {
  for (const known_key& k : sizes) {
    const std::string path = std::string("model.") + k.name;
    if (s.has(path) && s.get<double>(path) != k.value(c)) return path + "=" + s.at(path).described();
  }
  if (s.has("model.mask_activation")) {
    const std::string mask = s.one_of("model.mask_activation", {"linear", "relu", "sigmoid", "softmax"});
    if (mask != detail::word_of(c.mask)) return "model.mask_activation=" + mask;
  }
  return "";
}

// Whether two networks are the same in all that the keys above do not say: causal, norms, padding, biases.
bool same_kind(const convtasnet_config& a, const convtasnet_config& b) {
  convtasnet_config c = a;
  c.filters = b.filters, c.sample_rate = b.sample_rate, c.window = b.window, c.bottleneck = b.bottleneck, c.hidden = b.hidden;
  c.blocks = b.blocks, c.repeats = b.repeats, c.kernel = b.kernel, c.sources = b.sources, c.mask = b.mask;
  if (2 * a.stride == a.window && 2 * b.stride == b.window) c.stride = b.stride;
  if (a.skip == a.bottleneck && b.skip == b.bottleneck) c.skip = b.skip;
  return c == b;
}

std::string names(const std::vector<const model_entry*>& entries) {
  std::string all;
  for (const model_entry* e : entries) all += (all.empty() ? "" : ", ") + std::string(e->name);
  return all;
}

// The networks whose names and shapes are those of the file, and that it does not contradict.
std::vector<const model_entry*> fitting(const loaded_weights& file, const std::string& origin) {
  std::vector<const model_entry*> fit;
  const convtasnet_weights w = to_convtasnet(file.tensors, file.metadata, origin);
  for (const model_entry* e : audio_models()) {
    if (!contradictions(e->config, file.metadata).empty() || !contradictions(e->config, w.source).empty()) continue;
    const std::vector<param_info> params = e->params();
    bool all = params.size() == w.tensors.entries.size();
    for (const param_info& p : params) {
      const tensor* t = all ? w.tensors.find(p.name) : nullptr;
      all = t && t->shape == p.shape;
    }
    if (all) fit.push_back(e);
  }
  return fit;
}

}  // namespace

const model_entry& select_audio_model(const config::settings& s) {
  const model_entry& named = find_audio_model(s.get<std::string>("model.preset"));
  const std::string differs = differing_key(s, named.config);
  if (differs.empty()) return named;
  for (const model_entry* e : audio_models())
    if (same_kind(e->config, named.config) && differing_key(s, e->config).empty()) return *e;
  const auto all = audio_models();
  fail(differs, ": sizes are compiled in, and no network like ", named.name,
       " of these sizes is: choose one with model=NAME of ", names({all.begin(), all.end()}),
       "; or add a preset to avss/model/convtasnet_presets.hpp and a file to tools/models");
}

std::unique_ptr<separator> make_audio_model(const model_entry& entry, const std::string& weights_path, int threads) {
  const loaded_weights file = read_weights_file(weights_path);
  std::unique_ptr<separator> network = entry.make(threads);
  try {
    network->load(file, weights_path);
  } catch (const error& e) {
    const std::string others = names(fitting(file, weights_path));
    if (others.empty()) throw;
    fail(e.what(), "; the weights fit model=", others);
  }
  return network;
}

}  // namespace avss::tools
