#include "tools/lab/notebook.h"

#include <fmt/format.h>

#include "tools/chart.h"
#include "tools/output.h"

namespace dagrad::tools::lab {

void Notebook::begin(const std::string& name, const std::string& question) {
  if (print_text_) print(fmt::format("\n== {}: {}\n", name, question));
  page_.heading(name).paragraph(question);
  charts_here_ = 0;
  json_.push_back({{"experiment", name},
                   {"question", question},
                   {"findings", nlohmann::ordered_json::array()},
                   {"tables", nlohmann::ordered_json::array()}});
}

void Notebook::say(const std::string& text) {
  if (print_text_) {
    print(text + "\n");
    flush_output();
  }
  page_.paragraph(text);
  json_.back()["findings"].push_back(text);
}

void Notebook::table(const std::string& title, const Table& table) {
  if (print_text_) {
    print("\n" + title + "\n" + text_of(table) + "\n");
    flush_output();
  }
  page_.raw("<h3>" + escape(title) + "</h3>").table(table);
  json_.back()["tables"].push_back({{"title", title}, {"columns", table.columns}, {"rows", table.rows}});
}

void Notebook::charts(const std::vector<std::string>& svgs) {
  page_.charts(svgs);
  for (const std::string& svg : svgs)
    drawn_.push_back({fmt::format("{}-{}", json_.back()["experiment"].get<std::string>(), ++charts_here_), svg});
}

void Notebook::curves(const ChartOptions& options, const std::vector<Series>& series) {
  charts({line_chart(options, series)});
  nlohmann::ordered_json lines = nlohmann::ordered_json::array();
  for (const Series& line : series) lines.push_back({{"name", line.name}, {"x", line.x}, {"y", line.y}});
  json_.back()["curves"].push_back({{"title", options.title}, {"x", options.x_label}, {"lines", lines}});
}

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> list = {
      {"xor", "can a perceptron learn XOR, and can a network with a hidden layer?", run_xor},
      {"descent", "batch, stochastic and mini-batch descent; rates; learning without backpropagation", run_descent},
      {"init", "what do initialisations do to the signal and the gradients of a deep network?", run_init},
      {"gradients", "how do gradients vanish and explode through depth, and what cures it?", run_gradients},
      {"clipping", "what happens at a cliff, with and without clipping?", run_clipping},
      {"optimizers", "how do the optimizers move over a ravine, a saddle and a plateau, and on a network?",
       run_optimizers},
      {"curvature", "how ill-conditioned is a network's loss, and does it have saddle points?", run_curvature},
      {"normalisation", "does it matter how features are scaled?", run_normalisation},
      {"batchnorm", "what does batch normalisation change?", run_batchnorm},
      {"dropout", "does dropout help a network with few samples, and is it an ensemble?", run_dropout},
      {"smoothing", "what does label smoothing do to a network's confidence?", run_smoothing},
      {"regularisation", "what do L1, L2 and early stopping do to a network that overfits?", run_regularisation},
      {"kingma-ba", "do optimizers rank on MNIST as in the paper on Adam? (ten minutes; needs --data)", run_kingma_ba,
       true},
  };
  return list;
}

}  // namespace dagrad::tools::lab
