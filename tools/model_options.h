// Options: which model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/option_list.h"

namespace dagrad::tools {

struct ModelOptions {
  std::string kind = "mlp";
  std::string hidden;              ///< widths; empty: hidden_widths() says
  std::string channels = "16,32";  ///< of a cnn's convolutions
  std::int64_t kernel = 3;
  std::int64_t pool = 2;         ///< max pooling behind each convolution; 1: none
  std::string head = "flatten";  ///< what the linear layers of a cnn get
  std::int64_t layers = 1;       ///< of a recurrent model
  bool bidirectional = false;
  std::string activation = "relu";
  std::string norm = "none";
  double dropout = 0;
  double channel_dropout = 0;  ///< of a cnn, behind each block
  std::string init = "standard";

  bool is_recurrent() const { return kind == "rnn" || kind == "lstm" || kind == "gru"; }
  /// Of the layers between input and output: those given, or 256,128 for an mlp, 64 for a cnn, 128 for a recurrent
  /// model, none for a linear model. For a recurrent model the one width is that of its state.
  std::vector<std::int64_t> hidden_widths() const;
  std::vector<std::int64_t> channel_counts() const;
};

void describe(ModelOptions& options, OptionList& list);
/// Throws UsageError for what is out of range or does not belong to the kind of model.
void check(const ModelOptions& options);

}  // namespace dagrad::tools
