#include "dagrad/ops/equal_shares.h"

#include <cmath>
#include <type_traits>
#include <vector>

#include "dagrad/core/copy.h"
#include "dagrad/core/op.h"
#include "dagrad/core/strided_loop.h"
#include "dagrad/ops/comparison.h"
#include "dagrad/ops/fold.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/reduction.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

constexpr std::int64_t kGrain = 32 << 10;  // elements that are worth a thread

struct EqualShares {
  static constexpr std::string_view name = "equal_shares";
  AxisSet axes;

  std::string attributes() const { return axes.str(); }
  static Spec infer(const Tensor&, const Tensor& src, const Tensor&) { return src.spec_with_format(); }

  void forward(Forward& ctx, const Tensor& diff_dst, const Tensor& src, const Tensor& dst, Tensor& diff_src) const {
    ctx.save(src);
    ctx.save(dst);
    if (diff_src.numel() == 0) return;
    const std::vector<double> wanted = in_order<double>(dst);
    std::vector<double> counts(wanted.size());
    fold::fold(fold::Kind::count_of_equals, src, axes, wanted.data(),
               [&](std::int64_t at, double count) { counts[static_cast<std::size_t>(at)] = count; });
    visit_dtype(src.dtype(), [&]<class T>(T) {
      using Compute = std::conditional_t<std::is_same_v<T, double>, double, float>;
      std::vector<Compute> shares = in_order<Compute>(diff_dst);
      for (std::size_t i = 0; i < shares.size(); ++i) shares[i] /= static_cast<Compute>(counts[i]);
      hand_out<T>(src, in_order<Compute>(dst), shares, dst.shape(), diff_src);
    });
  }
  // diff(diff_dst) = the mean of diff over the elements that are equal
  void backward(Backward& ctx, const Tensor& diff) const {
    if (!ctx.needs(0)) return;
    const Tensor equal = to(eq(ctx.saved(0), ctx.saved(1)), diff.dtype());
    ctx.give(0, sum(diff * equal, axes.list(), true) / sum(equal, axes.list(), true));
  }

 private:
  template <class C>
  static std::vector<C> in_order(const Tensor& t) {
    Tensor exact = Tensor::allocate({t.shape(), dtype_of<C>});
    copy_elements(t, exact);
    const C* from = exact.data<C>();
    return {from, from + t.numel()};
  }

  /// diff_src = src == wanted ? share : 0, with `results` broadcast.
  template <class T, class C>
  static void hand_out(const Tensor& src, const std::vector<C>& wanted, const std::vector<C>& shares,
                       const Shape& results, Tensor& diff_src) {
    const Strides of_results = broadcast_strides(results, contiguous_strides(results), src.shape());
    const StridedLoop<3> loop(src.shape(), {&diff_src.strides(), &src.strides(), &of_results});
    const std::int64_t step = loop.row_stride(1), result_step = loop.row_stride(2);
    const T* from = src.data<T>();
    T* to = diff_src.mutable_data<T>();
    const auto one = [](C x, C value, C share) {
      return convert_to<T>(x == value ? share : std::isnan(value) ? value : C{0});
    };
    for_all_rows(loop, kGrain, [&](const auto& at, std::int64_t count) {
      const T* x = from + at[1];
      T* dst = to + at[0];
      const C* value = &wanted[static_cast<std::size_t>(at[2])];
      const C* share = &shares[static_cast<std::size_t>(at[2])];
      if (step == 1 && result_step == 0) {  // so that the loop is one of vectors
        const C v = *value, s = *share;
        for (std::int64_t i = 0; i < count; ++i) dst[i] = one(convert_to<C>(x[i]), v, s);
      } else {
        for (std::int64_t i = 0; i < count; ++i)
          dst[i] = one(convert_to<C>(x[i * step]), value[i * result_step], share[i * result_step]);
      }
    });
  }
};

}  // namespace

Tensor equal_shares(const OverAxes& over, const Tensor& diff_dst, const Tensor& src, const Tensor& dst) {
  return apply(EqualShares{over.axes}, Location::current(), over.aligned(diff_dst, src.shape()), src,
               over.aligned(dst, src.shape()));
}

}  // namespace dagrad
