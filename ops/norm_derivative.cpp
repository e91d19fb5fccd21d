#include "dagrad/ops/norm_derivative.h"

#include "dagrad/ops/math.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

/// a + b, where either may be missing.
Tensor plus(const Tensor& a, const Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? a + b : a;
}
/// a * b, where a missing b is 1.
Tensor times(const Tensor& a, const Tensor& b) { return b.defined() ? a * b : a; }

}  // namespace

// See Note [Second derivative of a normalization].
std::array<Tensor, 3> differentiate(const NormBackward& b) {
  const bool constant = b.mean.defined();
  const auto m = [&](const Tensor& t) { return mean(t, b.axes, true); };
  const Tensor centred = constant ? b.x - b.mean : b.centered ? b.x - m(b.x) : b.x;
  const Tensor r = constant ? b.scale : rsqrt(m(square(centred)) + b.eps);
  const Tensor n = centred * r;
  const auto project = [&](const Tensor& v) {
    if (constant) return v;
    const Tensor rest = v - n * m(v * n);
    return b.centered ? rest - m(v) : rest;
  };

  Tensor of_g, of_w, of_n, of_x;
  if (b.diff_x.defined()) {
    const Tensor& h = b.diff_x;
    const Tensor v = times(b.g, b.w), of_v = r * project(h);
    of_g = times(of_v, b.w);
    if (b.w.defined()) of_w = sum_to(b.g * of_v, b.w.shape());
    if (!constant) {
      of_n = neg(r * (h * m(v * n) + v * m(h * n)));
      of_x = neg(square(r) * n * m(h * project(v)));
    }
  }
  if (b.diff_w.defined()) {
    of_g = plus(of_g, b.diff_w * n);
    of_n = plus(of_n, b.diff_w * b.g);
  }
  if (b.diff_b.defined()) of_g = plus(of_g, expand(b.diff_b, b.x.shape()));
  if (of_n.defined()) of_x = plus(of_x, r * project(of_n));
  return {of_g, of_x, of_w};
}

}  // namespace dagrad
