// An op of your own in one function.
//
//   const auto cube = custom_op(
//       "cube",
//       [](Forward& ctx, const Tensor& x) {
//         ctx.save(x);
//         return x * x * x;
//       },
//       [](Backward& ctx, const Tensor& diff) { return diff * square(ctx.saved(0)) * 3; });
//   const Tensor y = cube(x);
//
// With a gradient made of ops it can be differentiated any number of times. What goes beyond that throws and is never
// silently wrong: a gradient that the backward did not make of ops, or a saved tensor that is neither an input nor an
// output (save_constant() for one that does not depend on the inputs), cannot be differentiated again.
//
// An op with attributes, or one whose shapes are to be known before it runs, is a struct: dagrad/core/op.h.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "dagrad/core/op.h"

namespace dagrad {

struct CustomOpOptions {
  /// The gradient is right, but not to be differentiated: who asks for a second derivative gets a GradientError.
  bool once_differentiable = false;
};

/// The op behind custom_op(): its node shares the two functions. Internal.
struct CustomOp {
  struct Definition {
    std::string name;
    std::function<std::vector<Tensor>(Forward&, std::span<const Tensor>)> forward;
    std::function<std::vector<Tensor>(Backward&, std::span<const Tensor>)> backward;
    bool once_differentiable;
    std::size_t arity;  // 0: any number of inputs
  };

  explicit CustomOp(std::shared_ptr<const Definition> d)
      : definition(std::move(d)), name(definition->name), once_differentiable(definition->once_differentiable) {}

  std::vector<Tensor> forward(Forward& ctx, std::span<const Tensor> inputs) const;
  void backward(Backward& ctx, std::span<const Tensor> diff) const;

  std::shared_ptr<const Definition> definition;
  std::string_view name;
  bool once_differentiable;
};

/// What custom_op() returns: call it with as many tensors as its forward takes. Copies share the op; calling it is as
/// thread-safe as its two functions. Result is Tensor or std::vector<Tensor>, as the forward returns it.
template <class Result>
class CustomFunction {
 public:
  explicit CustomFunction(CustomOp::Definition definition)
      : definition_(std::make_shared<const CustomOp::Definition>(std::move(definition))) {}

  Result operator()(std::span<const Tensor> inputs, Location where = Location::current()) const {
    check_arity(inputs.size());
    std::vector<Tensor> outputs = apply(CustomOp(definition_), where, inputs);
    if constexpr (std::is_same_v<Result, Tensor>)
      return std::move(outputs[0]);
    else
      return outputs;
  }
  Result operator()(const Tensor& a, Location where = Location::current()) const {
    return (*this)(std::span(&a, 1), where);
  }
  Result operator()(const Tensor& a, const Tensor& b, Location where = Location::current()) const {
    return (*this)(std::array{a, b}, where);
  }
  Result operator()(const Tensor& a, const Tensor& b, const Tensor& c, Location where = Location::current()) const {
    return (*this)(std::array{a, b, c}, where);
  }
  Result operator()(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d,
                    Location where = Location::current()) const {
    return (*this)(std::array{a, b, c, d}, where);
  }

 private:
  void check_arity(std::size_t count) const;

  std::shared_ptr<const CustomOp::Definition> definition_;
};

namespace detail {

[[noreturn]] void throw_custom_arity(std::string_view name, std::size_t count, std::size_t arity);

/// How many tensors F takes after a C&; 0 stands for a span.
template <class F, class C>
constexpr std::size_t custom_arity() {
  using T = const Tensor&;
  if constexpr (std::is_invocable_v<const F&, C&, std::span<const Tensor>>) return 0;
  if constexpr (std::is_invocable_v<const F&, C&, T>) return 1;
  if constexpr (std::is_invocable_v<const F&, C&, T, T>) return 2;
  if constexpr (std::is_invocable_v<const F&, C&, T, T, T>) return 3;
  return 4;
}

template <class F, class C>
auto call_custom(const F& f, C& ctx, std::span<const Tensor> in) {
  constexpr std::size_t arity = custom_arity<F, C>();
  if constexpr (arity == 0) return f(ctx, in);
  if constexpr (arity == 1) return f(ctx, in[0]);
  if constexpr (arity == 2) return f(ctx, in[0], in[1]);
  if constexpr (arity == 3) return f(ctx, in[0], in[1], in[2]);
  if constexpr (arity == 4) return f(ctx, in[0], in[1], in[2], in[3]);
}

inline std::vector<Tensor> as_list(Tensor t) { return {std::move(t)}; }
inline std::vector<Tensor> as_list(std::vector<Tensor> list) { return list; }

}  // namespace detail

template <class Result>
void CustomFunction<Result>::check_arity(std::size_t count) const {
  if (definition_->arity != 0 && count != definition_->arity)
    detail::throw_custom_arity(definition_->name, count, definition_->arity);
}

/// An op named `name`. `forward(ctx, inputs...)` computes, without being recorded, a Tensor or a std::vector<Tensor>
/// from one to four tensors or a std::span<const Tensor>, and leaves with ctx.save() what the backward needs.
/// `backward(ctx, diff...)` gets the gradient of each output (of one to four, or a span; undefined where none came) and
/// either returns the gradients of the inputs in their order (a Tensor for one input; undefined where there is none),
/// or returns nothing and calls ctx.give(i, gradient). Calling the op throws what the functions throw, and UsageError
/// when the number of inputs is wrong.
template <class F, class B>
auto custom_op(std::string name, F forward, B backward, CustomOpOptions options = {}) {
  using Result = decltype(detail::call_custom(forward, std::declval<Forward&>(), std::span<const Tensor>()));
  CustomOp::Definition definition;
  definition.name = std::move(name);
  definition.once_differentiable = options.once_differentiable;
  definition.arity = detail::custom_arity<F, Forward>();
  definition.forward = [f = std::move(forward)](Forward& ctx, std::span<const Tensor> in) {
    return detail::as_list(detail::call_custom(f, ctx, in));
  };
  definition.backward = [b = std::move(backward)](Backward& ctx, std::span<const Tensor> diff) {
    using Given = decltype(detail::call_custom(b, ctx, diff));
    if constexpr (std::is_void_v<Given>) {
      detail::call_custom(b, ctx, diff);
      return std::vector<Tensor>();
    } else {
      return detail::as_list(detail::call_custom(b, ctx, diff));
    }
  };
  return CustomFunction<Result>(std::move(definition));
}

}  // namespace dagrad
