// How much memory operator new was asked for at once.
#pragma once

#include <cstddef>

namespace avss::testing {

// Since the start, or since forget_allocations().
std::size_t largest_allocation();
void forget_allocations();

}  // namespace avss::testing
