#include "dagrad/ops/recurrent_steps.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#define HWY_TARGET_INCLUDE "dagrad/ops/recurrent_steps.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "dagrad/ops/recurrent_steps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dagrad::recurrent::HWY_NAMESPACE {

void rnn_forward(const RnnForward<float>& step) { run_vectors(step); }
void rnn_backward(const RnnBackward<float>& step) { run_vectors(step); }
void lstm_forward(const LstmForward<float>& step) { run_vectors(step); }
void lstm_backward(const LstmBackward<float>& step) { run_vectors(step); }
void gru_forward(const GruForward<float>& step) { run_vectors(step); }
void gru_backward(const GruBackward<float>& step) { run_vectors(step); }

void column_sums_f32(const float* rows, std::int64_t count, std::int64_t width, float* sums) {
  add_columns(rows, count, width, sums);
}

}  // namespace dagrad::recurrent::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dagrad::recurrent {

HWY_EXPORT(rnn_forward);
HWY_EXPORT(rnn_backward);
HWY_EXPORT(lstm_forward);
HWY_EXPORT(lstm_backward);
HWY_EXPORT(gru_forward);
HWY_EXPORT(gru_backward);
HWY_EXPORT(column_sums_f32);

void run(const RnnForward<float>& step) { HWY_DYNAMIC_DISPATCH(rnn_forward)(step); }
void run(const RnnBackward<float>& step) { HWY_DYNAMIC_DISPATCH(rnn_backward)(step); }
void run(const LstmForward<float>& step) { HWY_DYNAMIC_DISPATCH(lstm_forward)(step); }
void run(const LstmBackward<float>& step) { HWY_DYNAMIC_DISPATCH(lstm_backward)(step); }
void run(const GruForward<float>& step) { HWY_DYNAMIC_DISPATCH(gru_forward)(step); }
void run(const GruBackward<float>& step) { HWY_DYNAMIC_DISPATCH(gru_backward)(step); }

void add_column_sums(const float* rows, std::int64_t count, std::int64_t width, float* sums) {
  HWY_DYNAMIC_DISPATCH(column_sums_f32)(rows, count, width, sums);
}
void add_column_sums(const double* rows, std::int64_t count, std::int64_t width, double* sums) {
  for (std::int64_t j = 0; j < width; ++j) {
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += rows[i * width + j];
    sums[j] += sum;
  }
}

void run(const RnnForward<double>& step) { HWY_NAMESPACE::run_scalars(step); }
void run(const RnnBackward<double>& step) { HWY_NAMESPACE::run_scalars(step); }
void run(const LstmForward<double>& step) { HWY_NAMESPACE::run_scalars(step); }
void run(const LstmBackward<double>& step) { HWY_NAMESPACE::run_scalars(step); }
void run(const GruForward<double>& step) { HWY_NAMESPACE::run_scalars(step); }
void run(const GruBackward<double>& step) { HWY_NAMESPACE::run_scalars(step); }

}  // namespace dagrad::recurrent
#endif
