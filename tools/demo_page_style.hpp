// The words and the looks of the demo's page. {0}, {1}, ... are filled in by demo_page.cc.
#pragma once

namespace avss::tools {

// {0}: the page's mark
constexpr const char* page_head = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
{0}
<title>avss: two voices at once, taken apart</title>
<style>
:root {
  color-scheme: light dark;
  --page: #f6f4f1; --card: #fffefd; --ink: #211e29; --soft: #605b6b; --line: #dfdad3; --accent: #7a2a86; --gain: #1c6b45;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #131118; --card: #1c1923; --ink: #ece8f2; --soft: #aaa3b8; --line: #37323f; --accent: #e0a2ec; --gain: #7fd6a8;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
main { max-width: 71rem; margin: 0 auto; padding: clamp(1.5rem, 5vw, 4rem) clamp(1rem, 4vw, 2.5rem); }
h1 { font-size: clamp(1.9rem, 1.2rem + 3vw, 3.1rem); line-height: 1.1; margin: 0 0 1rem; letter-spacing: -.02em;
  text-wrap: balance; }
h2 { font-size: 1.35rem; line-height: 1.25; margin: 0 0 .75rem; }
h3 { font-size: 1.05rem; margin: 0 0 .5rem; color: var(--accent); }
p { margin: 0 0 1rem; max-width: 44rem; }
.lead { font-size: 1.2rem; line-height: 1.5; }
a { color: var(--accent); text-underline-offset: .15em; text-decoration-thickness: 1px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 1rem; margin: 2rem 0 3rem; }
.facts div { border-top: 3px solid var(--accent); padding-top: .6rem; }
.facts dt { color: var(--soft); font-size: .95rem; line-height: 1.4; }
.facts dd { margin: 0; font-size: 1.7rem; font-weight: 650; letter-spacing: -.01em; }
.facts div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
section { margin: 0 0 2.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); font-size: .95rem; padding-bottom: .5rem; }
th, td { padding: .5rem .75rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
th { font-weight: 500; }
thead th { color: var(--soft); font-size: .9rem; vertical-align: bottom; line-height: 1.3; }
tfoot th, tfoot td { font-weight: 700; border-bottom: 0; }
.gain { color: var(--gain); font-weight: 650; }
.bar { max-width: 26rem; margin: 0; }
.bar div { height: .9rem; border-radius: 3px; }
.bar p { display: flex; justify-content: space-between; color: var(--soft); font-size: .85rem; margin: .25rem 0 0; }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  padding: clamp(1rem, 3vw, 2rem); scroll-margin-top: 1rem;
}
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.5rem 3rem; margin-top: 1.75rem; }
.voice { position: relative; }
.voice + .voice::before { content: ""; position: absolute; inset: 0 auto 0 -1.5rem; border-left: 1px solid var(--line); }
@media (max-width: 46rem) {
  .pair { grid-template-columns: minmax(0, 1fr); }
  .voice + .voice { border-top: 1px solid var(--line); padding-top: 1.5rem; }
  .voice + .voice::before { content: none; }
  .facts { gap: .6rem; margin: 1.5rem 0 2.25rem; }
  .facts div { display: grid; grid-template-columns: 7.5rem 1fr; align-items: baseline; border-top-width: 2px; }
  .facts dd { grid-row: 1; font-size: 1.4rem; }
  th, td { padding-left: .4rem; padding-right: .4rem; }
}
figure { margin: 0 0 1.25rem; }
.voice figure:last-child { margin-bottom: 0; }
figcaption { margin-bottom: .4rem; line-height: 1.35; }
figcaption span { color: var(--soft); font-size: .95rem; margin-left: .25rem; overflow-wrap: anywhere; }
audio { display: block; width: 100%; height: 2.75rem; margin-bottom: .8rem; }
.plot { display: grid; grid-template-columns: 2.9rem minmax(0, 1fr); padding-right: .5rem; }
.plot img { display: block; width: 100%; height: 9rem; border-radius: 2px; background: #08040f; }
.y, .x { position: relative; color: var(--soft); font-size: .75rem; line-height: 1; font-variant-numeric: tabular-nums; }
.y i, .x i { position: absolute; font-style: normal; white-space: nowrap; }
.y i { right: .45rem; transform: translateY(50%); }
.x { grid-column: 2; height: 1.3rem; }
.x i { top: .4rem; transform: translateX(-50%); }
footer { color: var(--soft); font-size: .95rem; border-top: 1px solid var(--line); padding-top: 1.5rem; }
footer p { overflow-wrap: anywhere; }
code { font-size: .92em; }
</style>
</head>
)html";

// {0}: number of mixtures, {1}: mean improvement, {2}: seconds of sound, {3}: seconds taken
constexpr const char* page_opening = R"html(<header>
<h1>Two voices at once, taken apart</h1>
<p class="lead">Two people were recorded alone. Their recordings were added up, equally loud, so that both talk at the same
time. A small neural network hears only that sum and gives back each voice alone.</p>
<dl class="facts">
<div><dt>mixtures of two voices</dt><dd>{0}</dd></div>
<div><dt>gained over the mixture, on average (<a href="#scores">SI&#8209;SNR</a>)</dt><dd>{1}</dd></div>
<div><dt>to separate {2} s of sound on this computer&#39;s CPU</dt><dd>{3} s</dd></div>
</dl>
</header>
)html";

constexpr const char* page_scores = R"html(<section aria-labelledby="scores">
<h2 id="scores">How well it went</h2>
<p>SI-SNR (scale-invariant signal-to-noise ratio) tells how much stronger the wanted voice is than everything else in a
sound, at whatever loudness. At 0 dB both are equally strong; 10 dB more leave a tenth of the rest, 20 dB a hundredth. The
network gives its two results in no particular order; each is compared with the voice that it fits best.</p>
<div class="scroll" role="region" aria-labelledby="scores" tabindex="0"><table>
<caption>SI-SNR in dB, mean of both voices</caption>
<thead><tr><th scope="col">Voices</th><th scope="col">Mixture</th>
<th scope="col">Separated</th><th scope="col">Better by</th></tr></thead>
<tbody>
)html";

// {0}: colours, {1}: the lowest level, {2}: the middle
constexpr const char* page_reading = R"html(<section aria-labelledby="reading">
<h2 id="reading">How to read the pictures</h2>
<p>A spectrogram shows when (from left to right) a sound has how much energy at which frequency (low tones at the bottom).
The stacked stripes are the harmonics of a voice: in a mixture two such stacks cross each other, in a separated voice one
is left. A good result looks like the truth below it. 0 dB is the loudest point of each mixture.</p>
<div class="bar" role="img" aria-label="Colours: from dark violet, {1} dB, over red to pale yellow, 0 dB">
<div style="background:linear-gradient(90deg,{0})"></div>
<p aria-hidden="true"><span>{1} dB</span><span>{2} dB</span><span>0 dB</span></p>
</div>
</section>
)html";

// {0}: network, {1}: parameters, {2}: rate, {3}: weights
constexpr const char* page_closing = R"html(<footer>
<p>Network: <code>{0}</code>, {1} parameters, {2} Hz, weights <code>{3}</code>. The sounds are also beside this page as wav
files: <code>audio/mix</code>, <code>audio/s1</code>, <code>audio/s2</code> are the mixtures and the truth,
<code>inf/s1</code>, <code>inf/s2</code> the separated voices, <code>pictures</code> the spectrograms.</p>
)html";

constexpr const char* page_credits =
    R"html(<p>Voices: telephone prompts of the Debian packages <code>asterisk-core-sounds-{en,fr,it,ru}-g722</code>, by Allison
Smith and June Wallack (CC BY-SA 3.0), Carlo Flora and ivrvoice.ru (CC BY 3.0); here cut, resampled and added up.</p>
)html";

}  // namespace avss::tools
