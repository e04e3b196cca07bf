// avss: a sequence of more than 20 layers compiles slowly: name and nest its groups
#include <avss/layer/act_norm.hpp>
#include <avss/layer/sequential.hpp>

#include "use.hpp"

using namespace avss;
using p = prelu;
#if WRONG
using net = sequential<p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p>;
#else
using net = sequential<p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p>;
#endif
void test(context<nothing>& ctx) { use(ctx, net{}, shape<dyn, 1>(1)); }
