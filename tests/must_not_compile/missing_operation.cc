// avss: this backend cannot execute this operation: include its header, or choose another backend
// names: op::act_norm_fwd<double>
#include <avss/layer/act_norm.hpp>
#if !WRONG
#include <avss/reference/act_norm.hpp>
#endif
#include <avss/reference/backend.hpp>

using namespace avss;
void test(context<reference<double>>& ctx) {
  using X = shape<dyn>;
  prelu::saved<X, double> s;
  prelu{}.forward(ctx, view<X, double>{}, view<X, double>{}, s);
}
