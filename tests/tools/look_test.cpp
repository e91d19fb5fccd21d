// The commands that look at models and files: inspect, graph, and bench and gradcheck of models.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "dagrad/core/creation.h"
#include "dagrad/nn/io/npz.h"
#include "tools/graph/render.h"
#include "tools/program.h"

namespace dagrad::tools {
namespace {

using nlohmann::json;

TEST_F(Program, InspectsAModelThatItTrained) {
  ASSERT_EQ(run(std::string(kSmall) + "--quiet --report none --save net.safetensors").code, 0);
  const Outcome r = run("inspect net.safetensors --report page.html");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_NE(r.out.find("Linear("), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("█"), std::string::npos) << r.out;
  EXPECT_NE(content(folder_ / "page.html").find("</svg>"), std::string::npos);
  const json found = json::parse(run("inspect net.safetensors --json - --match weight").out);
  EXPECT_EQ(found["layers"][0]["parameters"], 784 * 16 + 16 + 16 * 10 + 10);
  ASSERT_EQ(found["tensors"].size(), 2u);
  const json& weight = found["tensors"][0];
  EXPECT_EQ(weight["shape"], (std::vector<int>{16, 784}));
  EXPECT_EQ(weight["zeros"], 0);
  EXPECT_LT(weight["min"], 0);
  double counted = 0;
  for (const json& count : weight["histogram"]["counts"]) counted += count.get<double>();
  EXPECT_EQ(counted, 16 * 784);
}

TEST_F(Program, InspectsAnyFileOfTensors) {
  io::save_npz({{"a", arange(0, 5)}, {"empty", zeros({0, 3})}}, folder_ / "a.npz");
  const json found = json::parse(run("inspect a.npz --json -").out);
  EXPECT_EQ(found["tensors"][0]["mean"], 2);
  EXPECT_EQ(found["tensors"][0]["zeros"], 1);
  EXPECT_EQ(found["tensors"][1]["mean"], nullptr);
  EXPECT_EQ(found.count("layers"), 0u);
}

TEST_F(Program, DrawsTheGraphOfAModel) {
  const Outcome r = run("graph --model cnn --input 1,12,12 --batch 4 --seconds 0 --report page.html --json graph.json");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_NE(r.out.find("critical path"), std::string::npos) << r.out;
  const json graph = json::parse(content(folder_ / "graph.json"));
  std::set<std::string> kinds;
  for (const json& node : graph["nodes"]) {
    kinds.insert(node["kind"]);
    EXPECT_GT(node["bytes"], 0) << node;
  }
  EXPECT_TRUE(kinds.count("leaf") > 0 && kinds.count("product") > 0 && kinds.count("loss") > 0);
  EXPECT_EQ(kinds.count("other"), 0u) << "every op has a kind";
  for (const json& edge : graph["edges"]) EXPECT_LT(edge["from"], edge["to"]);
  EXPECT_GT(graph["peak_bytes"], graph["start_bytes"]);
  EXPECT_NE(content(folder_ / "dagrad-graph.dot").find("digraph"), std::string::npos);
  if (!svg_of_dot("digraph {}")) GTEST_SKIP() << kNoDot;
  const std::string svg = content(folder_ / "dagrad-graph.svg");
  EXPECT_NE(svg.find("prefers-color-scheme: dark"), std::string::npos);
  EXPECT_NE(svg.find("</svg>"), std::string::npos);
  EXPECT_NE(content(folder_ / "page.html").find("class=\"scroll graph\""), std::string::npos);
}

TEST_F(Program, WritesTheDotFileAloneWhereThereIsNoGraphviz) {
  const Outcome r = run("graph --hidden 8 --batch 4 --seconds 0 --report page.html", "PATH=/nowhere");
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_NE(r.out.find("no SVG: no program 'dot' was found (want Graphviz: apt-get install graphviz)"),
            std::string::npos)
      << r.out;
  EXPECT_TRUE(fs::exists(folder_ / "dagrad-graph.dot"));
  EXPECT_FALSE(fs::exists(folder_ / "dagrad-graph.svg"));
  EXPECT_NE(content(folder_ / "page.html").find("digraph"), std::string::npos);
}

TEST_F(Program, TimesModels) {
  const Outcome r = run("bench --model cnn --input 1,12,12 --batch 4 --seconds 0.01 --threads 1 --json -");
  ASSERT_EQ(r.code, 0) << r.err;
  const json figures = json::parse(r.out);
  ASSERT_EQ(figures.size(), 2u);
  for (const json& figure : figures) {
    EXPECT_GT(figure["flops_per_second"], 0);
    EXPECT_GT(figure["samples_per_second"], 0);
    EXPECT_LE(figure["median_seconds"], figure["p99_seconds"]);
  }
  EXPECT_EQ(figures[1]["kind"], "step");
}

TEST_F(Program, TakesAModelFileWhereOpsAreNamed) {
  ASSERT_EQ(
      run("train --dataset moons --samples 100 --epochs 1 --hidden 4 --save m.safetensors --quiet --report none").code,
      0);
  EXPECT_NE(run("gradcheck m.safetensors --order 1").out.find("m.safetensors input "), std::string::npos);
  EXPECT_EQ(json::parse(run("bench m.safetensors --seconds 0.01 --json -").out)[0]["op"], "m.safetensors");
}

TEST_F(Program, ExitsWithOneWhereADerivativeCannotBeTold) {
  const Outcome r = run("gradcheck --model mlp --hidden 4 --init zeros --order 1");
  EXPECT_EQ(r.code, 1);
  EXPECT_NE(r.out.find("all derivatives by input 0 are zero: not tested"), std::string::npos) << r.out;
  EXPECT_NE(r.out.find("not all right"), std::string::npos) << r.out;
}

TEST_F(Program, ChecksTheDerivativesOfModels) {
  const Outcome r = run("gradcheck --model mlp --hidden 5,4 --activation tanh --norm layer --json -");
  ASSERT_EQ(r.code, 0) << r.out << r.err;
  const json findings = json::parse(r.out);
  std::set<std::pair<int, std::string>> seen;
  for (const json& finding : findings) {
    EXPECT_EQ(finding["verdict"], "right") << finding;
    const std::string name = finding["op"];
    seen.emplace(finding["order"].get<int>(), name.substr(name.rfind(' ') + 1));
  }
  EXPECT_EQ(seen.count({1, "input"}), 1u);
  EXPECT_EQ(seen.count({2, "1.0.weight"}), 1u) << findings.dump(1);
  EXPECT_GE(findings.size(), 2u * 7);
}

}  // namespace
}  // namespace dagrad::tools
