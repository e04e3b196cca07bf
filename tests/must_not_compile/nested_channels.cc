// avss: a layer is given another number of channels than it takes, see channels<Expected, Got>
// names: channels<9, 8>
#include <avss/layer/branch.hpp>
#include <avss/layer/pointwise.hpp>
#include <avss/layer/residual.hpp>
#include <avss/layer/sequential.hpp>

#include "use.hpp"

using namespace avss;
struct block : residual<sequential<pointwise<pointwise_spec{4, 8}>, pointwise<pointwise_spec{WRONG ? 9 : 8, 4}>>> {};
void test(context<nothing>& ctx) { use(ctx, repeat_shared<2, branch_sum<block, block>>{}, shape<dyn, 4, dyn>(1, 1)); }
