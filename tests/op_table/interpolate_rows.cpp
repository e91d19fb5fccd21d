#include <algorithm>
#include <cmath>

#include "dagrad/ops/interpolate.h"
#include "op_table/families.h"

namespace dagrad::op_table {
namespace {

using Mode = InterpolateMode;

/// A source [N, C, spatial...] with new sizes, one for each spatial axis, or factors.
struct Case {
  const char* name;
  Shape src;
  Index size = {};
  std::vector<double> factors = {};
  Mode mode = Mode::nearest;
  bool align_corners = false, recompute = false;

  int axes() const { return src.rank() - 2; }
  double factor(int axis) const { return factors.size() == 1 ? factors[0] : factors[static_cast<std::size_t>(axis)]; }
  std::int64_t result_size(int axis) const {
    if (!size.empty()) return size[static_cast<std::size_t>(axis)];
    return static_cast<std::int64_t>(std::floor(static_cast<double>(src[2 + axis]) * factor(axis)));
  }
  Shape result() const {
    Shape shape{src[0], src[1]};
    for (int axis = 0; axis < axes(); ++axis) shape.push_back(result_size(axis));
    return shape;
  }

  InterpolateOptions options() const {
    InterpolateOptions result{.scale_factor = factors, .mode = mode, .align_corners = align_corners};
    result.recompute_scale_factor = recompute;
    if (size.size() == 1) result.size = PerAxis{size[0]};
    if (size.size() == 2) result.size = PerAxis{size[0], size[1]};
    if (size.size() == 3) result.size = PerAxis{size[0], size[1], size[2]};
    return result;
  }

  /// How much of element `s` of an axis is in element `p` of the result: linear modes weigh by a tent of width 1 around
  /// the place of p, which is held to the axis.
  double weight(int axis, std::int64_t p, std::int64_t s) const {
    const auto in = static_cast<double>(src[2 + axis]), out = static_cast<double>(result_size(axis));
    const double ratio = size.empty() && !recompute ? 1 / factor(axis) : in / out;
    const auto at = static_cast<double>(p), here = static_cast<double>(s);
    constexpr double kTiny = 1e-9;  // the ratio is rounded: places that are whole are not to fall short
    if (mode == Mode::nearest) return here == std::min(std::floor(at * ratio + kTiny), in - 1) ? 1 : 0;
    if (mode == Mode::nearest_exact) return here == std::min(std::floor((at + 0.5) * ratio + kTiny), in - 1) ? 1 : 0;
    const double corners = out > 1 ? at * (in - 1) / (out - 1) : 0;
    const double place = std::clamp(align_corners ? corners : (at + 0.5) * ratio - 0.5, 0.0, in - 1);
    return std::max(0.0, 1 - std::fabs(place - here));
  }
};

Sample sample_of(const Case& c) {
  Sample sample{c.name, {{c.src}}};
  sample.call = [c](std::span<const Tensor> in) { return std::vector{interpolate(in[0], c.options())}; };
  sample.reference = [c](std::span<const Array> in) {
    Array result(c.result());
    Shape volume = c.src, results = result.shape;
    for (int axis = 0; axis < 2; ++axis) volume[axis] = results[axis] = 1;
    const std::int64_t planes = c.src[0] * c.src[1], elements = count_of(volume), places = count_of(results);
    std::int64_t p = 0;
    for (const Index& to : indices(results)) {
      std::int64_t s = 0;
      for (const Index& from : indices(volume)) {
        double weight = 1;
        for (int axis = 0; axis < c.axes() && weight != 0; ++axis) {
          const auto k = static_cast<std::size_t>(axis + 2);
          weight *= c.weight(axis, to[k], from[k]);
        }
        for (std::int64_t plane = 0; weight != 0 && plane < planes; ++plane)
          result[plane * places + p] += weight * in[0][plane * elements + s];
        ++s;
      }
      ++p;
    }
    return Arrays{result};
  };
  return sample;
}

/// The largest element of the source everywhere: what is wrong with a place between two elements, some roundings of the
/// size, is wrong with the weights of both.
Arrays largest_source(const Sample& sample, std::span<const Array> in) {
  Array terms(sample.reference(in)[0].shape);
  double most = 0;
  for (const double x : in[0].values) most = std::isfinite(x) ? std::max(most, std::fabs(x)) : most;
  std::fill(terms.values.begin(), terms.values.end(), most);
  return {terms};
}

Row row_of(const char* name, const char* formula, const std::vector<Case>& cases) {
  Row row{.name = name, .formula = formula, .covers = {"interpolate", "interpolate_backward"}};
  row.gradient_terms = gradients_by_largest;
  row.nonzero_gradients = 0.1;
  for (const Case& c : cases) row.samples.push_back(sample_of(c));
  return row;
}

Row nearest_row() {
  Row row = row_of("interpolate", "dst[n, c, p, q] = src[n, c, floor(p r), floor(q r)] with r = in / out",
                   {{"line_2x2x5_to_8", {2, 2, 5}, {8}},
                    {"plane_1x2x3x4_by_2", {1, 2, 3, 4}, {}, {2}},
                    {"smaller_1x2x5x7_to_2x3", {1, 2, 5, 7}, {2, 3}},
                    {"by_factors_2x1x4x5", {2, 1, 4, 5}, {}, {1.5, 0.6}},
                    {"recomputed_1x2x3x3", {1, 2, 3, 3}, {}, {1.7}, Mode::nearest, false, true},
                    {"whole_places_1x1x2_to_98", {1, 1, 2}, {98}},
                    {"volume_1x2x2x3x2_to_3x2x5", {1, 2, 2, 3, 2}, {3, 2, 5}},
                    {"exact_1x2x3x5_to_4x2", {1, 2, 3, 5}, {4, 2}, {}, Mode::nearest_exact},
                    {"exact_by_factor_2x1x5", {2, 1, 5}, {}, {1.6}, Mode::nearest_exact},
                    {"empty_batch_0x2x3_to_5", {0, 2, 3}, {5}},
                    {"no_channels_2x0x3x3_by_2", {2, 0, 3, 3}, {}, {2}},
                    {"tail_2x17x5x7_by_2", {2, 17, 5, 7}, {}, {2}},
                    {"threads_4x8x32x32_by_2", {4, 8, 32, 32}, {}, {2}}});
  row.gradient_roundings = 64;  // of elements that are taken so often
  row.exact_on_integers = true;
  row.edges = {{"nan_and_infinities_stay_where_they_are",
                {Array({1, 1, 3}, {kNan, 1, kInf})},
                {Array({1, 1, 6}, {kNan, kNan, 1, 1, kInf, kInf})},
                {Array({1, 1, 3}, 2)}}};
  row.edges[0].call = [](std::span<const Tensor> in) { return std::vector{interpolate(in[0], {.size = 6})}; };
  row.bad = {bad<ShapeError>(
                 "dimensions",
                 [] {
                   interpolate(zeros_of({4, 4}), {.size = 2});
                 },
                 "interpolate: src is [4, 4] with mode nearest (want [N, C, 1 to 3 spatial sizes])"),
             bad<ShapeError>(
                 "nothing",
                 [] {
                   interpolate(zeros_of({1, 1, 0}), {.size = 2});
                 },
                 "interpolate: src is [1, 1, 0] (want spatial sizes of at least 1)"),
             bad<DTypeError>(
                 "integers",
                 [] {
                   interpolate(zeros_of({1, 1, 2}, i64), {.size = 2});
                 },
                 "interpolate: i64 (want f32, bf16 or f64)"),
             bad<UsageError>(
                 "no_size",
                 [] {
                   interpolate(zeros_of({1, 1, 2}), {});
                 },
                 "interpolate: neither size nor scale_factor (want one of the two)"),
             bad<UsageError>(
                 "two_sizes",
                 [] {
                   interpolate(zeros_of({1, 1, 2}), {.size = 2, .scale_factor = {2}});
                 },
                 "interpolate: size and scale_factor (want one of the two)"),
             bad<UsageError>(
                 "size_0",
                 [] {
                   interpolate(zeros_of({1, 1, 2}), {.size = 0});
                 },
                 "interpolate: size is 0 (want at least 1)"),
             bad<UsageError>(
                 "small_factor",
                 [] {
                   interpolate(zeros_of({1, 1, 2}), {.scale_factor = {0.25}});
                 },
                 "interpolate: scale_factor 0.25 of the 2 along spatial axis 0 (want 1 to 2^31 - 1 elements)"),
             bad<UsageError>(
                 "nan_factor",
                 [] {
                   interpolate(zeros_of({1, 1, 2}), {.scale_factor = {kNan}});
                 },
                 "interpolate: scale_factor nan of the 2 along spatial axis 0 (want 1 to 2^31 - 1 elements)"),
             bad<UsageError>(
                 "too_many_factors",
                 [] {
                   interpolate(zeros_of({1, 1, 2, 2}), {.scale_factor = {2, 2, 2}});
                 },
                 "interpolate: 3 scale factors for 2 spatial axes (want 1 or 2)"),
             bad<UsageError>(
                 "align_corners",
                 [] {
                   interpolate(zeros_of({1, 1, 2}), {.size = 2, .align_corners = true});
                 },
                 "interpolate: align_corners with mode nearest (want linear, bilinear or trilinear)")};
  row.benchmarks = {{sample_of({"small", {1, 8, 8, 8}, {}, {2}})},
                    {sample_of({"medium", {8, 16, 28, 28}, {}, {2}})},
                    {sample_of({"large", {16, 64, 28, 28}, {}, {2}})}};
  return row;
}

Row linear_row() {
  constexpr Mode line = Mode::linear, plane = Mode::bilinear, volume = Mode::trilinear;
  Row row = row_of("interpolate_linear",
                   "dst[n, c, p, q] = between the four elements of src[n, c] around ((p + 1/2) r - 1/2, (q + 1/2) r - "
                   "1/2) with r = in / out, weighted by how near they are along each axis",
                   {{"line_2x2x5_to_8", {2, 2, 5}, {8}, {}, line},
                    {"line_aligned_2x2x5_to_9", {2, 2, 5}, {9}, {}, line, true},
                    {"plane_1x2x3x4_by_2", {1, 2, 3, 4}, {}, {2}, plane},
                    {"aligned_1x2x3x4_to_5x6", {1, 2, 3, 4}, {5, 6}, {}, plane, true},
                    {"smaller_1x2x5x7_to_2x3", {1, 2, 5, 7}, {2, 3}, {}, plane},
                    {"smaller_aligned_1x2x5x7_to_2x3", {1, 2, 5, 7}, {2, 3}, {}, plane, true},
                    {"aligned_to_one_1x2x3x3_to_1x2", {1, 2, 3, 3}, {1, 2}, {}, plane, true},
                    {"one_element_2x2x1x1_to_3x2", {2, 2, 1, 1}, {3, 2}, {}, plane},
                    {"by_factors_2x1x4x5", {2, 1, 4, 5}, {}, {1.7, 0.6}, plane},
                    {"recomputed_1x2x3x3", {1, 2, 3, 3}, {}, {1.7}, plane, false, true},
                    {"same_size_1x1x3x4", {1, 1, 3, 4}, {3, 4}, {}, plane},
                    {"volume_1x2x2x3x2_to_3x2x5", {1, 2, 2, 3, 2}, {3, 2, 5}, {}, volume},
                    {"volume_aligned_1x2x2x3x2_by_2", {1, 2, 2, 3, 2}, {}, {2}, volume, true},
                    {"empty_batch_0x2x3x3_to_5x5", {0, 2, 3, 3}, {5, 5}, {}, plane},
                    {"no_channels_2x0x3x3_by_2", {2, 0, 3, 3}, {}, {2}, plane},
                    {"tail_2x17x5x7_by_2", {2, 17, 5, 7}, {}, {2}, plane},
                    {"threads_4x8x32x32_by_2", {4, 8, 32, 32}, {}, {2}, plane}});
  row.terms = largest_source;
  row.inexact = "weights of thirds are rounded";
  // Two weights are rounded and multiplied, and at most eight terms added; a place is off by up to three roundings of
  // its size (33 at most) along each axis.
  row.roundings = 12 + 3 * 3 * 33;
  row.gradient_roundings = row.roundings + 64;  // and as many results as an element is part of
  row.edges = {{"what_has_no_weight_has_no_part",
                {Array({1, 1, 3}, {1, kNan, 3})},
                {Array({1, 1, 2}, {1.0, 3})},
                {Array({1, 1, 3}, {1.0, 0, 1})}}};
  row.edges[0].call = [](std::span<const Tensor> in) {
    return std::vector{interpolate(in[0], {.size = 2, .mode = Mode::linear, .align_corners = true})};
  };
  row.bad = {bad<ShapeError>(
                 "volume",
                 [] {
                   interpolate(zeros_of({1, 1, 2, 2, 2}), {.size = 2, .mode = Mode::bilinear});
                 },
                 "interpolate: src is [1, 1, 2, 2, 2] with mode bilinear (want [N, C, 2 spatial sizes])"),
             bad<UsageError>(
                 "sizes",
                 [] {
                   interpolate(zeros_of({1, 1, 2, 2}), {.size = PerAxis{2, 2, 2}, .mode = Mode::bilinear});
                 },
                 "interpolate: size has 3 numbers (want 1 or 2)")};
  row.benchmarks = {{sample_of({"small", {1, 8, 8, 8}, {}, {2}, plane})},
                    {sample_of({"medium", {8, 16, 28, 28}, {}, {2}, plane})},
                    {sample_of({"large", {16, 64, 28, 28}, {}, {2}, plane})}};
  return row;
}

}  // namespace

std::vector<Row> interpolate_rows() { return {nearest_row(), linear_row()}; }

}  // namespace dagrad::op_table
