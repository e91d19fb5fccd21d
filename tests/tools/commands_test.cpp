// The commands beside train.
#include <nlohmann/json.hpp>

#include "tools/program.h"

namespace dagrad::tools {
namespace {

TEST_F(Program, ChecksTheDerivativesOfOps) {
  const Outcome table = run("gradcheck mul conv1d --order 1");
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_NE(table.out.find("conv1d"), std::string::npos);
  EXPECT_NE(table.out.find("all right"), std::string::npos);
  const Outcome r = run("gradcheck mul --json -");
  const auto findings = nlohmann::json::parse(r.out);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[1]["order"], 2);
  EXPECT_EQ(findings[1]["verdict"], "right");
  EXPECT_GT(findings[1]["derivatives"], 100);
}

TEST_F(Program, TimesOps) {
  const Outcome r = run("bench mul --size small --seconds 0.01 --threads 1 --json - --report report.html");
  EXPECT_EQ(r.code, 0) << r.err;
  const auto figures = nlohmann::json::parse(r.out);
  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[0]["kind"], "forward");
  EXPECT_GT(figures[0]["median_seconds"], 0);
  EXPECT_LE(figures[0]["p05_seconds"], figures[0]["p95_seconds"]);
  EXPECT_NE(content(folder_ / "report.html").find("</svg>"), std::string::npos);
}

TEST_F(Program, ListsOpsAndSuggestsTheirNames) {
  EXPECT_NE(run("bench --list").out.find("conv2d"), std::string::npos);
  const Outcome r = run("gradcheck tahn");
  EXPECT_EQ(r.code, 2);
  EXPECT_EQ(r.err, "dagrad: gradcheck: no op 'tahn'; did you mean 'tanh'? (see dagrad gradcheck --list)\n");
  EXPECT_EQ(run("bench --json nowhere/x.json mul").code, 3);
}

}  // namespace
}  // namespace dagrad::tools
