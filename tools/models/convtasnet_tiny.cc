#include "tools/models/convtasnet.hpp"

AVSS_CONVTASNET_ENTRY(convtasnet_tiny, "4,000 parameters, 8 kHz, for tests")
