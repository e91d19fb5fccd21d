#include "workloads/workload.h"

#include "dagrad/core/denormals.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/random.h"

namespace dagrad::workloads {

const std::vector<Workload>& all() {
  static const std::vector<Workload> list = [] {
    std::vector<Workload> result = perceptrons();
    for (Workload& w : image_and_sequence_nets()) result.push_back(std::move(w));
    for (Workload& w : pieces()) result.push_back(std::move(w));
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
