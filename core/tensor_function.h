// Functions of tensors as arguments.
#pragma once

#include <concepts>
#include <functional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "dagrad/core/tensor.h"

namespace dagrad {

namespace detail {

/// How many tensors F takes behind `Lead`, up to four; 0 stands for a span.
template <class F, class... Lead>
constexpr std::size_t arity_of() {
  using T = const Tensor&;
  // One after the other: a body that has parameters of type auto may compile for one of these alone.
  if constexpr (std::is_invocable_v<const F&, Lead&..., T>)
    return 1;
  else if constexpr (std::is_invocable_v<const F&, Lead&..., std::span<const Tensor>>)
    return 0;
  else if constexpr (std::is_invocable_v<const F&, Lead&..., T, T>)
    return 2;
  else if constexpr (std::is_invocable_v<const F&, Lead&..., T, T, T>)
    return 3;
  else
    return 4;
}

template <class F, class... Lead>
auto call_on(const F& f, std::span<const Tensor> in, Lead&... lead) {
  constexpr std::size_t arity = arity_of<F, Lead...>();
  if constexpr (arity == 0) return f(lead..., in);
  if constexpr (arity == 1) return f(lead..., in[0]);
  if constexpr (arity == 2) return f(lead..., in[0], in[1]);
  if constexpr (arity == 3) return f(lead..., in[0], in[1], in[2]);
  if constexpr (arity == 4) return f(lead..., in[0], in[1], in[2], in[3]);
}

inline std::vector<Tensor> as_list(Tensor t) { return {std::move(t)}; }
inline std::vector<Tensor> as_list(std::vector<Tensor> list) { return list; }

}  // namespace detail

/// A function from tensors to tensors, made from any callable that takes one to four tensors, or a
/// `std::span<const Tensor>`, and returns a Tensor or a std::vector<Tensor>.
class TensorFunction {
 public:
  /// What F returns: Tensor or std::vector<Tensor>.
  template <class F>
  using ResultOf = decltype(detail::call_on(std::declval<const F&>(), std::span<const Tensor>()));

  template <class F>
  requires(!std::same_as<F, TensorFunction> && !std::same_as<F, Tensor>)
      // NOLINTNEXTLINE(google-explicit-constructor): a lambda is to be passed as it stands
      TensorFunction(F function)
      : function_(
            [f = std::move(function)](std::span<const Tensor> in) { return detail::as_list(detail::call_on(f, in)); }),
        arity_(detail::arity_of<F>()) {}

  std::vector<Tensor> operator()(std::span<const Tensor> inputs) const { return function_(inputs); }
  /// How many tensors it takes; 0: any number.
  std::size_t arity() const { return arity_; }
  /// Throws UsageError, naming `caller`, unless it takes so many.
  void check_arity(std::string_view caller, std::size_t inputs) const;

 private:
  std::function<std::vector<Tensor>(std::span<const Tensor>)> function_;
  std::size_t arity_;
};

}  // namespace dagrad
