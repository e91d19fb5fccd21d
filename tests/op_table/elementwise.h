// Building the rows of elementwise ops.
#pragma once

#include <array>

#include "op_table/op_table.h"
#include "op_table/rounded.h"

namespace dagrad::op_table {

/// A 1-dim array, for edge cases.
Array row_of(std::vector<double> values);

// Formulas, from which come references and bounds: see Rounded. `diff` is diff_dst.
using Formula1 = Rounded (*)(Rounded x);
using Gradient1 = Rounded (*)(Rounded x, Rounded diff);
using Formula2 = Rounded (*)(Rounded a, Rounded b);
using Gradient2 = std::array<Rounded, 2> (*)(Rounded a, Rounded b, Rounded diff);

/// A function of one tensor, written in any way.
using Function1 = std::function<Tensor(const Tensor&)>;
using Function2 = std::function<Tensor(const Tensor&, const Tensor&)>;

/// A public function without the caller's line.
Function1 on(Tensor (*f)(const Tensor&, Location));
Function2 on(Tensor (*f)(const Tensor&, const Tensor&, Location));

/// What an elementwise op of one input is.
struct Unary {
  const char* name;
  const char* formula;
  Function1 function;
  Formula1 value;
  Gradient1 gradient;
  Domain domain = kAny;
  const char* primitive = "";
};
Row unary_row(const Unary& op);

/// What an elementwise op of two inputs that broadcast is.
struct Binary {
  const char* name;
  const char* formula;
  Function2 function;
  Formula2 value;
  Gradient2 gradient;
  Domain a = kAny, b = kAny;
  const char* primitive = "";
};
Row binary_row(const Binary& op);

/// The same for one whose inputs must have the same shape: a backward of diff_dst and what the forward kept.
Row backward_row(const Binary& op);

/// Fills in what has to do with the samples: for composites that keep their own reference.
std::vector<Sample> unary_samples(const Domain& domain);
std::vector<Benchmark> elementwise_benchmarks(const std::vector<Domain>& inputs);

/// The errors for f32 and f64 that mixing types must give.
Bad mixed_types(const char* name, const Function2& function);
Bad misfit_shapes(const char* name, const Function2& function);
/// That an op takes no i64, or no bool.
Bad not_of_i64(const char* name, const Function1& function);
Bad not_of_bool(const char* name, const Function1& function);

}  // namespace dagrad::op_table
