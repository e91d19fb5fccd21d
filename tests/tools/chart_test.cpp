#include "tools/chart.h"

#include <gtest/gtest.h>
#include <limits>

#include "tools/axis.h"
#include "tools/page.h"
#include "tools/table.h"
#include "tools/timing.h"

namespace dagrad::tools {
namespace {

std::vector<std::string> texts(const Axis& axis) {
  std::vector<std::string> result;
  for (const Axis::Mark& mark : axis.marks()) result.push_back(mark.text);
  return result;
}

TEST(Axis, MarksRoundNumbers) {
  const Axis axis({0.3, 9.7}, false, 0, 100);
  EXPECT_EQ(texts(axis), (std::vector<std::string>{"0", "2", "4", "6", "8", "10"}));
  EXPECT_DOUBLE_EQ(axis.position(5), 50);
  EXPECT_EQ(texts(Axis({-0.9, 1}, false, 0, 1)), (std::vector<std::string>{"-1", "-0.5", "0", "0.5", "1"}));
}

TEST(Axis, MarksNothingBetweenWholeNumbers) {
  EXPECT_EQ(texts(Axis({1, 2, 3}, false, 0, 1)), (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_EQ(texts(Axis({1}, false, 0, 1)), (std::vector<std::string>{"0", "1", "2"}));
}

TEST(Axis, MarksPowersOfTen) {
  const Axis axis({1e-4, 3e3, 0, -1}, true, 0, 8);
  EXPECT_EQ(texts(axis), (std::vector<std::string>{"1e-4", "0.01", "1", "100", "1e4"}));
  EXPECT_DOUBLE_EQ(axis.position(1), 4);
  EXPECT_FALSE(axis.shows(0));
  EXPECT_FALSE(axis.shows(std::numeric_limits<double>::quiet_NaN()));
}

TEST(Axis, MarksOneTwoAndFiveWithinFewPowersOfTen) {
  EXPECT_EQ(texts(Axis({1.9, 2.4}, true, 0, 1)), (std::vector<std::string>{"1", "2", "5"}));
  EXPECT_EQ(texts(Axis({0.11, 0.47}, true, 0, 1)), (std::vector<std::string>{"0.1", "0.2", "0.5"}));
  EXPECT_EQ(texts(Axis({0.1, 1}, true, 0, 1)), (std::vector<std::string>{"0.1", "0.2", "0.5", "1"}));
}

TEST(LineChart, LeavesRoomForWideNamesInItsLegend) {
  const auto x_of_second = [](const std::string& first) {
    const std::string svg = line_chart({.title = ""}, {{first, {1}, {1}}, {"second", {1}, {1}}});
    const std::string line = "<line class=\"c1\" x1=\"";
    return std::stod(svg.substr(svg.find(line) + line.size()));
  };
  EXPECT_GT(x_of_second("mmmmmm"), x_of_second("nnnnnn") + 15);
  EXPECT_LT(x_of_second("iiiiii"), x_of_second("nnnnnn") - 10);
}

TEST(Axis, CoversOneValueAndNone) {
  EXPECT_GE(texts(Axis({7}, false, 0, 1)).size(), 2u);
  EXPECT_EQ(texts(Axis({0.001, 0.001}, false, 0, 1)), texts(Axis({0.0005, 0.0015}, false, 0, 1)));
  EXPECT_GE(texts(Axis({}, false, 0, 1)).size(), 2u);
  EXPECT_GE(texts(Axis({7}, true, 0, 1)).size(), 2u);
}

TEST(LineChart, InterruptsALineWhereNothingIsToBeShown) {
  const Series series{"a", {1, 2, 3, 4, 5}, {1, 2, std::numeric_limits<double>::infinity(), 2, 1}};
  const std::string svg = line_chart({.title = "<b>"}, {series});
  EXPECT_NE(svg.find("&lt;b&gt;"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
  const std::string path = svg.substr(svg.find(" d=\"M"));
  EXPECT_NE(path.find('M', 5), std::string::npos) << path;
}

TEST(Histogram, CountsIntoItsBins) {
  const Histogram h = histogram("h", {0.1, 0.1, 0.9, -5, 5}, 0, 1, 2);
  EXPECT_EQ(h.counts, (std::vector<double>{3, 2}));
}

TEST(Table, AlignsNumbersToTheRight) {
  EXPECT_EQ(text_of(Table{{"op", "time", "note"}, {{"a", "1.5", "x"}, {"long", "10", ""}}}),
            "op    time  note\na      1.5  x\nlong    10\n");
}

TEST(Page, EscapesTextAndKeepsFigures) {
  const std::string html = Page("a < b").paragraph("x & y").raw("<i>z</i>").html();
  EXPECT_NE(html.find("<title>a &lt; b</title>"), std::string::npos);
  EXPECT_NE(html.find("<p>x &amp; y</p>"), std::string::npos);
  EXPECT_NE(html.find("<i>z</i>"), std::string::npos);
}

TEST(Timing, TakesPercentilesBetweenValues) {
  const Timing timing{{1, 2, 3, 4, 5}};
  EXPECT_DOUBLE_EQ(timing.median(), 3);
  EXPECT_DOUBLE_EQ(timing.percentile(0.125), 1.5);
}

TEST(Timing, WritesThreeDigits) {
  EXPECT_EQ(time_text(1.2345e-7), "123 ns");
  EXPECT_EQ(time_text(12.345e-6), "12.3 us");
  EXPECT_EQ(time_text(2), "2.00 s");
  EXPECT_EQ(rate_text(1.5e9), "1.50 G");
}

}  // namespace
}  // namespace dagrad::tools
