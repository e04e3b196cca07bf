#include "tools/models/rtfsnet.hpp"

AVSS_RTFSNET_ENTRY(rtfsnet_12, "the paper's, 12 passes, 16 kHz")
