#include "dagrad/core/copy.h"
#include "dagrad/ops/elementwise.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/operators.h"
#include "dagrad/ops/recurrent_cells.h"

namespace dagrad::recurrent {
namespace {

struct Rnn {
  static constexpr std::string_view name = "rnn_layer", backward_name = "rnn_layer_backward";
  static constexpr int gates = 1;
  static constexpr std::size_t states = 1, overwritten = kMostKept;  // the states are a result
  bool relu;

  std::string attributes() const { return relu ? "relu" : "tanh"; }

  void forward(std::span<const Tensor> in, bool reverse, std::array<Tensor, 2>& dst, Kept& kept) const {
    ForwardRun run(in, gates, reverse, dst[0]);
    kept = {run.src, run.states, run.rounded};
    run.multiply_inputs(in[kWeightIh], sum_of_biases(in), run.states);
    if (run.dtype == f64)
      each_step<double>(run);
    else
      each_step<float>(run);
    run.finish(dst[0], dst[1]);
  }

  void backward(const BackwardInputs& in, bool reverse, const std::array<bool, kInputs>& needs,
                std::array<Tensor, kInputs>& dst) const {
    BackwardRun run(in.saved(), gates, reverse, in.diff_output(), in.diff_h_n(), in.to_overwrite(), false);
    if (run.dtype == f64)
      each_step<double>(run, needs);
    else
      each_step<float>(run, needs);
    run.finish(in.input(kWeightIh), needs, dst);
  }

  std::vector<Tensor> step(const Tensor& from_x, std::span<const Tensor> state, std::span<const Tensor> in) const {
    const Tensor sum = from_x + linear(state[0], in[kWeightHh], in[kBiasHh]);
    return {relu ? dagrad::relu(sum) : tanh(sum)};
  }

 private:
  template <class T>
  void each_step(ForwardRun& run) const {
    const auto h_0 = reading<T>(run.h_0);
    const auto h = writing<T>(run.states);
    run.each_step([&](const Step& s) {
      recurrent::run(
          RnnForward<T>{s.rows, relu, static_cast<const T*>(s.product), before(s, h_0, h), h.at(s.time, s.row)});
    });
  }

  template <class T>
  void each_step(BackwardRun& run, const std::array<bool, kInputs>& needs) const {
    const auto h = reading<T>(run.states), diff_output = reading<T>(run.diff_output);
    const auto carry = writing<T>(run.carry), diff_gates = writing<T>(run.diff_gates);
    run.each_step(
        [&](const Step& s) {
          recurrent::run(RnnBackward<T>{s.rows, relu, h.at(s.time, s.row), diff_output.at(s.time, s.row),
                                        static_cast<const T*>(s.product), carry.at(0, s.row),
                                        diff_gates.at(s.time, s.row)});
        },
        needs);
  }
};

}  // namespace

std::array<Tensor, 2> rnn_layer(std::span<const Tensor> in, bool relu, bool reverse, Location where) {
  return apply(Layer<Rnn>{{relu}, reverse}, where, in);
}

}  // namespace dagrad::recurrent
