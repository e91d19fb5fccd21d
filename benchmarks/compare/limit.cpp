#include "compare/limit.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <tuple>

#include "compare/clock.h"
#include "compare/raw_primitive.h"
#include "dagrad/core/denormals.h"
#include "dagrad/core/parallel.h"
#include "workloads/moving.h"

namespace dagrad::compare {
namespace {

using workloads::ConvolutionWork;
using workloads::LinearWork;
using workloads::ProductWork;
using workloads::Work;
using Descriptor = dnnl::memory::desc;
using Dims = dnnl::memory::dims;
using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;

constexpr int kRounds = 5;
constexpr double kRoundSeconds = 0.004;

/// A limit is what can be had, so of several rounds the shortest counts.
template <class F>
double shortest(const F& work) {
  const std::vector<double> seconds = time_rounds(work, kRounds, kRoundSeconds);
  return *std::min_element(seconds.begin(), seconds.end());
}

/// Makes a primitive. Called again for each number of threads, for which oneDNN makes another.
using Maker = std::function<RawPrimitive()>;

/// The time of the fastest of `makers` on 1 to `threads` threads.
double fastest(const std::vector<Maker>& makers, int threads) {
  double best = std::numeric_limits<double>::infinity();
  for (int t = 1; t <= threads; ++t) {
    set_num_threads(t);
    for (const Maker& make : makers) {
      try {
        RawPrimitive primitive = make();
        best = std::min(best, shortest(primitive));
      } catch (const dnnl::error& error) {
        if (error.status != dnnl_unimplemented) throw;  // for these types and sizes
      }
    }
  }
  return best;
}

Type type_of(DType dtype) { return dtype == bf16 ? Type::bf16 : Type::f32; }

Maker product(const Dims& a, const Dims& b, Type type, Tag tag_a, Tag tag_b) {
  return [=] {
    const Descriptor dst({a[0], b[1]}, type, Tag::ab);
    const dnnl::matmul::primitive_desc pd({{a, type, tag_a}, {b, type, tag_b}, dst}, engine());
    return RawPrimitive(
        dnnl::matmul(pd),
        {{DNNL_ARG_SRC, pd.src_desc()}, {DNNL_ARG_WEIGHTS, pd.weights_desc()}, {DNNL_ARG_DST, pd.dst_desc()}});
  };
}

/// The product of [rows, inner] and [inner, columns] with each operand in either order, or as it pleases.
std::vector<Maker> products(std::int64_t rows, std::int64_t inner, std::int64_t columns, Type type) {
  std::vector<Maker> result;
  for (const Tag a : {Tag::ab, Tag::ba}) {
    for (const Tag b : {Tag::ab, Tag::ba, Tag::any})
      result.push_back(product({rows, inner}, {inner, columns}, type, a, b));
  }
  return result;
}

struct LinearDescriptors {
  Descriptor src, weights, bias, dst;
};

LinearDescriptors descriptors_of(const LinearWork& w, Type type) {
  return {{{w.rows, w.in}, type, Tag::any},
          {{w.out, w.in}, type, Tag::any},
          {{w.out}, type, Tag::a},
          {{w.rows, w.out}, type, Tag::any}};
}

double measured_linear_seconds(const LinearWork& w, Type type, int threads) {
  const LinearDescriptors d = descriptors_of(w, type);
  const auto forward_pd = [=] {
    return dnnl::inner_product_forward::primitive_desc(
        {dnnl::prop_kind::forward_training, d.src, d.weights, d.bias, d.dst}, engine());
  };
  const Maker forward = [=] {
    const auto pd = forward_pd();
    return RawPrimitive(dnnl::inner_product_forward(pd), {{DNNL_ARG_SRC, pd.src_desc()},
                                                          {DNNL_ARG_WEIGHTS, pd.weights_desc()},
                                                          {DNNL_ARG_BIAS, pd.bias_desc()},
                                                          {DNNL_ARG_DST, pd.dst_desc()}});
  };
  const Maker backward_data = [=] {
    const dnnl::inner_product_backward_data::primitive_desc pd({d.src, d.weights, d.dst}, engine(), forward_pd());
    return RawPrimitive(dnnl::inner_product_backward_data(pd), {{DNNL_ARG_DIFF_SRC, pd.diff_src_desc()},
                                                                {DNNL_ARG_WEIGHTS, pd.weights_desc()},
                                                                {DNNL_ARG_DIFF_DST, pd.diff_dst_desc()}});
  };
  const Maker backward_weights = [=] {
    const dnnl::inner_product_backward_weights::primitive_desc pd({d.src, d.weights, d.bias, d.dst}, engine(),
                                                                  forward_pd());
    return RawPrimitive(dnnl::inner_product_backward_weights(pd), {{DNNL_ARG_SRC, pd.src_desc()},
                                                                   {DNNL_ARG_DIFF_WEIGHTS, pd.diff_weights_desc()},
                                                                   {DNNL_ARG_DIFF_BIAS, pd.diff_bias_desc()},
                                                                   {DNNL_ARG_DIFF_DST, pd.diff_dst_desc()}});
  };
  const auto best = [&](const Maker& inner_product, std::vector<Maker> others) {
    others.push_back(inner_product);
    return fastest(others, threads);
  };
  double seconds = best(forward, products(w.rows, w.in, w.out, type));
  seconds += best(backward_weights, products(w.out, w.rows, w.in, type));
  if (w.diff_src) seconds += best(backward_data, products(w.rows, w.out, w.in, type));
  return seconds;
}

/// The same layer stands in many workloads, and in some of them many times.
double linear_seconds(const LinearWork& w, Type type, int threads) {
  static std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t, bool, Type, int>, double> known;
  const auto [place, is_new] = known.try_emplace({w.rows, w.in, w.out, w.diff_src, type, threads});
  if (is_new) place->second = measured_linear_seconds(w, type, threads);
  return place->second;
}

double convolution_seconds(const ConvolutionWork& w, Type type, int threads) {
  // Blocked or channels-last, all products or Winograd's fewer, whichever is faster.
  struct Way {
    Tag tag;
    dnnl::algorithm algorithm;
  };
  const auto candidates = [&](const std::function<RawPrimitive(Way)>& make) {
    std::vector<Maker> makers;
    for (const Way way :
         {Way{Tag::any, dnnl::algorithm::convolution_direct}, Way{Tag::nhwc, dnnl::algorithm::convolution_direct},
          Way{Tag::any, dnnl::algorithm::convolution_winograd}})
      makers.push_back([=] { return make(way); });
    return makers;
  };
  const Dims one{1, 1};
  const auto src = [=](Tag tag) { return Descriptor({w.batch, w.in, w.size, w.size}, type, tag); };
  const auto dst = [=](Tag tag) { return Descriptor({w.batch, w.out, w.size, w.size}, type, tag); };
  const Descriptor weights({w.out, w.in, 3, 3}, type, Tag::any), bias({w.out}, type, Tag::a);
  const auto forward_pd = [=](Way way) {
    return dnnl::convolution_forward::primitive_desc(
        {dnnl::prop_kind::forward_training, way.algorithm, src(way.tag), weights, bias, dst(way.tag), one, one, one},
        engine());
  };
  const auto forward = [=](Way way) {
    const auto pd = forward_pd(way);
    return RawPrimitive(dnnl::convolution_forward(pd), {{DNNL_ARG_SRC, pd.src_desc()},
                                                        {DNNL_ARG_WEIGHTS, pd.weights_desc()},
                                                        {DNNL_ARG_BIAS, pd.bias_desc()},
                                                        {DNNL_ARG_DST, pd.dst_desc()}});
  };
  const auto backward_data = [=](Way way) {
    const dnnl::convolution_backward_data::primitive_desc pd(
        {way.algorithm, src(way.tag), weights, dst(way.tag), one, one, one}, engine(), forward_pd(way));
    return RawPrimitive(dnnl::convolution_backward_data(pd), {{DNNL_ARG_DIFF_SRC, pd.diff_src_desc()},
                                                              {DNNL_ARG_WEIGHTS, pd.weights_desc()},
                                                              {DNNL_ARG_DIFF_DST, pd.diff_dst_desc()}});
  };
  const auto backward_weights = [=](Way way) {
    const dnnl::convolution_backward_weights::primitive_desc pd(
        {way.algorithm, src(way.tag), weights, bias, dst(way.tag), one, one, one}, engine(), forward_pd(way));
    return RawPrimitive(dnnl::convolution_backward_weights(pd), {{DNNL_ARG_SRC, pd.src_desc()},
                                                                 {DNNL_ARG_DIFF_WEIGHTS, pd.diff_weights_desc()},
                                                                 {DNNL_ARG_DIFF_BIAS, pd.diff_bias_desc()},
                                                                 {DNNL_ARG_DIFF_DST, pd.diff_dst_desc()}});
  };
  double seconds = fastest(candidates(forward), threads) + fastest(candidates(backward_weights), threads);
  if (w.diff_src) seconds += fastest(candidates(backward_data), threads);
  return seconds;
}

double moving_seconds(double bytes, int threads) {
  const auto count = static_cast<std::int64_t>(bytes / workloads::kBytesMoved);
  if (count == 0) return 0;
  double best = std::numeric_limits<double>::infinity();
  const auto pass = workloads::moving_pass(count);
  for (int t = 1; t <= threads; ++t) {
    set_num_threads(t);
    best = std::min(best, shortest(pass));
  }
  return best;
}

}  // namespace

Limit limit_of(const Work& work, int threads) {
  const Type type = type_of(work.dtype);
  set_flush_denormals(true);
  Limit limit;
  for (const LinearWork& w : work.linears) limit.products += linear_seconds(w, type, threads);
  for (const ProductWork& w : work.products)
    limit.products += w.times * fastest(products(w.rows, w.inner, w.columns, type), threads);
  for (const ConvolutionWork& w : work.convolutions) limit.products += convolution_seconds(w, type, threads);
  limit.moving = moving_seconds(work.bytes, threads);
  return limit;
}

}  // namespace dagrad::compare
