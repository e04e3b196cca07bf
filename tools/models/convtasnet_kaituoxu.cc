#include "tools/models/convtasnet.hpp"

AVSS_CONVTASNET_ENTRY(convtasnet_kaituoxu, "kaituoxu/Conv-TasNet (the paper's first version), 8 kHz")
