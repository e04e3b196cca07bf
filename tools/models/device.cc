#include "tools/models/device.hpp"

#include <avss/core/error.hpp>
#include <string_view>

namespace avss::tools {
namespace {

// Null where it is not compiled for the device.
const device_entry* find(const model_entry& entry, bool to_train) {
  for (const device_entry* e : installed_device()->entries)
    if (e->name == std::string_view(entry.compiled) && (!to_train || e->make_trainable)) return e;
  return nullptr;
}

// Why nothing can run on the device, or "".
std::string problem() {
  if (!installed_device()) return "this tool was built for the CPU alone; build it with ./bazelw build --config=cuda";
  return installed_device()->problem();
}

// Why the network cannot run on the device, or "".
std::string problem(const model_entry& entry, bool to_train) {
  if (!installed_device() || find(entry, to_train)) return problem();
  std::string names;
  for (const device_entry* e : installed_device()->entries)
    if (!to_train || e->make_trainable) names += (names.empty() ? "" : ", ") + std::string(e->name);
  return joined(entry.name, " is not compiled for it", to_train ? " to be trained" : "", "; these networks are: ", names);
}

// Of trainer.device: trainer.precision.
std::string precision_key(const std::string& device_key) {
  return device_key.substr(0, device_key.rfind('.') + 1) + "precision";
}

}  // namespace

const device_models*& installed_device() {
  static const device_models* installed = nullptr;
  return installed;
}

compute read_compute(const config::settings& s, const std::string& key, int threads) {
  const std::string said = s.one_of(key, {"auto", "cpu", "cuda"});
  const std::string precision = precision_key(key);
  return {threads,
          said == "auto"   ? device_choice::automatic
          : said == "cuda" ? device_choice::cuda
                           : device_choice::cpu,
          key, precision_of(s.has(precision) ? s.one_of(precision, {"float32", "tf32", "bf16"}) : "float32", precision)};
}

namespace {

// why: what is in the device's way, or "".
bool decided(const compute& on, const std::string& why) {
  if (!why.empty() && on.device != device_choice::cuda && on.precision != product_precision::float32)
    fail(precision_key(on.key), "=", precision_word(on.precision), ": is of products on a device, and the CPU is used: ", why,
         "; take float32");
  if (!why.empty() && on.device == device_choice::cuda) fail(on.key, "=cuda: ", why, "; or choose ", on.key, "=auto");
  return why.empty();
}

constexpr const char* not_wanted = "it is not wanted";

}  // namespace

bool on_device(const compute& on, const model_entry& entry, bool to_train) {
  return decided(on, on.device == device_choice::cpu ? not_wanted : problem(entry, to_train));
}

bool lip_on_device(const compute& on) {
  if (on.device == device_choice::cpu) return decided(on, not_wanted);
  const bool compiled = !installed_device() || installed_device()->make_lip;
  return decided(on, compiled ? problem() : "lip-reading encoders are not compiled for it");
}

std::string place_name(const compute& on, const model_entry& entry, bool to_train) {
  if (on_device(on, entry, to_train)) return installed_device()->name();
  // A device that was meant to be used, and is not, is no surprise of the next morning.
  const bool meant = on.device == device_choice::automatic && installed_device();
  return meant ? joined("the CPU (", problem(entry, to_train), ")") : "the CPU";
}

any_separator make_separator(const model_entry& entry, const compute& on) {
  return on_device(on, entry) ? find(entry, false)->make(entry, on.precision) : entry.make(entry, on.threads);
}

std::unique_ptr<trainable> make_device_trainable(const model_entry& entry, const separation_training& t,
                                                 const chosen_loss& loss, product_precision precision) {
  return find(entry, true)->make_trainable(entry, t, loss, precision);
}

}  // namespace avss::tools
