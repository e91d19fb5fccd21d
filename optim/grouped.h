// Optimizers with an options struct for each group.
#pragma once

#include <limits>
#include <utility>
#include <vector>

#include "dagrad/optim/optimizer.h"

namespace dagrad::optim {

/// An optimizer whose groups have options of type O, a struct with a `describe(O&, OptionVisitor&)`:
///
///   optim::Adam optimizer({{net.weights(), {.weight_decay = 1e-4}}, {net.biases(), {.lr = 1e-2}}});
template <class O>
class GroupedOptimizer : public Optimizer {
 public:
  using Options = O;
  struct Group {
    std::vector<Tensor> parameters;
    O options = {};
  };

  const O& options(std::size_t group = 0) const { return options_[checked_group(group)]; }
  /// Throws UsageError for a value outside its range, and then changes nothing.
  void set_options(const O& options, std::size_t group = 0) {
    checked_group(group);
    check_options(name(), options);
    options_[group] = options;
  }
  /// Throws like the constructor, and UsageError where there is but one group; and then changes nothing.
  void add_group(const std::vector<Tensor>& parameters, const O& options = {}) {
    check_group_count(options_.size() + 1, most_groups_);
    check_options(name(), options);
    options_.reserve(options_.size() + 1);
    add_parameters(parameters, dtypes_);
    options_.push_back(options);
  }

 protected:
  GroupedOptimizer(std::string_view optimizer, const std::vector<Group>& groups, std::span<const DType> dtypes,
                   std::size_t most_groups = std::numeric_limits<std::size_t>::max())
      : Optimizer(optimizer), dtypes_(dtypes), most_groups_(most_groups) {
    if (groups.empty()) add_parameters({}, dtypes_);  // says what is wrong
    for (const Group& group : groups) add_group(group.parameters, group.options);
  }

  void describe_options(std::size_t group, OptionVisitor& visitor) final { describe(options_[group], visitor); }

 private:
  std::span<const DType> dtypes_;
  std::size_t most_groups_;
  std::vector<O> options_;
};

}  // namespace dagrad::optim
