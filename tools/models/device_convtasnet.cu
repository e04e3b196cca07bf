// Of the preset that the build names.
#include "tools/models/device_convtasnet.hpp"

AVSS_CONVTASNET_DEVICE_ENTRY(AVSS_PRESET)
