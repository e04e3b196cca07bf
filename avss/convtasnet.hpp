// Conv-TasNet, all that is needed to run and to train it on the CPU: the network and its presets, the engine, weights,
// losses, optimisers.
//
//   avss::engine<avss::ConvTasNet<avss::presets::convtasnet_torchaudio>, avss::cpu> net;
//   avss::load_weights(net, "conv_tasnet_base_libri2mix.pt");
//   std::vector<std::vector<float>> voices = net.separate(mixture);
#pragma once

#include <avss/cpu/depthwise.hpp>
#include <avss/cpu/filterbank.hpp>
#include <avss/cpu/optim.hpp>
#include <avss/cpu/pointwise.hpp>
#include <avss/cpu/separation_loss.hpp>
#include <avss/cpu/to_host.hpp>
#include <avss/layer/init.hpp>
#include <avss/loss/energy_ratio.hpp>
#include <avss/loss/objective.hpp>
#include <avss/model/convtasnet.hpp>
#include <avss/model/convtasnet_presets.hpp>
#include <avss/model/convtasnet_weights.hpp>
#include <avss/model/engine.hpp>
#include <avss/optim/adam.hpp>
#include <avss/optim/clip.hpp>
#include <avss/optim/one_cycle.hpp>
#include <avss/optim/plateau.hpp>
#include <avss/optim/schedule.hpp>
#include <avss/optim/sgd.hpp>
#include <avss/optim/trained.hpp>
