#include "dagrad/nn/training/history.h"

#include <fmt/format.h>
#include <limits>
#include <ostream>

#include "dagrad/core/error.h"

namespace dagrad::nn {
namespace {

constexpr const char* kKind = "History";

std::string prefix_of(std::size_t epoch) { return fmt::format("{}.", epoch); }

void write(optim::State& state, const std::string& prefix, const Scores& scores) {
  state.numbers[prefix + "loss"] = scores.loss;
  state.numbers[prefix + "metrics"] = static_cast<double>(scores.metrics.size());
  // The names of metrics are kept as parts of the names of numbers, with their places.
  for (std::size_t i = 0; i < scores.metrics.size(); ++i)
    state.numbers[fmt::format("{}{}:{}", prefix, i, scores.metrics[i].first)] = scores.metrics[i].second;
}

/// The first number whose name begins with `start`.
std::string name_beginning_with(const optim::State& state, const std::string& start) {
  const auto found = state.numbers.lower_bound(start);
  return found != state.numbers.end() && found->first.starts_with(start) ? found->first : start;
}

Scores read(optim::StateReader& reader, const optim::State& state, const std::string& prefix) {
  Scores scores{.loss = reader.number(prefix + "loss"), .metrics = {}};
  const std::int64_t count = reader.count(prefix + "metrics");
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string start = fmt::format("{}{}:", prefix, i), name = name_beginning_with(state, start);
    const double value = reader.number(name);
    scores.metrics.emplace_back(name.substr(start.size()), value);
  }
  return scores;
}

std::string line(const Scores& scores, std::string_view of) {
  std::string text = fmt::format("  {}loss {:.4f}", of, scores.loss);
  for (const auto& [name, value] : scores.metrics) text += fmt::format("  {}{} {:.4f}", of, name, value);
  return text;
}

std::string csv_header(const Scores& scores, std::string_view of) {
  std::string text = fmt::format(",{}loss", of);
  for (const auto& [name, value] : scores.metrics) text += fmt::format(",{}{}", of, name);
  return text;
}

std::string csv_row(const Scores& scores) {
  std::string text = fmt::format(",{}", scores.loss);
  for (const auto& [name, value] : scores.metrics) text += fmt::format(",{}", value);
  return text;
}

std::string_view words_for(Ending ending) {
  switch (ending) {
    case Ending::finished: return "finished";
    case Ending::early: return "stopped early, as there was no more improvement";
    case Ending::requested: return "stopped by request";
    case Ending::not_yet: break;
  }
  return "not finished";
}

}  // namespace

double Scores::at(std::string_view name) const {
  if (name == "loss") return loss;
  for (const auto& [metric, value] : metrics) {
    if (metric == name) return value;
  }
  throw UsageError(
      fmt::format("Scores: there is no '{}' (want 'loss' or the name of a metric that was asked for)", name));
}

std::ostream& operator<<(std::ostream& out, const EpochRecord& record) {
  out << fmt::format("epoch {}{}", record.epoch, line(record.train, ""));
  if (record.validation) out << line(*record.validation, "validation ");
  return out << fmt::format("  lr {:.3g}  {:.1f} s", record.lr, record.seconds);
}

std::ostream& operator<<(std::ostream& out, const History& history) {
  for (const EpochRecord& record : history.epochs) out << record << "\n";
  out << words_for(history.ending);
  if (history.best_epoch > 0) out << ", with the weights of epoch " << history.best_epoch;
  return out << "\n";
}

std::vector<double> History::train(std::string_view name) const {
  std::vector<double> values;
  for (const EpochRecord& record : epochs) values.push_back(record.train.at(name));
  return values;
}

std::vector<double> History::validation(std::string_view name) const {
  std::vector<double> values;
  for (const EpochRecord& record : epochs) {
    values.push_back(record.validation ? record.validation->at(name) : std::numeric_limits<double>::quiet_NaN());
  }
  return values;
}

std::string History::csv() const {
  if (epochs.empty()) return "epoch\n";
  const EpochRecord& first = epochs.front();
  std::string text = "epoch" + csv_header(first.train, "");
  if (first.validation) text += csv_header(*first.validation, "validation ");
  text += ",lr,samples,seconds\n";
  for (const EpochRecord& record : epochs) {
    text += fmt::format("{}{}", record.epoch, csv_row(record.train));
    if (record.validation) text += csv_row(*record.validation);
    text += fmt::format(",{},{},{}\n", record.lr, record.samples, record.seconds);
  }
  return text;
}

optim::State History::state() const {
  optim::State state{.kind = kKind, .numbers = {}, .tensors = {}};
  state.numbers["epochs"] = static_cast<double>(epochs.size());
  state.numbers["ending"] = static_cast<double>(ending);
  state.numbers["best_epoch"] = static_cast<double>(best_epoch);
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    const EpochRecord& record = epochs[i];
    const std::string prefix = prefix_of(i);
    state.numbers[prefix + "epoch"] = static_cast<double>(record.epoch);
    state.numbers[prefix + "lr"] = record.lr;
    state.numbers[prefix + "samples"] = static_cast<double>(record.samples);
    state.numbers[prefix + "seconds"] = record.seconds;
    write(state, prefix + "train.", record.train);
    if (record.validation) write(state, prefix + "validation.", *record.validation);
  }
  return state;
}

std::function<void()> History::prepare_state(const optim::State& state) {
  optim::StateReader reader(kKind, state);
  History loaded;
  const std::int64_t count = reader.count("epochs");
  loaded.ending = static_cast<Ending>(reader.count("ending") & 3);
  loaded.best_epoch = reader.count("best_epoch");
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string prefix = prefix_of(static_cast<std::size_t>(i));
    EpochRecord record;
    record.epoch = reader.count(prefix + "epoch");
    record.lr = reader.number(prefix + "lr");
    record.samples = reader.count(prefix + "samples");
    record.seconds = reader.number(prefix + "seconds");
    record.train = read(reader, state, prefix + "train.");
    if (reader.has_number(prefix + "validation.loss")) record.validation = read(reader, state, prefix + "validation.");
    loaded.epochs.push_back(std::move(record));
  }
  reader.finish();
  return [this, loaded = std::move(loaded)]() mutable { *this = std::move(loaded); };
}

}  // namespace dagrad::nn
