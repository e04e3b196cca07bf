// Every operation that the lip-reading encoder runs.
#pragma once

#include <avss/reference/copy.hpp>
#include <avss/reference/image.hpp>
#include <avss/reference/image_back.hpp>
#include <avss/reference/map_norm.hpp>
