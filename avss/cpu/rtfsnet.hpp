// Every operation that RTFS-Net runs.
#pragma once

#include <avss/cpu/act_norm.hpp>
#include <avss/cpu/attention.hpp>
#include <avss/cpu/conv2d.hpp>
#include <avss/cpu/copy.hpp>
#include <avss/cpu/dropout.hpp>
#include <avss/cpu/fusion.hpp>
#include <avss/cpu/map_norm.hpp>
#include <avss/cpu/pointwise.hpp>
#include <avss/cpu/recurrent.hpp>
#include <avss/cpu/resize.hpp>
#include <avss/cpu/sequence.hpp>
#include <avss/cpu/spectrum.hpp>
