// One layer of a recurrent network in one direction, as an op. Internal.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "dagrad/core/op.h"
#include "dagrad/core/watch.h"
#include "dagrad/ops/composed_gradient.h"
#include "dagrad/ops/recurrent_run.h"

namespace dagrad::recurrent {

/// What a layer needs to know of a cell:
///
///   struct Cell {
///     static constexpr std::string_view name, backward_name;          // of the layer's ops
///     static constexpr int gates;                                      // weight_ih is [gates H, I]
///     static constexpr std::size_t states;                             // 1: h; 2: h and c
///     static constexpr std::size_t overwritten;                        // what of Kept a backward may write over, if
///     any std::string attributes() const;
///     // Runs the sequence; sets dst[1 + state] and what the backward needs.
///     void forward(std::span<const Tensor> in, bool reverse, std::array<Tensor, 1 + states>& dst, Kept& kept) const;
///     // From the gradients of dst, undefined where zero.
///     void backward(const BackwardInputs& in, bool reverse, const std::array<bool, kInputs>& needs,
///                   std::array<Tensor, kInputs>& dst) const;
///     // One step made of ops: from x weight_ih^T + bias_ih of the step and the states, the states after it.
///     std::vector<Tensor> step(const Tensor& gates, std::span<const Tensor> states, std::span<const Tensor> in) const;
///   };

/// The layer made of ops: inputs as of the layer, results [output, h_n, c_n]. `step` is a cell's.
using ComposedStep =
    std::function<std::vector<Tensor>(const Tensor& gates, std::span<const Tensor> states, std::span<const Tensor> in)>;
std::vector<Tensor> composed_layer(std::span<const Tensor> in, std::size_t states, bool reverse,
                                   const ComposedStep& step);

constexpr std::size_t kMostStates = 2, kMostKept = 6;
/// What a layer's forward leaves for its backward: src, states, rounded, and the cell's own.
using Kept = std::array<Tensor, kMostKept>;

/// The inputs of a layer's backward: the gradients of its results, its inputs, what it kept.
class BackwardInputs {
 public:
  static constexpr std::size_t kDiffs = 1 + kMostStates, kCount = kDiffs + kInputs + kMostKept;
  BackwardInputs(std::span<const Tensor> all, const Tensor& to_overwrite) : all_(all), to_overwrite_(to_overwrite) {}

  const Tensor& diff_output() const { return all_[0]; }
  const Tensor& diff_h_n() const { return all_[1]; }
  const Tensor& diff_c_n() const { return all_[2]; }
  const Tensor& input(Input i) const { return all_[kDiffs + i]; }
  /// The layer's inputs, and what it kept behind them.
  std::span<const Tensor> saved() const { return all_.subspan(kDiffs); }
  const Tensor& kept(std::size_t i) const { return all_[kDiffs + kInputs + i]; }
  /// Which of these nobody reads afterwards; may be undefined.
  const Tensor& to_overwrite() const { return to_overwrite_; }

 private:
  std::span<const Tensor> all_;
  Tensor to_overwrite_;
};

/// The gradients of a layer's inputs from those of its results; the outputs that are not needed are empty.
template <class Cell>
struct LayerBackward {
  static constexpr std::string_view name = Cell::backward_name;
  Cell cell;
  bool reverse;
  std::array<bool, kInputs> needs;
  bool overwrites = false;

  std::string attributes() const { return cell.attributes(); }

  std::array<Spec, kInputs> infer(std::span<const Tensor> in) const {
    const BackwardInputs inputs(in, {});
    const Tensor& x = inputs.input(kX);
    std::array<Spec, kInputs> specs;
    for (std::size_t i = 0; i < kInputs; ++i)
      specs[i] = needs[i] ? inputs.input(static_cast<Input>(i)).spec() : Spec{{0}, x.dtype()};
    return specs;
  }

  void forward(Forward& ctx, std::span<const Tensor> in, std::array<Tensor, kInputs>& dst) const {
    const Tensor over = overwrites ? in[BackwardInputs::kDiffs + kInputs + Cell::overwritten] : Tensor();
    cell.backward(BackwardInputs(in, over), reverse, needs, dst);
    for (std::size_t i = 0; i < BackwardInputs::kDiffs + kInputs; ++i) ctx.save(in[i]);
  }

  // By the derivatives of the same gradients made of ops.
  void backward(Backward& ctx, std::span<const Tensor> diff) const {
    constexpr std::size_t kFrom = BackwardInputs::kDiffs + kInputs;
    std::vector<Tensor> in;
    std::vector<bool> wanted;
    for (std::size_t i = 0; i < kFrom; ++i) {
      in.push_back(ctx.saved(i));
      wanted.push_back(ctx.needs(i));
    }
    const auto gradient = [op = *this](std::span<const Tensor> from) {
      const auto layer = [&op](std::span<const Tensor> inputs) {
        const auto step = [&op](const auto&... arguments) { return op.cell.step(arguments...); };
        return composed_layer(inputs, Cell::states, op.reverse, step);
      };
      return recorded_gradient(layer, from.subspan(BackwardInputs::kDiffs), from.first(1 + Cell::states),
                               std::vector<bool>(op.needs.begin(), op.needs.end()));
    };
    const std::vector<Tensor> given = composed_gradient(gradient, in, diff, wanted);
    for (std::size_t i = 0; i < kFrom; ++i) ctx.give(i, given[i]);
  }
};

/// [output, h_n, c_n] from the inputs of `Input`.
template <class Cell>
struct Layer {
  static constexpr std::string_view name = Cell::name;
  using Results = std::array<Tensor, 1 + Cell::states>;
  Cell cell;
  bool reverse;

  std::string attributes() const {
    return cell.attributes() + (reverse ? (cell.attributes().empty() ? "reverse" : ", reverse") : "");
  }

  std::array<Spec, 1 + Cell::states> infer(std::span<const Tensor> in) const {
    const Extent e = Extent::of(in, Cell::gates, reverse);
    std::array<Spec, 1 + Cell::states> specs;
    specs.fill({{e.batch, e.hidden}, in[kWeightHh].dtype()});
    specs[0] = {e.sequence(e.hidden), in[kX].dtype()};
    return specs;
  }

  void forward(Forward& ctx, std::span<const Tensor> in, Results& dst) const {
    Kept kept;
    cell.forward(in, reverse, dst, kept);
    for (const Tensor& t : in) ctx.save(t);
    for (const Tensor& t : kept) ctx.save(t);
  }

  void backward(Backward& ctx, std::span<const Tensor> diff) const {
    boost::container::small_vector<Tensor, BackwardInputs::kCount> in(diff.begin(), diff.end());
    in.resize(BackwardInputs::kDiffs);
    LayerBackward<Cell> op{cell, reverse, {}, false};
    for (std::size_t i = 0; i < kInputs; ++i) {
      in.push_back(ctx.saved(i));
      op.needs[i] = ctx.needs(i);
    }
    for (std::size_t i = 0; i < kMostKept; ++i) {
      const Tensor kept = ctx.saved(kInputs + i);
      in.push_back(kept.defined() ? kept.detach() : kept);  // what depends on these is in the inputs' gradients
    }
    if constexpr (Cell::overwritten < kMostKept) {
      ctx.done_with_saved(kInputs + Cell::overwritten);
      // Verify mode runs the op again, on the same inputs.
      op.overwrites =
          in[BackwardInputs::kDiffs + kInputs + Cell::overwritten].owns_elements_alone() && !watched(Watch::verify);
    }
    auto gradients = apply(op, Location::current(), std::span<const Tensor>(in.data(), in.size()));
    for (std::size_t i = 0; i < kInputs; ++i) {
      if (op.needs[i]) ctx.give(i, std::move(gradients[i]));
    }
  }
};

}  // namespace dagrad::recurrent
