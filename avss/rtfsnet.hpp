// RTFS-Net, all that is needed to run and to train it on the CPU: the network and its presets, the engine, weights, losses, optimisers.
//
//   avss::av_engine<avss::RtfsNet<avss::presets::rtfsnet_4>, avss::cpu> net;
//   avss::load_weights(net, "rtfsnet_4.pth");
//   net.separate({.length = samples, .faces = 2, .video_frames = frames}, mixture, features, voices);
#pragma once

#include <avss/cpu/optim.hpp>
#include <avss/cpu/rtfsnet.hpp>
#include <avss/cpu/separation_loss.hpp>
#include <avss/cpu/to_host.hpp>
#include <avss/layer/init.hpp>
#include <avss/loss/energy_ratio.hpp>
#include <avss/loss/objective.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/rtfsnet.hpp>
#include <avss/model/rtfsnet_config.hpp>
#include <avss/model/rtfsnet_weights.hpp>
#include <avss/optim/adam.hpp>
#include <avss/optim/clip.hpp>
#include <avss/optim/one_cycle.hpp>
#include <avss/optim/plateau.hpp>
#include <avss/optim/schedule.hpp>
#include <avss/optim/sgd.hpp>
#include <avss/optim/trained.hpp>
