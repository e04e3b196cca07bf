// RTFS-Net's configurations: the paper's networks, both generations of their weights, and the reference project's.
#pragma once

#include <avss/layer/map_units.hpp>
#include <avss/layer/recurrent.hpp>
#include <avss/layer/tf_attention.hpp>

namespace avss {

// What happens to the samples behind the last whole hop, which the falling half of one window covers alone.
enum class tail_rule {
  padded,  // zeros are appended up to a multiple of the hop (and to the shortest length); nothing is lost
  exact,   // as torch.istft with a length: errors there are amplified, up to a thousandfold at the last samples
  silent   // they are zero, as where torch.istft is given no length (the reference project)
};

// Runs of the audio block that a network can make.
inline constexpr int most_passes = 32;

// Symbols in brackets as in arXiv:2309.17189. Defaults: the paper's network, as its code of 2024 has it.
struct rtfsnet_config {
  int sample_rate = 16000;  // Hz
  dim_t window = 256;       // of the STFT, samples
  dim_t hop = 128;
  dim_t channels = 256;  // of full maps [C_a]
  dim_t hidden = 64;     // within a block [D]
  dim_t kernel = 4;      // of a block's depthwise convolutions
  int levels = 2;        // sizes of maps in a block [q]
  int passes = 4;        // runs of the audio block [R], unless the network is made with another number
  recurrence rnn = recurrence::sru;
  dim_t rnn_window = 8;   // steps that are unfolded
  dim_t rnn_hidden = 32;  // of one direction [h]
  int rnn_layers = 4;
  dim_t attention_heads = 4;
  dim_t attention_channels = 4;  // of a head's queries and keys
  attention_axis attention = attention_axis::time;
  bool projection_norm = true;    // normalisation and PReLU behind a block's projection; false: the paper's weights of 2023
  bool encoder_act_norm = false;  // ReLU and normalisation behind the encoder's convolution
  dim_t video_channels = 512;     // [C_v]
  dim_t video_hidden = 64;
  dim_t video_kernel = 3;
  int video_levels = 4;
  dim_t video_heads = 8;
  block_norm video_norm = block_norm::batch;
  bool stored_positions = true;  // the video's table of positions is part of the weights
  bool feed_forward_dense = false;
  bool feed_forward_bias = false;
  dim_t fusion_heads = 4;  // [h of the fusion]
  bool decoder_bias = false;
  tail_rule tail = tail_rule::padded;

  friend constexpr bool operator==(const rtfsnet_config&, const rtfsnet_config&) = default;
};

namespace presets {

// The paper's networks, weights of 2024: 740,210 parameters whatever the number of passes.
inline constexpr rtfsnet_config rtfsnet_4{};
inline constexpr rtfsnet_config rtfsnet_6{.passes = 6};
inline constexpr rtfsnet_config rtfsnet_12{.passes = 12};

// Its weights of 2023: 739,952 parameters.
inline constexpr rtfsnet_config rtfsnet_4_2023{.projection_norm = false};
inline constexpr rtfsnet_config rtfsnet_6_2023{.passes = 6, .projection_norm = false};
inline constexpr rtfsnet_config rtfsnet_12_2023{.passes = 12, .projection_norm = false};

// The reference project's network as its code computes it, 879,604 parameters: LSTMs, attention over the heads of a frame,
// and one pass more than its number says.
inline constexpr rtfsnet_config rtfsnet{.passes = 5,
                                        .rnn = recurrence::lstm,
                                        .attention = attention_axis::heads,
                                        .encoder_act_norm = true,
                                        .video_kernel = 4,
                                        .video_norm = block_norm::global,
                                        .stored_positions = false,
                                        .feed_forward_dense = true,
                                        .feed_forward_bias = true,
                                        .fusion_heads = 1,
                                        .decoder_bias = true};

// The same with attention over the frames, as the paper has it: for training anew.
inline constexpr rtfsnet_config rtfsnet_time = [] {
  rtfsnet_config c = rtfsnet;
  c.attention = attention_axis::time;
  return c;
}();

// Ours, for training on a CPU: the paper's structure and windows, 110,818 parameters. What costs is maps of all frames and
// bins, so these have few channels; blocks go down to a quarter of the frames and bins before the recurrences.
inline constexpr rtfsnet_config rtfsnet_small{.channels = 32,
                                              .hidden = 16,
                                              .levels = 3,
                                              .passes = 3,
                                              .rnn_hidden = 16,
                                              .rnn_layers = 2,
                                              .attention_channels = 2,
                                              .video_hidden = 32,
                                              .video_heads = 4,
                                              .fusion_heads = 2};

// For tests and first steps, every part in its place: 4 passes of 6 channels at 33 bins.
inline constexpr rtfsnet_config rtfsnet_tiny{.window = 64,
                                             .hop = 32,
                                             .channels = 6,
                                             .hidden = 4,
                                             .rnn_window = 3,
                                             .rnn_hidden = 2,
                                             .rnn_layers = 2,
                                             .attention_heads = 2,
                                             .attention_channels = 2,
                                             .video_channels = 12,
                                             .video_hidden = 4,
                                             .video_heads = 2,
                                             .fusion_heads = 2};

}  // namespace presets
}  // namespace avss
