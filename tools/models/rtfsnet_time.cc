#include "tools/models/rtfsnet.hpp"

AVSS_RTFSNET_ENTRY(rtfsnet_time,
                   "the reference project's network as it is trained here (attention over time), 5 passes, 16 kHz")
