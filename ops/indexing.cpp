#include "dagrad/ops/indexing.h"

#include <fmt/format.h>
#include <numeric>

#include "dagrad/core/capture/each_replay_on.h"
#include "dagrad/core/copy.h"
#include "dagrad/core/error.h"
#include "dagrad/core/op.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/indexed_elements.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/pointwise_op.h"
#include "dagrad/ops/view.h"

namespace dagrad {
namespace {

void check_types(std::string_view op, const Tensor& src, const Tensor& values) {
  if (src.dtype() != values.dtype())
    throw DTypeError(fmt::format("{}: element types differ: src is {}, values are {} (want one type; cast with to())",
                                 op, name_of(src.dtype()), name_of(values.dtype())));
}

void check_summable(std::string_view op, DType dtype) {
  if (dtype == u8 || dtype == boolean)
    throw DTypeError(fmt::format("{}: {} (want f32, bf16, f64 or i64; cast with to())", op, name_of(dtype)));
}

/// Whether `index` has no more positions than `t` along any axis but `except`.
bool fits(const Tensor& index, const Tensor& t, int except) {
  for (int i = 0; i < index.dim(); ++i) {
    if (i != except && index.shape()[i] > t.shape()[i]) return false;
  }
  return true;
}

void check_gathered(std::string_view op, const Tensor& src, int axis, const Tensor& index) {
  if (index.dim() != src.dim() || !fits(index, src, axis)) {
    throw ShapeError(fmt::format("{}: index is {}, src is {} (want as many axes, none longer than src's but axis {})",
                                 op, index.shape().str(), src.shape().str(), axis));
  }
}

void check_scattered(std::string_view op, const Tensor& src, int axis, const Tensor& index, const Tensor& values) {
  check_types(op, src, values);
  check_gathered(op, src, axis, index);
  if (values.dim() != index.dim() || !fits(index, values, -1)) {
    throw ShapeError(fmt::format("{}: index is {}, values are {} (want as many axes, none longer than the values')", op,
                                 index.shape().str(), values.shape().str()));
  }
}

/// The part of `values` that `index` has a say about.
Tensor cut_to(const Tensor& values, const Tensor& index, Location where) {
  Tensor result = values;
  for (int i = 0; i < index.dim(); ++i) {
    if (index.shape()[i] != values.shape()[i]) result = narrow(result, i, 0, index.shape()[i], where);
  }
  return result;
}

/// A sum into zeros where `src` is undefined.
void start_from(const Tensor& src, Tensor& dst) {
  if (src.defined())
    copy_elements(src, dst);
  else
    dst.zero_();
}

struct AlongAxis {
  int axis;
  std::string attributes() const { return fmt::format("axis={}", axis); }
};

/// `shape` is that of the result, which src has, or would have: the op adds to zeros when it is undefined.
struct IndexAdd : AlongAxis {
  static constexpr std::string_view name = "index_add";
  Shape shape;

  Spec infer(const Tensor&, const Tensor& index, const Tensor& values) const {
    Shape want = shape;
    want[axis] = index.numel();
    if (values.shape() != want) {
      throw ShapeError(fmt::format("index_add: values are {}, src is {}, index is {} (want values of {})",
                                   values.shape().str(), shape.str(), index.shape().str(), want.str()));
    }
    return {shape, values.dtype()};
  }
  void forward(Forward& ctx, const Tensor& src, const Tensor& index, const Tensor& values, Tensor& dst) const {
    ctx.save(index);
    start_from(src, dst);
    scatter_add_elements(values, axis, index_across(index, axis, values.shape()), dst);
  }
  // diff_src = diff_dst, diff_values = diff_dst at the index
  void backward(Backward& ctx, const Tensor& diff_dst) const;
};

struct IndexSelect : AlongAxis {
  static constexpr std::string_view name = "index_select";

  Spec infer(const Tensor& src, const Tensor& index) const {
    Shape shape = src.shape();
    shape[axis] = index.numel();
    checked_numel(name, shape, item_size(src.dtype()));
    return {shape, src.dtype()};
  }
  void forward(Forward& ctx, const Tensor& src, const Tensor& index, Tensor& dst) const {
    ctx.save(index);
    gather_elements(src, axis, index_across(index, axis, dst.shape()), dst);
  }
  // diff_src = zeros to which diff_dst is added at the index
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (!ctx.needs(0)) return;
    ctx.give(0, apply(IndexAdd{{axis}, ctx.input_shape(0)}, Location::current(), Tensor(), ctx.saved(0), diff_dst));
  }
};

void IndexAdd::backward(Backward& ctx, const Tensor& diff_dst) const {
  ctx.give(0, diff_dst);
  if (ctx.needs(2)) ctx.give(2, apply(IndexSelect{{axis}}, Location::current(), diff_dst, ctx.saved(0)));
}

/// `shape` as in IndexAdd.
struct ScatterAdd : AlongAxis {
  static constexpr std::string_view name = "scatter_add";
  Shape shape;

  Spec infer(const Tensor&, const Tensor&, const Tensor& values) const { return {shape, values.dtype()}; }
  void forward(Forward& ctx, const Tensor& src, const Tensor& index, const Tensor& values, Tensor& dst) const {
    ctx.save(index);
    start_from(src, dst);
    scatter_add_elements(values, axis, index, dst);
  }
  // diff_src = diff_dst, diff_values = diff_dst gathered
  void backward(Backward& ctx, const Tensor& diff_dst) const;
};

struct Gather : AlongAxis {
  static constexpr std::string_view name = "gather";

  Spec infer(const Tensor& src, const Tensor& index) const { return {index.shape(), src.dtype()}; }
  void forward(Forward& ctx, const Tensor& src, const Tensor& index, Tensor& dst) const {
    ctx.save(index);
    gather_elements(src, axis, index, dst);
  }
  // diff_src = zeros to which diff_dst is scattered and added
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    if (!ctx.needs(0)) return;
    ctx.give(0, apply(ScatterAdd{{axis}, ctx.input_shape(0)}, Location::current(), Tensor(), ctx.saved(0), diff_dst));
  }
};

void ScatterAdd::backward(Backward& ctx, const Tensor& diff_dst) const {
  ctx.give(0, diff_dst);
  if (ctx.needs(2)) ctx.give(2, apply(Gather{{axis}}, Location::current(), diff_dst, ctx.saved(0)));
}

/// Which elements of `index` are overwritten by a later one when they are scattered into `shape`.
void find_overwritten(const Tensor& index, int axis, const Shape& shape, Tensor& result) {
  Tensor number = Tensor::allocate({index.shape(), i64}), winner = Tensor::allocate(number.spec());
  Tensor last = Tensor::allocate({shape, i64});
  std::int64_t* const first = number.mutable_data<std::int64_t>();
  std::iota(first, first + number.numel(), 0);
  scatter_elements(number, axis, index, last);
  gather_elements(last, axis, index, winner);
  const std::int64_t* of_winner = winner.data<std::int64_t>();
  bool* to = result.mutable_data<bool>();
  for (std::int64_t i = 0; i < result.numel(); ++i) to[i] = of_winner[i] != i;
}

Tensor overwritten(const Tensor& index, int axis, const Shape& shape) {
  Tensor result = Tensor::allocate({index.shape(), boolean});
  each_replay_on("scatter", {&index, 1}, {&result, 1},
                 [axis, shape](auto in, auto out) { find_overwritten(in[0], axis, shape, out[0]); });
  return result;
}

struct ScatterNumber : AlongAxis {
  static constexpr std::string_view name = "scatter_number";
  double number = 0;

  std::string attributes() const { return fmt::format("axis={}, {}", axis, number); }
  Spec infer(const Tensor& src, const Tensor&) const {
    pointwise::check_number("scatter", number, src.dtype());
    return src.spec();
  }
  void forward(Forward& ctx, const Tensor& src, const Tensor& index, Tensor& dst) const {
    ctx.save(index);
    copy_elements(src, dst);
    scatter_number(number, axis, index, dst);
  }
  // diff_src = diff_dst with 0 at the index
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    ctx.give(0, apply(ScatterNumber{{axis}}, Location::current(), diff_dst, ctx.saved(0)));
  }
};

struct Scatter : AlongAxis {
  static constexpr std::string_view name = "scatter";

  Spec infer(const Tensor& src, const Tensor&, const Tensor&) const { return src.spec(); }
  void forward(Forward& ctx, const Tensor& src, const Tensor& index, const Tensor& values, Tensor& dst) const {
    ctx.save(index);
    copy_elements(src, dst);
    scatter_elements(values, axis, index, dst);
  }
  // diff_src = diff_dst with 0 at the index, diff_values = diff_dst gathered, with 0 for those that were overwritten
  void backward(Backward& ctx, const Tensor& diff_dst) const {
    const Tensor index = ctx.saved(0);
    if (ctx.needs(0)) ctx.give(0, apply(ScatterNumber{{axis}}, Location::current(), diff_dst, index));
    if (ctx.needs(2)) {
      const Tensor gathered = apply(Gather{{axis}}, Location::current(), diff_dst, index);
      ctx.give(2, masked_fill(gathered, overwritten(index, axis, diff_dst.shape()), 0));
    }
  }
};

}  // namespace

Tensor index_select(const Tensor& src, std::int64_t axis, const Tensor& index, Location where) {
  const int at = normalize_axis("index_select", axis, src.dim());
  if (index.dim() > 1)
    throw ShapeError(fmt::format("index_select: index is {} (want one dimension)", index.shape().str()));
  check_index("index_select", index, src, at);
  if (src.dim() > 0) return apply(IndexSelect{{at}}, where, src, index);
  if (index.numel() != 1) {
    throw ShapeError(fmt::format("index_select: index is {} for a src of [] (want one element)", index.shape().str()));
  }
  return clone(src, where);
}

Tensor gather(const Tensor& src, std::int64_t axis, const Tensor& index, Location where) {
  const int at = normalize_axis("gather", axis, src.dim());
  check_gathered("gather", src, at, index);
  check_index("gather", index, src, at);
  return src.dim() > 0 ? apply(Gather{{at}}, where, src, index) : clone(src, where);
}

Tensor take(const Tensor& src, const Tensor& index, Location where) {
  const Tensor positions = wrap_index("take", index, src.numel());
  const Tensor flat_index = positions.dim() == 1 ? positions : reshape(positions, {positions.numel()}, where);
  const Tensor taken = apply(IndexSelect{{0}}, where, reshape(src, {src.numel()}, where), flat_index);
  return index.dim() == 1 ? taken : reshape(taken, index.shape(), where);
}

Tensor scatter(const Tensor& src, std::int64_t axis, const Tensor& index, const Tensor& values, Location where) {
  const int at = normalize_axis("scatter", axis, src.dim());
  check_scattered("scatter", src, at, index, values);
  check_index("scatter", index, src, at);
  if (src.dim() == 0) {
    const auto line = [where](const Tensor& t) { return reshape(t, {1}, where); };
    return reshape(apply(Scatter{{0}}, where, line(src), line(index), line(values)), {}, where);
  }
  return apply(Scatter{{at}}, where, src, index, cut_to(values, index, where));
}

Tensor scatter(const Tensor& src, std::int64_t axis, const Tensor& index, double value, Location where) {
  const int at = normalize_axis("scatter", axis, src.dim());
  check_gathered("scatter", src, at, index);
  check_index("scatter", index, src, at);
  if (src.dim() > 0) return apply(ScatterNumber{{at}, value}, where, src, index);
  const auto line = [where](const Tensor& t) { return reshape(t, {1}, where); };
  return reshape(apply(ScatterNumber{{0}, value}, where, line(src), line(index)), {}, where);
}

Tensor scatter_add(const Tensor& src, std::int64_t axis, const Tensor& index, const Tensor& values, Location where) {
  const int at = normalize_axis("scatter_add", axis, src.dim());
  check_summable("scatter_add", src.dtype());
  check_scattered("scatter_add", src, at, index, values);
  check_index("scatter_add", index, src, at);
  if (src.dim() == 0) return add(src, values, where);
  return apply(ScatterAdd{{at}, src.shape()}, where, src, index, cut_to(values, index, where));
}

Tensor index_add(const Tensor& src, std::int64_t axis, const Tensor& index, const Tensor& values, double alpha,
                 Location where) {
  const int at = normalize_axis("index_add", axis, src.dim());
  check_summable("index_add", src.dtype());
  check_types("index_add", src, values);
  if (index.dim() > 1)
    throw ShapeError(fmt::format("index_add: index is {} (want one dimension)", index.shape().str()));
  if (src.dim() == 0) throw ShapeError("index_add: src is [] (want at least one dimension; use add)");
  check_index("index_add", index, src, at);
  const Tensor scaled = alpha == 1 ? values : mul(values, alpha, where);
  return apply(IndexAdd{{at}, src.shape()}, where, src, index, scaled);
}

}  // namespace dagrad
