#include "tools/models/fit.hpp"

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/model/convtasnet_weights.hpp>
#include <avss/model/rtfsnet_weights.hpp>
#include <variant>

#include "tools/models/registry.hpp"

namespace avss::tools {
namespace {

bool same_shapes(const model_entry& e, const tensor_dict& weights) {
  const std::vector<param_info> params = e.params();
  return params.size() == weights.entries.size() && std::all_of(params.begin(), params.end(), [&](const param_info& p) {
           const tensor* t = weights.find(p.name);
           return t && t->shape == p.shape;
         });
}

// Adds the networks with that kind of configuration that fit what `translate` makes of the file.
template <class Config, class Translate, class Contradicted>
void add_fitting(std::vector<const model_entry*>& fit, const Translate& translate, const Contradicted& contradicted) {
  try {
    const auto w = translate();
    for (const model_entry* e : all_models())
      if (const auto* c = std::get_if<Config>(&e->config); c && !contradicted(*c, w) && same_shapes(*e, w.tensors))
        fit.push_back(e);
  } catch (const error&) {  // the weights of another kind
  }
}

}  // namespace

std::vector<const model_entry*> fitting(const loaded_weights& file, const std::string& origin) {
  std::vector<const model_entry*> fit;
  add_fitting<convtasnet_config>(
      fit, [&] { return to_convtasnet(file.tensors, file.metadata, origin); },
      [&](const convtasnet_config& c, const convtasnet_weights& w) {
        return !contradictions(c, file.metadata).empty() || !contradictions(c, w.source).empty();
      });
  add_fitting<rtfsnet_config>(
      fit, [&] { return to_rtfsnet(file.tensors, origin); },
      [&](rtfsnet_config c, const rtfsnet_weights& w) {
        c.passes = static_cast<int>(told_passes(file.metadata, origin).value_or(c.passes));
        return !contradictions(c, w.tensors, file.metadata, origin).empty();
      });
  return fit;
}

model_entry detect(const model_entry& named, const loaded_weights& file, const std::string& origin) {
  const auto* ours = std::get_if<rtfsnet_config>(&named.config);
  if (!ours) return named;
  const std::int64_t passes = told_passes(file.metadata, origin).value_or(ours->passes);
  if (passes < 1 || passes > most_passes)
    fail(origin, ": says that it was trained with ", passes, " passes; networks make 1 to ", most_passes);
  // What the file leaves open stays as it was named.
  const model_entry* taken = nullptr;
  for (const model_entry* e : fitting(file, origin)) {
    const auto* c = std::get_if<rtfsnet_config>(&e->config);
    rtfsnet_config alike = *ours;
    if (c) alike.projection_norm = c->projection_norm, alike.passes = c->passes, alike.attention = c->attention;
    if (!c || !(alike == *c)) continue;
    if (!taken || c->attention == ours->attention) taken = e;
  }
  return with_passes(taken ? *taken : named, passes);
}

}  // namespace avss::tools
