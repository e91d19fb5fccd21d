// Products of matrices, einsum, attention.
#include <cmath>
#include <limits>

#include "libtorch/torch_table.h"

namespace dagrad::libtorch {
namespace {

using T = at::Tensor;
using In = const TorchTensors&;

T bias_of(In in, std::size_t i) { return in.size() > i ? in[i] : T(); }
T linear(In in) { return at::linear(in[0], in[1], bias_of(in, 2)); }

/// The strings of einsum_row() in op_table/product_rows.cpp.
const std::map<std::string, std::string>& subscripts() {
  static const std::map<std::string, std::string> list{{"copy", "ij->ij"},
                                                       {"transpose", "ij->ji"},
                                                       {"transpose_implicit", "ba"},
                                                       {"capitals_come_first", "aB"},
                                                       {"sum_all", "ij->"},
                                                       {"sum_columns", "ij -> i"},
                                                       {"diagonal", "ii->i"},
                                                       {"trace", "ii"},
                                                       {"diagonals_of_batch", "iji->ji"},
                                                       {"triple_diagonal", "iii->i"},
                                                       {"scalars", ",->"},
                                                       {"scaled", ",ij->ij"},
                                                       {"dot", "i,i->"},
                                                       {"outer", "i,j->ij"},
                                                       {"outer_turned", "i,j->ji"},
                                                       {"elementwise", "ij,ij->ij"},
                                                       {"rows_of_products", "ij,ij->i"},
                                                       {"matmul", "ij,jk->ik"},
                                                       {"matmul_implicit", "ij,jk"},
                                                       {"matmul_turned", "ji,jk->ki"},
                                                       {"sums_beside_the_product", "ijl,jkm->ik"},
                                                       {"batch", "bij,bjk->bik"},
                                                       {"batch_in_the_middle", "ibj,bjk->kib"},
                                                       {"attention", "bqhd,bkhd->bhqk"},
                                                       {"two_inner", "ijk,kjl->il"},
                                                       {"bilinear", "ni,kij,nj->nk"},
                                                       {"chain", "ij,jk,kl->il"},
                                                       {"diagonal_times", "ii,i->i"},
                                                       {"twice_the_same_axis", "i,i,i->"},
                                                       {"dots", "...ij->...ji"},
                                                       {"dots_batch", "...ij,...jk->...ik"},
                                                       {"dots_broadcast", "...ij,...j"},
                                                       {"dots_behind", "i...,j...->ij..."},
                                                       {"dots_summed", "...i->i"},
                                                       {"dots_of_nothing", "...i,i->..."},
                                                       {"broadcast_1", "ij,ij->ij"},
                                                       {"broadcast_1_inner", "ij,jk->ik"},
                                                       {"empty_inner", "ij,jk->ik"},
                                                       {"empty_rows", "ij,jk->ik"},
                                                       {"one", "ij,jk->ik"},
                                                       {"large", "bqhd,bkhd->bhqk"}};
  return list;
}

/// softmax(query key^T scale + mask); where no key is shown the weights are 0, as dagrad has it (libtorch: NaN).
T attention_weights(In in, const std::string& sample) {
  const double features = static_cast<double>(in[0].size(-1));
  const double scale = sample.starts_with("scaled") ? 0.3 : 1 / std::sqrt(features);
  const T scores = at::matmul(in[0], in[1].transpose(-2, -1)) * scale;
  if (sample.starts_with("added")) return at::softmax(scores + in.back(), -1);
  T shown = at::ones({scores.size(-2), scores.size(-1)}, at::kBool);
  if (sample.find("causal") != std::string::npos) shown = at::tril(shown);
  if (sample.starts_with("shown")) shown = in.back();
  const T any = at::any(shown, -1, true);
  const T hidden = at::logical_and(at::logical_not(shown), any);
  return at::softmax(scores.masked_fill(hidden, -std::numeric_limits<double>::infinity()), -1) * any;
}

}  // namespace

void add_products(TorchTable& table) {
  table["matmul"] = of2([](const T& a, const T& b) { return at::matmul(a, b); });
  table["bmm"] = of2([](const T& a, const T& b) { return at::bmm(a, b); });
  table["mv"] = of2([](const T& a, const T& b) { return at::mv(a, b); });
  table["dot"] = of2([](const T& a, const T& b) { return at::dot(a, b); });
  table["outer"] = of2([](const T& a, const T& b) { return at::outer(a, b); });
  table["einsum"] = [](In in, const std::string& sample) -> TorchTensors {
    const auto found = subscripts().find(sample);
    if (found == subscripts().end()) return {};
    return {at::einsum(found->second, in)};
  };
  table["linear"] = [](In in, const std::string&) { return TorchTensors{linear(in)}; };
  table["linear_relu"] = [](In in, const std::string&) { return TorchTensors{at::relu(linear(in))}; };
  table["linear_tanh"] = [](In in, const std::string&) { return TorchTensors{at::tanh(linear(in))}; };
  table["linear_sigmoid"] = [](In in, const std::string&) { return TorchTensors{at::sigmoid(linear(in))}; };
  table["linear_gelu"] = [](In in, const std::string&) { return TorchTensors{at::gelu(linear(in))}; };
  table["linear_backward_weights"] = [](In in, const std::string&) {
    const T diff = in[0].reshape({-1, in[0].size(-1)}), src = in[1].reshape({-1, in[1].size(-1)});
    return TorchTensors{at::matmul(diff.t(), src), diff.sum(0)};
  };
  table["bilinear"] = [](In in, const std::string&) {
    return TorchTensors{at::bilinear(in[0], in[1], in[2], bias_of(in, 3))};
  };
  table["attention_weights"] = [](In in, const std::string& s) { return TorchTensors{attention_weights(in, s)}; };
  table["scaled_dot_product_attention"] = [](In in, const std::string& s) {
    return TorchTensors{at::matmul(attention_weights(in, s), in[2])};
  };
}

}  // namespace dagrad::libtorch
