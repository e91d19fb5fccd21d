#include "tools/optimizer_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <sstream>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/optim/optim.h"
#include "tools/option_checks.h"
#include "tools/suggest.h"

namespace dagrad::tools {
namespace {

/// Values by the optimizer's own names for its options.
using Settings = std::map<std::string, double>;

/// Puts settings into an options struct.
class SetOptions final : public optim::OptionVisitor {
 public:
  explicit SetOptions(const Settings& settings) : settings_(settings) {}

  void number(std::string_view name, double& value, const optim::Range& range) override {
    names_.emplace_back(name);
    const auto setting = settings_.find(std::string(name));
    if (setting == settings_.end()) return;
    if (!range.holds(setting->second)) {
      throw UsageError(fmt::format("--{}: {} (want {})", option_for(setting->first), setting->second, range.want));
    }
    value = setting->second;
  }

  /// Throws for a setting that no option took.
  void finish(const std::string& optimizer) const {
    for (const auto& [name, value] : settings_) {
      if (std::find(names_.begin(), names_.end(), name) != names_.end()) continue;
      throw UsageError(fmt::format("--{}: {} has none (its options are {}){}", option_for(name), optimizer,
                                   fmt::join(names_, ", "), suggestion(name, names_)));
    }
  }

 private:
  /// The option of the command line that a setting comes from.
  static std::string option_for(const std::string& name) {
    static const std::map<std::string, std::string> kOwn{{"lr", "lr"},
                                                         {"momentum", "momentum"},
                                                         {"weight_decay", "weight-decay"},
                                                         {"nesterov", "nesterov"},
                                                         {"betas.first", "beta1"},
                                                         {"betas.second", "beta2"},
                                                         {"eps", "eps"}};
    const auto own = kOwn.find(name);
    return own != kOwn.end() ? own->second : "optimizer-options " + name;
  }

  const Settings& settings_;
  std::vector<std::string> names_;
};

/// Writes an options struct as "name value, ...".
class ListOptions final : public optim::OptionVisitor {
 public:
  void number(std::string_view name, double& value, const optim::Range&) override {
    if (name != "maximize") texts_.push_back(std::isnan(value) ? std::string(name) : fmt::format("{} {}", name, value));
  }
  std::string text() const { return fmt::format("{}", fmt::join(texts_, ", ")); }

 private:
  std::vector<std::string> texts_;
};

struct Kind {
  std::string name;
  std::unique_ptr<optim::Optimizer> (*make)(const Kind&, const std::vector<Tensor>&, const Settings&);
  std::string (*list)(const Settings& defaults);
  Settings defaults = {};  ///< where they are not those of the class
};

template <class O>
std::unique_ptr<optim::Optimizer> make(const Kind& kind, const std::vector<Tensor>& parameters,
                                       const Settings& settings) {
  typename O::Options options;
  Settings all = settings;
  all.insert(kind.defaults.begin(), kind.defaults.end());
  SetOptions set(all);
  describe(options, set);
  set.finish(kind.name);
  return std::make_unique<O>(parameters, options);
}

template <class O>
std::string list(const Settings& defaults) {
  typename O::Options options;
  SetOptions set(defaults);
  describe(options, set);
  ListOptions listed;
  describe(options, listed);
  return listed.text();
}

template <class O>
Kind kind(const char* name, Settings defaults = {}) {
  return {name, make<O>, list<O>, std::move(defaults)};
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      kind<optim::Adam>("adam"),
      kind<optim::AdamW>("adamw"),
      kind<optim::SGD>("sgd", {{"momentum", 0.9}}),
      kind<optim::SGDW>("sgdw", {{"momentum", 0.9}}),
      kind<optim::RMSprop>("rmsprop"),
      kind<optim::Adagrad>("adagrad"),
      kind<optim::Adadelta>("adadelta"),
      kind<optim::Adamax>("adamax"),
      kind<optim::NAdam>("nadam"),
      kind<optim::RAdam>("radam"),
      kind<optim::Lion>("lion"),
      kind<optim::Adafactor>("adafactor"),
      kind<optim::Rprop>("rprop"),
      kind<optim::LBFGS>("lbfgs"),
      kind<optim::WeightPerturbation>("weight-perturbation"),
  };
  return all;
}

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const Kind& one : kinds()) names.push_back(one.name);
  return names;
}

const Kind& kind_named(const std::string& name) {
  check_choice("optimizer", name, kind_names());
  return *std::find_if(kinds().begin(), kinds().end(), [&](const Kind& one) { return one.name == name; });
}

/// "amsgrad=1,beta2_decay=-0.7" into settings.
void read_more(const std::string& text, Settings& settings) {
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    const std::size_t equals = part.find('=');
    double value = 0;
    const char* const end = part.data() + part.size();
    const bool is_number = equals != std::string::npos && equals > 0 &&
                           std::from_chars(part.data() + equals + 1, end, value).ptr == end && equals + 1 < part.size();
    if (!is_number) {
      throw UsageError(
          fmt::format("--optimizer-options: '{}' in '{}' (want NAME=NUMBER,..., as amsgrad=1)", part, text));
    }
    settings[part.substr(0, equals)] = value;
  }
}

Settings settings_of(const OptimizerOptions& o) {
  Settings settings;
  read_more(o.more, settings);
  const auto set = [&](const char* name, const std::optional<double>& value) {
    if (value) settings[name] = *value;
  };
  set("lr", o.lr);
  set("momentum", o.momentum);
  set("weight_decay", o.weight_decay);
  set("betas.first", o.beta1);
  set("betas.second", o.beta2);
  set("eps", o.eps);
  if (o.nesterov) settings["nesterov"] = 1;
  return settings;
}

}  // namespace

bool OptimizerOptions::needs_closure() const { return optimizer == "lbfgs" || optimizer == "weight-perturbation"; }

void describe(OptimizerOptions& o, OptionList& list) {
  list.add("optimizer", o.optimizer, "NAME", fmt::format("{}", fmt::join(kind_names(), ", ")))
      .add("lr", o.lr, "RATE", "learning rate (adam: 0.001; each optimizer has its own)")
      .add("momentum", o.momentum, "M", "of sgd and sgdw (0.9) and rmsprop (0)")
      .add("nesterov", o.nesterov, "sgd, sgdw: Nesterov's form of it")
      .add("weight-decay", o.weight_decay, "W",
           "added to the gradient, times the weight; in adamw, sgdw, lion and adafactor taken off the weight")
      .add("beta1", o.beta1, "B", "adam and its like: of the mean of gradients")
      .add("beta2", o.beta2, "B", "of the mean of their squares")
      .add("eps", o.eps, "E", "what keeps a division from 0")
      .add("optimizer-options", o.more, "NAME=X,...", "any other option of the optimizer, as listed below")
      .add("clip-value", o.clip_value, "V", "move each element of the gradients into [-V, V]")
      .add("clip-norm", o.clip_norm, "N", "shorten all gradients together to this norm where they are longer")
      .add("clip-each-norm", o.clip_each_norm, "N", "the same for each parameter's gradient by itself")
      .add("batch-size", o.batch_size, "N", "1: stochastic, n: mini-batch, 0: batch gradient descent")
      .add("epochs", o.epochs, "N", "passes over the training data");
}

void check(const OptimizerOptions& o) {
  if (o.clip_value) check_positive("clip-value", *o.clip_value);
  if (o.clip_norm) check_positive("clip-norm", *o.clip_norm);
  if (o.clip_each_norm) check_positive("clip-each-norm", *o.clip_each_norm);
  if ((o.clip_value ? 1 : 0) + (o.clip_norm ? 1 : 0) + (o.clip_each_norm ? 1 : 0) > 1)
    throw UsageError("--clip-value, --clip-norm, --clip-each-norm: several are given (want one)");
  check_at_least("batch-size", o.batch_size, 0);
  check_at_least("epochs", o.epochs, 1);
  // The optimizer knows its own options best.
  make_optimizer(o, {zeros({1}).requires_grad_()});
}

std::unique_ptr<optim::Optimizer> make_optimizer(const OptimizerOptions& o, const std::vector<Tensor>& parameters) {
  const Kind& chosen = kind_named(o.optimizer);
  return chosen.make(chosen, parameters, settings_of(o));
}

std::string optimizers_text() {
  std::string text = "\nOptimizers and their options:\n";
  for (const Kind& one : kinds()) text += fmt::format("  {:<20} {}\n", one.name, one.list(one.defaults));
  return text;
}

}  // namespace dagrad::tools
