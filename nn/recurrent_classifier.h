// Classifiers of sequences in one line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dagrad/nn/dropout.h"
#include "dagrad/nn/init_kind.h"
#include "dagrad/nn/layers.h"
#include "dagrad/nn/recurrent.h"

namespace dagrad::nn {

enum class RecurrentKind : std::uint8_t { rnn, lstm, gru };
std::vector<std::string> recurrent_names();
std::string_view name_of(RecurrentKind kind);
/// Throws UsageError that lists the names.
RecurrentKind recurrent_kind(std::string_view name);

struct RecurrentClassifierOptions {
  RecurrentKind kind = RecurrentKind::lstm;
  std::int64_t hidden = 128;
  std::int64_t layers = 1;
  bool bidirectional = false;
  double dropout = 0;  ///< between the layers and before the linear one
  WeightInit init = InitKind::standard;
};

/// Reads sequences [N, T, features] and gives scores [N, classes]: those of a linear layer over the last layer's state
/// behind the last step (of both directions). Images [N, C, H, W] are read row by row, as [N, H, C W].
/// `RecurrentClassifier(28, 10, {.kind = RecurrentKind::gru})`. Also fits regression, the outputs being the classes.
class RecurrentClassifier : public Module {
 public:
  RecurrentClassifier(std::int64_t features, std::int64_t classes, const RecurrentClassifierOptions& options = {});
  Tensor forward(const Tensor& x) override { return forward(x, {}); }
  /// The same where sequences have lengths of their own.
  Tensor forward(const Tensor& x, const SequencePadding& padding);
  void parts(Parts& p) override;
  std::string describe() const override { return "RecurrentClassifier"; }

  using Module::operator();
  Tensor operator()(const Tensor& x, const SequencePadding& padding) { return forward(x, padding); }

  std::variant<RNN, LSTM, GRU> recurrent;
  Dropout dropout;
  Linear linear;
};

}  // namespace dagrad::nn
