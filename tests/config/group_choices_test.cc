// The choices of options that the reference project's command lines make, nested groups with them, in our configurations.
#include <gtest/gtest.h>

#include <avss/config/compose.hpp>
#include <avss/config/interpolation.hpp>
#include <avss/core/error.hpp>
#include <string>
#include <vector>

namespace avss::config {
namespace {

using names = std::vector<std::string>;

const names training{"train_convtasnet",           "train_rtfsnet",     "train_rtfsnet_multiloss",
                     "train_rtfsnet_multiloss_v2", "train_rtfsnet_pit", "train_rtfsnet_with_augs"};
const names others{"inf_convtasnet", "inf_rtfsnet", "calc_metrics_convtasnet", "calc_metrics_rtfsnet"};

struct group {
  std::string name, at;  // at: where its options' contents go
  names options;
  bool of_training_alone = false;
};
const std::vector<group> groups{
    {"dataloader", "dataloader", {"bs4", "bs8", "bs32"}},
    {"transforms", "transforms", {"only_peak_normalization", "audio_augmentations", "no_transforms"}},
    {"transforms/instance_transforms",
     "transforms.instance_transforms",
     {"only_peak_normalization", "audio_augmentations", "no_transforms"}},
    {"transforms/batch_transforms", "transforms.batch_transforms", {"no_transforms"}},
    {"metrics", "metrics", {"default", "pit", "empty"}},
    {"datasets", "datasets", {"train", "train_av", "onebatchtest"}, true},
    {"writer", "writer", {"cometml", "cometml_multiloss", "wandb"}, true},
};

value composed(const std::string& name, const names& overrides) {
  config_store store({"tools/configs"});
  return compose(store, name, overrides);
}

// Every key of `part` is in `whole` with the same value, references not followed.
void expect_within(const value& whole, const value& part, const std::string& path) {
  ASSERT_TRUE(whole.is(kind::map)) << path;
  for (const value::entry& e : part.entries()) {
    const value* const found = whole.child(e.key);
    ASSERT_TRUE(found) << path << "." << e.key;
    if (e.item.is(kind::map))
      expect_within(*found, e.item, path + "." + e.key);
    else
      EXPECT_EQ(found->described(), e.item.described()) << path << "." << e.key;
  }
}

TEST(group_choices, every_option_in_every_configuration) {
  for (const bool trains : {true, false})
    for (const std::string& name : trains ? training : others)
      for (const group& g : groups) {
        if (g.of_training_alone && !trains) continue;
        for (const std::string& option : g.options) {
          const std::string choice = g.name + "=" + option;
          SCOPED_TRACE(name + " " + choice);
          value root;
          ASSERT_NO_THROW(root = composed(name, {choice}));
          const value* const chosen = root.find(g.at);
          ASSERT_TRUE(chosen);
          // train_av and the like stand on other files; what the option itself says is there.
          config_store store({"tools/configs"});
          if (g.name != "datasets") expect_within(*chosen, store.load(g.name + "/" + option)->body, g.at);
          EXPECT_NO_THROW((void)resolved(root));
        }
      }
}

std::string first_target(const value& root, const std::string& part) {
  const std::string at = "datasets." + part + ".instance_transforms";
  const settings s(root);
  if (s.at(at).is_null()) return "";
  return s.get<std::vector<value>>(at + ".whole_item.transforms").front().get<std::string>("_target_");
}

TEST(group_choices, the_data_sets_take_the_nested_choice) {
  const std::string noise = "src.transforms.audio.RandomBackgroundNoise", peak = "src.transforms.audio.PeakNormalization";
  const std::string nested = "transforms/instance_transforms=";
  for (const std::string& name : training) {
    SCOPED_TRACE(name);
    EXPECT_EQ(first_target(composed(name, {nested + "audio_augmentations"}), "train"), noise);
    EXPECT_EQ(first_target(composed(name, {nested + "audio_augmentations"}), "val"), peak);
    EXPECT_EQ(first_target(composed(name, {nested + "only_peak_normalization"}), "train"), peak);
    EXPECT_EQ(first_target(composed(name, {nested + "no_transforms"}), "train"), "");
    // The nested choice counts for more than that of the whole, in any order.
    EXPECT_EQ(first_target(composed(name, {"transforms=audio_augmentations", nested + "no_transforms"}), "train"), "");
    EXPECT_EQ(first_target(composed(name, {nested + "audio_augmentations", "transforms=no_transforms"}), "train"), noise);
  }
  const value moved = composed("train_rtfsnet", {nested + "audio_augmentations", "transforms.noises_dir=x"});
  EXPECT_EQ(settings(moved)
                .get<std::vector<value>>("datasets.train.instance_transforms.whole_item.transforms")
                .front()
                .get<std::string>("noises_dir"),
            "x");
}

TEST(group_choices, others_are_refused_with_what_there_is) {
  try {
    composed("train_rtfsnet", {"transforms/instance_transforms=audio_augmentation"});
    FAIL() << "taken";
  } catch (const error& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean 'audio_augmentations'?"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace avss::config
