#include "dagrad/nn/recurrent.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "dagrad/core/creation.h"
#include "dagrad/core/error.h"
#include "dagrad/core/gradcheck.h"
#include "dagrad/core/gradcheck_gtest.h"
#include "dagrad/nn/layers.h"
#include "dagrad/nn/sequential.h"
#include "dagrad/ops/ops.h"
#include "dagrad/optim/optim.h"
#include "expect_error.h"

namespace dagrad::nn {
namespace {

std::vector<std::string> names(const Module& module) {
  std::vector<std::string> result;
  for (const auto& [name, tensor] : module.named_parameters()) result.push_back(name + " " + tensor.shape().str());
  return result;
}

double largest_difference(const Tensor& a, const Tensor& b) { return max(abs(a - b)).item<double>(); }

/// First and second derivatives by x and by every parameter, through `call`.
template <class Call>
void check_gradients(Module& net, const Tensor& x, const Call& call) {
  net.to(f64);
  std::vector<Tensor> inputs{to(x, f64).requires_grad_()};
  for (const Tensor& p : net.parameters()) inputs.push_back(p);
  // The checks change the elements of the inputs, and so the parameters of the net.
  const auto f = [&](std::span<const Tensor> in) { return call(in[0]); };
  EXPECT_TRUE(passes(gradcheck(f, inputs)));
  GradcheckOptions some{.max_elements = 3};
  EXPECT_TRUE(passes(gradgradcheck(f, inputs, some)));
}

TEST(Recurrent, NamesItsParametersAsPyTorch) {
  const LSTM net(3, 2, {.num_layers = 2, .bidirectional = true});
  EXPECT_EQ(names(net), (std::vector<std::string>{
                            "weight_ih_l0 [8, 3]", "weight_hh_l0 [8, 2]", "bias_ih_l0 [8]", "bias_hh_l0 [8]",
                            "weight_ih_l0_reverse [8, 3]", "weight_hh_l0_reverse [8, 2]", "bias_ih_l0_reverse [8]",
                            "bias_hh_l0_reverse [8]", "weight_ih_l1 [8, 4]", "weight_hh_l1 [8, 2]", "bias_ih_l1 [8]",
                            "bias_hh_l1 [8]", "weight_ih_l1_reverse [8, 4]", "weight_hh_l1_reverse [8, 2]",
                            "bias_ih_l1_reverse [8]", "bias_hh_l1_reverse [8]"}));
  EXPECT_EQ(names(GRUCell(3, 2, false)), (std::vector<std::string>{"weight_ih [6, 3]", "weight_hh [6, 2]"}));
}

TEST(Recurrent, DescribesWhatIsNotTheDefault) {
  EXPECT_EQ(LSTM(64, 128).describe(), "LSTM(64, 128)");
  EXPECT_EQ(GRU(3, 4, {.num_layers = 2, .bias = false, .batch_first = true, .dropout = 0.5, .bidirectional = true})
                .describe(),
            "GRU(3, 4, num_layers=2, bias=false, batch_first=true, dropout=0.5, bidirectional=true)");
  EXPECT_EQ(RNN(3, 4, {}, RnnNonlinearity::relu).describe(), "RNN(3, 4, nonlinearity=relu)");
  EXPECT_EQ(LSTMCell(3, 4, false).describe(), "LSTMCell(3, 4, bias=false)");
  EXPECT_EQ(RNNCell(3, 4, true, RnnNonlinearity::relu).describe(), "RNNCell(3, 4, nonlinearity=relu)");
}

TEST(Recurrent, StartsWithinOneByTheRootOfHidden) {
  manual_seed(1);
  for (const Tensor& p : LSTM(50, 25).parameters()) {
    std::vector<float> values = p.to_vector<float>();
    EXPECT_LE(*std::max_element(values.begin(), values.end()), 0.2f);
    EXPECT_GE(*std::max_element(values.begin(), values.end()), 0.18f);
    EXPECT_GE(*std::min_element(values.begin(), values.end()), -0.2f);
    EXPECT_LE(*std::min_element(values.begin(), values.end()), -0.18f);
  }
}

TEST(Recurrent, SaysWhatAnInputOfAnotherWidthShouldBe) {
  const Tensor x = zeros({5, 2, 4});
  LSTM lstm(3, 8, {.num_layers = 2, .bidirectional = true});
  expect_error<ShapeError>([&] { lstm(x); },
                           "lstm: x has 4 features, the layer wants 3: x is [5, 2, 4], weight_ih_l0 is [32, 3] (want "
                           "x.size(-1) == 3), in LSTM(3, 8, num_layers=2, bidirectional=true)");
  GRU gru(3, 8);
  expect_error_with<ShapeError>([&] { gru(x); }, "(want x.size(-1) == 3), in GRU(3, 8)");
  Sequential net(Linear(7, 4), RNN(3, 8));
  expect_error_with<ShapeError>(
      [&] {
        net(zeros({5, 2, 7}));
      },
      "rnn: x has 4 features, the layer wants 3: x is [5, 2, 4], ");
  GRUCell cell(3, 8);
  expect_error_with<ShapeError>([&] { cell(zeros({2, 4})); }, "gru: x has 4 features, the layer wants 3: ");
}

TEST(Recurrent, HasRightGradientsThroughEveryParameter) {
  manual_seed(2);
  const RecurrentLayers two{.num_layers = 2, .batch_first = true, .bidirectional = true};
  const Tensor x = uniform({2, 3, 2}, -1, 1), lengths = tensor({3, 2}, i64);
  LSTM lstm_net(2, 2, two);
  check_gradients(lstm_net, x, [&](const Tensor& in) {
    const LstmResult result = lstm_net(in, LstmState{}, {.lengths = lengths});
    return std::vector{result.output, result.h_n, result.c_n};
  });
  GRU gru_net(2, 2, two);
  check_gradients(gru_net, x, [&](const Tensor& in) {
    const RnnResult result = gru_net(in, Tensor(), {.lengths = lengths});
    return std::vector{result.output, result.h_n};
  });
  RNN rnn_net(2, 2, two);
  check_gradients(rnn_net, x, [&](const Tensor& in) {
    const RnnResult result = rnn_net(in, Tensor(), {.lengths = lengths});
    return std::vector{result.output, result.h_n};
  });
}

TEST(Recurrent, CellsGoStepByStepWhereNetworksGo) {
  manual_seed(3);
  const Tensor x = randn({4, 3, 5}), h_0 = randn({1, 3, 6}), c_0 = randn({1, 3, 6});
  const auto last = [](const Tensor& output) { return select(output, 0, 3); };

  RNN rnn_net(5, 6, {}, RnnNonlinearity::relu);
  RNNCell rnn_cell(5, 6, true, RnnNonlinearity::relu);
  rnn_cell.weights = rnn_net.weights[0];
  GRU gru_net(5, 6);
  GRUCell gru_cell(5, 6);
  gru_cell.weights = gru_net.weights[0];
  LSTM lstm_net(5, 6);
  LSTMCell lstm_cell(5, 6);
  lstm_cell.weights = lstm_net.weights[0];

  Tensor by_rnn = select(h_0, 0, 0), by_gru = by_rnn;
  LstmCellState by_lstm{by_rnn, select(c_0, 0, 0)};
  for (std::int64_t t = 0; t < 4; ++t) {
    const Tensor now = select(x, 0, t);
    by_rnn = rnn_cell(now, by_rnn);
    by_gru = gru_cell(now, by_gru);
    by_lstm = lstm_cell(now, by_lstm);
  }
  EXPECT_LT(largest_difference(by_rnn, last(rnn_net(x, h_0).output)), 1e-5);
  EXPECT_LT(largest_difference(by_gru, last(gru_net(x, h_0).output)), 1e-5);
  const LstmResult result = lstm_net(x, {h_0, c_0});
  EXPECT_LT(largest_difference(by_lstm.h, last(result.output)), 1e-5);
  EXPECT_LT(largest_difference(by_lstm.c, select(result.c_n, 0, 0)), 1e-5);
}

TEST(Recurrent, CellsTakeOneVectorAndStartAtZero) {
  manual_seed(4);
  LSTMCell cell(3, 2);
  const Tensor x = randn({3});
  const LstmCellState state = cell(x, LstmCellState{});
  EXPECT_EQ(state.h.shape(), Shape{2});
  const LstmCellState batched = cell(unsqueeze(x, 0), {zeros({1, 2}), zeros({1, 2})});
  EXPECT_EQ(state.c.to_vector<float>(), batched.c.to_vector<float>());
  EXPECT_EQ(cell(x).to_vector<float>(), state.h.to_vector<float>());
}

TEST(Recurrent, DropsOutBetweenLayersInTrainingOnly) {
  manual_seed(5);
  RNN net(3, 64, {.num_layers = 2, .dropout = 0.5});
  const Tensor x = randn({5, 2, 3});
  const std::vector<float> first = net(x).to_vector<float>();
  EXPECT_NE(first, net(x).to_vector<float>());
  net.eval();
  const std::vector<float> whole = net(x).to_vector<float>();
  EXPECT_EQ(whole, net(x).to_vector<float>());
  EXPECT_NE(whole, first);
  RNN one_layer(3, 4, {.dropout = 0.5});
  EXPECT_EQ(one_layer(x).to_vector<float>(), one_layer(x).to_vector<float>());
}

TEST(Recurrent, GivesAPaddedSequenceWhatItHasAlone) {
  manual_seed(6);
  GRU net(3, 4, {.num_layers = 2, .bidirectional = true});
  const Tensor x = randn({6, 2, 3});
  const RnnResult together = net(x, Tensor(), {.lengths = tensor({6, 4}, i64)});
  const RnnResult alone = net(narrow(narrow(x, 1, 1, 1), 0, 0, 4), Tensor());
  EXPECT_LT(largest_difference(narrow(narrow(together.output, 1, 1, 1), 0, 0, 4), alone.output), 1e-6);
  EXPECT_LT(largest_difference(narrow(together.h_n, 1, 1, 1), alone.h_n), 1e-6);
  EXPECT_EQ(max(abs(narrow(narrow(together.output, 1, 1, 1), 0, 4, 2))).item<float>(), 0.0f);
}

TEST(Recurrent, SaysWhatIsWrong) {
  expect_error<ShapeError>([] { LSTM(0, 4); }, "LSTM: in is 0, hidden is 4 (want both at least 1)");
  expect_error<ShapeError>([] { GRU(3, 4, {.num_layers = 0}); }, "GRU: num_layers is 0 (want at least 1)");
  expect_error<UsageError>([] { RNN(3, 4, {.dropout = -1}); }, "RNN: dropout is -1 (want 0 <= dropout <= 1)");
  expect_error<ShapeError>([] { GRUCell(3, 4)(zeros({2, 2, 3})); }, "GRUCell: x is [2, 2, 3] (want [N, in] or [in])");
}

// The adding problem (Hochreiter and Schmidhuber 1997): of a sequence of numbers two are marked, and their sum is asked
// for at the end. Always answering 1 has a mean squared error of 1/6.
TEST(Recurrent, LstmLearnsToAddTwoNumbersFarApart) {
  manual_seed(7);
  constexpr std::int64_t kSteps = 20, kBatch = 50;
  Generator generator(8);
  const auto draw = [&] {
    const Tensor numbers = rand({kSteps, kBatch}, f32, generator);
    Tensor marks = zeros({kSteps, kBatch});
    for (std::int64_t n = 0; n < kBatch; ++n) {
      const auto first = static_cast<std::int64_t>(generator.next_below(kSteps / 2)),
                 second = kSteps / 2 + static_cast<std::int64_t>(generator.next_below(kSteps / 2));
      marks.mutable_data<float>()[first * kBatch + n] = 1;
      marks.mutable_data<float>()[second * kBatch + n] = 1;
    }
    return std::pair{stack({numbers, marks}, 2), sum(numbers * marks, {0})};
  };
  LSTM net(2, 32);
  Linear head(32, 1);
  std::vector<Tensor> parameters = net.parameters();
  for (const Tensor& p : head.parameters()) parameters.push_back(p);
  optim::Adam optimizer(parameters, {.lr = 0.01});
  const auto error = [&](const Tensor& x, const Tensor& y) {
    return mean(square(squeeze(head(select(net(x, LstmState{}).h_n, 0, 0)), 1) - y));
  };
  for (int step = 0; step < 800; ++step) {
    const auto [x, y] = draw();
    optimizer.zero_grad();
    error(x, y).backward();
    optimizer.step();
  }
  const auto [x, y] = draw();
  EXPECT_LT(error(x, y).item<float>(), 0.01f);
}

}  // namespace
}  // namespace dagrad::nn
