#include "tools/targets.hpp"

#include <gtest/gtest.h>

#include <avss/core/error.hpp>
#include <string>
#include <vector>

namespace avss::tools {
namespace {

TEST(targets, all_names_of_the_reference_project_are_of_known_packages) {
  for (const std::string name : {"src.model.ConvTasNet",
                                 "src.model.RTFSNet",
                                 "src.model.RTFSNet2SpeakersSeparation",
                                 "src.loss.SISNRLoss",
                                 "src.loss.PITSISNRLoss",
                                 "src.loss.ComplexSpecMappingMSELoss",
                                 "src.loss.LossMix",
                                 "src.datasets.AVSSDataset",
                                 "src.metrics.SIAudioMetricWrapper",
                                 "src.metrics.AudioMetricWrapper",
                                 "src.metrics.PIT_SISNRi",
                                 "src.metrics.PIT_SISDRi",
                                 "src.metrics.PIT_SISNR",
                                 "src.metrics.PIT_PESQ",
                                 "src.metrics.PIT_STOI",
                                 "torchmetrics.audio.ScaleInvariantSignalNoiseRatio",
                                 "torchmetrics.audio.ScaleInvariantSignalDistortionRatio",
                                 "torchmetrics.audio.PerceptualEvaluationSpeechQuality",
                                 "torchmetrics.audio.ShortTimeObjectiveIntelligibility",
                                 "src.transforms.audio.RandomBackgroundNoise",
                                 "src.transforms.audio.RandomImpulseResponse",
                                 "src.transforms.audio.PeakNormalization",
                                 "torchvision.transforms.v2.Compose",
                                 "torch.nn.Sequential",
                                 "src.logger.CometMLWriter",
                                 "src.logger.WandBWriter",
                                 "torch.optim.AdamW",
                                 "torch.optim.Adam",
                                 "torch.optim.SGD",
                                 "torch.optim.lr_scheduler.OneCycleLR",
                                 "torch.optim.lr_scheduler.ReduceLROnPlateau",
                                 "torch.optim.lr_scheduler.CosineAnnealingLR",
                                 "torch.optim.lr_scheduler.StepLR",
                                 "torch.utils.data.DataLoader"}) {
    const std::string word = name.substr(name.rfind('.') + 1);
    EXPECT_EQ(target_word("x._target_", name), word);
    EXPECT_EQ(target_word("x._target_", name, {"Other", word}), word);
    EXPECT_EQ(target_word("x._target_", word, {"Other", word}), word);
  }
}

std::string refusal(const auto& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}

TEST(targets, others_are_refused_with_what_there_is) {
  const std::vector<std::string> known{"AdamW", "SGD"};
  EXPECT_EQ(refusal([&] { target_word("optimizer._target_", "torch.optim.AdmaW", known); }),
            "optimizer._target_: expected one of AdamW, SGD, found 'torch.optim.AdmaW'; did you mean 'AdamW'?");
  EXPECT_EQ(refusal([&] { target_word("optimizer._target_", "os.system", known); }),
            "optimizer._target_: expected one of AdamW, SGD, found 'os.system'");
  EXPECT_EQ(refusal([&] { target_word("optimizer._target_", "bitsandbytes.optim.AdamW", known); }),
            "optimizer._target_: 'bitsandbytes.optim.AdamW' is of a package that is not known here for this name; give AdamW "
            "alone, or torch.optim.AdamW, avss.AdamW");
}

TEST(targets, a_package_has_its_own_words_alone) {
  EXPECT_EQ(refusal([] {
              target_word("writer._target_", "src.model.CometMLWriter", {"local", "CometMLWriter"});
            }),
            "writer._target_: 'src.model.CometMLWriter' is of a package that is not known here for this name; give "
            "CometMLWriter alone, or src.logger.CometMLWriter, avss.CometMLWriter");
  EXPECT_NE(refusal([] { target_word("x", "torch.optm.AdamW"); }).find("torch.optim.AdamW"), std::string::npos);
  EXPECT_NE(refusal([] { target_word("x", "torch.optim.Gain"); }).find("torch_audiomentations.Gain"), std::string::npos);
  EXPECT_NE(refusal([] { target_word("x", "src.loss.WeightedSum"); }).find("avss.WeightedSum"), std::string::npos);
  EXPECT_EQ(target_word("x", "avss.WeightedSum"), "WeightedSum");
  EXPECT_EQ(target_word("x", "avss.AdamW"), "AdamW");
}

}  // namespace
}  // namespace avss::tools
