#include "workloads/workload.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "dagrad/core/capture/captured_step.h"
#include "dagrad/core/denormals.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/random.h"

namespace dagrad::workloads {

namespace {

/// The same step, replayed.
Workload captured(const Workload& workload) {
  Workload result = workload;
  result.name += "_captured";
  result.prepare = [prepare = workload.prepare]() -> Step {
    const auto step = [plain = prepare()](std::span<const Tensor>) -> std::vector<Tensor> {
      plain();
      return {};
    };
    const auto replayed = std::make_shared<CapturedStep<decltype(step)>>(step);
    for (int call = 0; call < 3; ++call) replayed->on({});  // as it stands, and written down twice
    return [replayed] { replayed->on({}); };
  };
  return result;
}

}  // namespace

const std::vector<Workload>& all() {
  static const std::vector<Workload> list = [] {
    std::vector<Workload> result = perceptrons();
    for (Workload& w : image_and_sequence_nets()) result.push_back(std::move(w));
    for (Workload& w : pieces()) result.push_back(std::move(w));
    constexpr std::array replayed{"tiny_mlp_sgd", "tiny_mlp_adam", "small_mlp_adam", "mlp1024_adam_bf16", "deep50_adam",
                                  "cnn_adam",     "lstm_adam",     "chain_add16",    "hvp_small_mlp"};
    const std::size_t plain = result.size();
    for (std::size_t i = 0; i < plain; ++i) {
      if (std::find(replayed.begin(), replayed.end(), result[i].name) != replayed.end())
        result.push_back(captured(result[i]));
    }
    return result;
  }();
  return list;
}

Step prepare(const Workload& workload, int threads) {
  set_num_threads(threads);
  set_flush_denormals(true);
  manual_seed(0);
  return workload.prepare();
}

}  // namespace dagrad::workloads
