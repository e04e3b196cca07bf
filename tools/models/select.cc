#include "tools/models/select.hpp"

#include <avss/core/error.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "tools/models/fit.hpp"
#include "tools/models/keys.hpp"
#include "tools/targets.hpp"

namespace avss::tools {

namespace {

// The network that preset names; without it, in a configuration of the reference project, the one that _target_ does.
model_entry named_model(const config::settings& s) {
  const std::string target = s.get<std::string>("model._target_", "");
  const std::string word =
      target.empty() ? "" : target_word("model._target_", target, {"ConvTasNet", "RTFSNet", "RTFSNet2SpeakersSeparation"});
  const std::string preset = s.get<std::string>("model.preset", "");
  if (preset.empty() && word.empty())
    fail("model: neither preset nor _target_ says which network it is; choose one with model=NAME of ", names(all_models()));
  model_entry named = find_model(!preset.empty() ? preset : word == "ConvTasNet" ? "convtasnet" : "rtfsnet");
  if (!word.empty() && named.sees_faces() != word.starts_with("RTFSNet"))
    fail("model._target_: '", target, "' is another network than model.preset=", preset, "; give one of the two alone");
  return named;
}

// What a message says after the file's name, to a length that can be read.
std::string shortened(std::string message, const std::string& origin) {
  constexpr std::size_t most = 400;
  if (message.starts_with(origin + ": ")) message.erase(0, origin.size() + 2);
  if (message.size() > most) message = message.substr(0, most) + " ...";
  return message;
}

// The entry with as many passes as the configuration says.
model_entry with_own_passes(const config::settings& s, const model_entry& e) {
  const auto* c = std::get_if<rtfsnet_config>(&e.config);
  if (!c) return e;
  const std::int64_t passes = s.get<std::int64_t>("model.passes", c->passes);
  if (passes < 1 || passes > most_passes) fail("model.passes: expected a number from 1 to ", most_passes, ", found ", passes);
  return with_passes(e, passes);
}

}  // namespace

model_entry select_model(const config::settings& s) {
  const model_entry named = named_model(s);
  const std::string differs = differing_key(s, named);
  if (differs.empty()) return with_own_passes(s, named);
  for (const model_entry* e : all_models())
    if (same_kind(*e, named) && differing_key(s, *e).empty()) return with_own_passes(s, *e);
  fail(differs, ": sizes are compiled in, and no network like ", named.name,
       " of these sizes is: choose one with model=NAME of ", names(all_models()), "; or add a preset to avss/model/",
       named.sees_faces() ? "rtfsnet_config" : "convtasnet_presets", ".hpp and a file to tools/models");
}

model_entry select_audio_model(const config::settings& s) {
  model_entry entry = select_model(s);
  if (!entry.sees_faces()) return entry;
  std::vector<const model_entry*> audio;
  for (const model_entry* e : all_models())
    if (!e->sees_faces()) audio.push_back(e);
  fail("model=", entry.name, " needs the speakers' faces; choose a network for sound alone: ", names(audio));
}

loaded_model make_model(const model_entry& entry, const std::string& weights_path, const compute& on) {
  const loaded_weights file = read_weights_file(weights_path);
  const model_entry taken = detect(entry, file, weights_path);
  loaded_model m{make_separator(taken, on), place_name(on, taken), {}};
  if (taken.name != entry.name)
    m.note = one_line(joined(weights_path, ": these are weights of ", taken.name, ", which is taken in place of ", entry.name));
  try {
    std::visit([&](auto& network) { network->load(file, weights_path); }, m.network);
  } catch (const error& e) {
    std::vector<const model_entry*> fit = fitting(file, weights_path);
    std::erase_if(fit, [&](const model_entry* e) { return e->compiled == std::string_view(taken.compiled); });
    const std::string others = names(fit);
    if (others.empty()) throw;
    fail(weights_path, ": the weights fit model=", others, ", not ", taken.name,
         "; of that they differ: ", shortened(e.what(), weights_path));
  }
  return m;
}

std::unique_ptr<separator> make_audio_model(const model_entry& entry, const std::string& weights_path, const compute& on) {
  return std::get<std::unique_ptr<separator>>(make_model(entry, weights_path, on).network);
}

}  // namespace avss::tools
