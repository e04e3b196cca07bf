#include "tools/models/rtfsnet.hpp"

AVSS_RTFSNET_ENTRY(rtfsnet_6_2023, "the paper's weights of 2023, 6 passes, 16 kHz")
