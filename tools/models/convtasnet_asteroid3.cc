#include "tools/models/convtasnet.hpp"

AVSS_CONVTASNET_ENTRY(convtasnet_asteroid3, "asteroid's recipes, 8 kHz, three speakers")
