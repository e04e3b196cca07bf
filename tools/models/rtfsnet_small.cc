#include "tools/models/rtfsnet.hpp"

AVSS_RTFSNET_ENTRY(rtfsnet_small, "our own, 0.1 million parameters, 3 passes, 16 kHz, for training on a CPU")
