// What the experiments say under their tables is what the tables show. Those are here that take about a second.
#include <algorithm>
#include <gtest/gtest.h>

#include "dagrad/core/parallel.h"
#include "sanitized.h"
#include "tools/lab/notebook.h"

namespace dagrad::tools::lab {
namespace {

using Json = nlohmann::ordered_json;

Json run(const std::string& name) {
  const auto& all = experiments();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Experiment& one) { return one.name == name; });
  EXPECT_NE(found, all.end()) << name;
  set_num_threads(1);  // the networks are small
  Page page("lab");
  Notebook book(page, false);
  book.begin(found->name, found->question);
  found->run(book);
  return book.json()[0];
}

/// The number in a column of the first row that begins with `cells`.
double figure(const Json& table, const std::vector<std::string>& cells, const std::string& column) {
  const auto& columns = table["columns"];
  const auto at = std::find(columns.begin(), columns.end(), column) - columns.begin();
  EXPECT_LT(at, static_cast<std::ptrdiff_t>(columns.size())) << column;
  for (const Json& row : table["rows"]) {
    bool matches = true;
    for (std::size_t i = 0; i < cells.size(); ++i) matches = matches && row[i] == cells[i];
    if (matches) return std::stod(row[static_cast<std::size_t>(at)].get<std::string>());
  }
  ADD_FAILURE() << "no row " << cells[0] << " in " << table.dump();
  return 0;
}

TEST(Lab, XorTakesAHiddenLayer) {
  const Json table = run("xor")["tables"][0];
  EXPECT_LE(figure(table, {"perceptron, at its best in 100 epochs"}, "accuracy"), 75);
  EXPECT_EQ(figure(table, {"2-8-2 with ReLU"}, "accuracy"), 100);
  EXPECT_EQ(figure(table, {"2-8-2 with tanh"}, "accuracy"), 100);
}

TEST(Lab, ClippingByNormPassesTheCliff) {
  const Json tables = run("clipping")["tables"];
  EXPECT_GT(figure(tables[0], {"none"}, "largest step"), 10);
  EXPECT_LT(figure(tables[0], {"by global norm 0.1"}, "largest step"), 0.21);
  EXPECT_LT(figure(tables[0], {"by global norm 0.1"}, "loss after 60 steps"),
            figure(tables[0], {"none"}, "loss after 60 steps") / 5);
  EXPECT_EQ(figure(tables[0], {"by norm 0.1"}, "largest step"),
            figure(tables[0], {"by global norm 0.1"}, "largest step"))
      << "there is one tensor";
  const std::string loss = "mean loss of the last 20 steps";
  EXPECT_LT(figure(tables[1], {"too large, global norm 0.5"}, loss), figure(tables[1], {"too large, none"}, loss));
  EXPECT_LT(figure(tables[1], {"orthogonal, none"}, loss), figure(tables[1], {"too large, global norm 0.5"}, loss));
}

TEST(Lab, FeaturesLearnFasterWhenStandardised) {
  const Json table = run("normalisation")["tables"][0];
  const auto loss = [&](const char* name) { return figure(table, {name}, "training loss"); };
  EXPECT_LT(loss("standardised"), loss("min-max to [0, 1]"));
  EXPECT_LT(loss("min-max to [0, 1]"), loss("as they are"));
}

TEST(Lab, BatchNormBearsRatesThatStopAPlainNetwork) {
  const Json table = run("batchnorm")["tables"][0];
  const auto accuracy = [&](const char* network, const char* rate) {
    return figure(table, {network, rate}, "test accuracy");
  };
  EXPECT_GT(accuracy("without", "0.2"), 40) << "the plain network learns at a small rate";
  EXPECT_LT(accuracy("without", "2"), 20) << "but not at a large one";
  EXPECT_GT(accuracy("with batch norm", "2"), 60);
  EXPECT_GT(accuracy("with batch norm", "0.2"), 85);
}

TEST(Lab, SaddlesHoldDescentTheLongerTheNearerItBegins) {
  const Json tables = run("curvature")["tables"];
  EXPECT_LT(figure(tables[0], {"0"}, "smallest eigenvalue"), -0.1) << "negative curvature at the start";
  EXPECT_GT(figure(tables[0], {"800"}, "condition number, about"), 1000);
  const std::string at_100 = "loss after 100 steps";
  EXPECT_GT(figure(tables[1], {"at the saddle"}, "after 400"), 0.69);
  EXPECT_GT(figure(tables[1], {"1e-06 beside it"}, at_100), figure(tables[1], {"0.01 beside it"}, at_100));
  EXPECT_LT(figure(tables[1], {"1e-06 beside it"}, "after 400"), 0.3);
}

TEST(Lab, GradientsVanishAndExplodeUnlessTheyAreCured) {
  if (kSanitized) GTEST_SKIP() << "half a minute and more, and nothing that others do not run";
  const Json tables = run("gradients")["tables"];
  const auto ratio = [&](const char* network) { return figure(tables[0], {network}, "ratio"); };
  EXPECT_LT(ratio("sigmoid, Xavier"), 1e-10);
  EXPECT_GT(ratio("relu, N(0, 1)"), 1e10);
  for (const char* cured : {"tanh, Xavier", "relu, He", "sigmoid, Xavier, batch norm"}) {
    EXPECT_GT(ratio(cured), 0.1) << cured;
    EXPECT_LT(ratio(cured), 10) << cured;
  }
}

TEST(Lab, StartsKeepTheSignalOfTheActivationThatTheyAreMadeFor) {
  if (kSanitized) GTEST_SKIP() << "half a minute and more, and nothing that others do not run";
  const Json tables = run("init")["tables"];  // sigmoid, tanh, relu
  const std::string ratio = "gradient at layer 1 / layer 10", signal = "std of layer 10";
  EXPECT_LT(figure(tables[0], {"Xavier"}, ratio), 1e-4);
  EXPECT_GT(figure(tables[0], {"N(0, 1)"}, ratio), 0.1) << "large weights make up for a sigmoid's slope";
  EXPECT_GT(figure(tables[1], {"Xavier"}, ratio), 0.2);
  EXPECT_LT(figure(tables[1], {"N(0, 0.01^2)"}, signal), 1e-6);
  EXPECT_NEAR(figure(tables[2], {"He"}, ratio), 1, 0.5);
  EXPECT_LT(figure(tables[2], {"Xavier"}, ratio), 0.1);
  EXPECT_GT(figure(tables[2], {"N(0, 1)"}, signal), 1e6);
}

TEST(Lab, PenaltiesAndEarlyStoppingHoldOverfittingBack) {
  const Json table = run("regularisation")["tables"][0];
  const double none = figure(table, {"none"}, "test loss");
  EXPECT_LT(figure(table, {"L1, 1e-4"}, "test loss"), none);
  EXPECT_LT(figure(table, {"L2, 1e-3"}, "test loss"), none);
  EXPECT_GT(figure(table, {"L1, 1e-4"}, "weights below 0.001"), 3 * figure(table, {"L2, 1e-3"}, "weights below 0.001"));
  const Json& last = table["rows"].back();
  EXPECT_EQ(last[0].get<std::string>().rfind("early stopping", 0), 0u);
  EXPECT_LT(std::stod(last[2].get<std::string>()), 0.9 * none);
}

TEST(Lab, NamesAnExperimentOnce) {
  std::vector<std::string> names;
  for (const Experiment& one : experiments()) names.push_back(one.name);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace dagrad::tools::lab
