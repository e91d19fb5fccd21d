// How an op is written, run and recorded.
//
// An op is a value type:
//
//   struct Tanh {
//     static constexpr std::string_view name = "tanh";
//     Spec infer(const Tensor& src) const;                               // checks; every shape error comes from here
//     void forward(Forward& ctx, const Tensor& src, Tensor& dst) const;  // runs the kernel; ctx.save(dst)
//     void backward(Backward& ctx, const Tensor& diff_dst) const;        // in ops: ctx.give(0, ...)
//   };
//   Tensor tanh(const Tensor& src, Location where) { return apply(Tanh{}, where, src); }
//
// Several outputs: infer returns std::array<Spec, N>, forward takes std::array<Tensor, N>& and backward takes
// std::span<const Tensor> (undefined where no gradient came). Any number of inputs: take std::span<const Tensor>.
// A view has `Tensor view(const Tensor& src) const` in place of infer and forward (or gives a std::vector<Tensor>). An
// op whose outputs are known only when it has run has no infer, and a forward(ctx, inputs...) that returns them: a
// Tensor or a std::vector<Tensor>. An op without a backward may be used wherever no gradient is asked for; asking for
// one throws. Integer results are never recorded.
//
// What is saved and is neither an input nor an output is a constant to second derivatives. An op whose backward is not
// made of ops, or whose second derivative would be wrong for another reason, has a member `once_differentiable = true`
// (static or not): then the first derivative is given, and whoever asks for the second gets a GradientError.
//
// A member `static constexpr AutocastRule autocast` says in which type it runs under autocast (core/autocast.h).
//
// For ops of your own there is a shorter form: dagrad/core/custom_op.h.
#pragma once

#include <algorithm>
#include <array>
#include <boost/container/small_vector.hpp>
#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dagrad/core/analysis/gradient_trace.h"
#include "dagrad/core/analysis/verify.h"
#include "dagrad/core/autocast.h"
#include "dagrad/core/capture/capture.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/core/node.h"
#include "dagrad/core/op_names.h"
#include "dagrad/core/tensor.h"
#include "dagrad/core/watch.h"

namespace dagrad {

/// What an op's forward may ask for and leave behind.
class Forward {
 public:
  explicit Forward(bool recording) : recording_(recording) {}

  /// Whether a backward may follow; when not, workspaces need not be made.
  bool recording() const { return recording_; }
  /// Keeps an input, an output or a workspace for the backward, which finds them in the order of these calls.
  void save(const Tensor& tensor) {
    if (recording_) saved_.push_back(tensor);
  }
  /// The same for a tensor that does not depend on the inputs; this matters after refuse_intermediates().
  void save_constant(const Tensor& tensor) {
    if (recording_ && saved_.size() < 64) constants_ |= std::uint64_t{1} << saved_.size();
    save(tensor);
  }
  /// From here on, a saved tensor that is neither an input nor an output counts as a result of unknown steps between
  /// them: a derivative by it throws GradientError, where otherwise it would be zero.
  void refuse_intermediates() { refuses_intermediates_ = true; }

 private:
  friend class Recorder;
  bool is_refused(std::size_t k) const { return refuses_intermediates_ && (k >= 64 || (constants_ >> k & 1) == 0); }

  boost::container::small_vector<Tensor, 4> saved_;
  bool recording_;
  bool refuses_intermediates_ = false;
  std::uint64_t constants_ = 0;
};

/// What an op's backward reads and gives.
class Backward {
 public:
  /// Whether input `i` wants a gradient.
  bool needs(std::size_t i) const {
    const Edge& edge = node_.edges_[i];
    return edge.node && (!pruned_ || edge.node->needed_);
  }
  /// Whether anybody is to read the elements of the gradient of input `i`. Where not, an op may leave them unwritten:
  /// hvp, say, goes on to differentiate the gradients of a loss and reads none of them.
  bool reads(std::size_t i) const { return !unread_ || reads_of(node_.edges_[i]); }
  /// How many inputs the op had.
  std::size_t input_count() const { return node_.edge_count_; }
  /// Saved tensor `i`. Throws GradientError when it was freed, or modified in place since.
  Tensor saved(std::size_t i) const;
  /// Shape and type of input `i`; only for inputs that need a gradient.
  const Shape& input_shape(std::size_t i) const { return input(i).shape; }
  DType input_dtype(std::size_t i) const { return input(i).dtype; }
  /// Shape and type of output `i`.
  const NodeOutput& output(std::size_t i = 0) const { return node_.outputs_at()[i]; }
  /// Says that the backward reads `diff`, the gradient of an output that it was given, or saved tensor `i` no more.
  /// Where nobody else does, its memory serves what is made next. `diff` is empty then, unless the graph is retained or
  /// the node has hooks.
  void done_with(const Tensor& diff);
  void done_with_saved(std::size_t i);
  /// Adds to the gradient of input `i` (ignored when it needs none or `gradient` is undefined).
  /// Throws GradientError when shape or type differ from the input's.
  void give(std::size_t i, Tensor gradient);
  /// Makes gradients that were given so far, all or those without a history, throw GradientError when somebody
  /// differentiates them; `why` follows "the second derivative is not defined: ". `diff` are the gradients that they
  /// were made of.
  void refuse_second_derivative(std::span<const Tensor> diff, std::string_view why, bool all = true);

 private:
  friend class BackwardPass;
  /// `keeps`: whether the node's saved tensors and the gradients stay, whatever the backward is done with; `unread`:
  /// whether nobody reads the gradients of leaves.
  Backward(Node& node, std::span<Tensor> gradients, bool pruned, bool keeps, bool unread)
      : node_(node), gradients_(gradients), pruned_(pruned), keeps_(keeps), unread_(unread), given_(node.edge_count_) {}
  const NodeOutput& input(std::size_t i) const {
    const Edge& edge = node_.edges_[i];
    return edge.node->outputs_at()[edge.output];
  }
  static bool reads_of(const Edge& edge);
  std::string description_of_saved(std::size_t i) const;
  /// The edges of the node and those to its gradients.
  std::vector<Edge> edges_with(std::span<const Tensor> diff) const;

  Node& node_;
  std::span<Tensor> gradients_;
  bool pruned_, keeps_, unread_;
  boost::container::small_vector<Tensor, 4> given_;
};

/// The part of recording that does not depend on the op's type.
class Recorder {
 public:
  /// Whether an op on these inputs is to be recorded now.
  static bool wants(std::span<const Tensor> inputs);
  static bool wants(std::span<const Tensor* const> inputs);

 protected:
  static void* allocate(std::size_t bytes);
  static std::uint32_t saved_count(const Forward& ctx) { return static_cast<std::uint32_t>(ctx.saved_.size()); }
  static void attach(const NodePointer& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs,
                     Forward& ctx);
  static void check_for_nan(std::string_view op, Location where, std::span<const Tensor* const> inputs,
                            std::span<const Tensor> outputs);
  [[noreturn]] static void throw_no_gradient(std::string_view op, Location where);
  static bool any_floating(std::span<const Tensor> outputs);
  /// Gives outputs handles of their own where an op returned an input or a tensor with a history.
  static void make_separate(std::string_view op, std::span<const Tensor* const> inputs, std::span<Tensor> outputs);
};

/// The node of an op of type Op.
template <class Op>
class OpNode final : public Node {
 public:
  std::string_view name() const override { return op_.name; }
  std::string attributes() const override {
    if constexpr (requires {
                    { op_.attributes() } -> std::convertible_to<std::string>;
                  })
      return op_.attributes();
    else
      return {};
  }
  std::string_view zero_gradient() const override {
    if constexpr (requires { Op::zero_gradient; })
      return Op::zero_gradient;
    else
      return {};
  }
  const Op& op() const { return op_; }

 private:
  friend class OpRecorder;
  OpNode(Op op, Arity arity, std::size_t head, Location where) : Node(arity, head, where), op_(std::move(op)) {}

  void backward(Backward& ctx, std::span<Tensor> gradients) override {
    if constexpr (requires { op_.once_differentiable; }) {
      if (op_.once_differentiable && grad_enabled()) {
        {
          const NoGrad guard;
          run_backward(ctx, gradients);
        }
        return ctx.refuse_second_derivative(gradients, "the op is once differentiable");
      }
    }
    run_backward(ctx, gradients);
  }

  void run_backward(Backward& ctx, std::span<Tensor> gradients) {
    if constexpr (requires { op_.backward(ctx, std::as_const(gradients[0])); })
      op_.backward(ctx, std::as_const(gradients[0]));
    else
      op_.backward(ctx, std::span<const Tensor>(gradients));
  }

  [[no_unique_address]] Op op_;
};

/// Runs an op and records it; see apply().
class OpRecorder : public Recorder {
 public:
  template <class Op, class... Inputs>
  static auto run(Op op, Location where, const Inputs&... inputs) {
    if (autocast_enabled()) [[unlikely]] {
      std::array<Tensor, sizeof...(Inputs)> cast{inputs...};
      autocast_inputs(autocast_rule<Op>(), cast, where);
      const Autocast off(false);  // what the kernel does is its own business
      return [&]<std::size_t... I>(std::index_sequence<I...>) { return run_each(std::move(op), where, cast[I]...); }
      (std::index_sequence_for<Inputs...>{});
    }
    return run_each(std::move(op), where, inputs...);
  }

  template <class Op>
  static auto run_list(Op op, Location where, std::span<const Tensor> inputs) {
    if (autocast_enabled()) [[unlikely]] {
      std::vector<Tensor> cast(inputs.begin(), inputs.end());
      autocast_inputs(autocast_rule<Op>(), cast, where);
      const Autocast off(false);
      return run_on_list(std::move(op), where, cast);
    }
    return run_on_list(std::move(op), where, inputs);
  }

 private:
  template <class Op>
  static constexpr AutocastRule autocast_rule() {
    if constexpr (requires { AutocastRule{Op::autocast}; })
      return Op::autocast;
    else
      return AutocastRule::none;
  }

  template <class Op, class... Inputs>
  static auto run_each(Op op, Location where, const Inputs&... inputs) {
    const std::array<const Tensor*, sizeof...(Inputs)> pointers{&inputs...};
    return run_on(std::move(op), where, std::span<const Tensor* const>(pointers), inputs...);
  }

  template <class Op>
  static auto run_on_list(Op op, Location where, std::span<const Tensor> inputs) {
    boost::container::small_vector<const Tensor*, 8> pointers;
    for (const Tensor& input : inputs) pointers.push_back(&input);
    return run_on(std::move(op), where, std::span<const Tensor* const>(pointers.data(), pointers.size()), inputs);
  }

  template <class Op>
  static constexpr bool has_backward = requires(const Op& op, Backward& ctx, const Tensor& t,
                                                std::span<const Tensor> s) {
    requires requires { op.backward(ctx, t); } || requires {
      op.backward(ctx, s);
    };
  };

  /// Its initialisation, before main, is what enters the op into op_names().
  template <class Op>
  inline static const OpName registered{Op::name};

  /// An op that gets its name as the program runs has a member of its own for it, and is not in op_names().
  template <class Op>
  static constexpr bool has_static_name = !std::is_member_pointer_v<decltype(&Op::name)>;

  template <class Op, class... Arguments>
  static auto run_on(Op op, Location where, std::span<const Tensor* const> pointers, const Arguments&... inputs) {
    if constexpr (has_static_name<Op>) static_cast<void>(&registered<Op>);
    const bool recording = wants(pointers);
    Forward ctx(recording);
    if constexpr (requires { op.view(inputs...); }) {
      auto dst = op.view(inputs...);
      finish(std::move(op), where, pointers, all_of(dst), ctx);
      return dst;
    } else if constexpr (requires { op.forward(ctx, inputs...); }) {
      auto dst = run_maker(op, where, ctx, pointers, inputs...);
      make_separate(op.name, pointers, all_of(dst));
      finish(std::move(op), where, pointers, all_of(dst), ctx);
      return dst;
    } else if constexpr (requires {
                           { op.infer(inputs...) } -> std::same_as<Spec>;
                         }) {
      Tensor dst = Tensor::allocate(op.infer(inputs...));
      run_kernel(op, where, pointers, ctx, dst, inputs...);
      finish(std::move(op), where, pointers, std::span(&dst, 1), ctx);
      return dst;
    } else {
      const auto specs = op.infer(inputs...);
      std::array<Tensor, std::tuple_size_v<std::remove_cvref_t<decltype(specs)>>> dst;
      for (std::size_t i = 0; i < dst.size(); ++i) dst[i] = Tensor::allocate(specs[i]);
      run_kernel(op, where, pointers, ctx, dst, inputs...);
      finish(std::move(op), where, pointers, std::span(dst), ctx);
      return dst;
    }
  }

  static std::span<Tensor> all_of(Tensor& output) { return {&output, 1}; }
  template <class Outputs>
  static std::span<Tensor> all_of(Outputs& outputs) {
    return outputs;
  }

  /// A kernel may use ops; they are its own business and not recorded.
  template <class Op, class Dst, class... Arguments>
  static void run_kernel(const Op& op, Location where, std::span<const Tensor* const> pointers, Forward& ctx, Dst& dst,
                         const Arguments&... inputs) {
    const NoGrad guard;
    if (!watched()) return op.forward(ctx, inputs..., dst);
    const RunningOp running(Op::name, where);
    if (watched(Watch::capture)) {
      const auto kernel = [&] { op.forward(ctx, inputs..., dst); };
      return Capture::run(captured<Op, Arguments...>(op, where, ctx.recording()), pointers, all_of(dst), kernel);
    }
    op.forward(ctx, inputs..., dst);
    if (!watched(Watch::verify)) return;
    if constexpr (requires { requires !Op::verifiable; }) {
      VerifyMode::pass_over();
    } else {
      const bool recording = ctx.recording();
      VerifyMode::check(pointers, all_of(dst), [&op, recording](std::span<const Tensor> others) {
        return results_on<Op, Arguments...>(op, recording, others);
      });
    }
  }

  /// Calls `run` with the inputs as the op takes them: one by one, or as a span.
  template <class... Arguments, class Run>
  static auto with_inputs(std::span<const Tensor> inputs, const Run& run) {
    if constexpr ((std::same_as<Arguments, Tensor> && ...)) {
      return [&]<std::size_t... I>(std::index_sequence<I...>) { return run(inputs[I]...); }
      (std::index_sequence_for<Arguments...>{});
    } else {
      return run(inputs);
    }
  }

  /// Whether the op makes its results, and whether its kernel writes into a single one.
  template <class Op, class... Arguments>
  static constexpr bool is_maker = requires(const Op& op, Forward& ctx, const Arguments&... inputs) {
    op.forward(ctx, inputs...);
  };
  template <class Op, class... Arguments>
  static constexpr bool has_one_result = requires(const Op& op, Forward& ctx, Tensor& dst, const Arguments&... inputs) {
    op.forward(ctx, inputs..., dst);
  };

  /// Runs the kernel, or the maker (whose results must have the shapes of `outputs`), on other tensors than it was
  /// applied to.
  template <class Op, class... Arguments>
  static void run_again(const Op& op, bool recording, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
    with_inputs<Arguments...>(inputs, [&](const auto&... arguments) {
      Forward ctx(recording);
      if constexpr (is_maker<Op, Arguments...>) {
        auto made = op.forward(ctx, arguments...);
        Capture::check_shapes(op.name, all_of(made), outputs);
      } else if constexpr (has_one_result<Op, Arguments...>) {
        op.forward(ctx, arguments..., outputs[0]);
      } else {
        decltype(op.infer(arguments...)) const* specs = nullptr;
        array_like(specs, [&](auto& dst) {
          std::copy(outputs.begin(), outputs.end(), dst.begin());
          op.forward(ctx, arguments..., dst);
          std::copy(dst.begin(), dst.end(), outputs.begin());
        });
      }
    });
  }
  template <std::size_t n, class Run>
  static void array_like(const std::array<Spec, n>*, const Run& run) {
    std::array<Tensor, n> tensors;
    run(tensors);
  }

  /// The op's results on other inputs than it was applied to.
  template <class Op, class... Arguments>
  static std::vector<Tensor> results_on(const Op& op, bool recording, std::span<const Tensor> inputs) {
    std::vector<Tensor> dst;
    with_inputs<Arguments...>(inputs, [&](const auto&... arguments) {
      const auto specs = op.infer(arguments...);
      if constexpr (std::same_as<decltype(specs), const Spec>) {
        dst.push_back(Tensor::allocate(specs));
      } else {
        for (const Spec& spec : specs) dst.push_back(Tensor::allocate(spec));
      }
    });
    run_again<Op, Arguments...>(op, recording, inputs, dst);
    return dst;
  }

  /// What a captured step runs in a replay.
  template <class Op, class... Arguments>
  static CapturedCall captured(const Op& op, Location where, bool recording) {
    const auto kept = std::make_shared<Op>(op);
    CapturedCall call{.name = kept->name, .where = where, .run = {}};
    if constexpr (requires {
                    { kept->attributes() } -> std::convertible_to<std::string>;
                  })
      call.attributes = kept->attributes();
    call.run = [kept, recording](std::span<const Tensor> inputs, std::span<Tensor> outputs) {
      run_again<Op, Arguments...>(*kept, recording, inputs, outputs);
    };
    if constexpr (requires {
                    kept->seed;
                    kept->position;
                  }) {
      call.seed = kept->seed;
      call.position = kept->position;
      call.redraw = [kept](std::uint64_t position) { kept->position = position; };
    }
    return call;
  }

  template <class Op, class... Arguments>
  static auto run_maker(const Op& op, Location where, Forward& ctx, std::span<const Tensor* const> pointers,
                        const Arguments&... inputs) {
    const NoGrad guard;
    if (!watched()) return op.forward(ctx, inputs...);
    const RunningOp running(op.name, where);
    if (watched(Watch::verify)) VerifyMode::pass_over();  // the ops that it is made of are compared
    if (!watched(Watch::capture)) return op.forward(ctx, inputs...);
    decltype(op.forward(ctx, inputs...)) made;
    Capture::make(captured<Op, Arguments...>(op, where, ctx.recording()), pointers, [&]() -> std::span<const Tensor> {
      made = op.forward(ctx, inputs...);
      return all_of(made);
    });
    return made;
  }

  template <class Op>
  static void finish(Op op, Location where, std::span<const Tensor* const> inputs, std::span<Tensor> outputs,
                     Forward& ctx) {
    if (anomaly_enabled()) check_for_nan(op.name, where, inputs, outputs);
    const bool records = ctx.recording() && any_floating(outputs);
    if (watched(Watch::trace)) GradientTrace::note(op.name, where, inputs, outputs, records);
    if (!records) return;
    if constexpr (!has_backward<Op>) {
      throw_no_gradient(op.name, where);
    } else {
      const Node::Arity arity{static_cast<std::uint32_t>(inputs.size()), static_cast<std::uint32_t>(outputs.size()),
                              saved_count(ctx)};
      constexpr std::size_t head = sizeof(OpNode<Op>);
      static_assert(head % alignof(Edge) == 0);
      NodePointer node(new (allocate(head + arity.bytes())) OpNode<Op>(std::move(op), arity, head, where));
      attach(node, inputs, outputs, ctx);
    }
  }
};

/// Checks, allocates, runs and, when an input requires a gradient, records `op`. Returns its output: a Tensor, or an
/// array (from a view or an op that makes its outputs: a vector) of them. An undefined input stands for a missing one.
template <class Op, class... Inputs>
requires(std::convertible_to<const Inputs&, const Tensor&>&&...) auto apply(Op op, Location where,
                                                                            const Inputs&... inputs) {
  return OpRecorder::run(std::move(op), where, static_cast<const Tensor&>(inputs)...);
}

/// The same for an op with any number of inputs.
template <class Op>
auto apply(Op op, Location where, std::span<const Tensor> inputs) {
  return OpRecorder::run_list(std::move(op), where, inputs);
}

}  // namespace dagrad
