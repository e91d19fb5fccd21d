// Elementwise ops, comparisons and casts.
#include "libtorch/torch_table.h"

namespace dagrad::libtorch {
namespace {

using T = at::Tensor;

// The constants that the rows are made with.
constexpr double kNumber = 19.0 / 64, kSlope = 0.125, kAlpha = 0.75;

void add_activations(TorchTable& table) {
  const auto both = [&table](const std::string& name, std::function<T(const T&)> f) {
    table[name] = of1(std::move(f));
    table[name + "_backward"] = gradient_of(table[name]);
  };
  both("leaky_relu", [](const T& x) { return at::leaky_relu(x, kSlope); });
  both("elu", [](const T& x) { return at::elu(x, kAlpha); });
  both("gelu", [](const T& x) { return at::gelu(x); });
  both("gelu_tanh", [](const T& x) { return at::gelu(x, "tanh"); });
  both("silu", [](const T& x) { return at::silu(x); });
  both("mish", [](const T& x) { return at::mish(x); });
  both("softplus", [](const T& x) { return at::softplus(x, 2); });
  both("log_sigmoid", [](const T& x) { return at::log_sigmoid(x); });
  both("hard_sigmoid", [](const T& x) { return at::hardsigmoid(x); });
  both("hard_swish", [](const T& x) { return at::hardswish(x); });
  both("clamp", [](const T& x) { return at::clamp(x, -1, 1); });
  table["clamp_min"] = of1([](const T& x) { return at::clamp_min(x, -1); });
  table["clamp_max"] = of1([](const T& x) { return at::clamp_max(x, 1); });
  table["selu"] = of1([](const T& x) { return at::selu(x); });
  table["hard_tanh"] = of1([](const T& x) { return at::hardtanh(x); });
  table["prelu"] = of2([](const T& x, const T& slope) { return at::prelu(x, slope); });
  table["tanh_backward"] = of2([](const T& diff, const T& dst) { return at::tanh_backward(diff, dst); });
  table["sigmoid_backward"] = of2([](const T& diff, const T& dst) { return at::sigmoid_backward(diff, dst); });
  table["square_backward"] = gradient_of(of1([](const T& x) { return at::square(x); }));
  table["relu_backward"] = of2([](const T& diff, const T& dst) { return at::threshold_backward(diff, dst, 0); });
}

void add_unary(TorchTable& table) {
  const auto add = [&table](const char* name, T (*f)(const T&)) { table[name] = of1(f); };
  add("neg", at::neg);
  add("exp", at::exp);
  add("log", at::log);
  add("sqrt", at::sqrt);
  add("square", at::square);
  add("tanh", at::tanh);
  add("sigmoid", at::sigmoid);
  add("relu", at::relu);
  add("abs", at::abs);
  add("sign", at::sign);
  add("expm1", at::expm1);
  add("log1p", at::log1p);
  add("log2", at::log2);
  add("rsqrt", at::rsqrt);
  add("reciprocal", at::reciprocal);
  add("sin", at::sin);
  add("cos", at::cos);
  add("erf", at::erf);
  add("floor", at::floor);
  add("ceil", at::ceil);
  add("trunc", at::trunc);
  add("isnan", at::isnan);
  add("isinf", at::isinf);
  add("isfinite", at::isfinite);
  add("logical_not", at::logical_not);
  add("exp2", at::exp2);
  add("log10", at::log10);
  add("erfc", at::erfc);
  add("erfinv", at::erfinv);
  add("tan", at::tan);
  add("asin", at::asin);
  add("acos", at::acos);
  add("atan", at::atan);
  add("sinh", at::sinh);
  add("cosh", at::cosh);
  add("asinh", at::asinh);
  add("acosh", at::acosh);
  add("atanh", at::atanh);
  table["logit"] = of1([](const T& x) { return at::logit(x); });
  table["logit_eps"] = of1([](const T& x) { return at::logit(x, 0.125); });
  table["number_pow"] = of1([](const T& x) { return at::pow(2.5, x); });
  table["fmod_number"] = of1([](const T& x) { return at::fmod(x, 3); });
  table["remainder_number"] = of1([](const T& x) { return at::remainder(x, 3); });
  table["round"] = of1([](const T& x) { return at::round(x); });
  table["pow_number"] = of1([](const T& x) { return at::pow(x, 2.5); });
  table["pow_number_3"] = of1([](const T& x) { return at::pow(x, 3); });
  table["pow_number_minus_1"] = of1([](const T& x) { return at::pow(x, -1); });
}

void add_binary(TorchTable& table) {
  table["add"] = of2([](const T& a, const T& b) { return a + b; });
  table["sub"] = of2([](const T& a, const T& b) { return a - b; });
  table["mul"] = of2([](const T& a, const T& b) { return a * b; });
  table["div"] = of2([](const T& a, const T& b) { return a / b; });
  table["add_gradients"] = table["add"];
  table["add_number"] = of1([](const T& x) { return x + kNumber; });
  table["sub_number"] = of1([](const T& x) { return x - kNumber; });
  table["number_sub"] = of1([](const T& x) { return kNumber - x; });
  table["mul_number"] = of1([](const T& x) { return x * kNumber; });
  table["div_number"] = of1([](const T& x) { return x / kNumber; });
  table["number_div"] = of1([](const T& x) { return kNumber / x; });
  table["pow"] = of2([](const T& a, const T& b) { return at::pow(a, b); });
  table["maximum"] = of2([](const T& a, const T& b) { return at::maximum(a, b); });
  table["minimum"] = of2([](const T& a, const T& b) { return at::minimum(a, b); });
  table["lerp"] = of2([](const T& a, const T& b) { return at::lerp(a, b, 0.25); });
  table["addcmul"] = of3([](const T& x, const T& a, const T& b) { return at::addcmul(x, a, b, 0.5); });
  table["fmod"] = table["fmod_of_integers"] = of2([](const T& a, const T& b) { return at::fmod(a, b); });
  table["remainder"] = table["remainder_of_integers"] = of2([](const T& a, const T& b) { return at::remainder(a, b); });
  table["logaddexp"] = of2([](const T& a, const T& b) { return at::logaddexp(a, b); });
  table["atan2"] = of2([](const T& y, const T& x) { return at::atan2(y, x); });
  table["hypot"] = of2([](const T& a, const T& b) { return at::hypot(a, b); });
  table["addcdiv"] = of3([](const T& x, const T& a, const T& b) { return at::addcdiv(x, a, b, 0.5); });
  table["fused"] = of3([](const T& x, const T& w, const T& b) { return at::tanh(x * w + b); });
  table["lerp_tensor"] = of3([](const T& a, const T& b, const T& w) { return at::lerp(a, b, w); });
  const auto like = [](double number, const T& x) {
    return at::scalar_tensor(number, x.options().requires_grad(false));
  };
  table["maximum_number"] = table["number_maximum"] = of1([=](const T& x) { return at::maximum(x, like(1, x)); });
  table["minimum_number"] = table["number_minimum"] = of1([=](const T& x) { return at::minimum(x, like(1, x)); });
  table["hypot_number"] = of1([=](const T& x) { return at::hypot(x, like(1.5, x)); });
  table["number_fmod"] = of1([=](const T& x) { return at::fmod(like(5.5, x), x); });
  table["number_remainder"] = of1([=](const T& x) { return at::remainder(5.5, x); });
  table["where_number"] = of2([](const T& c, const T& a) { return at::where(c, a, 1.5); });
  table["where_number_first"] = of2([](const T& c, const T& b) { return at::where(c, 1.5, b); });
  table["where"] = of3([](const T& c, const T& a, const T& b) { return at::where(c, a, b); });
  table["masked_fill"] = of2([](const T& x, const T& mask) { return at::masked_fill(x, mask, -2); });
  table["logical_and"] = of2([](const T& a, const T& b) { return at::logical_and(a, b); });
  table["logical_or"] = of2([](const T& a, const T& b) { return at::logical_or(a, b); });
  table["logical_xor"] = of2([](const T& a, const T& b) { return at::logical_xor(a, b); });
}

void add_comparisons(TorchTable& table) {
  const auto add = [&table](const std::string& name, T (*f)(const T&, const T&),
                            T (*number)(const T&, const at::Scalar&)) {
    table[name] = of2(f);
    table[name + "_number"] = of1([number](const T& x) { return number(x, 1); });
  };
  add("eq", at::eq, at::eq);
  add("ne", at::ne, at::ne);
  add("lt", at::lt, at::lt);
  add("le", at::le, at::le);
  add("gt", at::gt, at::gt);
  add("ge", at::ge, at::ge);
  table["isclose"] = of2([](const T& a, const T& b) { return at::isclose(a, b, 0.25, 1); });
}

void add_casts(TorchTable& table) {
  table["cast_to_other_precision"] =
      of1([](const T& x) { return x.to(x.scalar_type() == at::kDouble ? at::kFloat : at::kDouble); });
  table["cast_to_bf16"] = of1([](const T& x) { return x.to(at::kBFloat16); });
  table["cast_to_i64"] = of1([](const T& x) { return x.to(at::kLong); });
  table["cast_to_bool"] = of1([](const T& x) { return x.to(at::kBool); });
}

}  // namespace

void add_elementwise(TorchTable& table) {
  add_activations(table);
  add_unary(table);
  add_binary(table);
  add_comparisons(table);
  add_casts(table);
}

}  // namespace dagrad::libtorch
