#include "tools/models/convtasnet.hpp"

AVSS_CONVTASNET_ENTRY(convtasnet_paper, "the paper's best network, 8 kHz, two speakers")
