// avss: a layer is given an output of another shape than it makes, see result_shape<Made, Given>
// names: result_shape<
#include <avss/layer/pointwise.hpp>
#include <avss/layer/sequential.hpp>

#include "use.hpp"

using namespace avss;
void test(context<nothing>& ctx) {
  using net = sequential<pointwise<pointwise_spec{4, 6}>>;
  using X = shape<dyn, 4, dyn>;
  net::saved<X, float> s;
  net{}.forward(ctx, view<X, float>{}, view<shape<dyn, WRONG ? 7 : 6, dyn>, float>{}, s);
}
