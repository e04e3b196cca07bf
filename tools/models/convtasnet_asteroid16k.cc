#include "tools/models/convtasnet.hpp"

AVSS_CONVTASNET_ENTRY(convtasnet_asteroid16k, "asteroid's recipes, 16 kHz, two speakers")
