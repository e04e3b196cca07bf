// avss: a layer is given an array with another number of axes than it takes, see axes<Expected, Got>
// names: axes<3, 4>
#include <avss/layer/depthwise.hpp>

#include "use.hpp"

using namespace avss;
void test(context<nothing>& ctx) {
#if WRONG
  const shape<dyn, 8, dyn, 4> x(1, 1);
#else
  const shape<dyn, 8, dyn> x(1, 1);
#endif
  use(ctx, depthwise<depthwise_spec{8, 3}>{}, x);
}
