// Every operation that RTFS-Net runs.
#pragma once

#include <avss/reference/act_norm.hpp>
#include <avss/reference/attention.hpp>
#include <avss/reference/conv2d.hpp>
#include <avss/reference/copy.hpp>
#include <avss/reference/dropout.hpp>
#include <avss/reference/fusion.hpp>
#include <avss/reference/map_norm.hpp>
#include <avss/reference/pointwise.hpp>
#include <avss/reference/recurrent.hpp>
#include <avss/reference/resize.hpp>
#include <avss/reference/sequence.hpp>
#include <avss/reference/spectrum.hpp>
