// Making a sample's tensors, and running it.
#pragma once

#include <string_view>
#include <vector>

#include "op_table/op_table.h"

namespace dagrad::op_table {

/// How a tensor lies in memory.
enum class Layout { row_major, transposed, stepped, channels_last, expanded, overlapping };

std::string_view name_of(Layout layout);

/// A seed from a test's name.
std::uint64_t seed_of(std::string_view text);

/// The elements of a sample's inputs: representable in `dtype`, and the same in every run.
Arrays draw(const Row& row, const Sample& sample, DType dtype);

/// The same with small whole numbers in place of the inputs' own domains.
Arrays draw_integers(const Row& row, const Sample& sample);

/// Something to weigh the elements of a result with, in [-1.5, -0.5] and [0.5, 1.5].
Array draw_diff(std::string_view name, const Shape& shape, DType dtype);

/// A tensor of `array` as `dtype`, in row-major order.
Tensor to_tensor(const Array& array, DType dtype);
/// The same lying in another way: the last two axes exchanged in memory (of fewer than two: stepped), every other
/// element of a larger buffer, the first axis longer than 1 repeated by stride 0, or every axis with stride 1, so that
/// each position starts one element after the one before.
Tensor to_tensor(const Array& array, DType dtype, Layout layout);

/// `array` as an expanded tensor would have it: the first axis longer than 1 repeats its first element.
Array repeated(const Array& array);
/// `array` as a tensor with overlapping axes would have it: elements whose indices add up to the same are the same.
Array overlapped(const Array& array);

/// The sample's inputs as tensors that compute in `dtype`.
std::vector<Tensor> to_tensors(const Sample& sample, std::span<const Array> arrays, DType dtype,
                               Layout layout = Layout::row_major);

/// The sample's results, without history.
std::vector<Tensor> run(const Sample& sample, std::span<const Tensor> inputs);

/// The gradients of the sample's inputs (zeros where a result does not depend on one) given diff_dst of each result; in
/// place of those that take no gradient stands an empty array.
Arrays gradients(const Sample& sample, std::span<const Array> inputs, std::span<const Array> diff, DType dtype,
                 Layout layout = Layout::row_major);

}  // namespace dagrad::op_table
