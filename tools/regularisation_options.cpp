#include "tools/regularisation_options.h"

#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <sstream>

#include "dagrad/core/error.h"
#include "tools/option_checks.h"
#include "tools/suggest.h"

namespace dagrad::tools {
namespace {

struct Change {
  const char* name;
  double most;
  double plain;  ///< without "=X"
  void (*set)(data::ImageChanges&, double);
};

constexpr double kAny = 1e6;
constexpr Change kChanges[] = {
    {"shift", 1, 0.1, [](data::ImageChanges& c, double x) { c.shift = x; }},
    {"flip", 1, 1, [](data::ImageChanges& c, double x) { c.flip_horizontal = x != 0; }},
    {"flip-vertical", 1, 1, [](data::ImageChanges& c, double x) { c.flip_vertical = x != 0; }},
    {"scale", kAny, 0.1, [](data::ImageChanges& c, double x) { c.scale = x; }},
    {"rotate", 180, 10, [](data::ImageChanges& c, double x) { c.rotate = x; }},
    {"noise", kAny, 0.1, [](data::ImageChanges& c, double x) { c.noise = x; }},
    {"brightness", kAny, 0.1, [](data::ImageChanges& c, double x) { c.brightness = x; }},
    {"contrast", 1, 0.2, [](data::ImageChanges& c, double x) { c.contrast = x; }},
    {"saturation", 1, 0.2, [](data::ImageChanges& c, double x) { c.saturation = x; }},
    {"fill", kAny, 0, [](data::ImageChanges& c, double x) { c.fill = x; }},
};

const Change& change_named(const std::string& name) {
  std::vector<std::string> names;
  for (const Change& change : kChanges) {
    if (name == change.name) return change;
    names.emplace_back(change.name);
  }
  throw UsageError(fmt::format("--augment: '{}' (want {}){}", name, fmt::join(names, ", "), suggestion(name, names)));
}

/// The changes that the text names, with their numbers.
std::map<std::string, double> parse_changes(const std::string& text) {
  std::map<std::string, double> result;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    const std::size_t equals = part.find('=');
    const Change& change = change_named(part.substr(0, equals));
    double value = change.plain;
    if (equals != std::string::npos) {
      const char* const end = part.data() + part.size();
      const auto [stop, error] = std::from_chars(part.data() + equals + 1, end, value);
      if (error != std::errc() || stop != end || !(value >= 0 && value <= change.most)) {
        throw UsageError(fmt::format("--augment: '{}' in '{}' (want a number from 0 to {}, as {}={})", part, text,
                                     change.most, change.name, change.plain));
      }
    }
    result[change.name] = value;
  }
  return result;
}

}  // namespace

data::ImageChanges RegularisationOptions::image_changes() const {
  data::ImageChanges changes;
  for (const auto& [name, value] : parse_changes(augment)) change_named(name).set(changes, value);
  return changes;
}

double RegularisationOptions::noise() const { return image_changes().noise; }

void describe(RegularisationOptions& o, OptionList& list) {
  list.add("l1", o.l1, "S", "add S times the sum of |w| over all weights (not biases) to the loss")
      .add("l2", o.l2, "S", "add S times the sum of w^2")
      .add("label-smoothing", o.label_smoothing, "S", "share of each label that all classes get")
      .add("mixup", o.mixup, "ALPHA", "mix each sample with another, by shares from Beta(ALPHA, ALPHA)")
      .add("augment", o.augment, "CHANGE,...",
           "change each image anew: shift=0.1 (of its size), flip, flip-vertical, scale=0.1, rotate=10 (degrees), "
           "noise=0.1, brightness=0.1, contrast=0.2, saturation=0.2, fill=0 (what comes in from outside); other data: "
           "noise")
      .add("patience", o.patience, "E",
           "stop after E epochs without a better validation loss, and take the best epoch's weights")
      .add("min-delta", o.min_delta, "D", "what counts as better: lower by more than D")
      .add("ema", o.ema, "DECAY", "test and save the exponential average of the weights, as 0.999");
}

void check(const RegularisationOptions& o) {
  check_not_negative("l1", o.l1);
  check_not_negative("l2", o.l2);
  check_not_negative("mixup", o.mixup);
  check_not_negative("min-delta", o.min_delta);
  check_range("label-smoothing", o.label_smoothing, o.label_smoothing >= 0 && o.label_smoothing < 1, "0 <= share < 1");
  check_range("ema", o.ema, o.ema >= 0 && o.ema < 1, "0 <= decay < 1");
  if (o.patience) check_at_least("patience", *o.patience, 1);
  if (o.min_delta > 0 && !o.patience) throw UsageError("--min-delta: without --patience it means nothing");
  o.image_changes();
}

data::Transform make_transform(const RegularisationOptions& o, const data::Dataset& dataset) {
  std::vector<data::Transform> transforms;
  if (!o.augment.empty()) {
    const bool is_image = dataset.features.dim() == 4;
    if (!is_image && parse_changes(o.augment) != std::map<std::string, double>{{"noise", o.noise()}}) {
      throw UsageError(fmt::format("--augment: samples are {} (want images [N, C, H, W]; others take noise alone)",
                                   dataset.features.shape().str()));
    }
    transforms.push_back(is_image ? data::augment_images(o.image_changes()) : data::add_noise(o.noise()));
  }
  if (o.mixup > 0) transforms.push_back(data::mixup(dataset.classes, o.mixup));
  if (transforms.empty()) return {};
  return transforms.size() == 1 ? transforms[0] : data::compose(std::move(transforms));
}

}  // namespace dagrad::tools
