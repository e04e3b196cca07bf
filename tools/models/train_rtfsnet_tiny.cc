#include "tools/models/train_rtfsnet.hpp"

AVSS_RTFSNET_TRAINABLE_ENTRY(rtfsnet_tiny)
