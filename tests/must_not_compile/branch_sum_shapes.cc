// avss: branches that are summed must make one shape, see same_branches<First, Other>
// names: same_branches<
#include <avss/layer/branch.hpp>
#include <avss/layer/pointwise.hpp>

#include "use.hpp"

using namespace avss;
void test(context<nothing>& ctx) {
  use(ctx, branch_sum<pointwise<pointwise_spec{4, 8}>, pointwise<pointwise_spec{4, WRONG ? 9 : 8}>>{},
      shape<dyn, 4, dyn>(1, 1));
}
