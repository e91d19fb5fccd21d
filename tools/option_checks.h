// What options must be, by themselves and beside each other, with the same messages everywhere.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace dagrad::tools {

/// Throws UsageError `--OPTION: 'VALUE' (want A, B)` with a suggestion, unless `value` is one of `choices`.
void check_choice(const char* option, const std::string& value, const std::vector<std::string>& choices);

/// Throws UsageError `--OPTION: VALUE (want WANT)` unless `holds`.
void check_range(const char* option, double value, bool holds, const char* want);

/// Unless least <= value <= most.
void check_between(const char* option, std::int64_t value, std::int64_t least, std::int64_t most);
void check_at_least(const char* option, std::int64_t value, std::int64_t least);
/// Of --threads, which every command that computes has: 1 to 1024, or 0 for one per core.
void check_threads(int threads);

inline void check_positive(const char* option, double value) {
  check_range(option, value, value > 0 && std::isfinite(value), "a finite number > 0");
}
inline void check_not_negative(const char* option, double value) {
  check_range(option, value, value >= 0 && std::isfinite(value), "a finite number >= 0");
}

/// The options that go with some values of another one: `Beside("model", "mlp").only("kernel", true, {"cnn"})` throws
/// UsageError `--kernel: not with --model mlp (want --model cnn)`.
class Beside {
 public:
  Beside(std::string option, std::string value) : option_(std::move(option)), value_(std::move(value)) {}

  /// Throws when `option` is given although the value is none of `values`.
  const Beside& only(const char* option, bool is_given, const std::vector<std::string>& values) const;

 private:
  std::string option_, value_;
};

}  // namespace dagrad::tools
