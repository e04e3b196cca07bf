#include "tools/models/convtasnet.hpp"

AVSS_CONVTASNET_ENTRY(convtasnet, "the reference project's network, 16 kHz, two speakers")
