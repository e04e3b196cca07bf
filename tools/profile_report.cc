#include "tools/profile_report.hpp"

#include <avss/io/strict_json.hpp>
#include <cstdio>
#include <vector>

namespace avss::tools {
namespace {

template <class... Values>
std::string printed(const char* format, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

double share(double part, double all) { return all > 0 ? 100 * part / all : 0; }

// The parts, then their sum.
std::vector<part_cost> rows_of(const model_cost& cost) {
  std::vector<part_cost> rows = cost.parts;
  rows.push_back(cost.sum());
  return rows;
}

}  // namespace

std::string profile_table(const model_cost& cost) {
  const part_cost all = cost.sum();
  const double audio = cost.audio_seconds();
  std::string text = cost.name + printed(": %lld parameters", static_cast<long long>(all.parameters));
  text += printed("; %g s of sound at %d Hz", audio, cost.sample_rate);
  if (cost.faces > 0) text += printed(", %lld face%s", static_cast<long long>(cost.faces), cost.faces == 1 ? "" : "s");
  text += printed(", %d thread%s\n", cost.threads, cost.threads == 1 ? "" : "s");
  text += printed("%.3f GMAC, %.3f s: %.3f s for a second of sound, %.1f GMAC/s\n", all.macs / 1e9, all.seconds,
                  all.seconds / audio, all.seconds > 0 ? all.macs / 1e9 / all.seconds : 0);
  text += printed("working memory: %.1f MB to separate, %.1f MB to train on one such mixture\n\n",
                  static_cast<double>(cost.inference_bytes) / 1e6, static_cast<double>(cost.training_bytes) / 1e6);
  text += printed("%-18s %11s %6s %10s %6s %12s %6s\n", "part", "parameters", "%", "MMAC", "%", "ms per s", "%");
  for (const part_cost& p : rows_of(cost))
    text += printed("%-18s %11lld %6.1f %10.1f %6.1f %12.2f %6.1f\n", p.name.c_str(), static_cast<long long>(p.parameters),
                    share(static_cast<double>(p.parameters), static_cast<double>(all.parameters)), p.macs / 1e6,
                    share(p.macs, all.macs), 1e3 * p.seconds / audio, share(p.seconds, all.seconds));
  return text;
}

std::string profile_csv(const model_cost& cost) {
  std::string text = "part,parameters,macs,seconds\n";
  for (const part_cost& p : rows_of(cost))
    text += p.name + printed(",%lld,%.0f,%.9g\n", static_cast<long long>(p.parameters), p.macs, p.seconds);
  return text;
}

std::string profile_json(const model_cost& cost) {
  const part_cost all = cost.sum();
  std::string text = "{\n  \"model\": " + json_quoted(cost.name);
  text += printed(",\n  \"sample_rate\": %d,\n  \"samples\": %lld", cost.sample_rate, static_cast<long long>(cost.length));
  text += printed(",\n  \"faces\": %lld,\n  \"threads\": %d", static_cast<long long>(cost.faces), cost.threads);
  text += printed(",\n  \"parameters\": %lld,\n  \"macs\": %.0f", static_cast<long long>(all.parameters), all.macs);
  text += printed(",\n  \"seconds\": %.9g", all.seconds);
  text += printed(",\n  \"inference_bytes\": %zu,\n  \"training_bytes\": %zu", cost.inference_bytes, cost.training_bytes);
  text += ",\n  \"parts\": [";
  for (std::size_t i = 0; i < cost.parts.size(); ++i) {
    const part_cost& p = cost.parts[i];
    text += (i > 0 ? ",\n    {\"name\": " : "\n    {\"name\": ") + json_quoted(p.name);
    text += printed(", \"parameters\": %lld, \"macs\": %.0f, \"seconds\": %.9g}", static_cast<long long>(p.parameters), p.macs,
                    p.seconds);
  }
  return text + "\n  ]\n}\n";
}

}  // namespace avss::tools
