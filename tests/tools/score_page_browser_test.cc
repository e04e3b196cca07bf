// The page of scores as a browser lays it out: Chromium without a window, where it is installed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/tools/scores_fixture.hpp"

namespace avss {
namespace {

using namespace avss::testing;

// Put into a copy of the page: what is seen to be wrong goes to the frame around it.
constexpr const char* inspector = R"html(<script>
addEventListener("load", async () => {
  const wrong = [], all = q => [...document.querySelectorAll(q)];
  for (const d of all("details")) d.open = true;
  const audio = all("audio");
  for (let i = 0; i < 400 && audio.some(a => !(a.duration > 0) && !a.error); ++i) await new Promise(r => setTimeout(r, 25));
  for (const a of audio) if (!(Math.abs(a.duration - 0.5) < 0.01)) wrong.push("a player of " + a.duration + " s");
  for (const i of all("img")) if (!i.complete || i.naturalWidth < 100) wrong.push("no picture: " + i.alt);
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) wrong.push("scrolls sideways: " + wide + " > " + innerWidth);
  for (const axis of all(".x, .y")) {
    const boxes = [...axis.children].map(l => [l.textContent, l.getBoundingClientRect()]);
    for (const [i, [a, p]] of boxes.entries()) {
      if (p.left < 0 || p.right > innerWidth) wrong.push("label beyond the page: " + a);
      for (const [b, q] of boxes.slice(i + 1))
        if (p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom)
          wrong.push("labels overlap: " + a + ", " + b);
    }
  }
  for (const h of all("tbody th"))
    if (h.textContent.length < 12 && h.clientHeight > 60) wrong.push("broken up: " + h.textContent);
  for (const area of all(".area")) {
    const a = area.getBoundingClientRect();
    if (a.width < 150 || a.height < 100) wrong.push("chart of " + a.width + " by " + a.height);
    for (const m of area.querySelectorAll(".bar, .dot, .hollow, .mean")) {
      const b = m.getBoundingClientRect();
      if (b.left < a.left - 5 || b.right > a.right + 5 || b.top < a.top - 5 || b.bottom > a.bottom + 5)
        wrong.push("mark outside");
    }
  }
  for (const h of all("h1, h2, h3, h4, p, dt, dd, figcaption, caption, summary"))
    if (h.scrollWidth > h.clientWidth + 1 && getComputedStyle(h).display != "inline") wrong.push("cut: " + h.textContent);
  const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number);
  parent.postMessage({players: audio.length, pictures: all("img").length, charts: all(".area").length, width: innerWidth,
                      dark: r + g + b < 380, wrong: wrong.join("; ")}, "*");
});
</script>
)html";

class score_page_browser : public scores_fixture {
 protected:
  // What the inspector found in a frame of that width.
  std::string look(int width, bool dark) const {
    write_bytes(
        folder / "frame.html",
        "<!doctype html><meta name=\"color-scheme\" content=\"light dark\"><body style=\"margin:0\"><script>addEventListener("
        "\"message\",e=>{document.title=JSON.stringify(e.data)})</script><iframe style=\"border:0;height:900px;width:" +
            std::to_string(width) + "px\" src=\"seen.html\"></iframe>");
    const std::string command = "HOME=" + folder.string() + " timeout 100 chromium --headless --no-sandbox --disable-gpu " +
                                "--allow-file-access-from-files --user-data-dir=" + (folder / "profile").string() +
                                " --blink-settings=preferredColorScheme=" + (dark ? "0" : "1") +
                                " --window-size=1400,900 --virtual-time-budget=30000 --dump-dom file://" +
                                (folder / "frame.html").string() + " >" + (folder / "dom").string() + " 2>" +
                                (folder / "stderr").string();
    EXPECT_EQ(std::system(command.c_str()), 0) << bytes_of_file(folder / "stderr");
    const std::string dom = bytes_of_file(folder / "dom");
    const std::size_t from = dom.find("<title>"), to = dom.find("</title>");
    return from == std::string::npos ? "no title in: " + dom.substr(0, 2000) : dom.substr(from + 7, to - from - 7);
  }
};

TEST_F(score_page_browser, fits_desktop_and_phone_by_day_and_by_night) {
  if (std::system("chromium --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "chromium is not installed (apt-get install chromium)";
  for (std::uint32_t i = 0; i < 14; ++i) store_item("id" + std::to_string(i) + "_face", 6000, i + 1, 0.004 * (1 + i * i));
  store_item(std::string(120, 'n'), 6000, 2, 2);  // the worst, whose name is everywhere
  for (const char* id : {"id0", "face"}) store_mouths(id);
  metrics_options o = options();
  o.compare = folder / "there", o.group_by = {"stem:_:0"};
  const std::string whole = page(o), end = "</body>";
  write_bytes(folder / "seen.html", std::string(whole).insert(whole.rfind(end), inspector));
  for (const int width : {1280, 390, 320})
    for (const bool dark : {false, true}) {
      SCOPED_TRACE(std::to_string(width) + (dark ? " dark" : " light"));
      EXPECT_EQ(look(width, dark), R"({"players":21,"pictures":24,"charts":6,"width":)" + std::to_string(width) +
                                       ",\"dark\":" + (dark ? "true" : "false") + R"(,"wrong":""})");
    }
}

}  // namespace
}  // namespace avss
