// avss: Conv-TasNet's stride must lie between 1 and its window
#include <avss/model/convtasnet.hpp>

avss::ConvTasNet<avss::convtasnet_config{.window = 16, .stride = WRONG ? 17 : 16}> net;
