// Sentences to say, made of a list of words.
#pragma once

#include <avss/core/random.hpp>
#include <cstddef>
#include <iterator>
#include <string>

namespace avss {
namespace detail {

inline constexpr const char* determiners[] = {"the", "a",   "this", "that",  "my",   "your",
                                              "our", "his", "her",  "every", "some", "another"};
inline constexpr const char* adjectives[] = {"brave",  "yellow", "quiet",   "heavy",   "small",  "famous", "warm",    "purple",
                                             "early",  "smooth", "cheap",   "strange", "busy",   "white",  "young",   "narrow",
                                             "proud",  "sharp",  "foolish", "green",   "empty",  "lovely", "huge",    "fresh",
                                             "broken", "thick",  "simple",  "violet",  "wooden", "happy",  "perfect", "gentle",
                                             "round",  "cloudy", "bitter",  "useful",  "pale",   "shiny",  "other"};
inline constexpr const char* nouns[] = {
    "farmer",  "window", "river",   "teacher", "mountain", "bottle",  "village", "bird",    "engine",  "garden",
    "thief",   "queen",  "paper",   "chicken", "market",   "sailor",  "bridge",  "apple",   "weather", "machine",
    "office",  "father", "mother",  "shadow",  "pillow",   "forest",  "singer",  "cheese",  "journey", "kitchen",
    "picture", "jacket", "student", "valley",  "boat",     "thunder", "voice",   "mirror",  "wolf",    "judge",
    "hammer",  "ocean",  "puppet",  "fish",    "blanket",  "story",   "wheel",   "umbrella"};
inline constexpr const char* verbs[] = {"finds", "follows", "paints",   "believes", "washes",    "remembers", "carries",
                                        "opens", "breaks",  "chooses",  "pushes",   "leaves",    "watches",   "borrows",
                                        "moves", "builds",  "brings",   "covers",   "loves",     "shows",     "forgets",
                                        "buys",  "throws",  "measures", "hears",    "offers",    "keeps",     "puts",
                                        "fills", "visits",  "warms",    "thanks",   "hopes for", "looks at",  "waits for"};
inline constexpr const char* places[] = {"above",   "behind", "without", "near", "before", "around",
                                         "through", "beyond", "with",    "from", "for",    "under"};
inline constexpr const char* adverbs[] = {
    "today",  "slowly",       "again",       "tomorrow", "very often",   "before five", "in the morning", "at three o'clock",
    "by now", "almost never", "for a while", "somehow",  "twice a week", "at home",     "too much"};
inline constexpr const char* links[] = {"and", "but", "because", "while", "so", "when", "if", "before"};

template <std::size_t N>
const char* pick(random_sequence& r, const char* const (&words)[N]) {
  return words[r.below(N)];
}

}  // namespace detail

// At least `words` words of English, as clauses that follow one another without a full stop. They mean little: like those of
// other corpora for lip readers, they are there to be heard and seen.
inline std::string make_sentence(random_stream stream, std::size_t words) {
  random_sequence r(stream);
  std::string text;
  std::size_t count = 0;
  const auto say = [&](const char* word) {
    text += text.empty() ? "" : " ";
    text += word;
    ++count;
  };
  const auto thing = [&] {
    say(detail::pick(r, detail::determiners));
    if (r.chance(0.6)) say(detail::pick(r, detail::adjectives));
    say(detail::pick(r, detail::nouns));
  };
  while (count < words) {
    if (count > 0) say(detail::pick(r, detail::links));
    thing();
    say(detail::pick(r, detail::verbs));
    thing();
    if (r.chance(0.5)) {
      say(detail::pick(r, detail::places));
      thing();
    }
    if (r.chance(0.4)) say(detail::pick(r, detail::adverbs));
  }
  return text;
}

}  // namespace avss
