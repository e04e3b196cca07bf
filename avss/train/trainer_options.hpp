// What a training run is told.
#pragma once

#include <avss/core/error.hpp>
#include <avss/core/shape.hpp>
#include <avss/dist/worker_group.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/train/batches.hpp>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

namespace avss {

struct trainer_options {
  std::filesystem::path folder;
  std::string resume_from;  // a checkpoint's name in the folder; "": a new run
  std::int64_t n_epochs = 1;
  std::int64_t epoch_len = 0;   // steps; 0: the training items once
  dim_t batch_size = 1;         // of all workers of a group together
  std::int64_t accumulate = 1;  // batches a step; their gradients are averaged
  double max_grad_norm = std::numeric_limits<double>::infinity();
  std::int64_t log_step = 50;
  std::int64_t save_period = 1;  // epochs between the checkpoints that are kept; 0: none is
  std::int64_t save_steps = 0;   // steps between saves of the last checkpoint; 0: at the end of an epoch only
  std::int64_t early_stop = 0;   // epochs without improvement that end the run; 0: none do
  std::string monitor = "max val_si_snri";
  bool skip_oom = true;             // a step that memory is not enough for is left out as one that is not finite
  std::int64_t max_bad_steps = 10;  // steps without a finite loss and gradient, in a row, that end the run
  std::int64_t seed = 1;            // recorded; a resumed run must have the same
  bool terminal = false;            // `out` is one
  checkpoint_value config;
  // Those that train together: each calls the same with a network and data of its own, which give the same. Null: nobody else.
  worker_group* group = nullptr;
};

// What a network is measured on after every epoch; its metrics are named NAME_METRIC.
struct evaluation_part {
  std::string name;
  batch_maker make;
  std::int64_t items = 0;
};

struct training_data {
  batch_maker train;
  std::int64_t train_items = 0;  // 0: endless
  std::vector<evaluation_part> parts;
};

// Steps per epoch. Batches are whole: of a fixed number of items, the rest is left to the next epoch's order.
inline std::int64_t steps_per_epoch(std::int64_t epoch_len, std::int64_t items, std::int64_t items_per_step) {
  if (epoch_len > 0) return epoch_len;
  if (items == 0) fail("the training items are endless: say how many steps are an epoch, trainer.epoch_len=N");
  if (items < items_per_step)
    fail("a step needs ", items_per_step, " items and there are ", items, "; choose a smaller dataloader.batch_size");
  return items / items_per_step;
}

// Items of a batch that are each worker's. Throws error where they are not equally many.
inline dim_t share_of(dim_t batch_size, const worker_group* group) {
  const int workers = group ? group->size() : 1;
  if (batch_size % workers != 0)
    fail("dataloader.batch_size=", batch_size, ": ", workers, " processes cannot have equal shares of a batch; choose a ",
         "multiple of ", workers);
  return batch_size / workers;
}

}  // namespace avss
