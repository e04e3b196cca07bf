#include "tools/models/rtfsnet.hpp"

AVSS_RTFSNET_ENTRY(rtfsnet_small, "our own, 60,000 parameters, 3 passes, 16 kHz, for training on a CPU")
