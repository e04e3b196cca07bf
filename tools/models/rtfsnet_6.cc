#include "tools/models/rtfsnet.hpp"

AVSS_RTFSNET_ENTRY(rtfsnet_6, "the paper's, 6 passes, 16 kHz")
