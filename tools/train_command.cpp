#include "tools/train_command.h"

#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dagrad/core/error.h"
#include "tools/exit_codes.h"
#include "tools/interrupt.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/report.h"
#include "tools/training.h"

namespace dagrad::tools {
namespace {

using Json = nlohmann::ordered_json;

/// One JSON object a line, each written whole; to a file, to standard output, or nowhere.
class JsonLines {
 public:
  explicit JsonLines(const std::string& target) : target_(target) {
    if (target_.empty() || target_ == "-") return;
    check_writable(target_);
    file_.open(target_, std::ios::trunc);
    if (!file_) throw IoError(fmt::format("{}: cannot be written", target_));
  }
  bool on_stdout() const { return target_ == "-"; }

  void write(const Json& object) {
    if (target_.empty()) return;
    const std::string line = object.dump() + "\n";
    if (on_stdout()) {
      print(line);
      flush_output();
    } else if (!(file_ << line << std::flush)) {
      throw IoError(fmt::format("{}: cannot be written", target_));
    }
  }

 private:
  std::string target_;
  std::ofstream file_;
};

std::string note(const Score& score) {
  return fmt::format("loss {:.4f}  accuracy {:5.2f}%", score.loss, 100 * score.accuracy);
}

Json to_json(const EpochResult& epoch, double lr) {
  Json object{{"event", "epoch"},
              {"epoch", epoch.epoch},
              {"train_loss", epoch.train.loss},
              {"train_accuracy", epoch.train.accuracy}};
  if (epoch.validation) {
    object["validation_loss"] = epoch.validation->loss;
    object["validation_accuracy"] = epoch.validation->accuracy;
  }
  object["lr"] = lr;
  object["samples_per_second"] = std::round(epoch.samples_per_second);
  object["seconds"] = epoch.seconds;
  return object;
}

}  // namespace

int run_train(const std::vector<std::string>& arguments) {
  const auto start = std::chrono::steady_clock::now();
  const InterruptGuard interrupt;  // from here on: while data are loaded it takes effect after the first step
  const auto options = parse_train_options(arguments);
  if (!options) return kSuccess;
  if (!options->output.report.empty()) check_writable(options->output.report);
  if (!options->output.save.empty()) check_model_file(options->output.save);
  JsonLines json(options->output.json);
  const LoadedData data = load_data(options->data);

  const std::int64_t used = data.train.size();
  const std::int64_t batch = options->optimizer.batch_size == 0 ? used : options->optimizer.batch_size;
  Progress progress(options->optimizer.epochs, (used + batch - 1) / batch,
                    options->output.quiet ? Progress::Style::quiet : Progress::Style::automatic);
  TrainingEvents events;
  events.step = [&](std::int64_t epoch, std::int64_t step, std::int64_t, const Score& score) {
    // Formatting a note costs more than a small step: the bar asks for it a few times a second.
    if (progress.due()) progress.step(epoch, step, note(score));
  };
  events.epoch = [&](const EpochResult& epoch) {
    std::string text = note(epoch.train);
    if (epoch.validation) text += fmt::format("  validation {:5.2f}%", 100 * epoch.validation->accuracy);
    progress.epoch(epoch.epoch, text + fmt::format("  {:.0f} samples/s", epoch.samples_per_second));
    json.write(to_json(epoch, 0));
  };
  events.stop = [&] { return interrupt.interrupted(); };

  TrainingResult result;
  try {
    result = train(*options, data, events);
  } catch (const std::exception& error) {
    json.write({{"event", "error"}, {"message", error.what()}});
    throw;
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!options->output.report.empty()) write_whole_file(options->output.report, report_page(*options, result, data));
  if (!options->output.save.empty()) save_model(result.description, **result.module, options->output.save);
  if (!json.on_stdout()) {
    print(fmt::format("{}test accuracy {:.2f}%  (loss {:.4f}, {} images, {:.1f} s)\n",
                      result.interrupted ? "interrupted; " : "", 100 * result.test.classes->accuracy, result.test.loss,
                      data.test.size(), result.seconds));
    if (!options->output.report.empty()) print(fmt::format("report: {}\n", options->output.report));
  }
  json.write({{"event", "end"},
              {"test_accuracy", result.test.classes->accuracy},
              {"test_loss", result.test.loss},
              {"seconds", result.seconds},
              {"epochs", result.epochs.size()},
              {"parameters", result.parameters},
              {"interrupted", result.interrupted},
              {"report", options->output.report}});
  return result.interrupted ? kInterrupted : kSuccess;
}

}  // namespace dagrad::tools
