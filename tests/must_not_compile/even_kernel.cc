// avss: a convolution along time that is not causal needs an odd kernel, see odd_kernel<Kernel, Causal>
// names: odd_kernel<4, false>
#include <avss/layer/depthwise.hpp>

#include "use.hpp"

using namespace avss;
void test(context<nothing>& ctx) { use(ctx, depthwise<depthwise_spec{8, WRONG ? 4 : 3}>{}, shape<dyn, 8, dyn>(1, 1)); }
