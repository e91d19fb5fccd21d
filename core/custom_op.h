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
#include "dagrad/core/tensor_function.h"

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
  using Result = decltype(detail::call_on(forward, std::span<const Tensor>(), std::declval<Forward&>()));
  CustomOp::Definition definition;
  definition.name = std::move(name);
  definition.once_differentiable = options.once_differentiable;
  definition.arity = detail::arity_of<F, Forward>();
  definition.forward = [f = std::move(forward)](Forward& ctx, std::span<const Tensor> in) {
    return detail::as_list(detail::call_on(f, in, ctx));
  };
  definition.backward = [b = std::move(backward)](Backward& ctx, std::span<const Tensor> diff) {
    using Given = decltype(detail::call_on(b, diff, ctx));
    if constexpr (std::is_void_v<Given>) {
      detail::call_on(b, diff, ctx);
      return std::vector<Tensor>();
    } else {
      return detail::as_list(detail::call_on(b, diff, ctx));
    }
  };
  return CustomFunction<Result>(std::move(definition));
}

}  // namespace dagrad
