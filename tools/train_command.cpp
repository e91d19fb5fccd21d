#include "tools/train_command.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "tools/dry_run.h"
#include "tools/exit_codes.h"
#include "tools/interrupt.h"
#include "tools/model_file.h"
#include "tools/output.h"
#include "tools/report.h"
#include "tools/train_board.h"
#include "tools/train_display.h"
#include "tools/training.h"

namespace dagrad::tools {
namespace {

/// What would be found out only after the training otherwise.
void check_outputs(const OutputOptions& o, const DataOptions& data) {
  std::vector<NamedFile> files{{"data", data.data, false},     {"test", data.test, false},
                               {"labels", data.labels, false}, {"test-labels", data.test_labels, false},
                               {"save", o.save, true},         {"checkpoint", o.checkpoint_file(), true},
                               {"report", o.report, true},     {"json", o.json, true}};
  if (!o.save.empty()) files.push_back({"save's options", options_file(o.save).string(), true});
  check_apart(files);
  check_output(o.json);
  if (!o.report.empty()) check_writable(o.report);
  if (!o.save.empty()) check_model_file(o.save);
  if (!o.checkpoint_file().empty()) check_writable(o.checkpoint_file());
}

TrainingResult train_and_tell(const TrainOptions& options, const LoadedData& data, const InterruptGuard& interrupt,
                              JsonLines& json) {
  TrainDisplay display(options, json);
  TrainingEvents events = display.events();
  events.stop = [&] { return interrupt.interrupted(); };
  std::optional<TrainBoard> board;
  if (!options.output.tensorboard.empty()) {
    board.emplace(options.output.tensorboard, data.train);
    events = board->listening(events);
  }
  try {
    TrainingResult result = train(options, data, events);
    display.finish();
    return result;
  } catch (const std::exception& error) {
    display.finish();
    json.write({{"event", "error"}, {"message", error.what()}});
    throw;
  }
}

}  // namespace

int run_train(const std::vector<std::string>& arguments) {
  const auto start = std::chrono::steady_clock::now();
  const InterruptGuard interrupt;  // from here on: while data are loaded it takes effect after the first step
  const auto options = parse_train_options(arguments);
  if (!options) return kSuccess;
  check_outputs(options->output, options->data);
  const LoadedData data = load_data(options->data);
  if (options->output.dry_run) {
    print(dry_run_text(*options, data));
    return kSuccess;
  }
  JsonLines json(options->output.json);
  TrainingResult result = train_and_tell(*options, data, interrupt, json);
  if (!options->output.save.empty()) save_model(result.description, **result.model, options->output.save);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!options->output.report.empty()) write_whole_file(options->output.report, report_page(*options, result, data));
  if (!json.on_stdout()) print(result_text(*options, result));
  json.write(result_json(*options, result));
  return result.interrupted() ? kInterrupted : kSuccess;
}

}  // namespace dagrad::tools
