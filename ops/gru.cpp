#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/recurrent_cells.h"
#include "dagrad/ops/view.h"

namespace dagrad::recurrent {
namespace {

constexpr std::size_t kGates = 3, kQ = 4;  // in what is kept; q is weight_hn h_before + bias_hn

struct Gru {
  static constexpr std::string_view name = "gru_layer", backward_name = "gru_layer_backward";
  static constexpr int gates = 3;
  static constexpr std::size_t states = 1, overwritten = kGates;

  static std::string attributes() { return {}; }

  void forward(std::span<const Tensor> in, bool reverse, std::array<Tensor, 2>& dst, Kept& kept) const {
    ForwardRun run(in, gates, reverse, dst[0]);
    kept = {run.src, run.states, run.rounded,
            Tensor::allocate({run.extent.sequence(gates * run.extent.hidden), run.dtype}),
            Tensor::allocate(run.states.spec())};
    run.multiply_inputs(in[kWeightIh], bias_before_the_steps(in), kept[kGates]);
    if (run.dtype == f64)
      each_step<double>(run, as_computed(in[kBiasHh]), kept);
    else
      each_step<float>(run, as_computed(in[kBiasHh]), kept);
    run.finish(dst[0], dst[1]);
  }

  void backward(const BackwardInputs& in, bool reverse, const std::array<bool, kInputs>& needs,
                std::array<Tensor, kInputs>& dst) const {
    BackwardRun run(in.saved(), gates, reverse, in.diff_output(), in.diff_h_n(), in.to_overwrite(), true);
    run.diff_product = Tensor::allocate(run.diff_gates.spec());
    if (run.dtype == f64)
      each_step<double>(run, in, needs);
    else
      each_step<float>(run, in, needs);
    run.finish(in.input(kWeightIh), needs, dst);
  }

  static std::vector<Tensor> step(const Tensor& from_x, std::span<const Tensor> state, std::span<const Tensor> in) {
    const Tensor& h = state[0];
    const Tensor from_h = linear(h, in[kWeightHh], in[kBiasHh]);
    const std::int64_t hidden = h.size(1);
    const auto gate = [&](const Tensor& all, std::int64_t i) { return narrow(all, 1, i * hidden, hidden); };
    const Tensor r = sigmoid(gate(from_x, 0) + gate(from_h, 0)), z = sigmoid(gate(from_x, 1) + gate(from_h, 1));
    const Tensor n = tanh(gate(from_x, 2) + r * gate(from_h, 2));
    return {n + z * (h - n)};
  }

 private:
  /// bias_ih + bias_hh, but that of n by h goes into q.
  static Tensor bias_before_the_steps(std::span<const Tensor> in) {
    if (!in[kBiasHh].defined()) return as_computed(in[kBiasIh]);
    Tensor hh = clone(as_computed(in[kBiasHh]));
    narrow(hh, 0, hh.numel() / 3 * 2, hh.numel() / 3).zero_();
    if (in[kBiasIh].defined()) add_elements(as_computed(in[kBiasIh]), hh, hh);
    return hh;
  }

  template <class T>
  static void each_step(const ForwardRun& run, const Tensor& bias_hh, Kept& kept) {
    const auto h_0 = reading<T>(run.h_0);
    Tensor result = run.states;
    const auto gates_at = writing<T>(kept[kGates]), q = writing<T>(kept[kQ]), h = writing<T>(result);
    const T* bias_hn = bias_hh.defined() ? bias_hh.data<T>() + 2 * run.extent.hidden : nullptr;
    run.each_step([&](const Step& s) {
      recurrent::run(GruForward<T>{s.rows, static_cast<const T*>(s.product), bias_hn, before(s, h_0, h),
                                   gates_at.at(s.time, s.row), q.at(s.time, s.row), h.at(s.time, s.row)});
    });
  }

  template <class T>
  static void each_step(BackwardRun& run, const BackwardInputs& in, const std::array<bool, kInputs>& needs) {
    const auto h_0 = reading<T>(run.h_0), h = reading<T>(run.states), gates_at = reading<T>(in.kept(kGates)),
               q = reading<T>(in.kept(kQ)), diff_output = reading<T>(run.diff_output);
    const auto carry = writing<T>(run.carry), diff_gates = writing<T>(run.diff_gates),
               diff_product = writing<T>(run.diff_product);
    run.each_step(
        [&](const Step& s) {
          recurrent::run(GruBackward<T>{s.rows, gates_at.at(s.time, s.row), q.at(s.time, s.row), before(s, h_0, h),
                                        diff_output.at(s.time, s.row), static_cast<const T*>(s.product),
                                        carry.at(0, s.row), diff_gates.at(s.time, s.row),
                                        diff_product.at(s.time, s.row)});
        },
        needs);
  }
};

}  // namespace

std::array<Tensor, 2> gru_layer(std::span<const Tensor> in, bool reverse, Location where) {
  return apply(Layer<Gru>{{}, reverse}, where, in);
}

}  // namespace dagrad::recurrent
