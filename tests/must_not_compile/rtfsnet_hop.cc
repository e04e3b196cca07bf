// avss: RTFS-Net's hop must be half of its window
#include <avss/model/rtfsnet.hpp>

avss::RtfsNet<avss::rtfsnet_config{.window = 256, .hop = WRONG ? 64 : 128}> net;
