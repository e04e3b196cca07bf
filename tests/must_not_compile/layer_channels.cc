// avss: a layer is given another number of channels than it takes, see channels<Expected, Got>
// names: channels<64, 32>
#include <avss/layer/pointwise.hpp>

#include "use.hpp"

using namespace avss;
void test(context<nothing>& ctx) { use(ctx, pointwise<pointwise_spec{64, 16}>{}, shape < dyn, WRONG ? 32 : 64, dyn > (1, 1)); }
