// avss: each_source is given an augmentation that changes mixtures alone (noise, lost chunks, masks, clipping)
// names: each_source<avss::chain<avss::gain, avss::clipping> >
#include <avss/augment/compose.hpp>
#include <avss/augment/damage.hpp>
#include <avss/augment/level.hpp>

using namespace avss;
#if WRONG
const each_source varied{chain{gain{}, clipping{}}};
#else
const each_source varied{chain{gain{}, polarity_inversion{}}};
#endif
