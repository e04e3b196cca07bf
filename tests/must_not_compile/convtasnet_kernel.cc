// avss: a convolution along time that is not causal needs an odd kernel, see odd_kernel<Kernel, Causal>
// names: odd_kernel<4, false>
#include <avss/model/convtasnet.hpp>

avss::ConvTasNet<avss::convtasnet_config{.kernel = WRONG ? 4 : 3}> net;
