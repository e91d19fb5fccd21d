// Losses.
#include <cmath>
#include <limits>
#include <optional>

#include "libtorch/torch_table.h"

namespace dagrad::libtorch {
namespace {

using T = at::Tensor;
using In = const TorchTensors&;
using at::Reduction::Mean;
using at::Reduction::None;
using at::Reduction::Sum;

constexpr double kInf = std::numeric_limits<double>::infinity();

/// What a loss's sample reduces with, as most of their names tell.
std::int64_t reduction_named(const std::string& sample) {
  const auto has = [&sample](const char* word) { return sample.find(word) != std::string::npos; };
  return has("none") ? None : has("sum") ? Sum : Mean;
}

/// A loss of pointwise_loss_row() in op_table/loss_cases.cpp and its gradient.
void add_pointwise(TorchTable& table, const std::string& name,
                   std::function<T(const T& x, const T& y, std::int64_t reduction)> f) {
  table[name] = [f = std::move(f)](In in, const std::string& sample) {
    return TorchTensors{f(in[0], in[1], reduction_named(sample))};
  };
  table[name + "_backward"] = gradient_of(table[name]);
}

T reduced(const T& losses, std::int64_t reduction) {
  return reduction == None ? losses : reduction == Sum ? losses.sum() : losses.mean();
}

void add_regression(TorchTable& table) {
  add_pointwise(table, "mse_loss", [](const T& x, const T& y, std::int64_t r) { return at::mse_loss(x, y, r); });
  add_pointwise(table, "l1_loss", [](const T& x, const T& y, std::int64_t r) { return at::l1_loss(x, y, r); });
  add_pointwise(table, "huber_loss", [](const T& x, const T& y, std::int64_t r) { return at::huber_loss(x, y, r, 2); });
  add_pointwise(table, "smooth_l1_loss",
                [](const T& x, const T& y, std::int64_t r) { return at::smooth_l1_loss(x, y, r, 2); });
  add_pointwise(table, "kl_div", [](const T& x, const T& y, std::int64_t r) { return at::kl_div(x, y, r); });
  add_pointwise(table, "kl_div_log_target",
                [](const T& x, const T& y, std::int64_t r) { return at::kl_div(x, y, r, true); });
  const auto poisson = [](bool log_input) {
    return [log_input](const T& x, const T& y, std::int64_t r) {
      return at::poisson_nll_loss(x, y, log_input, false, 1e-8, r);
    };
  };
  add_pointwise(table, "poisson_nll_loss", poisson(false));
  add_pointwise(table, "poisson_nll_loss_log_input", poisson(true));
  add_pointwise(table, "binary_cross_entropy",
                [](const T& x, const T& y, std::int64_t r) { return at::binary_cross_entropy(x, y, {}, r); });
  add_pointwise(table, "binary_cross_entropy_with_logits", [](const T& x, const T& y, std::int64_t r) {
    return at::binary_cross_entropy_with_logits(x, y, {}, {}, r);
  });
  table["poisson_nll_loss_full"] = [](In in, const std::string& sample) {
    const std::int64_t reduction = sample == "3x5" ? None : sample == "17" || sample.starts_with("sum") ? Sum : Mean;
    return TorchTensors{at::poisson_nll_loss(in[0], in[1], true, true, 1e-8, reduction)};
  };
  // PyTorch has the next three in Python alone: here are their formulas.
  table["weighted_loss"] = [](In in, const std::string& sample) {
    const T losses = at::square(in[0] - in[1]), weight = in[2].expand_as(losses);
    if (sample.starts_with("none")) return TorchTensors{losses * weight};
    const T total = (losses * weight).sum();
    return TorchTensors{sample.starts_with("sum") ? total : total / weight.sum()};
  };
  table["gaussian_nll_loss"] = [](In in, const std::string& sample) {
    const T each = 0.5 * (at::log(in[2]) + at::square(in[0] - in[1]) / in[2]);
    const double constant = sample == "rows_3x5" ? 0.5 * std::log(2 * M_PI) : 0;
    return TorchTensors{reduced(each + constant, sample == "rows_3x5" || sample.starts_with("sum") ? Sum
                                                 : sample == "scalars"                             ? None
                                                                                                   : Mean)};
  };
  table["hinge_loss"] = [](In in, const std::string& sample) {
    return TorchTensors{reduced(at::clamp_min(1 - in[0] * in[1], 0), reduction_named(sample))};
  };
  table["weighted_binary_cross_entropy"] = [](In in, const std::string& sample) {
    const std::int64_t r = sample.starts_with("rows") || sample.starts_with("sum") ? Sum
                           : sample.starts_with("numbers")                         ? None
                                                                                   : Mean;
    return TorchTensors{at::binary_cross_entropy_with_logits(in[0], in[1], in[3], in[2], r)};
  };
}

void add_margins(TorchTable& table) {
  table["hinge_embedding_loss"] = [](In in, const std::string& sample) {
    // libtorch takes 0 for neither 1 nor -1.
    const T target = at::where(in[1] == 1, 1, -1);
    return TorchTensors{at::hinge_embedding_loss(in[0], target, 1, reduction_named(sample))};
  };
  table["margin_ranking_loss"] = [](In in, const std::string& sample) {
    return TorchTensors{at::margin_ranking_loss(in[0], in[1], in[2], 1, reduction_named(sample))};
  };
  table["multi_margin_loss"] = [](In in, const std::string& sample) {
    const bool weighted = sample.starts_with("weighted");
    const T weight = weighted ? at::arange(1, in[0].size(-1) + 1, in[0].options()) : T();
    const bool by_sample = sample.starts_with("samples_weigh"), sums = sample.starts_with("no_samples");
    const std::int64_t reduction = sample.starts_with("squares") || sums ? Sum : weighted || by_sample ? None : Mean;
    const T losses = at::multi_margin_loss(in[0], in[1], sample.starts_with("squares") ? 2 : 1, 0.9, weight, reduction);
    return TorchTensors{by_sample ? (losses * in[2]).sum() / in[2].sum() : losses};
  };
  table["pairwise_distance"] = [](In in, const std::string& sample) {
    const double p = sample.starts_with("p1")      ? 1
                     : sample.starts_with("p3")    ? 3
                     : sample.starts_with("p_inf") ? kInf
                                                   : 2;
    return TorchTensors{at::pairwise_distance(in[0], in[1], p)};
  };
  table["triplet_margin_loss"] = [](In in, const std::string& sample) {
    const bool swap = sample.starts_with("swap"), p1 = sample.starts_with("p1");
    const std::int64_t reduction = swap || sample.starts_with("no_vectors") ? Sum
                                   : sample.starts_with("none")             ? None
                                                                            : Mean;
    return TorchTensors{at::triplet_margin_loss(in[0], in[1], in[2],
                                                swap ? 2.5
                                                : p1 ? 4
                                                     : 1,
                                                p1 ? 1 : 2, 1e-6, swap, reduction)};
  };
  table["cosine_similarity"] = [](In in, const std::string& sample) {
    const std::int64_t axis = sample.starts_with("columns") ? 0 : sample.starts_with("vectors") ? -1 : 1;
    return TorchTensors{at::cosine_similarity(in[0], in[1], axis)};
  };
  table["cosine_embedding_loss"] = [](In in, const std::string& sample) {
    const T target = at::where(in[2] == 1, 1, -1);
    const std::int64_t reduction =
        sample.starts_with("vectors") || sample.starts_with("no_vectors") ? std::int64_t{Sum} : reduction_named(sample);
    return TorchTensors{at::cosine_embedding_loss(in[0], in[1], target, -0.5, reduction)};
  };
}

/// setups() and weighted_setups() in op_table/cross_entropy_cases.cpp.
struct Setup {
  std::int64_t reduction = Mean;
  double smoothing = 0;
  bool class_weights = false, ignores = false, sample_weights = false;
};
std::optional<Setup> setup_named(const std::string& sample) {
  static const std::map<std::string, Setup> list{{"mean_5x10", {}},
                                                 {"sum_3x17", {Sum}},
                                                 {"none_4x7", {None}},
                                                 {"one_class_3x1", {}},
                                                 {"one_row_1x33", {}},
                                                 {"no_rows_sum_0x3", {Sum}},
                                                 {"no_rows_none_0x3", {None}},
                                                 {"classes_alone_7", {}},
                                                 {"smoothed_5x10", {Mean, 0.1}},
                                                 {"weighted_6x5", {Mean, 0, true}},
                                                 {"ignoring_9x4", {Mean, 0, false, true}},
                                                 {"all_of_it_9x5", {Mean, 0.2, true, true}},
                                                 {"all_of_it_summed_9x5", {Sum, 0.2, true, true}},
                                                 {"inner_axes_2x3x2x2", {Mean, 0.1, true, true}},
                                                 {"inner_axis_none_2x4x3", {None}},
                                                 {"threads_mean_700x67", {}},
                                                 {"threads_all_of_it_300x131", {Mean, 0.1, true, true}},
                                                 {"threads_none_64x1031", {None}},
                                                 {"samples_5x4", {Mean, 0.1, true, true, true}},
                                                 {"samples_sum_5x4", {Sum, 0, false, false, true}},
                                                 {"samples_none_2x3x4", {None, 0, false, false, true}}};
  const auto found = list.find(sample);
  if (found == list.end()) return {};
  return found->second;
}

/// The sizes at the end of a sample's name: [3, 17] of sum_3x17.
std::vector<std::int64_t> sizes_named(const std::string& sample) {
  std::vector<std::int64_t> sizes{0};
  for (const char c : sample.substr(sample.rfind('_') + 1)) {
    if (c == 'x')
      sizes.push_back(0);
    else
      sizes.back() = sizes.back() * 10 + (c - '0');
  }
  return sizes;
}

/// The weights that class_weights() in op_table/cross_entropy_cases.cpp gives.
T class_weights(std::int64_t classes, const at::TensorOptions& options) {
  return 0.5 + 0.25 * at::remainder(at::arange(classes, at::kLong), 4).to(options.dtype());
}

using ClassLoss = std::function<T(const T& x, const T& target, const T& weight, std::int64_t reduction,
                                  std::int64_t ignored, double smoothing)>;

/// A loss of classes on the setup that the sample's name tells. libtorch has no weights of samples: these are put on
/// its losses, and into what the mean is divided by.
TorchFunction class_loss(const ClassLoss& f) {
  return [f](In in, const std::string& sample) -> TorchTensors {
    const std::optional<Setup> s = setup_named(sample);
    if (!s) return {};
    const T weight = s->class_weights ? class_weights(in[0].size(in[0].dim() == 1 ? 0 : 1), in[0].options()) : T();
    const bool labels = in[1].scalar_type() == at::kLong;
    const std::int64_t ignored = s->ignores && labels ? -1 : -100;
    if (!s->sample_weights) return {f(in[0], in[1], weight, s->reduction, ignored, s->smoothing)};
    const T losses = f(in[0], in[1], weight, None, ignored, s->smoothing) * in[2];
    if (s->reduction != Mean) return {reduced(losses, s->reduction)};
    T count = in[2];
    if (labels) {
      const T known = in[1] != ignored;
      count = count * known;
      if (weight.defined()) count = count * weight.index_select(0, in[1].clamp_min(0));
    }
    return {losses.sum() / count.sum()};
  };
}

void add_class_losses(TorchTable& table) {
  const TorchFunction cross_entropy = class_loss(
      [](const T& x, const T& target, const T& weight, std::int64_t reduction, std::int64_t ignored, double smoothing) {
        return at::cross_entropy_loss(x, target, weight, reduction, ignored, smoothing);
      });
  table["cross_entropy"] = table["soft_cross_entropy"] = cross_entropy;
  table["cross_entropy_backward"] = table["soft_cross_entropy_backward"] = gradient_of(cross_entropy);
  table["cross_entropy_class_weight"] = of3([](const T& x, const T& target, const T& weight) {
    return at::cross_entropy_loss(x, target, weight, Mean, -100, 0.2);
  });
  const TorchFunction nll =
      class_loss([](const T& x, const T& target, const T& weight, std::int64_t reduction, std::int64_t ignored,
                    double) { return at::nll_loss_nd(x, target, weight, reduction, ignored); });
  table["nll_loss"] = nll;
  // Its inputs are diff_dst and the target: the loss is linear in the rest.
  table["nll_loss_backward"] = [nll](In in, const std::string& sample) -> TorchTensors {
    if (!setup_named(sample)) return {};
    return {adjoint(in[0], sizes_named(sample), [&](const T& x) { return nll({x, in[1]}, sample)[0]; })};
  };
}

}  // namespace

void add_losses(TorchTable& table) {
  add_regression(table);
  add_margins(table);
  add_class_losses(table);
}

}  // namespace dagrad::libtorch
