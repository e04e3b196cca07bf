// _target_: the dotted names of Python's classes under which configurations ask for what is built in here. No code is looked
// up by them: the registry below is closed, and each place takes only some of its words.
#pragma once

#include <algorithm>
#include <avss/config/suggest.hpp>
#include <avss/core/error.hpp>
#include <cstddef>
#include <string>
#include <vector>

namespace avss::tools {

// A package of Python's with those of its classes that are known here.
struct target_package {
  std::string name;
  std::vector<std::string> words;
};

inline const std::vector<target_package>& target_packages() {
  static const std::vector<target_package> all{
      {"src.datasets", {"AVSSDataset"}},
      {"src.logger", {"CometMLWriter", "WandBWriter"}},
      {"src.loss", {"SISNRLoss", "PITSISNRLoss", "ComplexSpecMappingMSELoss", "LossMix"}},
      {"src.metrics",
       {"SIAudioMetricWrapper", "AudioMetricWrapper", "PIT_SISNRi", "PIT_SISDRi", "PIT_SISNR", "PIT_PESQ", "PIT_STOI"}},
      {"src.model", {"ConvTasNet", "RTFSNet", "RTFSNet2SpeakersSeparation"}},
      {"src.transforms.audio", {"RandomBackgroundNoise", "RandomImpulseResponse", "PeakNormalization", "RMSNormalization"}},
      {"torch.nn", {"Sequential"}},
      {"torch.optim", {"AdamW", "Adam", "SGD"}},
      {"torch.optim.lr_scheduler", {"OneCycleLR", "ReduceLROnPlateau", "CosineAnnealingLR", "StepLR"}},
      {"torch.utils.data", {"DataLoader"}},
      {"torch_audiomentations",
       {"AddBackgroundNoise", "AddColoredNoise", "ApplyImpulseResponse", "BandPassFilter", "BandStopFilter", "Compose", "Gain",
        "HighPassFilter", "LowPassFilter", "OneOf", "PeakNormalization", "PolarityInversion", "Shift", "TimeInversion"}},
      {"torchmetrics.audio",
       {"ScaleInvariantSignalNoiseRatio", "ScaleInvariantSignalDistortionRatio", "PerceptualEvaluationSpeechQuality",
        "ShortTimeObjectiveIntelligibility"}},
      {"torchvision.transforms.v2", {"Compose"}}};
  return all;
}

// The full names that a word may be given by; "avss." goes before any that is built in.
inline std::vector<std::string> full_targets(const std::string& word) {
  std::vector<std::string> names;
  for (const target_package& p : target_packages())
    if (std::find(p.words.begin(), p.words.end(), word) != p.words.end()) names.push_back(p.name + "." + word);
  names.push_back("avss." + word);
  return names;
}

// The last word of `full`, "AdamW" of "torch.optim.AdamW", which is "AdamW" as well. `path` is the key it stands at. Throws
// error if its package has no such word: the meaning would be another.
inline std::string target_word(const std::string& path, const std::string& full) {
  const std::size_t dot = full.rfind('.');
  if (dot == std::string::npos) return full;
  const std::string word = full.substr(dot + 1);
  const std::vector<std::string> names = full_targets(word);
  if (std::find(names.begin(), names.end(), full) == names.end())
    fail(path, ": '", full, "' is of a package that is not known here for this name; give ", word, " alone, or ",
         config::listed(names));
  return word;
}

// The same where only some words fit.
inline std::string target_word(const std::string& path, const std::string& full, const std::vector<std::string>& known) {
  const std::string last = full.substr(full.rfind('.') + 1);
  if (std::find(known.begin(), known.end(), last) == known.end())
    fail(path, ": expected one of ", config::listed(known), ", found '", full, "'", config::did_you_mean(last, known));
  return target_word(path, full);
}

}  // namespace avss::tools
