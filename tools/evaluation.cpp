#include "tools/evaluation.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "dagrad/core/grad_mode.h"
#include "dagrad/nn/metrics/metrics.h"
#include "dagrad/ops/ops.h"
#include "tools/table.h"

namespace dagrad::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kPart = 1000;

double share(double part, double of) { return of > 0 ? part / of : 0; }

/// Columns of two classes' outputs as the logit of class 1.
Tensor scores_of_two(const Tensor& outputs) { return select(outputs, 1, 1) - select(outputs, 1, 0); }

ClassFigures class_figures(const Tensor& outputs, const data::Dataset& dataset, const std::vector<std::string>& names) {
  metrics::ConfusionMatrix matrix(std::max<std::int64_t>(2, dataset.classes));
  matrix.update(dataset.labels, outputs);
  ClassFigures figures;
  double hits = 0, seen = 0;
  for (std::int64_t c = 0; c < dataset.classes; ++c) {
    double there = 0, taken = 0;
    for (std::int64_t k = 0; k < dataset.classes; ++k) {
      there += matrix.at(c, k);
      taken += matrix.at(k, c);
      figures.confusion.push_back(std::llround(matrix.at(c, k)));
    }
    const double right = matrix.at(c, c);
    ClassFigures::Class one{names[static_cast<std::size_t>(c)], share(right, taken), share(right, there),
                            share(2 * right, taken + there), std::llround(there)};
    hits += right;
    if (there + taken > 0) {
      ++seen;
      figures.precision += one.precision;
      figures.recall += one.recall;
      figures.f1 += one.f1;
    }
    figures.classes.push_back(std::move(one));
  }
  figures.accuracy = share(hits, static_cast<double>(dataset.size()));
  if (dataset.classes == 2) {
    figures.precision = figures.classes[1].precision;
    figures.recall = figures.classes[1].recall;
    figures.f1 = figures.classes[1].f1;
    metrics::AUC auc;
    auc.update(dataset.labels, scores_of_two(outputs));
    if (std::isfinite(auc.result())) figures.auc = auc.result();
    return figures;
  }
  for (double* figure : {&figures.precision, &figures.recall, &figures.f1}) *figure = share(*figure, seen);
  return figures;
}

NumberFigures number_figures(const Tensor& outputs, const data::Dataset& dataset) {
  metrics::MeanSquaredError mse;
  metrics::MeanAbsoluteError mae;
  metrics::R2Score r2;
  mse.update(dataset.labels, outputs);
  mae.update(dataset.labels, outputs);
  r2.update(dataset.labels, outputs);
  return {mse.result(), std::sqrt(mse.result()), mae.result(), r2.result()};
}

}  // namespace

Tensor outputs_of(nn::Module& model, const Tensor& features) {
  const NoGrad guard;
  const bool was_training = model.is_training();
  model.eval();
  std::vector<Tensor> parts;
  for (std::int64_t first = 0; first < features.size(0); first += kPart)
    parts.push_back(to(model(narrow(features, 0, first, std::min(kPart, features.size(0) - first))), f32));
  model.train(was_training);
  return parts.size() == 1 ? parts[0] : cat(parts);
}

Evaluation evaluate(const Tensor& outputs, const data::Dataset& dataset, const std::vector<std::string>& names) {
  const NoGrad guard;
  Evaluation result;
  result.samples = dataset.size();
  if (dataset.classes > 0) {
    result.loss = cross_entropy(outputs, dataset.labels).item<double>();
    result.classes = class_figures(outputs, dataset, names);
  } else {
    result.numbers = number_figures(outputs, dataset);
    result.loss = result.numbers->mse;
  }
  return result;
}

Json to_json(const Evaluation& e) {
  Json json{{"samples", e.samples}, {"loss", e.loss}};
  if (e.numbers) {
    json["mse"] = e.numbers->mse;
    json["rmse"] = e.numbers->rmse;
    json["mae"] = e.numbers->mae;
    json["r2"] = e.numbers->r2;
    return json;
  }
  const ClassFigures& figures = *e.classes;
  json["accuracy"] = figures.accuracy;
  json["precision"] = figures.precision;
  json["recall"] = figures.recall;
  json["f1"] = figures.f1;
  if (figures.auc) json["auc"] = *figures.auc;
  json["classes"] = Json::array();
  for (const auto& [name, precision, recall, f1, samples] : figures.classes) {
    json["classes"].push_back(
        {{"name", name}, {"precision", precision}, {"recall", recall}, {"f1", f1}, {"samples", samples}});
  }
  json["confusion"] = Json::array();
  const std::size_t width = figures.classes.size();
  for (std::size_t row = 0; row < width; ++row) {
    const auto from = figures.confusion.begin() + static_cast<std::ptrdiff_t>(row * width);
    json["confusion"].push_back(std::vector<std::int64_t>(from, from + static_cast<std::ptrdiff_t>(width)));
  }
  return json;
}

std::string text_of(const Evaluation& e) {
  if (e.numbers) {
    const auto& [mse, rmse, mae, r2] = *e.numbers;
    return text_of(Table{{"samples", "mse", "rmse", "mae", "R2"},
                         {{std::to_string(e.samples), fmt::format("{:.6g}", mse), fmt::format("{:.6g}", rmse),
                           fmt::format("{:.6g}", mae), fmt::format("{:.6f}", r2)}}});
  }
  const ClassFigures& figures = *e.classes;
  const auto text = [](double figure) { return fmt::format("{:.4f}", figure); };
  Table all{{"samples", "accuracy", "loss", "precision", "recall", "F1"},
            {{std::to_string(e.samples), fmt::format("{:.2f}%", 100 * figures.accuracy), text(e.loss),
              text(figures.precision), text(figures.recall), text(figures.f1)}}};
  if (figures.auc) {
    all.columns.emplace_back("AUC");
    all.rows[0].push_back(text(*figures.auc));
  }
  Table classes{{"class", "samples", "precision", "recall", "F1", "taken for"}};
  const std::size_t width = figures.classes.size();
  for (std::size_t c = 0; c < width; ++c) {
    const auto& [name, precision, recall, f1, samples] = figures.classes[c];
    std::string others;
    for (std::size_t k = 0; k < width; ++k) {
      const std::int64_t count = figures.confusion[c * width + k];
      if (k != c && count > 0)
        others += fmt::format("{}{} ({})", others.empty() ? "" : ", ", figures.classes[k].name, count);
    }
    classes.rows.push_back({name, std::to_string(samples), text(precision), text(recall), text(f1), others});
  }
  return text_of(all) + "\n" + text_of(classes);
}

}  // namespace dagrad::tools
