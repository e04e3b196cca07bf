// All that is needed to run and to train the networks on a CUDA device; for nvcc. Beside it avss/convtasnet.hpp and
// avss/rtfsnet.hpp, the same for the CPU: only the backend is another.
//
//   avss::av_engine<avss::RtfsNet<avss::presets::rtfsnet_4>, avss::cuda> net;
//   avss::load_weights(net, "rtfsnet_4.pth");
//   net.separate({.length = samples, .faces = 2, .video_frames = frames}, mixture, features, voices);
//
// Mixtures, features and voices are the host's. avss/cuda/README.md tells what lies where.
#pragma once

#include <avss/cuda/copy.cuh>
#include <avss/cuda/depthwise.cuh>
#include <avss/cuda/distance_loss.cuh>
#include <avss/cuda/filterbank.cuh>
#include <avss/cuda/lipreading.cuh>
#include <avss/cuda/optim.cuh>
#include <avss/cuda/pointwise.cuh>
#include <avss/cuda/rtfsnet.cuh>
#include <avss/cuda/separation_loss.cuh>
#include <avss/cuda/spectrum.cuh>
#include <avss/cuda/to_host.cuh>
#include <avss/layer/init.hpp>
#include <avss/loss/chosen.hpp>
#include <avss/loss/objective.hpp>
#include <avss/model/av_engine.hpp>
#include <avss/model/convtasnet.hpp>
#include <avss/model/convtasnet_presets.hpp>
#include <avss/model/convtasnet_weights.hpp>
#include <avss/model/engine.hpp>
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
