// The reports in a browser: sizes, dark mode, a phone's width.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tools/chart.h"
#include "tools/program.h"

namespace dagrad::tools {
namespace {

constexpr int kPhone = 390;  // pixels across

/// A page that shows `reports` in frames of a phone's width, and writes what it finds there into its own text.
std::string observer(const std::vector<std::string>& reports) {
  std::string page = "<!DOCTYPE html><meta charset=\"utf-8\"><body>";
  for (const std::string& report : reports)
    page += fmt::format("<iframe width=\"{}\" height=\"800\" style=\"border:0\" srcdoc=\"{}\"></iframe>", kPhone,
                        escape(report));
  return page + R"(<pre id="found"></pre><script>
window.onload = () => {
  const found = [...document.querySelectorAll('iframe')].map(frame => {
    const page = frame.contentDocument, view = frame.contentWindow;
    const box = element => element.getBoundingClientRect();
    const outside = svg => [...svg.querySelectorAll('text')].filter(text => {
      const inner = box(text), outer = box(svg);
      return inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.top < outer.top - 1 ||
             inner.bottom > outer.bottom + 1;
    }).map(text => text.textContent);
    const charts = [...page.querySelectorAll('.charts svg')];
    return {
      title: page.title,
      scripts: page.scripts.length,
      svgs: page.querySelectorAll('svg').length,
      empty: [...page.querySelectorAll('svg')].filter(svg => !(box(svg).width > 0 && box(svg).height > 0)).length,
      broken: [...page.querySelectorAll('path')].filter(path => !Number.isFinite(path.getTotalLength())).length,
      images: [...page.querySelectorAll('img')].filter(image => !(image.naturalWidth > 0)).length,
      width: page.documentElement.scrollWidth,
      outside: charts.flatMap(outside),
      paper: view.getComputedStyle(page.body).backgroundColor,
      ink: view.getComputedStyle(page.body).color,
      node: [...page.querySelectorAll('.node path, .node polygon')].map(e => view.getComputedStyle(e).fill)[0] ?? '',
    };
  });
  document.getElementById('found').textContent = JSON.stringify(found);
};
</script>)";
}

std::string unescaped(std::string text) {
  for (const auto& [from, to] : {std::pair{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&amp;", "&"}}) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; ++at)
      text.replace(at, std::string(from).size(), to);
  }
  return text;
}

class Browser : public Program {
 protected:
  /// What the observer found, in the light or in the dark, and what the browser's console said.
  nlohmann::json look(const std::vector<std::string>& reports, bool dark) {
    std::ofstream(folder_ / "observer.html") << observer(reports);
    const Outcome r = shell(fmt::format(
        "HOME=$PWD timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage "
        "--user-data-dir=$PWD/profile --enable-logging=stderr --v=0 --blink-settings=preferredColorScheme={} "
        "--dump-dom file://$PWD/observer.html",
        dark ? 0 : 1));
    EXPECT_EQ(r.code, 0) << r.err;
    EXPECT_EQ(r.err.find("CONSOLE"), std::string::npos) << r.err;
    const std::string start = "<pre id=\"found\">";
    const std::size_t at = r.out.find(start);
    if (at == std::string::npos) return {};
    const std::size_t first = at + start.size();
    return nlohmann::json::parse(unescaped(r.out.substr(first, r.out.find("</pre>", first) - first)));
  }
};

TEST_F(Browser, ShowsReportsWholeInTheLightAndInTheDarkOnAPhone) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the pages are those of the release build";
#endif
  if (shell("command -v chromium").code != 0) {
    ASSERT_EQ(std::getenv("DAGRAD_REQUIRE_BROWSER"), nullptr) << "chromium is missing";
    GTEST_SKIP() << "no chromium here";
  }
  ASSERT_EQ(run(std::string(kSmall) + "--validation 50 --quiet --report train.html").code, 0);
  ASSERT_EQ(run("lab xor --report lab.html").code, 0);
  ASSERT_EQ(run("bench mul --size small --seconds 0.01 --report bench.html").code, 0);
  ASSERT_EQ(run("graph --hidden 8 --batch 4 --seconds 0 --out none --report graph.html").code, 0);
  std::vector<std::string> reports;
  for (const char* name : {"train.html", "lab.html", "bench.html", "graph.html"})
    reports.push_back(content(folder_ / name));

  const nlohmann::json light = look(reports, false), dark = look(reports, true);
  ASSERT_EQ(light.size(), reports.size());
  ASSERT_EQ(dark.size(), reports.size());
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const nlohmann::json& page = light[i];
    SCOPED_TRACE(page["title"].get<std::string>());
    EXPECT_EQ(page["scripts"], 0);
    EXPECT_GT(page["svgs"], 0);
    EXPECT_EQ(page["empty"], 0) << "charts without a size";
    EXPECT_EQ(page["broken"], 0) << "lines that lead nowhere";
    EXPECT_EQ(page["images"], 0) << "images that do not load";
    EXPECT_LE(page["width"], kPhone) << "the page has to be moved sideways";
    EXPECT_EQ(page["outside"], nlohmann::json::array()) << "text beyond a chart's edge";
    EXPECT_NE(page["paper"], dark[i]["paper"]);
    EXPECT_NE(page["ink"], dark[i]["ink"]);
    EXPECT_NE(page["paper"], page["ink"]);
  }
  EXPECT_NE(light[3]["node"], dark[3]["node"]) << "the graph's nodes";
}

}  // namespace
}  // namespace dagrad::tools
