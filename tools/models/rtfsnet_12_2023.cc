#include "tools/models/rtfsnet.hpp"

AVSS_RTFSNET_ENTRY(rtfsnet_12_2023, "the paper's weights of 2023, 12 passes, 16 kHz")
