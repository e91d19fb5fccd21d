// What an options struct holds, told once: from that come the checks, the saving and the loading of options.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dagrad::optim {

/// What may stand in place of options as the learning rate: a number. Braces, also empty ones, are options.
template <class T>
concept Rate = std::floating_point<T> ||(std::integral<T> && !std::same_as<T, bool>);

/// The values that an option may have, and the words for them in an error message.
struct Range {
  bool (*within)(double);
  std::string_view want;
  bool whole = false;    ///< and a whole number of 64 bits
  bool or_none = false;  ///< or NaN, which stands for none

  bool holds(double value) const;
};

/// The ranges that most options have.
extern const Range kRate;           ///< finite, >= 0
extern const Range kNonNegative;    ///< >= 0
extern const Range kPositive;       ///< finite, > 0
extern const Range kBeta;           ///< [0, 1)
extern const Range kFraction;       ///< [0, 1]
extern const Range kPositiveCount;  ///< >= 1
extern const Range kAny;

/// Is shown every option of a struct, in order. Each options struct has a function `describe(options, visitor)` that
/// names its members and their ranges; an optimizer's options are checked, saved and loaded through it.
class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  virtual void number(std::string_view name, double& value, const Range& range) = 0;

  /// A condition on several options at once; `wrong` says what is wrong and what is wanted.
  virtual void require(bool holds, std::string_view wrong);

  /// Shown as 0 or 1.
  void flag(std::string_view name, bool& value);
  /// A whole number.
  void count(std::string_view name, std::int64_t& value, const Range& range);
  /// None is shown as NaN.
  void optional(std::string_view name, std::optional<double>& value, const Range& range);
};

/// Throws UsageError `owner: name is value (want ...)` for the first option outside its range.
class OptionCheck final : public OptionVisitor {
 public:
  explicit OptionCheck(std::string_view owner) : owner_(owner) {}
  void number(std::string_view name, double& value, const Range& range) override;
  void require(bool holds, std::string_view wrong) override;

 private:
  std::string_view owner_;
};

/// Throws UsageError unless every member of `options` (any struct with a `describe`) is in its range.
template <class Options>
void check_options(std::string_view owner, Options options) {
  OptionCheck check(owner);
  describe(options, check);
}

}  // namespace dagrad::optim
