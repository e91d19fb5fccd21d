#include "libtorch/torch_table.h"

namespace dagrad::libtorch {

// Keys are `row`, `row/sample`, `gradient of row` and `gradient of row/sample`.
const std::map<std::string, std::string>& not_in_libtorch() {
  static const std::map<std::string, std::string> list{
      {"dropout", "its masks come from another generator"},
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
  };
  return list;
}

}  // namespace dagrad::libtorch
