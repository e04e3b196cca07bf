// The lip-reading video encoder, all that is needed to run it on the CPU: the network and its presets, the engine, weights,
// and what the network wants its pictures to look like.
//
//   avss::lip_engine<avss::LipEncoder<avss::presets::lip_swish>, avss::cpu> encoder;
//   avss::load_weights(encoder, "lrw_resnet18_dctcn_video_boundary.pth");
//   encoder.prepare(88, 88);
//   encoder.embed(workspace, clip, features);
//
// avss::lip_trainer goes back through it, too, for who wants to train it.
#pragma once

#include <avss/cpu/lipreading.hpp>
#include <avss/data/mouth_clip.hpp>
#include <avss/layer/init.hpp>
#include <avss/model/lip_encoder.hpp>
#include <avss/model/lip_engine.hpp>
#include <avss/model/lip_trainer.hpp>
#include <avss/model/lip_weights.hpp>
