#include "tools/models/convtasnet.hpp"

AVSS_CONVTASNET_ENTRY(convtasnet_torchaudio_sigmoid, "torchaudio's ConvTasNet() with its class defaults")
