// From the sections optimizer, lr_scheduler and loss_function to their values.
#pragma once

#include <avss/config/interpolation.hpp>
#include <avss/io/checkpoint_value.hpp>
#include <avss/train/rate_schedule.hpp>
#include <avss/train/separation_training.hpp>
#include <cstdint>

namespace avss::tools {

// Throws error for an unknown _target_ and for a key that it does not know.
separation_training read_training(const config::settings& s);

// steps_per_epoch where lr_scheduler.steps_per_epoch is null; higher_is_better: of the monitored metric.
rate_schedule read_schedule(const config::settings& s, std::int64_t steps_per_epoch, bool higher_is_better);

// A configuration as plain dicts, lists and scalars.
checkpoint_value plain(const config::value& v);

}  // namespace avss::tools
