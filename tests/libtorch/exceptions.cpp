#include <set>

#include "libtorch/torch_table.h"

namespace dagrad::libtorch {

namespace {

std::map<std::string, std::string> all() {
  std::map<std::string, std::string> list{
      {"dropout", "its masks come from another generator"},
      {"dropout_backward", "its masks come from another generator"},
      {"alpha_dropout", "its masks come from another generator"},
      {"feature_dropout", "its masks come from another generator"},
      {"dropout1d", "its masks come from another generator"},
      {"dropout2d", "its masks come from another generator"},
      {"dropout3d", "its masks come from another generator"},
      {"bernoulli", "draws from another generator"},
      {"multinomial", "draws from another generator"},
      {"interpolate/no_channels_2x0x3x3_by_2", "throws where there are no channels"},
      {"interpolate_linear/no_channels_2x0x3x3_by_2", "throws where there are no channels"},
      {"interpolate/whole_places_1x1x2_to_98", "rounds the ratio of sizes"},
      {"gradient of bincount_weighted", "none for the weights"},
      {"sqrt_backward", "no such op"},
      {"linear_recurrence", "no such op"},
      {"rms_norm", "since 2.4"},
      {"rms_norm_backward", "since 2.4"},
      {"standardize_weight", "no such op"},
      {"pad/crop_all_4", "no negative sizes that leave nothing"},
      {"pad/reflect_and_crop_6", "no negative sizes but of constants"},
      {"pad/reflect_no_rows_0x3", "no empty sources but of constants"},
      {"pad/replicate_and_crop_4x3", "no negative sizes but of constants"},
      {"pad/circular_17", "in Python alone"},
      {"pad/circular_by_all_3x4", "in Python alone"},
      {"pad_backward/circular_3x4", "in Python alone"},
      {"pad_backward/empty_0x3", "no empty sources but of constants"},
      {"max_pool1d/relu_wide_window_300", "no relu within"},
      {"max_pool2d/relu_tail_2x17x12x10", "no relu within"},
      {"max_pool2d/relu_padded_2x35x9x9", "no relu within"},
      {"max_pool2d/no_channels", "throws where there are no channels"},
      {"multi_margin_loss/no_samples_0x3", "gives what happens to be in memory"},
      {"gradient of number_remainder", "none for the divisor"},
      {"conv2d/no_channels", "gives a result without channels"},
      {"instance_norm/no_samples_0x3x4", "throws where there are no samples"},
      {"gradient of group_norm/no_weight_2x4x3", "throws for a bias without a weight"},
      {"gradient of group_norm/no_positions_2x4x0", "NaN for weights of nothing"},
      {"gradient of embedding_backward/no_indices_5x3", "throws where there are no indices"},
      {"gradient of embedding_backward/no_columns_5x0", "throws where there are no columns"},
      {"gradient of scatter_add/index_shorter_4x5", "throws where the index is shorter than the values"},
      {"gradient of scatter", "gives an element's gradient to all values written to it, not to the last alone"},
      {"gradient of hard_sigmoid_backward", "no second derivative"},
      {"gradient of weighted_binary_cross_entropy", "none for the weights"},
      // In f64 it is libtorch that is less precise.
      {"f64 of hard_sigmoid_backward", "its 1 / 6 is that of f32"},
      {"f64 gradient of hard_sigmoid", "its 1 / 6 is that of f32"},
      {"f64 of cosine_embedding_loss", "adds 1e-12 to the squares"},
      {"f64 gradient of cosine_embedding_loss", "adds 1e-12 to the squares"},
      {"f64 gradient of binary_cross_entropy_backward", "adds 1e-12 to the probabilities"},
  };
  for (const char* row : {"var/", "std/"}) {
    for (const char* sample : {"far_from_0_11x17", "far_from_0_17x11"}) {
      list.emplace(std::string("f64 of ") + row + sample, "its running mean loses digits far from 0");
      list.emplace(std::string("gradient of ") + row + sample, "its running mean loses digits far from 0");
    }
  }
  for (const char* row : {"rnn", "rnn_relu", "lstm", "gru"}) {
    for (const char* sample : {"lengths_3x3x1_to_2", "bidirectional_3x2x1_to_1_lengths", "everything_5x4x3_to_6",
                               "threads_masked_20x37x9_to_65"})
      list.emplace(std::string(row) + "/" + sample, "lengths only of packed sequences");
    for (const char* sample : {"mask_4x2x1_to_2", "batch_first_2x3x1_to_2_mask", "tail_masked_9x5x7_to_35"})
      list.emplace(std::string(row) + "/" + sample, "no masks");
  }
  return list;
}

}  // namespace

const std::map<std::string, std::string>& not_in_libtorch() {
  static const std::map<std::string, std::string> list = all();
  return list;
}

bool cancels_in_libtorch(const std::string& row) {
  static const std::set<std::string> rows{"var", "std", "stddev", "binary_cross_entropy_with_logits",
                                          "binary_cross_entropy_with_logits_backward"};
  return rows.contains(row);
}

}  // namespace dagrad::libtorch
