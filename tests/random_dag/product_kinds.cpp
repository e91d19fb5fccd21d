#include <fmt/format.h>

#include "dagrad/ops/ops.h"
#include "random_dag/kind.h"

namespace dagrad::random_dag {
namespace {

using In = std::span<const Tensor>;
using Shapes = std::span<const Shape>;
using Made = std::optional<Statement>;
template <class T>
using X = std::span<const T>;

/// The sum over all values of the letters of `of` that `to` lacks, by einsum's rule for two operands.
struct Product {
  std::string a, b, to;
};

/// The sizes of the letters; none where they contradict each other.
std::optional<std::vector<std::int64_t>> sizes_of(const Product& product, Shapes in) {
  std::vector<std::int64_t> sizes(128, -1);
  for (const auto& [letters, shape] : {std::pair(product.a, in[0]), std::pair(product.b, in[1])}) {
    if (letters.size() != shape.size()) return {};
    for (std::size_t i = 0; i < letters.size(); ++i) {
      std::int64_t& size = sizes[static_cast<std::size_t>(letters[i])];
      if (size >= 0 && size != shape[static_cast<int>(i)]) return {};
      size = shape[static_cast<int>(i)];
    }
  }
  return sizes;
}

Made product(const Product& of, std::string text, Run run, Shapes in) {
  const auto sizes = sizes_of(of, in);
  if (!sizes) return {};
  std::string letters = of.to;
  for (const char letter : of.a + of.b) {
    if (letters.find(letter) == std::string::npos) letters += letter;
  }
  const auto size = [&](char letter) { return (*sizes)[static_cast<std::size_t>(letter)]; };
  Statement result{.shape = {}, .text = std::move(text), .run = std::move(run)};
  Shape all;
  for (const char letter : letters) all.push_back(size(letter));
  for (const char letter : of.to) result.shape.push_back(size(letter));
  for (const Index& index : indices(all)) {
    const auto place = [&](const std::string& names, const Shape& shape) {
      Index within;
      for (const char name : names) within.push_back(index[letters.find(name)]);
      return flat(shape, within);
    };
    result.meaning.sum.push_back(
        {.to = place(of.to, result.shape), .a = {0, place(of.a, in[0])}, .b = {1, place(of.b, in[1])}});
  }
  return result;
}

Kind product_kind(const Product& of, const char* text, const Run& run) {
  return {2, [=](Shapes in, Random&) { return product(of, text, run, in); }};
}

Kind einsum_kind(const Product& of) {
  const std::string subscripts = of.a + "," + of.b + "->" + of.to;
  return {2, [=](Shapes in, Random&) {
            return product(
                of, fmt::format("einsum(\"{}\", {{#0, #1}})", subscripts),
                [subscripts](In t) {
                  return einsum(subscripts, {t[0], t[1]});
                },
                in);
          }};
}

/// f(src weights^T + bias).
template <class F>
Kind linear_kind(const char* activation, Activation kind, F formula, Regular regular) {
  return {3, [=](Shapes in, Random&) -> Made {
            const Shape &src = in[0], &weights = in[1], &bias = in[2];
            if (src.rank() == 0 || weights.rank() != 2 || bias.rank() != 1) return {};
            if (src.back() != weights[1] || bias[0] != weights[0]) return {};
            Statement result{.shape = src,
                             .text = fmt::format("linear(#0, #1, #2, Activation::{})", activation),
                             .run = [kind](In t) { return linear(t[0], t[1], t[2], kind); }};
            result.shape[src.rank() - 1] = weights[0];
            for (const Index& index : indices(result.shape)) {
              std::vector<Place>& places = result.meaning.arguments.emplace_back();
              places.push_back({2, index.back()});
              for (std::int64_t k = 0; k < src.back(); ++k) {
                Index row = index;
                row.back() = k;
                places.push_back({0, flat(src, row)});
                places.push_back({1, index.back() * weights[1] + k});
              }
            }
            result.meaning.formula = formula;
            result.meaning.regular = regular;
            return result;
          }};
}

/// x[0] + x[1] x[2] + x[3] x[4] + ...
template <class T>
T affine(X<T> x) {
  T total = x[0];
  for (std::size_t i = 1; i < x.size(); i += 2) total = total + x[i] * x[i + 1];
  return total;
}

Made linear_without_activation(Shapes in, Random&) {
  auto result = product(
      {"mk", "nk", "mn"}, "linear(#0, #1, #2)", [](In t) { return linear(t[0], t[1], t[2]); }, in);
  if (!result || in[2].rank() != 1 || in[2][0] != in[1][0]) return {};
  for (std::int64_t i = 0; i < count_of(result->shape); ++i)
    result->meaning.sum.push_back({.to = i, .a = {2, i % in[2][0]}});
  return result;
}

Made trace_kind(Shapes in, Random&) {
  if (in[0].rank() != 2) return {};
  Statement result{.shape = {}, .text = "trace(#0)", .run = [](In t) { return trace(t[0]); }};
  for (std::int64_t i = 0; i < std::min(in[0][0], in[0][1]); ++i)
    result.meaning.sum.push_back({.a = {0, i * in[0][1] + i}});
  return result;
}

}  // namespace

std::vector<Kind> product_kinds() {
  std::vector<Kind> result{{1, trace_kind}, {3, linear_without_activation}};
  const Run by_matmul = [](In t) { return matmul(t[0], t[1]); };
  for (const Product& of : std::vector<Product>{{"k", "k", ""},
                                                {"mk", "k", "m"},
                                                {"k", "kn", "n"},
                                                {"mk", "kn", "mn"},
                                                {"bmk", "kn", "bmn"},
                                                {"mk", "bkn", "bmn"},
                                                {"bmk", "bkn", "bmn"}})
    result.push_back(product_kind(of, "matmul(#0, #1)", by_matmul));
  result.push_back(product_kind({"m", "n", "mn"}, "outer(#0, #1)", [](In t) { return outer(t[0], t[1]); }));
  result.push_back(product_kind({"k", "k", ""}, "dot(#0, #1)", [](In t) { return dot(t[0], t[1]); }));
  for (const Product& of :
       std::vector<Product>{{"ij", "ij", "j"}, {"ij", "kj", "ki"}, {"ij", "jk", ""}, {"abc", "ac", "ba"}})
    result.push_back(einsum_kind(of));
  result.push_back(linear_kind(
      "relu", Activation::relu, []<class T>(X<T> x) -> T { return affine(x) > T(0.0) ? affine(x) : T(0.0); },
      [](X<double> x) { return std::fabs(affine(x)) > 0.01; }));
  result.push_back(linear_kind(
      "tanh", Activation::tanh, []<class T>(X<T> x) -> T { return tanh(affine(x)); },
      [](X<double> x) { return std::fabs(affine(x)) < 5; }));
  return result;
}

}  // namespace dagrad::random_dag
