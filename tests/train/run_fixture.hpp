// A small training run in a folder of the test's own.
#pragma once

#include <avss/data/synthetic_mixtures.hpp>
#include <avss/train/trainer.hpp>
#include <functional>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "tests/support/audio_fixture.hpp"
#include "tests/train/networks.hpp"

namespace avss::testing {

class training_run : public in_folder {
 protected:
  trainer_options options(const std::string& name) const {
    trainer_options o;
    o.folder = folder / name;
    o.n_epochs = 2, o.epoch_len = 6, o.batch_size = 2, o.log_step = 4, o.save_period = 0;
    o.max_grad_norm = 5;
    return o;
  }
  rate_schedule schedule() const { return rate_schedule(one_cycle({.max_lr = 5e-3, .total_steps = 12})); }
  training_data data() const { return {batches_of(train_), 0, {{"val", batches_of(val_), 5}}}; }

  // Stops after `steps` steps of this call.
  int run(trainable& net, trainer_options o, std::int64_t steps = std::numeric_limits<std::int64_t>::max()) {
    return run(net, std::move(o), schedule(), data(), steps);
  }
  int run(trainable& net, trainer_options o, rate_schedule s, training_data d,
          std::int64_t steps = std::numeric_limits<std::int64_t>::max()) {
    std::int64_t asked = 0;
    trainer t(net, std::move(s), std::move(d), std::move(o), out, err, [&] { return asked++ >= steps; });
    const int status = t.run();
    skipped = t.skipped();
    return status;
  }

  static std::string weights_of(trainable& net) {
    std::string all;
    for (const named_tensor& t : net.state({0}).weights.entries)
      all.append(reinterpret_cast<const char*>(t.value.bytes.data()), t.value.bytes.size());
    return all;
  }
  // A metric's column of a run, without the rows that hold a speed.
  std::string log_of(const std::string& name) const {
    std::ifstream in(folder / name / "metrics.csv");
    std::string all;
    for (std::string line; std::getline(in, line);) {
      std::istringstream fields(line);
      std::string field;
      for (int i = 0; std::getline(fields, field, ','); ++i)
        if (i != 8) all += field + ",";  // items_per_second
      all += "\n";
    }
    return all;
  }

  std::ostringstream out, err;
  std::int64_t skipped = 0;

 private:
  synthetic_mixtures train_{2, 800, 8000, 0, 1}, val_{2, 1000, 8000, 5, 2};
};

}  // namespace avss::testing
