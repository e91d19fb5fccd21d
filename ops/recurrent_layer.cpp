#include "dagrad/ops/recurrent_layer.h"

#include "dagrad/core/creation.h"
#include "dagrad/ops/math.h"
#include "dagrad/ops/matmul.h"
#include "dagrad/ops/view.h"

namespace dagrad::recurrent {

std::vector<Tensor> composed_layer(std::span<const Tensor> in, std::size_t states, bool reverse,
                                   const ComposedStep& step) {
  std::vector<Tensor> wide;  // bf16 is computed in f32
  for (const Tensor& t : in) wide.push_back(t.defined() && t.dtype() == bf16 ? to(t, f32) : t);

  const Extent e = Extent::of(in, 0, reverse);
  const Tensor mask = in[kMask].defined() ? unsqueeze(in[kMask], 2) : Tensor();
  const Tensor x = mask.defined() ? masked_fill(wide[kX], logical_not(mask), 0) : wide[kX];
  const Tensor gates = linear(x, wide[kWeightIh], wide[kBiasIh]);
  std::vector<Tensor> now;
  for (std::size_t s = 0; s < states; ++s) {
    const Tensor& initial = wide[kH0 + s];
    now.push_back(initial.defined() ? initial : zeros({e.batch, e.hidden}, x.dtype()));
  }
  std::vector<Tensor> outputs(static_cast<std::size_t>(e.steps));
  for (std::int64_t k = 0; k < e.steps; ++k) {
    const std::int64_t time = e.time(k);
    std::vector<Tensor> next = step(select(gates, 0, time), now, wide);
    Tensor& output = outputs[static_cast<std::size_t>(time)] = next[0];
    if (mask.defined()) {
      const Tensor counts = select(mask, 0, time);
      for (std::size_t s = 0; s < states; ++s) next[s] = where(counts, next[s], now[s]);
      output = masked_fill(output, logical_not(counts), 0);
    }
    now = std::move(next);
  }
  std::vector<Tensor> results{stack(outputs)};
  results.insert(results.end(), now.begin(), now.end());
  for (std::size_t i = 0; i < results.size(); ++i) results[i] = to(results[i], in[i == 0 ? kX : kWeightHh].dtype());
  return results;
}

}  // namespace dagrad::recurrent
