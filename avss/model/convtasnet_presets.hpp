// Published Conv-TasNet configurations, by the names that configurations and tools use.
#pragma once

#include <avss/model/convtasnet.hpp>

namespace avss::presets {

// The paper's best non-causal network, padded as the authors' code pads (arXiv:1809.07454, table II).
inline constexpr convtasnet_config convtasnet_paper{.padding = edge_padding::authors, .last = last_residual::unused};

// The paper's causal network: cumulative norms.
inline constexpr convtasnet_config convtasnet_paper_causal{.padding = edge_padding::authors,
                                                           .first_norm = norm_kind::cumulative,
                                                           .norm = norm_kind::cumulative,
                                                           .causal = true,
                                                           .last = last_residual::unused};

// torchaudio.models.conv_tasnet_base and its pipeline CONVTASNET_BASE_LIBRI2MIX: masks by ReLU.
inline constexpr convtasnet_config convtasnet_torchaudio{.padding = edge_padding::both_ends, .mask = activation::relu};

// torchaudio.models.ConvTasNet() as its class defaults say: masks by sigmoid.
inline constexpr convtasnet_config convtasnet_torchaudio_sigmoid{.padding = edge_padding::both_ends};

// asteroid's recipes at 8 kHz, two and three speakers.
inline constexpr convtasnet_config convtasnet_asteroid{.mask = activation::relu, .last = last_residual::unused};
inline constexpr convtasnet_config convtasnet_asteroid3{.sources = 3, .mask = activation::relu, .last = last_residual::unused};

// asteroid's recipes at 16 kHz.
inline constexpr convtasnet_config convtasnet_asteroid16k{
    .sample_rate = 16000, .window = 32, .stride = 16, .mask = activation::relu, .last = last_residual::unused};

// kaituoxu/Conv-TasNet, the paper's first version: no skip path, no biases.
inline constexpr convtasnet_config convtasnet_kaituoxu{.filters = 256,
                                                       .window = 20,
                                                       .stride = 10,
                                                       .bottleneck = 256,
                                                       .skip = 0,
                                                       .repeats = 4,
                                                       .encoder_activation = activation::relu,
                                                       .first_norm = norm_kind::per_frame,
                                                       .bias = false,
                                                       .mask_prelu = false,
                                                       .mask = activation::relu,
                                                       .last = last_residual::used};

// The reference project's network at 16 kHz, and its small one.
inline constexpr convtasnet_config convtasnet{.sample_rate = 16000,
                                              .window = 32,
                                              .stride = 16,
                                              .padding = edge_padding::end_to_window,
                                              .encoder_bias = true,
                                              .decoder_bias = true,
                                              .first_eps = 1e-5,
                                              .eps = 1e-5,
                                              .last = last_residual::unused};
inline constexpr convtasnet_config convtasnet_cpu{.sample_rate = 16000,
                                                  .filters = 16,
                                                  .window = 32,
                                                  .stride = 16,
                                                  .bottleneck = 4,
                                                  .skip = 4,
                                                  .hidden = 16,
                                                  .blocks = 1,
                                                  .repeats = 2,
                                                  .padding = edge_padding::end_to_window,
                                                  .encoder_bias = true,
                                                  .decoder_bias = true,
                                                  .first_eps = 1e-5,
                                                  .eps = 1e-5,
                                                  .last = last_residual::unused};

// Ours, for training on a CPU: 0.9 million parameters, 8 kHz. Windows of 4 ms instead of 2 halve the work a second, so
// that twice as much speech is seen in the same time.
inline constexpr convtasnet_config convtasnet_small{.filters = 256,
                                                    .window = 32,
                                                    .stride = 16,
                                                    .bottleneck = 96,
                                                    .skip = 96,
                                                    .hidden = 192,
                                                    .blocks = 7,
                                                    .repeats = 2,
                                                    .padding = edge_padding::both_ends,
                                                    .mask = activation::relu};

// For tests and first steps: the structure of convtasnet_asteroid, 4,000 parameters.
inline constexpr convtasnet_config convtasnet_tiny{
    .filters = 32, .bottleneck = 8, .skip = 8, .hidden = 16, .blocks = 3, .repeats = 1, .last = last_residual::unused};

}  // namespace avss::presets
