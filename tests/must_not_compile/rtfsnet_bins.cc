// avss: RTFS-Net's smallest maps have fewer bins than its recurrent window
#include <avss/model/rtfsnet.hpp>

avss::RtfsNet<avss::rtfsnet_config{.window = 64, .hop = 32, .rnn_window = WRONG ? 17 : 16}> net;
