// From the section loss_function to a loss, of any nesting that it says.
#pragma once

#include <avss/config/interpolation.hpp>
#include <avss/loss/chosen.hpp>
#include <avss/train/criterion.hpp>
#include <memory>

namespace avss::tools {

// Throws error for an unknown _target_, a key that it does not know, a weight that is no finite number, a permutation within a
// permutation, a window that does not fit, and a name that is taken.
chosen_loss read_objective(const config::settings& s);

// The same, to be computed on the CPU.
std::shared_ptr<const criterion> read_criterion(const config::settings& s);

}  // namespace avss::tools
