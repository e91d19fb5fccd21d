#include <algorithm>
#include <array>

#include "dagrad/ops/einsum.h"
#include "dagrad/ops/product.h"
#include "op_table/op_table.h"

namespace dagrad::op_table {
namespace {

/// The sum of products over all values of the labels of `terms`, each of which names the axes of one input.
Array sum_of_products(std::span<const Array> in, const std::vector<std::string>& terms, const std::string& output) {
  std::string labels = output;
  std::array<std::int64_t, 128> sizes{};
  for (std::size_t k = 0; k < terms.size(); ++k) {
    for (std::size_t axis = 0; axis < terms[k].size(); ++axis) {
      const char c = terms[k][axis];
      if (labels.find(c) == std::string::npos) labels.push_back(c);
      std::int64_t& size = sizes[static_cast<unsigned char>(c)];
      const std::int64_t here = in[k].shape[static_cast<int>(axis)];
      if (size == 0 || size == 1) size = here;
    }
  }
  // Not a Shape: there may be more labels than a tensor has axes.
  std::vector<std::int64_t> ends, index(labels.size(), 0);
  std::int64_t count = 1;
  for (const char c : labels) {
    ends.push_back(sizes[static_cast<unsigned char>(c)]);
    count *= ends.back();
  }
  const auto at = [&](const std::string& term) {
    Index result;
    for (const char c : term) result.push_back(index[labels.find(c)]);
    return result;
  };
  Shape shape;
  for (const char c : output) shape.push_back(sizes[static_cast<unsigned char>(c)]);
  Array result(shape);
  for (std::int64_t n = 0; n < count; ++n) {
    double product = 1;
    for (std::size_t k = 0; k < terms.size(); ++k) product *= in[k][flat(in[k].shape, at(terms[k]))];
    result[flat(shape, at(output))] += product;
    for (std::size_t d = labels.size(); d-- > 0;) {
      if (++index[d] < ends[d]) break;
      index[d] = 0;
    }
  }
  return result;
}

/// A sample of `call` on inputs of `shapes`, which gives the products that `terms` and `output` name.
Sample product_sample(const char* name, const std::vector<Shape>& shapes, const std::vector<std::string>& terms,
                      const std::string& output) {
  Sample sample{name, {}};
  for (const Shape& shape : shapes) sample.inputs.push_back({shape});
  sample.reference = [=](std::span<const Array> in) { return Arrays{sum_of_products(in, terms, output)}; };
  // Each sum has a term for each value of the labels that are not in the result, and a product rounds once a factor.
  // An operand's labels bound both: its elements are no fewer than the values of the labels.
  double terms_of_sum = static_cast<double>(shapes.size());
  for (const Shape& shape : shapes) terms_of_sum += static_cast<double>(std::max<std::int64_t>(count_of(shape), 1));
  sample.roundings = sample.gradient_roundings = terms_of_sum;
  return sample;
}

Row product_row(const char* name, const char* formula) {
  Row row{.name = name, .formula = formula, .composite = true};
  row.terms = at_absolute_values;
  row.gradient_terms = gradients_at_absolute_values;
  row.exact_on_integers = true;
  return row;
}

Row bmm_row() {
  Row row = product_row("bmm", "dst[b] = a[b] @ b[b]");
  row.primitive = "matmul";
  row.call = call2(bmm);
  const auto sample = [](const char* name, const Shape& a, const Shape& b) {
    return product_sample(name, {a, b}, {"bij", "bjk"}, "bik");
  };
  row.samples = {sample("2x3x4_2x4x5", {2, 3, 4}, {2, 4, 5}), sample("one_1x1x1_1x1x1", {1, 1, 1}, {1, 1, 1}),
                 sample("empty_0x2x3_0x3x2", {0, 2, 3}, {0, 3, 2}), sample("tail_3x17x9_3x9x5", {3, 17, 9}, {3, 9, 5})};
  row.bad = {bad<ShapeError>(
                 "batches",
                 [] {
                   bmm(zeros_of({1, 2, 3}), zeros_of({2, 3, 4}));
                 },
                 "bmm: the operands are [1, 2, 3] and [2, 3, 4] (want [B, M, K] and [B, K, N])"),
             bad<ShapeError>(
                 "dimensions",
                 [] {
                   bmm(zeros_of({2, 3}), zeros_of({3, 4}));
                 },
                 "bmm: the operands are [2, 3] and [3, 4] (want [B, M, K] and [B, K, N])")};
  row.benchmarks = {{sample("small", {4, 4, 8}, {4, 8, 4})},
                    {sample("medium", {16, 32, 32}, {16, 32, 32})},
                    {sample("large", {64, 128, 64}, {64, 64, 128}), 2.0 * 64 * 128 * 64 * 128}};
  return row;
}

Row mv_row() {
  Row row = product_row("mv", "dst[i] = sum over k of matrix[i, k] vector[k]");
  row.call = call2(mv);
  const auto sample = [](const char* name, std::int64_t rows, std::int64_t inner) {
    return product_sample(name, {{rows, inner}, {inner}}, {"ij", "j"}, "i");
  };
  row.samples = {sample("5x7", 5, 7),
                 sample("one_1x1", 1, 1),
                 sample("no_rows_0x3", 0, 3),
                 sample("nothing_3x0", 3, 0),
                 sample("tail_67x129", 67, 129),
                 sample("columns_9x300", 9, 300),
                 sample("threads_300x601", 300, 601)};
  row.bad = {bad<ShapeError>(
                 "sizes",
                 [] {
                   mv(zeros_of({2, 3}), zeros_of({2}));
                 },
                 "mv: the operands are [2, 3] and [2] (want [M, K] and [K])"),
             bad<ShapeError>(
                 "dimensions", [] { mv(zeros_of({3}), zeros_of({3})); },
                 "mv: the operands are [3] and [3] (want [M, K] and [K])")};
  row.benchmarks = {{sample("small", 8, 8)}, {sample("medium", 128, 128)}, {sample("large", 2048, 2048)}};
  return row;
}

Row dot_row() {
  Row row = product_row("dot", "sum of a[i] b[i]");
  row.composite = false;
  row.takes_i64 = true;
  row.call = call2(dot);
  const auto sample = [](const char* name, std::int64_t n) { return product_sample(name, {{n}, {n}}, {"i", "i"}, ""); };
  row.samples = {sample("17", 17), sample("one_1", 1), sample("nothing_0", 0), sample("large_4099", 4099),
                 sample("threads_200003", 200003)};
  row.bad = {bad<ShapeError>(
                 "sizes", [] { dot(zeros_of({2}), zeros_of({3})); },
                 "dot: the operands are [2] and [3] (want two vectors of one length)"),
             bad<ShapeError>(
                 "dimensions",
                 [] {
                   dot(zeros_of({2, 2}), zeros_of({2}));
                 },
                 "dot: the operands are [2, 2] and [2] (want two vectors of one length)")};
  row.edges = {{"sum_of_nothing_is_0", {Array({0}), Array({0})}, {Array(Shape{})}}};
  row.benchmarks = {{sample("small", 64)}, {sample("medium", 16 << 10)}, {sample("large", 4 << 20)}};
  return row;
}

Row outer_row() {
  Row row = product_row("outer", "dst[i, j] = a[i] b[j]");
  row.takes_i64 = true;
  row.call = call2(outer);
  const auto sample = [](const char* name, std::int64_t n, std::int64_t m) {
    return product_sample(name, {{n}, {m}}, {"i", "j"}, "ij");
  };
  row.samples = {sample("5_7", 5, 7), sample("one_1_1", 1, 1), sample("nothing_0_3", 0, 3),
                 sample("tail_67_129", 67, 129)};
  row.bad = {bad<ShapeError>(
      "dimensions",
      [] {
        outer(zeros_of({2, 2}), zeros_of({2}));
      },
      "outer: the operands are [2, 2] and [2] (want two vectors)")};
  row.benchmarks = {{sample("small", 8, 8)}, {sample("medium", 128, 128)}, {sample("large", 2048, 2048)}};
  return row;
}

/// A sample of einsum; where `subscripts` has dots, `terms` and `output` say what they stand for.
Sample einsum_sample(const char* name, const char* subscripts, const std::vector<Shape>& shapes,
                     const std::vector<std::string>& terms, const std::string& output) {
  Sample sample = product_sample(name, shapes, terms, output);
  sample.call = [text = std::string(subscripts)](std::span<const Tensor> in) {
    return std::vector{einsum(text, {in.begin(), in.end()})};
  };
  return sample;
}

Bad bad_einsum(const char* name, const char* subscripts, const std::vector<Shape>& shapes, const char* message) {
  return bad<ShapeError>(
      name,
      [=] {
        std::vector<Tensor> operands;
        operands.reserve(shapes.size());
        for (const Shape& shape : shapes) operands.push_back(zeros_of(shape));
        einsum(subscripts, operands);
      },
      message);
}

Row einsum_row() {
  Row row = product_row("einsum", "sums of products of elements whose axes share a letter");
  row.primitive = "matmul";
  row.bf16_roundings = 3;  // an intermediate result, and the sum of an operand before it
  const auto& sample = einsum_sample;
  row.samples = {sample("copy", "ij->ij", {{3, 4}}, {"ij"}, "ij"),
                 sample("transpose", "ij->ji", {{3, 4}}, {"ij"}, "ji"),
                 sample("transpose_implicit", "ba", {{3, 4}}, {"ba"}, "ab"),
                 sample("capitals_come_first", "aB", {{3, 4}}, {"aB"}, "Ba"),
                 sample("sum_all", "ij->", {{3, 5}}, {"ij"}, ""),
                 sample("sum_columns", "ij -> i", {{3, 5}}, {"ij"}, "i"),
                 sample("diagonal", "ii->i", {{5, 5}}, {"ii"}, "i"),
                 sample("trace", "ii", {{5, 5}}, {"ii"}, ""),
                 sample("diagonals_of_batch", "iji->ji", {{3, 4, 3}}, {"iji"}, "ji"),
                 sample("triple_diagonal", "iii->i", {{3, 3, 3}}, {"iii"}, "i"),
                 sample("scalars", ",->", {{}, {}}, {"", ""}, ""),
                 sample("scaled", ",ij->ij", {{}, {3, 4}}, {"", "ij"}, "ij"),
                 sample("dot", "i,i->", {{7}, {7}}, {"i", "i"}, ""),
                 sample("outer", "i,j->ij", {{3}, {5}}, {"i", "j"}, "ij"),
                 sample("outer_turned", "i,j->ji", {{3}, {5}}, {"i", "j"}, "ji"),
                 sample("elementwise", "ij,ij->ij", {{3, 4}, {3, 4}}, {"ij", "ij"}, "ij"),
                 sample("rows_of_products", "ij,ij->i", {{3, 4}, {3, 4}}, {"ij", "ij"}, "i"),
                 sample("matmul", "ij,jk->ik", {{3, 7}, {7, 5}}, {"ij", "jk"}, "ik"),
                 sample("matmul_implicit", "ij,jk", {{3, 7}, {7, 5}}, {"ij", "jk"}, "ik"),
                 sample("matmul_turned", "ji,jk->ki", {{7, 3}, {7, 5}}, {"ji", "jk"}, "ki"),
                 sample("sums_beside_the_product", "ijl,jkm->ik", {{3, 2, 4}, {2, 5, 2}}, {"ijl", "jkm"}, "ik"),
                 sample("batch", "bij,bjk->bik", {{2, 3, 4}, {2, 4, 5}}, {"bij", "bjk"}, "bik"),
                 sample("batch_in_the_middle", "ibj,bjk->kib", {{3, 2, 4}, {2, 4, 5}}, {"ibj", "bjk"}, "kib"),
                 sample("attention", "bqhd,bkhd->bhqk", {{2, 3, 2, 3}, {2, 4, 2, 3}}, {"bqhd", "bkhd"}, "bhqk"),
                 sample("two_inner", "ijk,kjl->il", {{3, 2, 4}, {4, 2, 3}}, {"ijk", "kjl"}, "il"),
                 sample("bilinear", "ni,kij,nj->nk", {{2, 3}, {4, 3, 5}, {2, 5}}, {"ni", "kij", "nj"}, "nk"),
                 sample("chain", "ij,jk,kl->il", {{2, 7}, {7, 3}, {3, 4}}, {"ij", "jk", "kl"}, "il"),
                 sample("diagonal_times", "ii,i->i", {{4, 4}, {4}}, {"ii", "i"}, "i"),
                 sample("twice_the_same_axis", "i,i,i->", {{5}, {5}, {5}}, {"i", "i", "i"}, ""),
                 sample("dots", "...ij->...ji", {{2, 3, 4}}, {"zij"}, "zji"),
                 sample("dots_batch", "...ij,...jk->...ik", {{2, 3, 4}, {2, 4, 5}}, {"zij", "zjk"}, "zik"),
                 sample("dots_broadcast", "...ij,...j", {{3, 1, 2, 4}, {2, 4}}, {"yzij", "zj"}, "yzi"),
                 sample("dots_behind", "i...,j...->ij...", {{2, 3}, {4, 3}}, {"iz", "jz"}, "ijz"),
                 sample("dots_summed", "...i->i", {{2, 3, 4}}, {"yzi"}, "i"),
                 sample("dots_of_nothing", "...i,i->...", {{4}, {4}}, {"i", "i"}, ""),
                 sample("broadcast_1", "ij,ij->ij", {{3, 1}, {3, 4}}, {"ij", "ij"}, "ij"),
                 sample("broadcast_1_inner", "ij,jk->ik", {{3, 1}, {4, 5}}, {"ij", "jk"}, "ik"),
                 sample("empty_inner", "ij,jk->ik", {{3, 0}, {0, 2}}, {"ij", "jk"}, "ik"),
                 sample("empty_rows", "ij,jk->ik", {{0, 3}, {3, 2}}, {"ij", "jk"}, "ik"),
                 sample("one", "ij,jk->ik", {{1, 1}, {1, 1}}, {"ij", "jk"}, "ik"),
                 sample("large", "bqhd,bkhd->bhqk", {{2, 33, 3, 17}, {2, 29, 3, 17}}, {"bqhd", "bkhd"}, "bhqk")};
  row.bad = {
      bad_einsum("terms", "ij,jk->ik", {{2, 3}}, "einsum: 'ij,jk->ik' has 2 terms for 1 operands (want one each)"),
      bad_einsum("dimensions", "ij,jk->ik", {{2, 3, 4}, {4, 5}},
                 "einsum: 'ij' of 'ij,jk->ik' for operand 0, which is [2, 3, 4] (want 2 dimensions)"),
      bad_einsum("dimensions_with_dots", "ij...->ij", {{2}},
                 "einsum: 'ij...' of 'ij...->ij' for operand 0, which is [2] (want at least 2 dimensions)"),
      bad_einsum("sizes", "ij, jk -> ik", {{2, 3}, {4, 5}},
                 "einsum: 'j' of 'ij,jk->ik' is 3 in operand 0 and 4 in operand 1 (want one size, or 1)"),
      bad_einsum("sizes_of_dots", "...i,...i", {{2, 3}, {4, 3}},
                 "einsum: '...' of '...i,...i' is 2 in operand 0 and 4 in operand 1 (want one size, or 1)"),
      bad_einsum("diagonal", "ii->i", {{2, 3}},
                 "einsum: 'i' of 'ii->i' is both 2 and 3 in operand 0, which is [2, 3] (want one size)"),
      bad_einsum("character", "i1,j", {{2, 3}, {2}}, "einsum: '1' in 'i1,j' (want letters, '...', ',' and '->')"),
      bad_einsum("two_dots", "..i->i", {{2}}, "einsum: '.' in '..i->i' (want letters, '...', ',' and '->')"),
      bad_einsum("unknown", "ij->ik", {{2, 3}}, "einsum: 'k' in the result of 'ij->ik' (want labels of the operands)"),
      bad_einsum("twice", "ij->ii", {{2, 3}},
                 "einsum: 'i' stands twice in the result of 'ij->ii' (want each label once)"),
      bad_einsum("too_many_axes", "abcde,fghij->abcdefghij", {{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}},
                 "einsum: 'abcde,fghij->abcdefghij' needs an intermediate result of 10 dimensions (want at most 8)"),
      bad<UsageError>(
          "none", [] { einsum("", {}); }, "einsum: no operands (want at least one)"),
      bad<DTypeError>(
          "types",
          [] {
            einsum("i,i", {zeros_of({2}), zeros_of({2}, f64)});
          },
          "einsum: element types differ in 'i,i': operand 0 is f32, operand 1 is f64 (want one type; cast with to())"),
      bad<DTypeError>(
          "i64",
          [] {
            einsum("i,i", {zeros_of({2}, i64), zeros_of({2}, i64)});
          },
          "einsum: 'i,i' of i64 (want f32, bf16 or f64)")};
  row.benchmarks = {{sample("small", "ij,jk->ik", {{8, 8}, {8, 8}}, {"ij", "jk"}, "ik")},
                    {sample("medium", "bqhd,bkhd->bhqk", {{2, 32, 4, 16}, {2, 32, 4, 16}}, {"bqhd", "bkhd"}, "bhqk"),
                     2.0 * 2 * 4 * 32 * 32 * 16},
                    {sample("large", "bqhd,bkhd->bhqk", {{8, 128, 8, 64}, {8, 128, 8, 64}}, {"bqhd", "bkhd"}, "bhqk"),
                     2.0 * 8 * 8 * 128 * 128 * 64}};
  return row;
}

}  // namespace

std::vector<Row> product_rows() { return {bmm_row(), mv_row(), dot_row(), outer_row(), einsum_row()}; }

}  // namespace dagrad::op_table
