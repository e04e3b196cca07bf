#include "tools/models/convtasnet.hpp"

AVSS_CONVTASNET_ENTRY(convtasnet_torchaudio, "torchaudio's conv_tasnet_base and its Libri2Mix pipeline, 8 kHz")
