// Augmentations of training data, all of them: values that compose.
//
//   const auto noises = std::make_shared<const avss::sound_bank>("data/noises", "noises", avss::sound_bank_options{.rate =
//   16000}); const avss::chain varied{avss::each_source{avss::gain{.db = {-6, 6}}},
//                            avss::sometimes{0.5, avss::background_noise{noises}}, avss::peak_normalization{}};
//   const avss::augmented_source items(std::move(data), varied, seed);
#pragma once

#include <avss/augment/any.hpp>
#include <avss/augment/augmented_source.hpp>
#include <avss/augment/compose.hpp>
#include <avss/augment/damage.hpp>
#include <avss/augment/filter.hpp>
#include <avss/augment/impulse_response.hpp>
#include <avss/augment/item.hpp>
#include <avss/augment/level.hpp>
#include <avss/augment/noise.hpp>
#include <avss/augment/sound_bank.hpp>
#include <avss/augment/spectrum_masks.hpp>
#include <avss/augment/time.hpp>
