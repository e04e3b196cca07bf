// The events that TensorBoard shows, as bytes of its protocol buffers (tensorboard/compat/proto and the plugins' own).
#pragma once

#include <avss/track/protobuf.hpp>
#include <avss/track/utf8.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace avss {

// A record of an event file. `wall` is in seconds since 1970.
class event {
 public:
  event(double wall, std::int64_t step) : wall_(wall), step_(step) {}

  event& scalar(std::string_view tag, double v) {
    add(value_of(tag).real(2, static_cast<float>(v)));
    return *this;
  }
  // wav: the bytes of a file with one channel.
  event& audio(std::string_view tag, std::string_view wav, int rate, std::int64_t samples) {
    proto_message a;
    a.real(1, static_cast<float>(rate)).number(2, 1).number(3, samples).text(4, wav).text(5, "audio/wav");
    add(value_of(tag).message(6, a));
    return *this;
  }
  // png: the bytes of a file in colour.
  event& image(std::string_view tag, std::string_view png, std::int64_t width, std::int64_t height) {
    proto_message i;
    i.number(1, height).number(2, width).number(3, 3).text(4, png);
    add(value_of(tag).message(4, i));
    return *this;
  }
  // Shown as Markdown.
  event& text(std::string_view tag, std::string_view markdown) {
    constexpr int string_type = 7;
    proto_message tensor, one;
    tensor.number(1, string_type).message(2, proto_message().message(2, one.number(1, 1))).text(8, as_utf8(markdown));
    add(value_of(tag).message(8, tensor).message(9, plugin("text", "")));
    return *this;
  }
  // What a plugin reads of a tag that has no values.
  event& plugin_data(std::string_view tag, std::string_view plugin_name, std::string_view content) {
    constexpr int float_type = 1;
    proto_message empty;
    empty.number(1, float_type).message(2, proto_message().message(2, proto_message()));  // [0]
    add(value_of(tag).message(8, empty).message(9, plugin(plugin_name, content)));
    return *this;
  }

  bool empty() const { return values_.empty(); }

  std::string bytes() const { return head().message(5, summary()).bytes(); }

  // The first record of every file.
  static std::string version(double wall) { return proto_message().real(1, wall).text(3, "brain.Event:2").bytes(); }
  // From here on the run is taken up anew: events of this step, and of later ones, in files before this one do not count.
  static std::string restart(double wall, std::int64_t step) {
    constexpr int start = 1;
    return event(wall, step).head().message(7, proto_message().number(1, start)).bytes();
  }

 private:
  static proto_message value_of(std::string_view tag) { return proto_message().text(1, as_utf8(tag)); }
  static proto_message plugin(std::string_view name, std::string_view content) {
    proto_message p;
    p.text(1, name);
    if (!content.empty()) p.text(2, content);
    return proto_message().message(1, p);
  }
  // Numbers that are zero are left out, as protobuf's own libraries do.
  proto_message head() const {
    proto_message h;
    h.real(1, wall_);
    return step_ != 0 ? h.number(2, step_) : h;
  }
  proto_message summary() const {
    proto_message s;
    for (const proto_message& v : values_) s.message(1, v);
    return s;
  }
  void add(proto_message v) { values_.push_back(std::move(v)); }

  double wall_;
  std::int64_t step_;
  std::vector<proto_message> values_;
};

// The step of a record, and the first tag in it.
struct event_head {
  std::int64_t step = 0;
  std::string_view tag;
};
inline event_head head_of(std::string_view record) {
  event_head h;
  while (const auto f = take_field(record)) {
    if (f->field == 2) h.step = static_cast<std::int64_t>(f->number);
    if (f->field != 5) continue;
    std::string_view summary = f->bytes;
    const auto value = take_field(summary);
    for (std::string_view v = value ? value->bytes : ""; const auto part = take_field(v);)
      if (part->field == 1) h.tag = part->bytes;
  }
  return h;
}

// The hyper-parameters' plugin: one session a run. Its metrics are the run's scalars, of which it shows the last.
namespace hparams {

using value = std::variant<double, bool, std::string>;

inline constexpr std::string_view plugin_name = "hparams", start_tag = "_hparams_/session_start_info",
                                  end_tag = "_hparams_/session_end_info";

// In the order given; `name` is the run's.
inline std::string session_start(const std::vector<std::pair<std::string, value>>& parameters, std::string_view name,
                                 double wall) {
  proto_message session;
  for (const auto& [key, v] : parameters) {
    proto_message entry, held;
    if (const double* number = std::get_if<double>(&v))
      held.real(2, *number);
    else if (const bool* flag = std::get_if<bool>(&v))
      held.number(4, *flag ? 1 : 0);
    else
      held.text(3, as_utf8(std::get<std::string>(v)));
    session.message(1, entry.text(1, as_utf8(key)).message(2, held));
  }
  session.text(4, as_utf8(name)).real(5, wall);
  return proto_message().message(3, session).bytes();
}

// The run is at its end, and went well.
inline std::string session_end(double wall) {
  constexpr int success = 1;
  return proto_message().message(4, proto_message().number(1, success).real(2, wall)).bytes();
}

}  // namespace hparams
}  // namespace avss
