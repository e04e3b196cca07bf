// Every operation that the lip-reading encoder runs.
#pragma once

#include <avss/reference/image.hpp>
#include <avss/reference/map_norm.hpp>
