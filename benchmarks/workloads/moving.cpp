#include "workloads/moving.h"

#include "dagrad/core/creation.h"
#include "dagrad/core/parallel.h"

namespace dagrad::workloads {
namespace {

constexpr std::int64_t kGrain = 4 << 10;

#if defined(__x86_64__) && !defined(__clang__)
#define DAGRAD_WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define DAGRAD_WIDEST
#endif

DAGRAD_WIDEST void move(float* __restrict p, const float* __restrict g, float* __restrict m, float* __restrict v,
                        std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    p[i] += g[i];
    m[i] += g[i];
    v[i] += g[i];
  }
}

}  // namespace

std::function<void()> moving_pass(std::int64_t count) {
  return [count, p = zeros({count}), g = zeros({count}), m = zeros({count}), v = zeros({count})]() mutable {
    float *pp = p.mutable_data<float>(), *mm = m.mutable_data<float>(), *vv = v.mutable_data<float>();
    const float* gg = g.data<float>();
    parallel_for(count, kGrain, [=](std::int64_t begin, std::int64_t end) {
      move(pp + begin, gg + begin, mm + begin, vv + begin, end - begin);
    });
  };
}

}  // namespace dagrad::workloads
