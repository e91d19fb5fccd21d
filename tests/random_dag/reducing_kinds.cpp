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

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Which axes a reduction runs over, and the shape that results.
struct Choice {
  Axes axes;
  bool keepdim = false;
  Shape shape;                                 // of the result
  std::vector<std::vector<Place>> parts = {};  // of each of its elements
};

Choice choose(const Shape& shape, Random& random) {
  Choice choice{.axes = {}, .keepdim = random.chance(0.5), .shape = {}};
  Shape kept;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool reduced = random.chance(0.5);
    if (reduced) choice.axes.push_back(axis);
    kept.push_back(reduced ? 1 : shape[axis]);
    if (!reduced || choice.keepdim) choice.shape.push_back(kept[axis]);
  }
  if (choice.axes.empty()) {  // none named: all
    kept = Shape::filled(shape.rank(), 1);
    choice.shape = choice.keepdim ? kept : Shape();
  }
  choice.parts.resize(at(count_of(kept)));
  std::int64_t from = 0;
  for (const Index& index : indices(shape)) choice.parts[at(flat(kept, index))].push_back({0, from++});
  return choice;
}

using Reduce = Tensor (*)(const Tensor&, const Axes&, bool, Location);

Statement call(const char* name, Reduce reduce, const Choice& choice) {
  return {.shape = choice.shape,
          .text = fmt::format("{}(#0, {}, {})", name, braced(choice.axes), choice.keepdim),
          .run = [=, axes = choice.axes, keepdim = choice.keepdim](In t) {
            return reduce(t[0], axes, keepdim, Location::current());
          }};
}

template <bool kMean>
Made sum_kind(Shapes in, Random& random) {
  const Choice choice = choose(in[0], random);
  Statement result = call(kMean ? "mean" : "sum", kMean ? mean : sum, choice);
  for (std::size_t to = 0; to < choice.parts.size(); ++to) {
    if (kMean && choice.parts[to].empty()) return {};
    for (const Place& place : choice.parts[to])
      result.meaning.sum.push_back({.to = static_cast<std::int64_t>(to),
                                    .a = place,
                                    .factor = kMean ? 1 / static_cast<double>(choice.parts[to].size()) : 1});
  }
  return result;
}

Made max_kind(Shapes in, Random& random) {
  const Choice choice = choose(in[0], random);
  if (count_of(in[0]) == 0) return {};
  Statement result = call("max", max, choice);
  result.meaning.arguments = choice.parts;
  result.meaning.formula = []<class T>(X<T> x) -> T {
    T largest = x[0];
    for (const T& element : x) largest = element > largest ? element : largest;
    return largest;
  };
  result.meaning.regular = [](X<double> x) {
    const double largest = *std::max_element(x.begin(), x.end());
    return std::count_if(x.begin(), x.end(), [&](double element) { return element > largest - 0.01; }) == 1;
  };
  return result;
}

Made log_softmax_kind(Shapes in, Random& random) {
  const Shape& shape = in[0];
  if (shape.rank() == 0) return {};
  const int axis = static_cast<int>(random.below(shape.rank()));
  Statement result{.shape = shape, .text = fmt::format("log_softmax(#0, {})", axis), .run = [axis](In t) {
                     return log_softmax(t[0], axis);
                   }};
  std::int64_t own = 0;
  for (Index index : indices(shape)) {
    std::vector<Place>& places = result.meaning.arguments.emplace_back();
    places.push_back({0, own++});
    for (std::int64_t i = 0; i < shape[axis]; ++i) {
      index[at(axis)] = i;
      places.push_back({0, flat(shape, index)});
    }
  }
  result.meaning.formula = []<class T>(X<T> x) -> T {
    T total = 0.0;
    for (const T& element : x.subspan(1)) total = total + exp(element - x[0]);
    return -log(total);
  };
  result.meaning.regular = [](X<double> x) {
    const auto [least, most] = std::minmax_element(x.begin(), x.end());
    return *most - *least < 8;
  };
  return result;
}

Made mse_kind(Shapes in, Random&) {
  if (in[0] != in[1] || count_of(in[0]) == 0) return {};
  Statement result{.shape = {}, .text = "mse_loss(#0, #1)", .run = [](In t) { return mse_loss(t[0], t[1]); }};
  std::vector<Place>& pairs = result.meaning.arguments.emplace_back();
  for (std::int64_t i = 0; i < count_of(in[0]); ++i) {
    pairs.push_back({0, i});
    pairs.push_back({1, i});
  }
  result.meaning.formula = []<class T>(X<T> x) -> T {
    T total = 0.0;
    for (std::size_t i = 0; i < x.size(); i += 2) total = total + (x[i] - x[i + 1]) * (x[i] - x[i + 1]);
    return total / T(static_cast<double>(x.size() / 2));
  };
  return result;
}

}  // namespace

std::vector<Kind> reducing_kinds() {
  return {{1, sum_kind<false>}, {1, sum_kind<true>}, {1, max_kind}, {1, log_softmax_kind}, {2, mse_kind}};
}

}  // namespace dagrad::random_dag
