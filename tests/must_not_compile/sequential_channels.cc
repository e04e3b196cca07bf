// avss: a layer is given another number of channels than it takes, see channels<Expected, Got>
// names: channels<32, 16>
#include <avss/layer/act_norm.hpp>
#include <avss/layer/pointwise.hpp>
#include <avss/layer/sequential.hpp>

#include "use.hpp"

using namespace avss;
void test(context<nothing>& ctx) {
  use(ctx, sequential<pointwise<pointwise_spec{64, 16}>, prelu, pointwise<pointwise_spec{WRONG ? 32 : 16, 8}>, prelu>{},
      shape<dyn, 64, dyn>(1, 1));
}
