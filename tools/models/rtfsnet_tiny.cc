#include "tools/models/rtfsnet.hpp"

AVSS_RTFSNET_ENTRY(rtfsnet_tiny, "4 passes of 6 channels, 16 kHz, for tests")
