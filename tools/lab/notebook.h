// What an experiment writes into, and the list of experiments.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tools/chart.h"
#include "tools/page.h"
#include "tools/table.h"

namespace dagrad::tools::lab {

/// Takes what an experiment finds: text and tables to stdout as they come, these and charts onto a page, tables as
/// JSON.
class Notebook {
 public:
  /// `data` is a folder with MNIST's files, or empty.
  Notebook(Page& page, bool print_text, std::string data = "")
      : page_(page), print_text_(print_text), data_(std::move(data)) {}

  void begin(const std::string& name, const std::string& question);
  void say(const std::string& text);
  void table(const std::string& title, const Table& table);
  void charts(const std::vector<std::string>& svgs);
  /// A line chart whose points are in the JSON, too.
  void curves(const ChartOptions& options, const std::vector<Series>& series);
  void images(const std::vector<std::string>& figures) { page_.images(figures); }

  const nlohmann::ordered_json& json() const { return json_; }
  /// A chart, named by its experiment and its number there.
  struct Drawn {
    std::string name, svg;
  };
  const std::vector<Drawn>& drawn() const { return drawn_; }
  const std::string& data() const { return data_; }

 private:
  Page& page_;
  bool print_text_;
  std::string data_;
  std::vector<Drawn> drawn_;
  int charts_here_ = 0;  // in the present experiment
  nlohmann::ordered_json json_ = nlohmann::ordered_json::array();
};

/// Something that the theory says, tried out. Each sets its own seeds, so that it gives the same every time.
struct Experiment {
  std::string name;
  std::string question;
  void (*run)(Notebook&);
  bool takes_minutes = false;  ///< only run when named, not with all
};

/// All, in the order in which a course comes to them.
const std::vector<Experiment>& experiments();

void run_xor(Notebook& book);
void run_init(Notebook& book);
void run_gradients(Notebook& book);
void run_clipping(Notebook& book);
void run_descent(Notebook& book);
void run_optimizers(Notebook& book);
void run_curvature(Notebook& book);
void run_batchnorm(Notebook& book);
void run_dropout(Notebook& book);
void run_smoothing(Notebook& book);
void run_regularisation(Notebook& book);
void run_normalisation(Notebook& book);
void run_kingma_ba(Notebook& book);

}  // namespace dagrad::tools::lab
