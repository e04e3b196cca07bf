#include "tools/models/rtfsnet.hpp"

AVSS_RTFSNET_ENTRY(rtfsnet_4_2023, "the paper's weights of 2023, 4 passes, 16 kHz")
