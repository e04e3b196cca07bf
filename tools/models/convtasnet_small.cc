#include "tools/models/convtasnet.hpp"

AVSS_CONVTASNET_ENTRY(convtasnet_small, "our own, 0.9 million parameters, 8 kHz, two speakers, for training on a CPU")
