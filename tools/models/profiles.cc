#include "tools/models/profiles.hpp"

#include <avss/core/error.hpp>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include "tools/models/profile_preset.hpp"

namespace avss::tools {
namespace {

struct profile_entry {
  std::string_view name;
  model_cost (*measure)(const profile_request&);
};
#define AVSS_LIST(name) {#name, profile_preset<preset_id::name>},
constexpr profile_entry entries[] = {AVSS_PROFILES(AVSS_LIST)};
#undef AVSS_LIST

// "rtfsnet_12_2023" is compiled as rtfsnet_4_2023: the number of passes is a matter of run time. It is given to `passes` unless
// that is set.
std::string compiled_name(const std::string& name, int& passes) {
  constexpr std::string_view front = "rtfsnet_";
  if (!name.starts_with(front)) return name;
  const char* const last = name.data() + name.size();
  int number = 0;
  const auto [end, code] = std::from_chars(name.data() + front.size(), last, number);
  if (code != std::errc{} || number < 1) return name;
  if (passes == 0) passes = number;
  return std::string(front) + "4" + std::string(end, last);
}

}  // namespace

model_cost profile_model(const std::string& preset, const profile_request& request) {
  profile_request r = request;
  const std::string compiled = compiled_name(preset, r.passes);
  std::string names;
  for (const profile_entry& e : entries) {
    if (e.name == compiled) {
      model_cost cost = e.measure(r);
      cost.name = preset;
      return cost;
    }
    names += (names.empty() ? "" : ", ") + std::string(e.name);
  }
  fail("there is no network called '", preset, "' that can be profiled; there are: ", names);
}

}  // namespace avss::tools
