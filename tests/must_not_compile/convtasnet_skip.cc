// avss: without a skip path the last block's residual must be used
#include <avss/model/convtasnet.hpp>

using avss::last_residual;
avss::ConvTasNet<avss::convtasnet_config{.skip = 0, .last = WRONG ? last_residual::left_out : last_residual::used}> net;
