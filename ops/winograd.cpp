#include "dagrad/ops/winograd.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "dagrad/core/analysis/verify_roundings.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/watch.h"
#include "dagrad/ops/winograd_kernels.h"

namespace dagrad::winograd {
namespace {

using Geometry = onednn::ConvolutionGeometry;

constexpr std::int64_t kLanes = 16;              // numbers of channels are multiples of it
constexpr std::int64_t kWorthForking = 1 << 18;  // products of planes: some 7 us of one core

/// [begin, end) of part `part` of `parts` equal ones.
Range share(std::int64_t count, std::int64_t part, std::int64_t parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

/// Whether f(part) is true for each part; in a rehearsal, where nothing is computed, it is. Parts that lie next to each
/// other stay with a thread in all that it does, for what another core has written is far away.
template <class F>
bool for_each_part(std::int64_t parts, const F& f) {
  std::atomic<bool> all = true;
  parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      if (!f(part)) all = false;
    }
  });
  return all;
}

/// A convolution in planes, from `in` to `out` channels, in parts for as many threads. How it is cut does not matter to
/// the results, but for the weights' gradient, whose sums are those of the parts.
struct Job {
  Tiles tiles;
  std::int64_t in, out;
  std::int64_t parts;
  std::int64_t block;  // tiles that are computed together

  Job(const Tiles& all, std::int64_t from, std::int64_t to, int threads = num_threads())
      : tiles(all), in(from), out(to) {
    constexpr std::int64_t kElements = 128
                                       << 10;  // planes, in and out, that fill half of a second-level cache of 1 MiB
    constexpr std::int64_t kStep = 12;         // rows that the product computes at once
    const std::int64_t count = tiles.count();
    parts = std::clamp<std::int64_t>(count * kPlanes * in * out / kWorthForking, 1, threads);
    const std::int64_t most = std::min(kElements / (kPlanes * (in + out)), (count + parts - 1) / parts + kStep - 1);
    block = std::clamp<std::int64_t>(most / kStep * kStep, kStep, 8 * kStep);
  }

  std::int64_t weights() const { return kPlanes * plane_size(in, out); }
  std::int64_t workspace() const { return kPlanes * (plane_size(block, in) + plane_size(block, out)); }
  /// Calls f for the tiles of a part, a block at a time.
  template <class F>
  void for_each_block(std::int64_t part, const F& f) const {
    const Range mine = share(tiles.count(), part, parts);
    for (std::int64_t at = mine.begin; at < mine.end; at += block) f(Range{at, std::min(at + block, mine.end)});
  }
};

Tensor floats(std::int64_t rows, std::int64_t columns) { return Tensor::allocate({{rows, columns}, f32}); }

Tiles tiles_of(const Geometry& geometry, const Tensor& src, const Tensor& dst) {
  return {dst.size(0), dst.size(2), dst.size(3), src.size(2), src.size(3), geometry.before[0], geometry.before[1]};
}

/// The last element of a tile has 15 units in the last place for 32 channels, as a root mean square; of many elements
/// the worst has six times that, and it grows with the square root of the channels.
void tell_verify_mode() {
  if (watched(Watch::verify)) detail::kernel_roundings = 512;
}

bool run(const Job& job, const float* src, const WeightsLayout& layout, const float* weights, const float* bias,
         float* dst) {
  tell_verify_mode();
  Tensor planes = floats(1, job.weights()), workspace = floats(job.parts, job.workspace());
  float* const of_weights = planes.mutable_data<float>();
  float* const all_planes = workspace.mutable_data<float>();
  for_each_part(job.parts, [&](std::int64_t part) {
    planes_of_weights(layout, share(layout.inner, part, job.parts), weights, of_weights);
    return true;
  });
  return for_each_part(job.parts, [&](std::int64_t part) {
    float* const of_src = all_planes + part * workspace.size(1);
    float* const of_dst = of_src + kPlanes * plane_size(job.block, job.in);
    bool finite = true;
    job.for_each_block(part, [&](Range range) {
      planes_of_src(job.tiles, range, src, job.in, of_src);
      const Product product{range.count(), job.in, job.out, job.in, 1, false};
      for (std::int64_t p = 0; p < kPlanes; ++p) {
        multiply(product, of_src + p * plane_size(range.count(), job.in), of_weights + p * plane_size(job.in, job.out),
                 of_dst + p * plane_size(range.count(), job.out));
      }
      finite = dst_of_planes(job.tiles, range, of_dst, job.out, bias, dst) && finite;
    });
    return finite;
  });
}

}  // namespace

bool takes(const Geometry& geometry, const Tensor& src, const Tensor& weights, const Tensor& dst) {
  // Below, the weights' planes cost what is gained; above, they leave the caches.
  constexpr std::int64_t kLeastProducts = 1 << 21, kLeastTiles = 16, kMostWeights = 64 << 10;
  if (geometry.axes != 2 || geometry.groups != 1 || src.dtype() != f32) return false;
  for (const std::size_t axis : {0u, 1u}) {
    if (weights.shape()[static_cast<int>(axis) + 2] != 3 || geometry.stride[axis] != 1 ||
        geometry.dilation[axis] != 1 || geometry.before[axis] > 2 || geometry.after[axis] > 2)
      return false;
  }
  const std::int64_t in = weights.size(1), out = weights.size(0);
  if (in % kLanes != 0 || out % kLanes != 0 || in * out > kMostWeights) return false;
  const Tiles tiles = tiles_of(geometry, src, dst);
  // What tiles reach over the edge is computed for nothing: a third of the result pays, three quarters do not.
  const std::int64_t area = tiles.batch * tiles.rows * tiles.columns, covered = tiles.count() * kTile * kTile;
  return tiles.count() >= kLeastTiles && area * in * out * kTaps >= kLeastProducts && covered * 2 <= area * 3;
}

bool convolution(const Geometry& geometry, const Tensor& src, const Tensor& weights, const Tensor& bias, Tensor& dst) {
  const std::int64_t in = weights.size(1), out = weights.size(0);
  return run(Job(tiles_of(geometry, src, dst), in, out), src.data<float>(), {in, out, kTaps, in * kTaps, false},
             weights.data<float>(), bias.defined() ? bias.data<float>() : nullptr, dst.mutable_data<float>());
}

// The convolution of diff_dst with the weights' taps in the opposite order.
bool convolution_backward_data(const Geometry& geometry, const Tensor& diff_dst, const Tensor& weights,
                               Tensor& diff_src) {
  const std::int64_t in = weights.size(1), out = weights.size(0);
  Tiles tiles = tiles_of(geometry, diff_dst, diff_src);
  tiles.row_padding = 2 - geometry.before[0];
  tiles.column_padding = 2 - geometry.before[1];
  return run(Job(tiles, out, in), diff_dst.data<float>(), {out, in, in * kTaps, kTaps, true}, weights.data<float>(),
             nullptr, diff_src.mutable_data<float>());
}

bool convolution_backward_weights(const Geometry& geometry, const Tensor& src, const Tensor& diff_dst,
                                  Tensor& diff_weights, Tensor& diff_bias) {
  tell_verify_mode();
  const std::int64_t in = src.size(1), out = diff_dst.size(1);
  const Job job(tiles_of(geometry, src, diff_dst), in, out, deterministic() ? 1 : num_threads());
  const std::int64_t parts = job.parts;
  Tensor sums = floats(parts, job.weights() + out), biases = Tensor::allocate({{parts, out}, f64}),
         workspace = floats(parts, job.workspace());
  float* const all_sums = sums.mutable_data<float>();
  double* const all_biases = biases.mutable_data<double>();
  float* const all_planes = workspace.mutable_data<float>();
  const std::int64_t stride = sums.size(1);
  for_each_part(parts, [&](std::int64_t part) {
    float* const of_weights = all_sums + part * stride;
    float* const of_bias = of_weights + job.weights();
    float* const of_src = all_planes + part * workspace.size(1);
    float* const of_diff = of_src + kPlanes * plane_size(job.block, in);
    double* const total = all_biases + part * out;
    std::fill_n(total, out, 0.0);
    bool add = false;
    job.for_each_block(part, [&](Range range) {
      planes_of_src(job.tiles, range, src.data<float>(), in, of_src);
      std::fill_n(of_bias, out, 0.0f);
      planes_of_diff_dst(job.tiles, range, diff_dst.data<float>(), out, of_diff, of_bias);
      for (std::int64_t o = 0; o < out; ++o) total[o] += static_cast<double>(of_bias[o]);
      const Product product{in, range.count(), out, 1, in, std::exchange(add, true)};
      for (std::int64_t p = 0; p < kPlanes; ++p) {
        multiply(product, of_src + p * plane_size(range.count(), in), of_diff + p * plane_size(range.count(), out),
                 of_weights + p * plane_size(in, out));
      }
    });
    return true;
  });
  for_each_part(parts, [&](std::int64_t part) {
    const Range mine = share(job.weights(), part, parts);
    for (std::int64_t other = 1; other < parts; ++other) {
      for (std::int64_t i = mine.begin; i < mine.end; ++i) all_sums[i] += all_sums[other * stride + i];
    }
    return true;
  });
  float* const to = diff_weights.mutable_data<float>();
  const WeightsLayout layout{in, out, kTaps, in * kTaps, false};
  const bool finite = for_each_part(
      parts, [&](std::int64_t part) { return weights_of_planes(layout, share(in, part, parts), all_sums, to); });
  float* const to_bias = diff_bias.mutable_data<float>();
  for (std::int64_t o = 0; o < out; ++o) {
    double total = 0;
    for (std::int64_t part = 0; part < parts; ++part) total += all_biases[part * out + o];
    to_bias[o] = static_cast<float>(total);
  }
  return finite;
}

}  // namespace dagrad::winograd
