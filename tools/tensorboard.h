// Event files for TensorBoard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "dagrad/core/graph.h"
#include "dagrad/core/tensor.h"
#include "tools/tensorboard/record_file.h"

namespace dagrad::tools {

/// Writes one event file of a run into a folder, which `tensorboard --logdir` shows while the run goes on. Tags are
/// names with slashes, like "loss/train": what stands before the first one groups charts.
///
///     TensorBoard board("runs/first");
///     board.graph(Graph(loss));
///     board.scalar("loss/train", step, value);
///
/// Every function appends one record and throws IoError when it cannot.
class TensorBoard {
 public:
  /// Makes the folder where it is missing, and in it the file events.out.tfevents.SECONDS.HOST.PROCESS. Throws IoError.
  explicit TensorBoard(const std::filesystem::path& folder);

  void scalar(const std::string& tag, std::int64_t step, double value);
  /// Of the finite elements; nothing when there are none.
  void histogram(const std::string& tag, std::int64_t step, const Tensor& values);
  /// [H, W], [1, H, W] or [3, H, W]; 0 is black and 1 is white, and what lies outside is cut. Throws ShapeError.
  void image(const std::string& tag, std::int64_t step, const Tensor& pixels);
  /// The recorded graph: modules are scopes, nodes have their shapes and attributes. A run shows one graph.
  void graph(const Graph& graph);

  const std::filesystem::path& file() const { return file_.path(); }

 private:
  RecordFile file_;
};

}  // namespace dagrad::tools
