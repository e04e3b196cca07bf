// The looks of the page of scores, and the words that do not change. {0}, {1}, ... are filled in by score_page.cc.
#pragma once

namespace avss::tools {

// {0}: the page's mark, {1}: its title
constexpr const char* scores_head = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
{0}
<title>{1}</title>
<style>
:root {
  color-scheme: light dark;
  --page: #f6f4f1; --card: #fffefd; --ink: #211e29; --soft: #605b6b; --line: #dfdad3; --accent: #7a2a86; --mark: #a14d00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #131118; --card: #1c1923; --ink: #ece8f2; --soft: #aaa3b8; --line: #37323f; --accent: #d99be6; --mark: #f0a860;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
main { max-width: 76rem; margin: 0 auto; padding: clamp(1.25rem, 4vw, 3rem) clamp(1rem, 4vw, 2.5rem); }
h1 { font-size: clamp(1.7rem, 1.2rem + 2.5vw, 2.6rem); line-height: 1.15; margin: 0 0 .75rem; letter-spacing: -.02em; }
h2 { font-size: 1.35rem; line-height: 1.25; margin: 0 0 .75rem; }
h3 { font-size: 1.1rem; line-height: 1.3; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h4 { font-size: 1rem; margin: 1.5rem 0 .5rem; color: var(--accent); }
p { margin: 0 0 1rem; max-width: 46rem; overflow-wrap: anywhere; }
.soft { color: var(--soft); font-size: .92rem; }
.warning { color: var(--mark); }
code { font-size: .92em; }
a { color: var(--accent); text-underline-offset: .15em; text-decoration-thickness: 1px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .35rem 1.25rem; margin: 0 0 2rem; padding: 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 1rem; margin: 1.5rem 0 1.5rem; }
.facts div { border-top: 3px solid var(--accent); padding-top: .5rem; display: flex; flex-direction: column-reverse;
  justify-content: flex-end; }
.facts dt { color: var(--soft); font-size: .9rem; line-height: 1.35; }
.facts dd { margin: 0; font-size: 1.6rem; font-weight: 650; letter-spacing: -.01em; font-variant-numeric: tabular-nums; }
section { margin: 0 0 2.5rem; scroll-margin-top: 1rem; }
.scroll { overflow-x: auto; }
.tall { max-height: 34rem; overflow-y: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .95rem; }
caption { text-align: left; color: var(--soft); font-size: .92rem; padding-bottom: .4rem; }
th, td { padding: .4rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 500; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tbody th { white-space: normal; overflow-wrap: anywhere; min-width: 11rem; }
tbody th.metric { white-space: nowrap; min-width: 0; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--soft); font-size: .88rem; vertical-align: bottom; line-height: 1.3; }
.words { text-align: left; white-space: normal; min-width: 9rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1.25rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: clamp(1rem, 2.5vw, 1.5rem);
  margin: 0; min-width: 0; }
.card + .card { margin-top: 1.25rem; }
.charts .card + .card { margin-top: 0; }
.below { margin-top: 1.5rem; }
.group { margin-bottom: 1.75rem; }
figure { margin: 0; min-width: 0; }
figcaption { margin-bottom: .6rem; line-height: 1.35; font-weight: 600; }
figcaption span { color: var(--soft); font-size: .9rem; font-weight: 400; margin-left: .25rem; }
.plot { display: grid; grid-template-columns: 2.6rem minmax(0, 1fr); padding-right: 1rem; }
.y, .x { position: relative; color: var(--soft); font-size: .75rem; line-height: 1; font-variant-numeric: tabular-nums; }
.y i, .x i { position: absolute; font-style: normal; white-space: nowrap; }
.y i { right: .45rem; transform: translateY(50%); }
.x { grid-column: 2; height: 1.35rem; }
.x i { top: .4rem; transform: translateX(-50%); }
.axis { color: var(--soft); font-size: .85rem; margin: .1rem 0 0 2.6rem; text-align: center; max-width: none; }
.above { margin: 0 0 .5rem; text-align: left; }
.area { display: block; width: 100%; height: 12rem; overflow: visible; }
.large .area { height: min(26rem, 75vw); }
.grid { stroke: var(--line); stroke-width: 1; }
.zero { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 5 4; }
.band { fill: var(--mark); fill-opacity: .3; }
.bar { fill: var(--accent); stroke: var(--card); stroke-width: 1; }
.mean { stroke: var(--mark); stroke-width: 2.5; }
.dot { fill: var(--accent); fill-opacity: .6; }
.hollow { fill: none; stroke: var(--mark); stroke-width: 2; }
.dot:hover, .hollow:hover { fill: var(--ink); fill-opacity: 1; }
.bar:hover { fill: var(--ink); }
.key { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; color: var(--soft); font-size: .9rem; margin: .6rem 0 .75rem; }
.key svg { width: 1.1rem; height: .9rem; margin-right: .4rem; vertical-align: -.1rem; }
.sounds { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: 1.25rem; }
.sounds .plot { grid-template-columns: 2.6rem minmax(0, 1fr); padding-right: .5rem; }
.sounds img { display: block; width: 100%; height: 8.5rem; border-radius: 2px; background: #08040f; }
audio { display: block; width: 100%; height: 2.5rem; margin-bottom: .6rem; }
.mouths { display: block; width: 100%; max-width: 48rem; height: auto; border-radius: 4px; margin: 0 0 1rem; }
.colours { max-width: 24rem; margin: 0 0 1.25rem; }
.colours div { height: .8rem; border-radius: 3px; }
.colours p { display: flex; justify-content: space-between; color: var(--soft); font-size: .85rem; margin: .25rem 0 0; }
summary { cursor: pointer; padding: .4rem 0; color: var(--accent); }
footer { color: var(--soft); font-size: .92rem; border-top: 1px solid var(--line); padding-top: 1.25rem; }
@media (max-width: 46rem) {
  .facts { gap: .5rem; }
  .facts div { display: grid; grid-template-columns: 9rem 1fr; align-items: baseline; border-top-width: 2px; gap: .5rem; }
  .facts dd { grid-row: 1; font-size: 1.2rem; }
  th, td { padding-left: .35rem; padding-right: .35rem; }
}
@media print { audio { display: none; } .card { break-inside: avoid; } }
</style>
</head>
<body>
<main>
)html";

// {0}: colours, {1}: the lowest level
constexpr const char* scores_reading = R"html(<p class="soft">Spectrograms show time from left to right, frequency from bottom
to top. 0 dB is the loudest point of each sound, for an error that of its estimate. The error is what is left of the estimate
when as much of the truth is taken away as fits: silence would be perfect.</p>
<div class="colours" role="img" aria-label="Colours: from dark violet, {1} dB, over red to pale yellow, 0 dB">
<div style="background:linear-gradient(90deg,{0})"></div>
<p aria-hidden="true"><span>{1} dB</span><span>0 dB</span></p>
</div>
)html";

// {0}: level in percent, {1}: resamples, {2}: seed
constexpr const char* scores_footer = R"html(<footer>
<p>Every file counts the same; a file&#39;s value is the mean over its speakers. Intervals are of the mean, {0} %, by the
percentile bootstrap over files ({1} resamples, seed {2}): for other files of the same kind, the mean would lie in such an
interval in about {0} of 100 cases. Means of few files have wide intervals; where that of a difference holds 0, the two may be
equally good.</p>
</footer>
</main>
</body>
</html>
)html";

constexpr const char* scores_key = R"html(<p class="key"><span><svg aria-hidden="true"><rect class="bar" y="10%" width="100%"
height="80%"/></svg>files</span><span><svg aria-hidden="true"><line class="mean" x1="50%" x2="50%" y1="0"
y2="100%"/></svg>mean</span><span><svg aria-hidden="true"><rect class="band" width="100%" height="100%"/></svg>interval of the
mean</span></p>
)html";

constexpr const char* scatter_key = R"html(<p class="key"><span><svg aria-hidden="true"><circle class="dot" cx="50%" cy="50%"
r="4"/></svg>a file</span><span><svg aria-hidden="true"><circle class="hollow" cx="50%" cy="50%" r="4"/></svg>one with swapped
speakers</span></p>
)html";

}  // namespace avss::tools
