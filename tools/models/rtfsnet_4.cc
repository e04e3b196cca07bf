#include "tools/models/rtfsnet.hpp"

AVSS_RTFSNET_ENTRY(rtfsnet_4, "the paper's, 4 passes unless told otherwise, 16 kHz")
