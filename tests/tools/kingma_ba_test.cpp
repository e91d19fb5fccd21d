#include "tools/lab/kingma_ba.h"

#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/nn/data/digits.h"

namespace dagrad::tools::lab {
namespace {

/// The comparison on a scale that takes no time.
OptimizerComparison small() {
  OptimizerComparison c;
  c.width = 12;
  c.batch_size = 20;
  c.rates = {1e-3, 1e-2, 1e3};
  c.rounds = {{3, 1}, {2, 2}, {1, 4}};
  return c;
}

const data::Split& few_digits() {
  static const data::Split split{data::digits(100, 1), data::digits(50, 2)};
  return split;
}

TEST(KingmaBa, GivesEveryOptimizerTheSameRatesAndEpochs) {
  const std::vector<OptimizerRun> runs = compare_optimizers(few_digits(), small());
  ASSERT_EQ(runs.size(), 2u * 5u * 3u);
  for (std::size_t i = 0; i < runs.size(); i += 3) {
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_EQ(runs[i + k].optimizer, small().optimizers[i / 3 % 5]);
      EXPECT_EQ(runs[i + k].dropout, i >= 15);
    }
    EXPECT_EQ(runs[i].costs.size(), 4u) << "the best goes on to the end";
    EXPECT_EQ(runs[i + 1].costs.size(), 2u);
    EXPECT_EQ(runs[i + 2].costs.size(), 1u) << "the worst is given up first";
    EXPECT_LE(runs[i].costs[1], runs[i + 1].costs[1]);
    EXPECT_LT(runs[i].costs.back(), runs[i].costs.front()) << runs[i].optimizer;
    EXPECT_GT(runs[i].test_accuracy, 0);
  }
}

TEST(KingmaBa, RepeatsItself) {
  OptimizerComparison c = small();
  c.optimizers = {"adam"};
  const auto first = compare_optimizers(few_digits(), c), again = compare_optimizers(few_digits(), c);
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].costs, again[i].costs);
}

TEST(KingmaBa, WritesCurvesAsDataAndPictures) {
  Page page("test");
  Notebook book(page, false);
  book.begin("kingma-ba", "?");
  std::vector<OptimizerRun> runs;
  for (const bool dropout : {false, true}) {
    runs.push_back({"adam", 0.1, dropout, {2, 0.5}, 0.9});
    runs.push_back({"adam", 1, dropout, {3}, 0});
    runs.push_back({"adagrad", 0.1, dropout, {1, 0.25}, 0.8});
    runs.push_back({"adagrad", 1, dropout, {HUGE_VAL}, 0});
  }
  report_comparison(book, runs);
  const auto& found = book.json()[0];
  EXPECT_EQ(found["curves"][0]["lines"][0]["name"], "adagrad") << "the lowest cost comes first";
  EXPECT_EQ(found["curves"][1]["lines"][1]["y"], (std::vector<double>{2, 0.5}));
  EXPECT_EQ(found["tables"][0]["rows"][0], (std::vector<std::string>{"adagrad", "0.1", "1", "0.25", "80.0%"}));
  EXPECT_EQ(found["tables"][1]["rows"][1], (std::vector<std::string>{"1", "diverged (1)", "3 (1)"}));
  EXPECT_EQ(found["findings"][0],
            "Order without dropout, lowest cost first: adagrad, adam. In the paper Adam's cost is the lowest.");
  ASSERT_EQ(book.drawn().size(), 2u);
  EXPECT_EQ(book.drawn()[1].name, "kingma-ba-2");
  const std::string file = standalone(book.drawn()[0].svg);
  EXPECT_EQ(file.find("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox="), 0u) << file;
  EXPECT_NE(file.find("</style><rect"), std::string::npos);
}

TEST(KingmaBa, RunsOnlyWhenNamed) {
  int minutes = 0;
  for (const Experiment& e : experiments()) minutes += e.takes_minutes;
  EXPECT_EQ(minutes, 1);
}

}  // namespace
}  // namespace dagrad::tools::lab
