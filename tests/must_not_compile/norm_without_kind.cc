// avss: a normalisation layer needs a kind other than none
#include <avss/layer/act_norm.hpp>

#include "use.hpp"

using namespace avss;
void test(context<nothing>& ctx) {
  use(ctx, channel_norm<channel_norm_spec{8, WRONG ? norm_kind::none : norm_kind::global}>{}, shape<dyn, 8, dyn>(1, 1));
}
