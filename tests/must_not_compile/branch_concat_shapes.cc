// avss: branches that are joined must agree in all but the channels, see same_but_channels<First, Other>
// names: same_but_channels<
#include <avss/layer/act_norm.hpp>
#include <avss/layer/branch.hpp>

#include "use.hpp"

using namespace avss;
// Makes half as many frequencies.
struct halve : prelu {
  template <class X>
  using out_shape = shape<dyn, 4, dyn, WRONG ? 5 : 10>;
  template <class X>
  static constexpr out_shape<X> out(X) {
    return out_shape<X>(1, 1);
  }
  template <class C, class X, class T, class Y>
  void forward(C&, view<X, T>, view<Y, T>, prelu::saved<X, T>&) const {}
  template <class C, class X, class T, class Y>
  void backward(C&, view<Y, const T>, view<X, T>, const prelu::saved<X, T>&) const {}
};
void test(context<nothing>& ctx) { use(ctx, branch_concat<prelu, halve>{}, shape<dyn, 4, dyn, 10>(1, 1)); }
