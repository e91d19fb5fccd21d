// One time step of a recurrent cell for some rows of a batch, all gates in one pass over them. Internal.
#pragma once

#include <cstdint>

namespace dagrad::recurrent {

/// Which rows a step works on. Its matrices are row-major without gaps; a gate is `hidden` columns of them.
struct Rows {
  std::int64_t count;
  std::int64_t hidden;
  const bool* mask = nullptr;  ///< false: the row keeps its state; null: every row steps

  bool steps(std::int64_t row) const { return mask == nullptr || mask[row]; }
};

// T is float (SIMD) or double (plain loops, the reference). `product` is h_before weight_hh^T in a forward, and in a
// backward the gradient that h gets through the product of the step after; `carry` is what it gets around that product,
// and is replaced by what h_before gets around this step's. `diff_h` is the gradient of the output, null when zero.

/// h = tanh(gates + product), or relu. `h` holds the part of the gates that comes from x.
template <class T>
struct RnnForward {
  Rows rows;
  bool relu;
  const T* product;
  const T* h_before;  // [H]; used where rows are masked
  T* h;
};

template <class T>
struct RnnBackward {
  Rows rows;
  bool relu;
  const T* h;
  const T* diff_h;
  const T* product;
  T* carry;  // null without a mask
  T* diff_gates;
};

/// i, f, o = sigmoid and g = tanh of gates + product; c = f c_before + i g; h = o tanh(c).
template <class T>
struct LstmForward {
  Rows rows;
  const T* product;   // [4 H]
  const T* h_before;  // used where rows are masked
  const T* c_before;
  T* gates;  // [4 H]: in the part from x, out i, f, g, o
  T* c;
  T* tanh_c;
  T* h;
};

template <class T>
struct LstmBackward {
  Rows rows;
  const T* gates;
  const T* c_before;
  const T* tanh_c;
  const T* diff_h;
  const T* product;
  T* carry;   // null without a mask
  T* diff_c;  // in: of c, out: of c_before
  T* diff_gates;
};

/// r, z = sigmoid of gates + product; q = product_n + bias_hn; n = tanh(gates_n + r q); h = n + z (h_before - n).
template <class T>
struct GruForward {
  Rows rows;
  const T* product;  // [3 H]
  const T* bias_hn;  // [H] for all rows, or null
  const T* h_before;
  T* gates;  // [3 H]: in the part from x, out r, z, n
  T* q;
  T* h;
};

template <class T>
struct GruBackward {
  Rows rows;
  const T* gates;
  const T* q;
  const T* h_before;
  const T* diff_h;
  const T* product;
  T* carry;
  T* diff_gates;    // [3 H] of what comes from x,
  T* diff_product;  // [3 H] and of what comes from h_before
};

/// sums[j] += sum over `count` rows of rows[., j], for rows of `width` columns without gaps.
void add_column_sums(const float* rows, std::int64_t count, std::int64_t width, float* sums);
void add_column_sums(const double* rows, std::int64_t count, std::int64_t width, double* sums);

void run(const RnnForward<float>& step);
void run(const RnnForward<double>& step);
void run(const RnnBackward<float>& step);
void run(const RnnBackward<double>& step);
void run(const LstmForward<float>& step);
void run(const LstmForward<double>& step);
void run(const LstmBackward<float>& step);
void run(const LstmBackward<double>& step);
void run(const GruForward<float>& step);
void run(const GruForward<double>& step);
void run(const GruBackward<float>& step);
void run(const GruBackward<double>& step);

}  // namespace dagrad::recurrent
