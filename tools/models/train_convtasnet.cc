#include "tools/models/train_convtasnet.hpp"

AVSS_TRAINABLE_ENTRY(convtasnet)
