// Every operation that the lip-reading encoder runs.
#pragma once

#include <avss/cpu/copy.hpp>
#include <avss/cpu/image.hpp>
#include <avss/cpu/image_back.hpp>
#include <avss/cpu/map_norm.hpp>
