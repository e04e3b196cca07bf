#include "tools/models/rtfsnet.hpp"

AVSS_RTFSNET_ENTRY(rtfsnet, "the reference project's published weights (attention over heads), 5 passes, 16 kHz")
