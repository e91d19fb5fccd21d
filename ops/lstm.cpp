#include "dagrad/core/copy.h"
#include "dagrad/core/creation.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/recurrent_cells.h"
#include "dagrad/ops/view.h"

namespace dagrad::recurrent {
namespace {

constexpr std::size_t kGates = 3, kCells = 4, kTanhCells = 5;  // in what is kept

struct Lstm {
  static constexpr std::string_view name = "lstm_layer", backward_name = "lstm_layer_backward";
  static constexpr int gates = 4;
  static constexpr std::size_t states = 2, overwritten = kGates;

  static std::string attributes() { return {}; }

  void forward(std::span<const Tensor> in, bool reverse, std::array<Tensor, 3>& dst, Kept& kept) const {
    ForwardRun run(in, gates, reverse, dst[0]);
    kept = {run.src,
            run.states,
            run.rounded,
            Tensor::allocate({run.extent.sequence(gates * run.extent.hidden), run.dtype}),
            Tensor::allocate(run.states.spec()),
            Tensor::allocate(run.states.spec())};
    run.multiply_inputs(in[kWeightIh], sum_of_biases(in), kept[kGates]);
    if (run.dtype == f64)
      each_step<double>(run, run.initial(in[kC0]), kept);
    else
      each_step<float>(run, run.initial(in[kC0]), kept);
    run.finish(dst[0], dst[1]);
    run.copy_time(kept[kCells], run.extent.last_time(), dst[2]);
  }

  void backward(const BackwardInputs& in, bool reverse, const std::array<bool, kInputs>& needs,
                std::array<Tensor, kInputs>& dst) const {
    BackwardRun run(in.saved(), gates, reverse, in.diff_output(), in.diff_h_n(), in.to_overwrite(), false);
    const Tensor& c_n = in.diff_c_n();
    Tensor diff_c = zeros(run.h_0.shape(), run.dtype);
    if (c_n.defined()) copy_elements(c_n, diff_c);
    if (run.dtype == f64)
      each_step<double>(run, in, needs, diff_c);
    else
      each_step<float>(run, in, needs, diff_c);
    run.finish(in.input(kWeightIh), needs, dst);
    if (needs[kC0]) copy_elements(diff_c, dst[kC0]);
  }

  static std::vector<Tensor> step(const Tensor& from_x, std::span<const Tensor> state, std::span<const Tensor> in) {
    const Tensor all = from_x + linear(state[0], in[kWeightHh], in[kBiasHh]);
    const std::int64_t hidden = state[0].size(1);
    const auto gate = [&](std::int64_t i) { return narrow(all, 1, i * hidden, hidden); };
    const Tensor c = sigmoid(gate(1)) * state[1] + sigmoid(gate(0)) * tanh(gate(2));
    return {sigmoid(gate(3)) * tanh(c), c};
  }

 private:
  template <class T>
  static void each_step(const ForwardRun& run, const Tensor& c_0, Kept& kept) {
    const auto h_0 = reading<T>(run.h_0), c_0_at = reading<T>(c_0);
    Tensor result = run.states;
    const auto gates_at = writing<T>(kept[kGates]), c = writing<T>(kept[kCells]), tanh_c = writing<T>(kept[kTanhCells]),
               h = writing<T>(result);
    run.each_step([&](const Step& s) {
      recurrent::run(LstmForward<T>{s.rows, static_cast<const T*>(s.product), before(s, h_0, h), before(s, c_0_at, c),
                                    gates_at.at(s.time, s.row), c.at(s.time, s.row), tanh_c.at(s.time, s.row),
                                    h.at(s.time, s.row)});
    });
  }

  template <class T>
  static void each_step(BackwardRun& run, const BackwardInputs& in, const std::array<bool, kInputs>& needs,
                        Tensor& diff_c) {
    const Tensor& given = in.input(kC0);
    const Tensor c_0 = given.defined() ? as_computed(given) : zeros(diff_c.shape(), run.dtype);
    const auto c_0_at = reading<T>(c_0), gates_at = reading<T>(in.kept(kGates)), c = reading<T>(in.kept(kCells)),
               tanh_c = reading<T>(in.kept(kTanhCells)), diff_output = reading<T>(run.diff_output);
    const auto carry = writing<T>(run.carry), diff_c_at = writing<T>(diff_c), diff_gates = writing<T>(run.diff_gates);
    run.each_step(
        [&](const Step& s) {
          recurrent::run(LstmBackward<T>{s.rows, gates_at.at(s.time, s.row), before(s, c_0_at, c),
                                         tanh_c.at(s.time, s.row), diff_output.at(s.time, s.row),
                                         static_cast<const T*>(s.product), carry.at(0, s.row), diff_c_at.at(0, s.row),
                                         diff_gates.at(s.time, s.row)});
        },
        needs);
  }
};

}  // namespace

std::array<Tensor, 3> lstm_layer(std::span<const Tensor> in, bool reverse, Location where) {
  return apply(Layer<Lstm>{{}, reverse}, where, in);
}

}  // namespace dagrad::recurrent
