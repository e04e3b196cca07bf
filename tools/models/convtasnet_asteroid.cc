#include "tools/models/convtasnet.hpp"

AVSS_CONVTASNET_ENTRY(convtasnet_asteroid, "asteroid's recipes, 8 kHz, two speakers")
