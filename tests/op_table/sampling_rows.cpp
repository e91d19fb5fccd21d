#include <algorithm>
#include <cmath>
#include <utility>

#include "dagrad/core/creation.h"
#include "dagrad/ops/sampling.h"
#include "op_table/families.h"

namespace dagrad::op_table {
namespace {

constexpr std::uint64_t kSeed = 11;

/// Number `i` of the stream in [0, 1), of 53 bits: two words, of which the second has the upper ones.
double uniform_number(std::int64_t i) {
  const auto block = Generator::block(kSeed, static_cast<std::uint64_t>(i / 2));
  const std::size_t first = i % 2 == 0 ? 0 : 2;
  const double upper = block[first + 1], lower = std::floor(static_cast<double>(block[first]) / 2048);
  return (upper * 2097152.0 + lower) / 9007199254740992.0;
}

Call bernoulli_call() {
  return [](std::span<const Tensor> in) {
    Generator generator(kSeed);
    return std::vector{bernoulli(in[0], generator)};
  };
}

Row bernoulli_row() {
  constexpr Domain probability{.low = 0, .high = 1};
  Row row{.name = "bernoulli", .formula = "1 with the probability src[p], else 0"};
  row.call = bernoulli_call();
  row.reference = [](std::span<const Array> in) {
    Array result(in[0].shape);
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(result.size()); ++i)
      result[i] = uniform_number(i) < in[0][i] ? 1 : 0;
    return Arrays{result};
  };
  row.orders = 0;
  row.samples = {{"scalar", {{{}, probability}}},
                 {"one", {{{1}, probability}}},
                 {"tail_67", {{{67}, probability}}},
                 {"3x5", {{{3, 5}, probability}}},
                 {"empty_0x3", {{{0, 3}, probability}}},
                 {"2x3x4x2", {{{2, 3, 4, 2}, probability}}},
                 {"threads_64x1031", {{{64, 1031}, probability}}}};
  row.edges = {{"never_and_always", {Array({4}, {0.0, 1, 1, 0})}, {Array({4}, {0.0, 1, 1, 0})}}};
  row.bad = {
      bad<UsageError>(
          "above_1",
          [] {
            bernoulli(tensor({{0.5, 1}, {1.5, 0}}));
          },
          "bernoulli: probability 1.5 at position [1, 0] (want 0 to 1)"),
      bad<UsageError>(
          "negative",
          [] {
            bernoulli(tensor({0, -0.25}));
          },
          "bernoulli: probability -0.25 at position [1] (want 0 to 1)"),
      bad<UsageError>(
          "nan", [] { bernoulli(tensor({std::nan("")})); }, "bernoulli: probability nan at position [0] (want 0 to 1)"),
      bad<DTypeError>(
          "integers", [] { bernoulli(zeros_of({2}, i64)); }, "bernoulli: i64 (want f32, bf16 or f64)")};
  for (const auto& [name, count] : {std::pair{"small", 64}, {"medium", 16 << 10}, {"large", 4 << 20}})
    row.benchmarks.push_back({{name, {{{count}, probability}}}});
  return row;
}

/// The class into whose part of the sum each number falls.
double any_of(const double* p, std::int64_t classes, double u) {
  double total = 0;
  for (std::int64_t c = 0; c < classes; ++c) total += p[c];
  double end = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    end += p[c];
    if (u * total < end) return static_cast<double>(c);
  }
  return -1;
}

Sample multinomial_sample(const char* name, const Shape& shape, std::int64_t count, bool replacement,
                          const Domain& domain = {.low = 0.125, .high = 4}) {
  Sample sample{name, {{shape, domain}}};
  sample.call = [=](std::span<const Tensor> in) {
    Generator generator(kSeed);
    return std::vector{multinomial(in[0], count, replacement, generator)};
  };
  sample.reference = [=](std::span<const Array> in) {
    Shape result_shape = shape;
    const std::int64_t classes = shape[shape.rank() - 1];
    result_shape[shape.rank() - 1] = count;
    Array result(result_shape);
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(result.size()); ++i) {
      const std::int64_t n = i / count, k = i % count;
      const double* const p = in[0].values.data() + n * classes;
      if (replacement) {
        result[i] = any_of(p, classes, uniform_number(i));
        continue;
      }
      // Who arrives as number k after exponential times: so many arrive earlier.
      const auto time = [&](std::int64_t c) { return -std::log(1 - uniform_number(n * classes + c)) / p[c]; };
      for (std::int64_t c = 0; c < classes; ++c) {
        std::int64_t earlier = 0;
        for (std::int64_t other = 0; other < classes; ++other) earlier += p[other] > 0 && time(other) < time(c) ? 1 : 0;
        if (p[c] > 0 && earlier == k) result[i] = static_cast<double>(c);
      }
    }
    return Arrays{result};
  };
  return sample;
}

Row multinomial_row() {
  constexpr Domain some_zeros{.low = 0, .high = 2, .integers = true};
  Row row{.name = "multinomial", .formula = "class c with probability src[n, c] / sum, anew or from those left"};
  row.orders = 0;
  row.result_type = [](DType) { return i64; };
  row.samples = {multinomial_sample("5_of_7", {7}, 5, false),
                 multinomial_sample("all_of_3x7", {3, 7}, 7, false),
                 multinomial_sample("replacement_9_of_7", {7}, 9, true),
                 multinomial_sample("replacement_4_of_3x5", {3, 5}, 4, true),
                 multinomial_sample("one_class", {2, 1}, 1, false),
                 multinomial_sample("zeros_among_33", {33}, 4, false, some_zeros),
                 multinomial_sample("replacement_zeros_among_33", {33}, 20, true, some_zeros),
                 multinomial_sample("no_rows_0x3", {0, 3}, 2, false),
                 multinomial_sample("threads_300x37", {300, 37}, 3, false),
                 multinomial_sample("replacement_threads_300x37", {300, 37}, 40, true)};
  row.bad = {
      bad<UsageError>(
          "negative",
          [] {
            multinomial(tensor({{1, 0}, {1, -2}}), 1);
          },
          "multinomial: probability -2 at position [1, 1] (want finite numbers of at least 0)"),
      bad<UsageError>(
          "nan",
          [] {
            multinomial(tensor({1, std::nan("")}), 1);
          },
          "multinomial: probability nan at position [1] (want finite numbers of at least 0)"),
      bad<UsageError>(
          "infinite",
          [] {
            multinomial(tensor({kInf, 1}), 1, true);
          },
          "multinomial: probability inf at position [0] (want finite numbers of at least 0)"),
      bad<UsageError>(
          "row_of_zeros",
          [] {
            multinomial(tensor({{1, 0}, {0, 0}}), 1, true);
          },
          "multinomial: row 1 is all 0 (want a class of more than 0)"),
      bad<UsageError>(
          "no_classes", [] { multinomial(zeros_of({0}), 1); },
          "multinomial: row 0 is all 0 (want a class of more than 0)"),
      bad<UsageError>(
          "too_many",
          [] {
            multinomial(tensor({1, 0, 2}), 3);
          },
          "multinomial: 3 draws without replacement from row 0, where 2 of 3 classes are more than 0 (want at most so "
          "many draws)"),
      bad<UsageError>(
          "nothing",
          [] {
            multinomial(tensor({1, 2}), 0);
          },
          "multinomial: count is 0 (want at least 1)"),
      bad<ShapeError>(
          "scalar", [] { multinomial(zeros_of({}), 1); }, "multinomial: probabilities are [] (want [C] or [N, C])"),
      bad<DTypeError>(
          "integers", [] { multinomial(zeros_of({2}, i64), 1); }, "multinomial: i64 (want f32, bf16 or f64)")};
  row.benchmarks = {{multinomial_sample("small", {16}, 4, false)},
                    {multinomial_sample("medium", {128, 100}, 10, false)},
                    {multinomial_sample("large", {1024, 1000}, 10, true)}};
  return row;
}

}  // namespace

std::vector<Row> sampling_rows() { return {bernoulli_row(), multinomial_row()}; }

}  // namespace dagrad::op_table
