#include "tools/model.h"

#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/cnn.h"
#include "dagrad/nn/mlp.h"
#include "dagrad/nn/recurrent_classifier.h"
#include "dagrad/ops/view.h"

namespace dagrad::tools {
namespace {

/// Samples of another shape with the same elements: [N, ...] as [N, shape...].
class Reshape : public nn::Module {
 public:
  explicit Reshape(const Shape& shape) : shape_(shape) {}
  Tensor forward(const Tensor& x) override {
    Shape all = shape_;
    all.insert(0, x.size(0));
    return reshape(x, all);
  }
  std::string describe() const override { return "Reshape(" + shape_.str() + ")"; }

 private:
  Shape shape_;
};

[[noreturn]] void throw_shape(const ModelOptions& options, const Shape& input, const char* want) {
  throw UsageError(fmt::format("--model {}: a sample is {} (want {})", options.kind, input.str(), want));
}

nn::Sequential make_mlp(const ModelOptions& o, const ModelShape& shape) {
  std::vector<std::int64_t> widths{checked_numel("make_model", shape.input)};
  for (const std::int64_t width : o.hidden_widths()) widths.push_back(width);
  widths.push_back(shape.outputs);
  nn::MlpOptions mlp;
  mlp.activation = nn::activation_kind(o.activation);
  mlp.norm = nn::norm_kind(o.norm);
  mlp.dropout = o.dropout;
  mlp.init = nn::weight_init(o.init);
  return nn::Sequential(nn::Flatten(), nn::mlp(widths, mlp));
}

nn::Sequential make_cnn(const ModelOptions& o, const ModelShape& shape) {
  Shape image = shape.input;
  if (image.rank() == 2) image.insert(0, 1);
  if (image.rank() != 3) throw_shape(o, shape.input, "an image, [C, H, W] or [H, W]");
  nn::CnnOptions cnn;
  cnn.kernel = o.kernel;
  cnn.activation = nn::activation_kind(o.activation);
  cnn.norm = nn::norm_kind(o.norm);
  cnn.pool = o.pool > 1 ? nn::PoolKind::max : nn::PoolKind::none;
  cnn.pool_size = o.pool;
  cnn.head = o.head == "average" ? nn::CnnHead::global_average : nn::CnnHead::flatten;
  cnn.hidden = o.hidden_widths();
  cnn.dropout = o.dropout;
  cnn.channel_dropout = o.channel_dropout;
  cnn.init = nn::weight_init(o.init);
  try {
    nn::Sequential net = nn::cnn(image, o.channel_counts(), shape.outputs, cnn);
    if (shape.input.rank() == 3) return nn::Sequential(std::move(net));
    return nn::Sequential(Reshape(image), std::move(net));
  } catch (const ShapeError& error) {
    throw UsageError(fmt::format("--model cnn: {}", error.what()));
  }
}

nn::Sequential make_recurrent(const ModelOptions& o, const ModelShape& shape) {
  nn::RecurrentClassifierOptions options;
  options.kind = nn::recurrent_kind(o.kind);
  options.hidden = o.hidden_widths()[0];
  options.layers = o.layers;
  options.bidirectional = o.bidirectional;
  options.dropout = o.dropout;
  options.init = nn::weight_init(o.init);
  const Shape& x = shape.input;
  switch (x.rank()) {
    case 1: return nn::Sequential(Reshape({x[0], 1}), nn::RecurrentClassifier(1, shape.outputs, options));
    case 2: return nn::Sequential(nn::RecurrentClassifier(x[1], shape.outputs, options));
    case 3: return nn::Sequential(nn::RecurrentClassifier(x[0] * x[2], shape.outputs, options));
    default: throw_shape(o, x, "[T], [T, F], or an image [C, H, W], which is read row by row");
  }
}

}  // namespace

ModelShape shape_of(const data::Dataset& dataset) {
  Shape input = dataset.features.shape();
  input.erase(0);
  return {input, dataset.classes > 0 ? dataset.classes : dataset.labels.numel() / dataset.size()};
}

nn::Sequential make_model(const ModelOptions& options, const ModelShape& shape) {
  const auto made = [&] {
    if (options.kind == "cnn") return make_cnn(options, shape);
    if (options.is_recurrent()) return make_recurrent(options, shape);
    return make_mlp(options, shape);
  };
  nn::Sequential model = made();
  model.name_parameters();
  return model;
}

nn::Sequential make_model(const ModelOptions& options, const data::Dataset& sample) {
  return make_model(options, shape_of(sample));
}

}  // namespace dagrad::tools
