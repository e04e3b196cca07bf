// avss: what is added to its input or repeated must keep the shape, see keeps_shape<Given, Made>
// names: keeps_shape<
#include <avss/layer/pointwise.hpp>
#include <avss/layer/residual.hpp>

#include "use.hpp"

using namespace avss;
void test(context<nothing>& ctx) {
  use(ctx, residual<pointwise<pointwise_spec{8, WRONG ? 9 : 8}>>{}, shape<dyn, 8, dyn>(1, 1));
}
