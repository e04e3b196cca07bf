// Of the preset that the build names.
#include "tools/models/device_rtfsnet.hpp"

AVSS_RTFSNET_DEVICE_ENTRY(AVSS_PRESET)
