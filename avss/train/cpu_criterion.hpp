// A chosen_loss on the CPU. Include it in one translation unit: all losses are compiled there.
#pragma once

#include <avss/cpu/copy.hpp>
#include <avss/cpu/distance_loss.hpp>
#include <avss/cpu/separation_loss.hpp>
#include <avss/cpu/spectrum.hpp>
#include <avss/cpu/to_host.hpp>
#include <avss/loss/chosen.hpp>
#include <avss/train/objective_criterion.hpp>

namespace avss {

using cpu_criterion = objective_criterion<chosen_loss>;

}  // namespace avss
