// Weights of the lip-reading encoder, as they are published.
#pragma once

#include <algorithm>
#include <avss/core/error.hpp>
#include <avss/io/printable.hpp>
#include <avss/io/pytorch_writer.hpp>
#include <avss/io/safetensors.hpp>
#include <avss/io/state_dict.hpp>
#include <avss/io/weights_file.hpp>
#include <avss/model/lip_encoder.hpp>
#include <avss/model/lip_engine.hpp>
#include <avss/model/weights.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace avss {

// How a configuration or a file calls the curve.
constexpr std::string_view name_of(image_curve c) {
  constexpr std::string_view names[] = {"identity", "relu", "prelu", "swish"};
  return names[static_cast<int>(c)];
}

// What loading left aside, and what cannot be read from the names.
struct lip_weights_report {
  std::vector<std::string> unused;  // tensors of the word classifier behind the encoder ("tcn.")
  bool assumed = false;             // relu or swish: no name tells which, and the file does not say
};

namespace detail {

// Why the weights are of another network, by their names and what the file says of itself; "" where nothing speaks against it.
inline std::string lip_contradiction(image_curve curve, const tensor_dict& weights, std::string_view said) {
  const auto any = [&](std::string_view part) {
    return std::any_of(weights.entries.begin(), weights.entries.end(),
                       [&](const named_tensor& e) { return e.name.find(part) != std::string::npos; });
  };
  if (any(".banch")) return "a ShuffleNet's weights, and only ResNet-18 encoders are read (lrw_resnet18_*)";
  if (any("generator.") || any("caf.")) return "weights of a separator, not of a lip-reading encoder";
  const bool slopes = weights.find("frontend3D.2.weight") != nullptr;
  if (slopes && curve != image_curve::prelu)
    return joined("it holds PReLU's slopes (frontend3D.2.weight) and the activation is ", name_of(curve),
                  "; choose activation prelu");
  if (!slopes && curve == image_curve::prelu && weights.find("frontend3D.1.weight"))
    return "it holds no PReLU slopes and the activation is prelu; choose swish (files since 2022) or relu";
  if (!said.empty() && said != name_of(curve))
    return joined("it says that its activation is ", printable(said), " and the network's is ", name_of(curve), "; choose ",
                  printable(said));
  return "";
}

// What the file says of its activation, "" where nothing.
inline std::string said_activation(const checkpoint_value& metadata) {
  const checkpoint_value* v = metadata.find("activation");
  return v ? std::string(v->text()) : "";
}

}  // namespace detail

// Loads the encoder out of a file's weights, which may hold the whole lip reader. Strict: throws error with the complete list
// of what is missing, unexpected, of another shape or not finite; then nothing was changed. prepare() the engine afterwards.
template <lip_encoder_config S, class B>
lip_weights_report load_weights(lip_engine<LipEncoder<S>, B>& to, const loaded_weights& file, const std::string& origin) {
  tensor_dict weights = file.tensors;
  strip_prefixes(weights);
  const std::string said = detail::said_activation(file.metadata);
  if (const std::string why = detail::lip_contradiction(S.activation, weights, said); !why.empty())
    fail(origin, ": not the weights of this encoder: ", why);
  lip_weights_report report{{}, said.empty() && S.activation != image_curve::prelu};
  std::erase_if(weights.entries, [&](const named_tensor& e) {
    const bool reader = e.name.starts_with("tcn.");
    if (reader) report.unused.push_back(e.name);
    return reader;
  });
  set_weights(to, weights, origin);
  return report;
}

template <lip_encoder_config S, class B>
lip_weights_report load_weights(lip_engine<LipEncoder<S>, B>& to, const std::string& path) {
  return load_weights(to, read_weights_file(path), path);
}

// Writes the weights under their published names, with the activation and what else is `said` of them: safetensors if the path
// ends in .safetensors, otherwise a PyTorch file with them in "model_state_dict". The file is written whole or not at all.
template <lip_encoder_config S, class B>
void save_weights(lip_engine<LipEncoder<S>, B>& from, const std::string& path,
                  std::vector<std::pair<std::string, std::string>> said = {}) {
  tensor_dict weights = get_weights(from);
  for (named_tensor& e : weights.entries)
    if (e.name.ends_with("num_batches_tracked")) {  // a whole number in PyTorch
      const std::int64_t count = static_cast<std::int64_t>(e.value.values<double>().at(0));
      e.value = tensor::of<std::int64_t>({}, std::span(&count, 1));
    }
  said.emplace_back("activation", name_of(S.activation));
  if (path.ends_with(".safetensors")) return write_safetensors(path, weights, said);
  std::vector<checkpoint_value::field> fields;
  fields.emplace_back("model_state_dict", checkpoint_value::state_dict(std::move(weights)));
  for (auto& [key, text] : said) fields.emplace_back(key, text);
  write_pytorch(path, checkpoint_value::dict(std::move(fields)));
}

}  // namespace avss
