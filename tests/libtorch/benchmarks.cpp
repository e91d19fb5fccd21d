// The op table's benchmarks as functions of libtorch, where they are other cases than the samples of the same names.
#include <cmath>
#include <torch/csrc/autograd/autograd.h>

#include "libtorch/torch_table.h"

namespace dagrad::libtorch {
namespace {

using T = at::Tensor;
using In = const TorchTensors&;
using at::Reduction::Mean;

/// f(x, axis) for the axis that a benchmark's name tells: the last, or the first.
TorchFunction along(std::function<T(const T&, std::int64_t)> f) {
  return [f = std::move(f)](In in, const std::string& sample) {
    const bool first = sample.ends_with("_columns") || sample.ends_with("_first");
    return TorchTensors{f(in[0], first ? 0 : -1)};
  };
}

void add_reductions_along(TorchTable& table) {
  table["sum"] = along([](const T& x, std::int64_t axis) { return at::sum(x, axis); });
  table["mean"] = along([](const T& x, std::int64_t axis) { return at::mean(x, axis); });
  table["prod"] = along([](const T& x, std::int64_t axis) { return at::prod(x, axis); });
  table["all"] = along([](const T& x, std::int64_t axis) { return at::all(x, axis); });
  table["any"] = along([](const T& x, std::int64_t axis) { return at::any(x, axis); });
  table["max"] = table["amax"] = along([](const T& x, std::int64_t axis) { return at::amax(x, axis); });
  table["min"] = table["amin"] = along([](const T& x, std::int64_t axis) { return at::amin(x, axis); });
  table["var"] = along([](const T& x, std::int64_t axis) { return at::var(x, at::OptionalIntArrayRef(axis)); });
  table["std"] = along([](const T& x, std::int64_t axis) { return at::std(x, at::OptionalIntArrayRef(axis)); });
  table["norm"] =
      along([](const T& x, std::int64_t axis) { return at::linalg_vector_norm(x, 2, at::OptionalIntArrayRef(axis)); });
  table["logsumexp"] = along([](const T& x, std::int64_t axis) { return at::logsumexp(x, axis); });
  table["median"] = along([](const T& x, std::int64_t axis) { return std::get<0>(at::median(x, axis)); });
  table["argmax"] = along([](const T& x, std::int64_t axis) { return at::argmax(x, axis); });
  table["argmin"] = along([](const T& x, std::int64_t axis) { return at::argmin(x, axis); });
  table["cumsum"] = along([](const T& x, std::int64_t axis) { return at::cumsum(x, axis); });
  table["cumprod"] = along([](const T& x, std::int64_t axis) { return at::cumprod(x, axis); });
  table["sum_to"] = of1([](const T& x) { return x.sum_to_size({x.size(1)}); });
}

void add_sorted(TorchTable& table) {
  table["argsort"] = of1([](const T& x) { return at::argsort(x, /*stable=*/true, -1, /*descending=*/true); });
  const auto both = [&table](const std::string& name, std::function<std::tuple<T, T>(const T&, const std::string&)> f) {
    table[name] = [f](In in, const std::string& s) { return TorchTensors{std::get<0>(f(in[0], s))}; };
    table[name + "_indices"] = [f](In in, const std::string& s) { return TorchTensors{std::get<1>(f(in[0], s))}; };
  };
  both("sort",
       [](const T& x, const std::string&) { return at::sort(x, c10::optional<bool>(true), -1, /*descending=*/false); });
  both("topk",
       [](const T& x, const std::string& s) { return at::topk(x, std::stoll(s.substr(s.rfind('_') + 1)), -1); });
  both("kthvalue", [](const T& x, const std::string&) { return at::kthvalue(x, 1000, -1); });
}

void add_views(TorchTable& table) {
  table["reshape"] = of1([](const T& x) { return x.reshape({x.numel()}); });
  table["view"] = of1([](const T& x) { return x.view({x.size(0), 1, x.size(1)}); });
  table["flatten"] = of1([](const T& x) { return x.flatten(); });
  table["squeeze"] = of1([](const T& x) { return x.squeeze(1); });
  table["unsqueeze"] = of1([](const T& x) { return x.unsqueeze(0); });
  table["swapaxes"] = of1([](const T& x) { return x.swapaxes(0, 1); });
  table["movedim"] = of1([](const T& x) { return x.movedim(0, 1); });
  table["permute"] = of1([](const T& x) { return x.permute({1, 0}); });
  table["expand"] = table["broadcast_to"] = of1([](const T& x) { return x.expand({x.size(0), x.size(0)}); });
  table["slice"] = of1([](const T& x) { return x.slice(0, 0, x.size(0) / 2); });
  table["narrow"] = of1([](const T& x) { return x.narrow(0, 0, x.size(0) / 2); });
  table["select"] = of1([](const T& x) { return x.select(0, 0); });
  table["slice_backward"] = of1([](const T& diff) {
    const std::int64_t rows = diff.size(0);
    return adjoint(diff, {2 * rows, diff.size(1)}, [rows](const T& x) { return x.slice(0, 0, rows); });
  });
  table["split"] = [](In in, const std::string&) { return in[0].split(in[0].size(1) / 4, 1); };
  table["chunk"] = [](In in, const std::string&) { return in[0].chunk(2); };
  table["unfold"] = of1([](const T& x) { return x.unfold(1, 8, 4); });
  table["unfold_backward"] = of1([](const T& diff) {
    const std::int64_t n = diff.size(0);
    return adjoint(diff, {n, n}, [](const T& x) { return x.unfold(1, 8, 4); });
  });
}

void add_arrangements(TorchTable& table) {
  table["flip"] = of1([](const T& x) { return x.flip({1}); });
  table["roll"] = of1([](const T& x) { return x.roll({x.size(1) / 3}, {1}); });
  table["tile"] = of1([](const T& x) { return x.tile({2, 2}); });
  table["repeat"] = of1([](const T& x) { return x.repeat({x.size(1), 1}); });
  table["repeat_interleave"] = of1([](const T& x) { return x.repeat_interleave(2, 1); });
  table["repeat_interleave_counts"] =
      of1([](const T& x) { return x.repeat_interleave(at::full({x.size(1)}, 2, at::kLong), 1); });
  table["pad"] = of1([](const T& x) { return at::constant_pad_nd(x, {1, 1, 1, 1}); });
  table["pad_backward"] = of1([](const T& diff) {
    const std::vector<std::int64_t> shape{diff.size(0), diff.size(1), diff.size(2) - 2, diff.size(3) - 2};
    return adjoint(diff, shape, [](const T& x) { return at::reflection_pad2d(x, {1, 1, 1, 1}); });
  });
  table["contiguous"] = of1([](const T& x) { return x.t().contiguous(); });
  table["cat"] = [](In in, const std::string&) { return TorchTensors{at::cat(in, 0)}; };
  table["diagonal"] = of1([](const T& x) { return x.diagonal(); });
  table["diag_embed"] = of1([](const T& x) { return at::diag_embed(x); });
  table["diag"] = of1([](const T& x) { return at::diag(x); });
}

void add_indices(TorchTable& table) {
  const auto lines = [](const std::string& s) { return s.ends_with("_columns") ? 1 : 0; };
  const auto each = [](const std::string& s) { return s.ends_with("_first") ? 0 : 1; };
  table["index_select"] = [=](In in, const std::string& s) {
    return TorchTensors{at::index_select(in[0], lines(s), in[1])};
  };
  table["index_add"] = [=](In in, const std::string& s) {
    return TorchTensors{at::index_add(in[0], lines(s), in[1], in[2])};
  };
  table["gather"] = [=](In in, const std::string& s) { return TorchTensors{at::gather(in[0], each(s), in[1])}; };
  table["scatter"] = [=](In in, const std::string& s) {
    return TorchTensors{at::scatter(in[0], each(s), in[1], in[2])};
  };
  table["scatter_number"] = [=](In in, const std::string& s) {
    return TorchTensors{at::scatter(in[0], each(s), in[1], -2)};
  };
  table["scatter_add"] = [=](In in, const std::string& s) {
    return TorchTensors{at::scatter_add(in[0], each(s), in[1], in[2])};
  };
  const auto by_size = [](const std::string& s, std::int64_t small, std::int64_t medium, std::int64_t large) {
    return s == "small" ? small : s == "medium" ? medium : large;
  };
  table["embedding_backward"] = [by_size](In in, const std::string& s) {
    const std::int64_t rows = by_size(s, 16, 1000, 20000);
    return TorchTensors{
        adjoint(in[0], {rows, in[0].size(-1)}, [&](const T& weights) { return at::embedding(weights, in[1]); })};
  };
  table["one_hot"] = [by_size](In in, const std::string& s) {
    return TorchTensors{at::one_hot(in[0], by_size(s, 10, 100, 1000))};
  };
  table["nll_loss_backward"] = [by_size](In in, const std::string& s) {
    return TorchTensors{adjoint(in[0], {in[1].size(0), by_size(s, 10, 128, 1000)},
                                [&](const T& x) { return at::nll_loss_nd(x, in[1]); })};
  };
}

void add_products_and_losses(TorchTable& table) {
  table["einsum"] = [](In in, const std::string& s) {
    return TorchTensors{at::einsum(s == "small" ? "ij,jk->ik" : "bqhd,bkhd->bhqk", in)};
  };
  const auto weights = [](const T& query, const T& key) {
    const double scale = 1 / std::sqrt(static_cast<double>(query.size(-1)));
    return at::softmax(at::matmul(query * scale, key.transpose(-2, -1)), -1);
  };
  table["attention_weights"] = of2(weights);
  table["scaled_dot_product_attention"] =
      of3([weights](const T& q, const T& k, const T& v) { return at::matmul(weights(q, k), v); });
  // With the forward whose backward they are a part of, as in the op table.
  table["add_gradients"] = of2([](const T& a, const T& b) {
    const bool twice = at::GradMode::is_enabled();
    const at::AutoGradMode recording(true);
    const T x = at::ones_like(a).detach().requires_grad_(), one = at::ones_like(x);
    return torch::autograd::grad({a * x, b * x}, {x}, {one, one}, twice, twice)[0];
  });
  table["linear_backward_weights"] = [](In in, const std::string&) {
    const bool twice = at::GradMode::is_enabled();
    const at::AutoGradMode recording(true);
    const T of_weights = at::zeros({in[0].size(-1), in[1].size(-1)}).requires_grad_();
    const T bias = at::zeros({in[0].size(-1)}).requires_grad_();
    return torch::autograd::grad({at::linear(in[1], of_weights, bias)}, {of_weights, bias}, {in[0]}, twice, twice);
  };
  table["cross_entropy"] = table["soft_cross_entropy"] =
      of2([](const T& x, const T& target) { return at::cross_entropy_loss(x, target); });
  table["cross_entropy_backward"] = table["soft_cross_entropy_backward"] = gradient_of(table["cross_entropy"]);
  table["nll_loss"] = of2([](const T& x, const T& target) { return at::nll_loss_nd(x, target); });
}

using Numbers = std::vector<std::int64_t>;

/// A convolution of the benchmarks, all of whose axes are treated alike.
struct Window {
  std::int64_t stride = 1, padding = 0;
};

void add_convolutions(TorchTable& table) {
  const auto by_size = [](Window small, Window medium, Window large, auto f) {
    return [=](In in, const std::string& s) {
      const Window w = s == "small" ? small : s == "medium" ? medium : large;
      return TorchTensors{f(in, w)};
    };
  };
  table["conv1d"] =
      by_size({}, {1, 1}, {1, 2}, [](In in, Window w) { return at::conv1d(in[0], in[1], in[2], w.stride, w.padding); });
  const Window same{1, 1};
  table["conv2d"] =
      by_size(same, same, same, [](In in, Window w) { return at::conv2d(in[0], in[1], in[2], w.stride, w.padding); });
  table["conv3d"] =
      by_size(same, same, same, [](In in, Window w) { return at::conv3d(in[0], in[1], in[2], w.stride, w.padding); });
  const Window up{2, 1};
  table["conv_transpose1d"] = by_size(
      {}, up, up, [](In in, Window w) { return at::conv_transpose1d(in[0], in[1], in[2], w.stride, w.padding); });
  table["conv_transpose2d"] = by_size(
      {}, up, up, [](In in, Window w) { return at::conv_transpose2d(in[0], in[1], in[2], w.stride, w.padding); });
  table["conv_transpose3d"] = by_size(
      {}, {}, up, [](In in, Window w) { return at::conv_transpose3d(in[0], in[1], in[2], w.stride, w.padding); });
}

void add_pools(TorchTable& table) {
  table["max_pool1d"] = of1([](const T& x) { return at::max_pool1d(x, 2); });
  table["max_pool2d"] = of1([](const T& x) { return at::max_pool2d(x, 2); });
  table["max_pool3d"] = of1([](const T& x) { return at::max_pool3d(x, 2); });
  table["avg_pool1d"] = of1([](const T& x) { return at::avg_pool1d(x, 2); });
  table["interpolate"] = of1([](const T& x) { return at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}); });
  table["interpolate_linear"] = of1([](const T& x) {
    return at::upsample_bilinear2d(x, {2 * x.size(2), 2 * x.size(3)}, false);
  });
  table["avg_pool2d"] = of1([](const T& x) { return at::avg_pool2d(x, 2); });
  table["avg_pool3d"] = of1([](const T& x) { return at::avg_pool3d(x, 2); });
  const auto output = [](const std::string& s) { return Numbers(2, s == "small" ? 2 : 7); };
  table["adaptive_max_pool"] = [output](In in, const std::string& s) {
    return TorchTensors{std::get<0>(at::adaptive_max_pool2d(in[0], output(s)))};
  };
  table["adaptive_avg_pool"] = [output](In in, const std::string& s) {
    return TorchTensors{at::adaptive_avg_pool2d(in[0], output(s))};
  };
}

void add_norms(TorchTable& table) {
  const auto renamed = [&table](const std::string& row, std::string (*to)(const std::string&)) {
    table[row] = [f = libtorch::table().at(row), to](In in, const std::string& s) { return f(in, to(s)); };
  };
  for (const char* row : {"batch_norm", "batch_norm_backward"})
    renamed(row, [](const std::string& s) { return s.starts_with("large_inference") ? "inference" : s; });
  for (const char* row : {"group_norm", "group_norm_backward"})
    renamed(row, [](const std::string& s) { return s.starts_with("small") ? s : "matrix_200x96"; });  // 8 groups
}

void add_recurrent(TorchTable& table) {
  const auto state = [](In in) { return at::zeros({1, in[0].size(1), in[2].size(1)}, in[0].options()); };
  const auto weights = [](In in) { return TorchTensors(in.begin() + 1, in.begin() + 5); };
  using Simple = std::tuple<T, T> (*)(const T&, const T&, at::TensorList, bool, std::int64_t, double, bool, bool, bool);
  const auto add = [&](const char* name, Simple f) {
    table[name] = [=](In in, const std::string&) {
      const auto [y, h] = f(in[0], state(in), weights(in), true, 1, 0, false, false, false);
      return TorchTensors{y, h};
    };
  };
  add("rnn", at::rnn_tanh);
  add("rnn_relu", at::rnn_relu);
  add("gru", at::gru);
  table["lstm"] = [=](In in, const std::string&) {
    const auto [y, h, c] =
        at::lstm(in[0], TorchTensors{state(in), state(in)}, weights(in), true, 1, 0, false, false, false);
    return TorchTensors{y, h, c};
  };
}

/// Masks come from other generators: such rows can be timed beside each other, not compared.
void add_dropouts(TorchTable& table) {
  table["dropout"] = of1([](const T& x) { return at::dropout(x, 0.5, true); });
  table["dropout_backward"] = of1(
      [](const T& diff) { return adjoint(diff, diff.sizes(), [](const T& x) { return at::dropout(x, 0.5, true); }); });
  table["alpha_dropout"] = of1([](const T& x) { return at::alpha_dropout(x, 0.5, true); });
  table["dropout1d"] = table["dropout2d"] = table["dropout3d"] =
      of1([](const T& x) { return at::feature_dropout(x, 0.4, true); });
  table["feature_dropout"] = of1([](const T& x) { return at::feature_dropout(x, 0.5, true); });
}

}  // namespace

const TorchTable& benchmark_table() {
  static const TorchTable instance = [] {
    TorchTable t;
    for (const auto& add :
         {add_reductions_along, add_sorted, add_views, add_arrangements, add_indices, add_products_and_losses,
          add_convolutions, add_pools, add_norms, add_recurrent, add_dropouts})
      add(t);
    t.insert(table().begin(), table().end());  // all others
    return t;
  }();
  return instance;
}

bool draws_in_libtorch(const std::string& row) {
  return row.find("dropout") != std::string::npos || row == "bernoulli" || row == "multinomial";
}

}  // namespace dagrad::libtorch
