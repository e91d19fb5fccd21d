#include "dagrad/ops/ops.h"
#include "random_dag/kind.h"

namespace dagrad::random_dag {
namespace {

using In = std::span<const Tensor>;
template <class T>
using X = std::span<const T>;

// Distances from kinks, jumps and poles.
constexpr double kGap = 0.01;
bool off_zero(X<double> x) { return std::fabs(x[0]) > kGap; }
bool off_ones(X<double> x) { return std::fabs(std::fabs(x[0]) - 1) > kGap; }
bool off_threes(X<double> x) { return std::fabs(std::fabs(x[0]) - 3) > kGap; }
bool off_whole(X<double> x) { return std::fabs(x[0] - std::nearbyint(x[0])) > kGap; }
bool off_halves(X<double> x) { return std::fabs(std::fabs(x[0] - std::nearbyint(x[0])) - 0.5) > kGap; }
// Beyond, so little is left of a slope that it has few digits.
bool in_reach(X<double> x) { return std::fabs(x[0]) < 5; }
bool large(X<double> x) { return std::fabs(x[0]) > 0.2; }
bool positive(X<double> x) { return x[0] > 0.2; }
bool above_minus_one(X<double> x) { return x[0] > -0.8; }

template <class T>
T sigmoid_of(const T& x) {
  return T(1.0) / (T(1.0) + exp(-x));
}
template <class T>
T clamped(const T& x, double low, double high) {
  return x < T(low) ? T(low) : x > T(high) ? T(high) : x;
}

std::vector<Elementwise> functions() {
  return {
      {"-#0", [](In t) { return -t[0]; }, []<class T>(X<T> x) -> T { return -x[0]; }},
      {"abs(#0)", [](In t) { return abs(t[0]); }, []<class T>(X<T> x) -> T { return fabs(x[0]); }, off_zero},
      {"exp(#0)", [](In t) { return exp(t[0]); }, []<class T>(X<T> x) -> T { return exp(x[0]); }},
      {"expm1(#0)", [](In t) { return expm1(t[0]); }, []<class T>(X<T> x) -> T { return expm1(x[0]); }},
      {"log(#0)", [](In t) { return log(t[0]); }, []<class T>(X<T> x) -> T { return log(x[0]); }, positive},
      {"log1p(#0)", [](In t) { return log1p(t[0]); }, []<class T>(X<T> x) -> T { return log1p(x[0]); },
       above_minus_one},
      {"log2(#0)", [](In t) { return log2(t[0]); },
       []<class T>(X<T> x) -> T { return log(x[0]) * T(std::numbers::log2e); }, positive},
      {"sqrt(#0)", [](In t) { return sqrt(t[0]); }, []<class T>(X<T> x) -> T { return sqrt(x[0]); }, positive},
      {"rsqrt(#0)", [](In t) { return rsqrt(t[0]); }, []<class T>(X<T> x) -> T { return T(1.0) / sqrt(x[0]); },
       positive},
      {"reciprocal(#0)", [](In t) { return reciprocal(t[0]); }, []<class T>(X<T> x) -> T { return T(1.0) / x[0]; },
       large},
      {"square(#0)", [](In t) { return square(t[0]); }, []<class T>(X<T> x) -> T { return x[0] * x[0]; }},
      {"pow(#0, 3)", [](In t) { return pow(t[0], 3); }, []<class T>(X<T> x) -> T { return x[0] * x[0] * x[0]; }},
      {"pow(#0, 1.5)", [](In t) { return pow(t[0], 1.5); }, []<class T>(X<T> x) -> T { return x[0] * sqrt(x[0]); },
       positive},
      {"sin(#0)", [](In t) { return sin(t[0]); }, []<class T>(X<T> x) -> T { return sin(x[0]); }},
      {"cos(#0)", [](In t) { return cos(t[0]); }, []<class T>(X<T> x) -> T { return cos(x[0]); }},
      {"erf(#0)", [](In t) { return erf(t[0]); }, []<class T>(X<T> x) -> T { return erf(x[0]); }, in_reach},
      {"tanh(#0)", [](In t) { return tanh(t[0]); }, []<class T>(X<T> x) -> T { return tanh(x[0]); }, in_reach},
      {"sigmoid(#0)", [](In t) { return sigmoid(t[0]); }, []<class T>(X<T> x) -> T { return sigmoid_of(x[0]); },
       in_reach},
  };
}

std::vector<Elementwise> activations() {
  return {
      {"relu(#0)", [](In t) { return relu(t[0]); }, []<class T>(X<T> x) -> T { return x[0] > T(0.0) ? x[0] : T(0.0); },
       off_zero},
      {"leaky_relu(#0, 0.1)", [](In t) { return leaky_relu(t[0], 0.1); },
       []<class T>(X<T> x) -> T { return x[0] > T(0.0) ? x[0] : x[0] * T(0.1); }, off_zero},
      {"elu(#0, 0.5)", [](In t) { return elu(t[0], 0.5); },
       []<class T>(X<T> x) -> T { return x[0] > T(0.0) ? x[0] : expm1(x[0]) * T(0.5); }, off_zero},
      {"gelu(#0)", [](In t) { return gelu(t[0]); },
       []<class T>(X<T> x) -> T { return x[0] * T(0.5) * (T(1.0) + erf(x[0] * T(1 / std::numbers::sqrt2))); },
       in_reach},
      {"gelu_tanh(#0)", [](In t) { return gelu_tanh(t[0]); },
       []<class T>(X<T> x) -> T {
         const T inner = (x[0] + x[0] * x[0] * x[0] * T(0.044715)) * T(std::sqrt(2 / std::numbers::pi));
         return x[0] * T(0.5) * (T(1.0) + tanh(inner));
       },
       in_reach},
      {"silu(#0)", [](In t) { return silu(t[0]); }, []<class T>(X<T> x) -> T { return x[0] * sigmoid_of(x[0]); },
       in_reach},
      {"mish(#0)", [](In t) { return mish(t[0]); }, []<class T>(X<T> x) -> T { return x[0] * tanh(log1p(exp(x[0]))); },
       in_reach},
      {"softplus(#0)", [](In t) { return softplus(t[0]); },
       []<class T>(X<T> x) -> T { return x[0] > T(0.0) ? x[0] + log1p(exp(-x[0])) : log1p(exp(x[0])); }, in_reach},
      {"log_sigmoid(#0)", [](In t) { return log_sigmoid(t[0]); },
       []<class T>(X<T> x) -> T { return x[0] > T(0.0) ? -log1p(exp(-x[0])) : x[0] - log1p(exp(x[0])); }, in_reach},
      {"hard_sigmoid(#0)", [](In t) { return hard_sigmoid(t[0]); },
       []<class T>(X<T> x) -> T { return clamped(x[0] / T(6.0) + T(0.5), 0, 1); }, off_threes},
      {"hard_swish(#0)", [](In t) { return hard_swish(t[0]); },
       []<class T>(X<T> x) -> T { return x[0] * clamped(x[0] / T(6.0) + T(0.5), 0, 1); }, off_threes},
      {"hard_tanh(#0)", [](In t) { return hard_tanh(t[0]); }, []<class T>(X<T> x) -> T { return clamped(x[0], -1, 1); },
       off_ones},
      {"maximum(#0, 1)", [](In t) { return maximum(t[0], 1); },
       []<class T>(X<T> x) -> T { return x[0] > T(1.0) ? x[0] : T(1.0); }, off_ones},
      {"minimum(1, #0)", [](In t) { return minimum(1, t[0]); },
       []<class T>(X<T> x) -> T { return x[0] < T(1.0) ? x[0] : T(1.0); }, off_ones},
      {"where(lt(#0, 1), #0, 0.5)", [](In t) { return where(lt(t[0], 1), t[0], 0.5); },
       []<class T>(X<T> x) -> T { return x[0] < T(1.0) ? x[0] : T(0.5); }, off_ones},
      {"clamp(#0, -1, 1)", [](In t) { return clamp(t[0], -1, 1); },
       []<class T>(X<T> x) -> T { return clamped(x[0], -1, 1); }, off_ones},
  };
}

std::vector<Elementwise> with_numbers() {
  return {
      {"#0 + 1.5", [](In t) { return t[0] + 1.5; }, []<class T>(X<T> x) -> T { return x[0] + T(1.5); }},
      {"2 - #0", [](In t) { return 2 - t[0]; }, []<class T>(X<T> x) -> T { return T(2.0) - x[0]; }},
      {"#0 * -0.5", [](In t) { return t[0] * -0.5; }, []<class T>(X<T> x) -> T { return x[0] * T(-0.5); }},
      {"#0 / 4", [](In t) { return t[0] / 4; }, []<class T>(X<T> x) -> T { return x[0] / T(4.0); }},
      {"3 / #0", [](In t) { return 3 / t[0]; }, []<class T>(X<T> x) -> T { return T(3.0) / x[0]; }, large},
  };
}

/// The gradient is 0, or there is none.
std::vector<Elementwise> without_slope() {
  return {
      {"sign(#0)", [](In t) { return sign(t[0]); }, []<class T>(X<T> x) -> T { return T(x[0] > T(0.0) ? 1.0 : -1.0); },
       off_zero},
      {"floor(#0)", [](In t) { return floor(t[0]); }, []<class T>(X<T> x) -> T { return std::floor(value_of(x[0])); },
       off_whole},
      {"ceil(#0)", [](In t) { return ceil(t[0]); }, []<class T>(X<T> x) -> T { return std::ceil(value_of(x[0])); },
       off_whole},
      {"round(#0)", [](In t) { return round(t[0]); },
       []<class T>(X<T> x) -> T { return std::nearbyint(value_of(x[0])); }, off_halves},
      {.text = "#0.detach()",
       .run = [](In t) { return t[0].detach(); },
       .formula = []<class T>(X<T> x) -> T { return value_of(x[0]); },
       .conditions = 1},
  };
}

}  // namespace

std::vector<Kind> unary_kinds() {
  std::vector<Kind> result;
  for (const auto& family : {functions, activations, with_numbers, without_slope}) {
    for (const Elementwise& op : family()) result.push_back(kind_of(op));
  }
  return result;
}

}  // namespace dagrad::random_dag
