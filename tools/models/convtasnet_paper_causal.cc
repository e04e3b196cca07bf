#include "tools/models/convtasnet.hpp"

AVSS_CONVTASNET_ENTRY(convtasnet_paper_causal, "the paper's causal network (cumulative norms), 8 kHz")
