// The op table's rows as functions of libtorch.
#pragma once

#include <ATen/ATen.h>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace dagrad::libtorch {

using TorchTensors = std::vector<at::Tensor>;

/// A row's function on a sample's inputs. The name of the sample tells what it was made with. Empty: libtorch has
/// nothing like that sample.
using TorchFunction = std::function<TorchTensors(const TorchTensors& in, const std::string& sample)>;
using TorchTable = std::map<std::string, TorchFunction>;

/// Rows by name, from the family files.
void add_elementwise(TorchTable& table);
void add_movements(TorchTable& table);
void add_reductions(TorchTable& table);
void add_products(TorchTable& table);
void add_losses(TorchTable& table);
void add_windows(TorchTable& table);
void add_networks(TorchTable& table);

/// All of them.
const TorchTable& table();
/// The same for the rows' benchmarks.
const TorchTable& benchmark_table();
/// Whether a row draws random numbers, which differ from libtorch's.
bool draws_in_libtorch(const std::string& row);

/// What cannot be compared, and why. Keys are `row` and `row/sample`; before them may stand `gradient of`, and before
/// that, where only f32 is compared, `f64 of` or `f64 gradient of`.
const std::map<std::string, std::string>& not_in_libtorch();
/// Whether small results of a row are differences of large numbers in libtorch alone, so that a bound can only be one
/// for the largest element.
bool cancels_in_libtorch(const std::string& row);

// --- pieces that functions are made of ---

/// f(in[0]), f(in[0], in[1]), f(in[0], in[1], in[2]) for every sample.
TorchFunction of1(std::function<at::Tensor(const at::Tensor&)> f);
TorchFunction of2(std::function<at::Tensor(const at::Tensor&, const at::Tensor&)> f);
TorchFunction of3(std::function<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&)> f);

/// A function for each sample, by name.
using Samples = std::map<std::string, std::function<at::Tensor(const TorchTensors&)>>;
TorchFunction by_sample(Samples samples);

/// The gradient of f's first result by its input `input`, as a function of diff_dst, in[0], and of f's inputs. It is
/// itself recorded unless a NoGradGuard is about.
TorchFunction gradient_of(TorchFunction f, std::size_t input = 0);
/// d f(x) / dx at an x of zeros, as a function of diff_dst, for a linear f.
at::Tensor adjoint(const at::Tensor& diff, at::IntArrayRef shape,
                   const std::function<at::Tensor(const at::Tensor&)>& f);

}  // namespace dagrad::libtorch
