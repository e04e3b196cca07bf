// Checkpoints as files: what they hold, who reads them, damage.
#include <gtest/gtest.h>

#include <avss/convtasnet.hpp>

#include "tests/train/run_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;
namespace fs = std::filesystem;

class checkpoint_file : public training_run {
 protected:
  void SetUp() override {
    training_run::SetUp();
    net_ = make_tiny({.threads = 1});
    trainer_options o = options("run");
    o.config = checkpoint_value::dict({{"trainer", checkpoint_value::dict({{"n_epochs", 2}})}});
    ASSERT_EQ(run(*net_, o), 0);
  }
  fs::path at(const char* name) const { return folder / "run" / name; }
  int resume() {
    trainer_options o = options("run");
    o.resume_from = last_checkpoint;
    const auto net = make_tiny({.threads = 1});
    const int status = run(*net, o);
    after_ = weights_of(*net);
    return status;
  }

  std::unique_ptr<trainable> net_;
  std::string after_;
};

TEST_F(checkpoint_file, holds_what_torch_expects) {
  const pytorch_file file(at(last_checkpoint).string());
  for (const char* key : {"arch", "epoch", "step", "state_dict", "optimizer", "lr_scheduler", "monitor_best", "config", "avss"})
    EXPECT_NE(file.find(key), nullptr) << key;
  EXPECT_EQ(file.find("arch")->text(), "ConvTasNet");
  EXPECT_EQ(file.find("epoch")->integer(), 2);
  EXPECT_EQ(file.find("lr_scheduler")->find("last_epoch")->integer(), 12);
  EXPECT_EQ(file.find("config")->find("trainer")->find("n_epochs")->integer(), 2);
  const checkpoint_value& optimizer = *file.find("optimizer");
  const auto states = optimizer.find("state")->fields();
  const auto& group = optimizer.find("param_groups")->items()[0];
  const auto names = file.find("state_dict")->fields();
  EXPECT_EQ(group.find("params")->items().size(), names.size());
  // The last block's res_out is never trained: two parameters without a state, as in PyTorch.
  EXPECT_EQ(states.size(), names.size() - 2);
  for (const auto& [index, state] : states) {
    const auto& weight = *names[static_cast<std::size_t>(*index.integer())].second.tensor_view();
    EXPECT_EQ(state.find("exp_avg")->tensor_view()->shape, weight.shape);
    EXPECT_EQ(state.find("exp_avg_sq")->tensor_view()->shape, weight.shape);
    EXPECT_EQ(state.find("step")->tensor_view()->load().values<double>(), std::vector<double>{12});
  }
}

TEST_F(checkpoint_file, is_a_weights_file) {
  engine<ConvTasNet<presets::convtasnet_tiny>, cpu> e(cpu{1});
  for (const char* name : {last_checkpoint, best_checkpoint}) EXPECT_EQ(load_weights(e, at(name).string()).name, "torchaudio");
  const auto weights = get_weights(e);
  EXPECT_EQ(weights.entries.size(), net_->state({0}).weights.entries.size());
}

TEST_F(checkpoint_file, a_damaged_last_one_falls_back_to_the_one_before) {
  const std::string good = bytes_of_file(at(last_checkpoint)), expected = weights_of(*net_);
  std::string flipped = good, cut = good.substr(0, good.size() / 2), none;
  flipped[good.size() / 3] = static_cast<char>(flipped[good.size() / 3] ^ 4);
  for (const std::string& bytes : {flipped, cut, none}) {
    fs::remove(at(last_checkpoint));
    write_bytes(at(last_checkpoint), bytes);
    err.str("");
    ASSERT_EQ(resume(), 0);
    EXPECT_TRUE(says(err.str().substr(0, err.str().size() - 1), "warning", last_checkpoint, previous_checkpoint, "step 6"));
    EXPECT_EQ(after_, expected) << "the lost epoch is made again";
    EXPECT_EQ(read_checkpoint(at(last_checkpoint)).step, 12);
    ASSERT_NO_THROW(read_checkpoint(at(previous_checkpoint)));
    // The former one is again that of the first epoch.
    trainer_options o = options("again" + std::to_string(bytes.size()));
    const auto net = make_tiny({.threads = 1});
    ASSERT_EQ(run(*net, o), 0);
    fs::copy_file(o.folder / previous_checkpoint, at(previous_checkpoint), fs::copy_options::overwrite_existing);
  }
  fs::remove(at(last_checkpoint));
  EXPECT_EQ(resume(), 0);
  // Both damaged.
  write_bytes(at(last_checkpoint), cut);
  fs::remove(at(previous_checkpoint));
  write_bytes(at(previous_checkpoint), none);
  EXPECT_TRUE(says(error_of([&] { resume(); }), last_checkpoint, previous_checkpoint, "may also be one of", best_checkpoint));
  fs::remove(at(best_checkpoint));
  EXPECT_TRUE(says(error_of([&] { resume(); }), last_checkpoint, previous_checkpoint, "writer.run_name"));
}

TEST_F(checkpoint_file, another_programs_file_is_refused) {
  const auto refusal = [&](checkpoint_value root) {
    write_pytorch(at("other.pth").string(), root);
    trainer_options o = options("run");
    o.resume_from = "other.pth";
    return error_of([&] { run(*net_, o); });
  };
  EXPECT_TRUE(says(refusal(checkpoint_value::state_dict(net_->state({0}).weights)), "other.pth", "from_pretrained"));
  checkpoint c = read_checkpoint(at(last_checkpoint));
  const auto with = [&](checkpoint_value optimizer, checkpoint_value avss) {
    return checkpoint_value::dict({{"arch", c.arch},
                                   {"epoch", c.epoch},
                                   {"step", c.step},
                                   {"state_dict", checkpoint_value::state_dict(c.weights)},
                                   {"optimizer", std::move(optimizer)},
                                   {"lr_scheduler", c.lr_scheduler},
                                   {"monitor_best", c.monitor_best},
                                   {"config", c.config},
                                   {"avss", std::move(avss)}});
  };
  EXPECT_EQ(refusal(with(c.optimizer, c.avss)), "");
  EXPECT_TRUE(says(refusal(with(c.optimizer, checkpoint_value::dict({{"version", 1}}))), "avss.model", "missing"));
  EXPECT_TRUE(says(refusal(with(1, c.avss)), "optimizer"));
  EXPECT_TRUE(says(refusal(with(checkpoint_value::dict({{"state", checkpoint_value::dict({})}}), c.avss)), "parameter 0"));
  c.weights.entries.pop_back();
  EXPECT_TRUE(says(refusal(with(c.optimizer, c.avss)), "decoder.weight"));
}

}  // namespace
}  // namespace avss
