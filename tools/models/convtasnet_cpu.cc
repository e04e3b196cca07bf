#include "tools/models/convtasnet.hpp"

AVSS_CONVTASNET_ENTRY(convtasnet_cpu, "the reference project's smallest network, 16 kHz, for checking a set-up")
