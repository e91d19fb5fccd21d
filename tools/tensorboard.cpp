#include "tools/tensorboard.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <unistd.h>

#include "dagrad/core/error.h"
#include "dagrad/core/grad_mode.h"
#include "dagrad/ops/view.h"
#include "tools/tensor_statistics.h"
#include "tools/tensorboard/message.h"
#include "tools/tensorboard/png.h"

namespace dagrad::tools {
namespace {

// Field numbers, from the .proto files in tensorboard/compat/proto of github.com/tensorflow/tensorboard.
namespace event {
constexpr std::uint32_t kWallTime = 1, kStep = 2, kFileVersion = 3, kGraphDef = 4, kSummary = 5;
}
namespace summary {
constexpr std::uint32_t kValue = 1;
}
namespace value {
constexpr std::uint32_t kTag = 1, kSimpleValue = 2, kImage = 4, kHistogram = 5;
}
namespace image_field {
constexpr std::uint32_t kHeight = 1, kWidth = 2, kColorspace = 3, kEncoded = 4;
}
namespace histogram_field {
constexpr std::uint32_t kMin = 1, kMax = 2, kNum = 3, kSum = 4, kSumSquares = 5, kBucketLimit = 6, kBucket = 7;
}
namespace graph_def {
constexpr std::uint32_t kNode = 1, kVersions = 4;
}
namespace node_def {
constexpr std::uint32_t kName = 1, kOp = 2, kInput = 3, kAttr = 5;
}
namespace attr_value {
constexpr std::uint32_t kList = 1, kString = 2;
}
constexpr std::uint32_t kMapKey = 1, kMapValue = 2;                   // of any map's entries
constexpr std::uint32_t kListShape = 7, kShapeDim = 2, kDimSize = 1;  // AttrValue.ListValue, TensorShapeProto
constexpr std::uint32_t kProducer = 1;                                // VersionDef

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::filesystem::path new_file(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw IoError(fmt::format("{}: cannot be made a folder: {}", folder.string(), error.message()));
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host = {'h', 'o', 's', 't'};
  const auto seconds = static_cast<std::int64_t>(now());
  const std::string name = fmt::format("events.out.tfevents.{}.{}.{}", seconds, host.data(), getpid());
  std::filesystem::path file = folder / name;
  for (int i = 1; std::filesystem::exists(file); ++i) file = folder / fmt::format("{}.{}", name, i);
  return file;
}

/// An event with one value; `content` has its fields but for the tag.
Message summary_event(const std::string& tag, std::int64_t step, Message content) {
  content.text(value::kTag, tag);
  const Message values = Message().message(summary::kValue, content);
  return Message().number(event::kWallTime, now()).integer(event::kStep, step).message(event::kSummary, values);
}

/// `name` with what TensorBoard takes in the name of a node.
std::string plain_name(std::string name) {
  for (char& c : name) {
    const bool fits = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '/' || c == '-';
    if (c == '.')
      c = '/';
    else if (!fits)
      c = '_';
  }
  return name.empty() || std::isalnum(static_cast<unsigned char>(name[0])) == 0 ? "n" + name : name;
}

/// Scopes are modules: "encoder/0/linear_2".
std::vector<std::string> node_names(const Graph& graph) {
  std::vector<std::string> names;
  std::map<std::string, int> used;
  for (Graph::Vertex v = 0; v < graph.size(); ++v) {
    const Node& node = graph.node(v);
    std::string name = node.label().empty() ? std::string(node.name()) : node.label();
    if (!node.is_leaf() && !node.module().empty()) name = std::string(node.module()) + "." + name;
    name = plain_name(name);
    const int count = used[name]++;
    names.push_back(count == 0 ? name : fmt::format("{}_{}", name, count));
  }
  return names;
}

Message attribute(std::string_view name, const Message& content) {
  return Message().text(kMapKey, name).message(kMapValue, content);
}

Message shapes_of(const Node& node) {
  Message list;
  for (const NodeOutput& output : node.outputs()) {
    Message shape;
    for (const std::int64_t size : output.shape) shape.message(kShapeDim, Message().integer(kDimSize, size));
    list.message(kListShape, shape);
  }
  return Message().message(attr_value::kList, list);
}

}  // namespace

TensorBoard::TensorBoard(const std::filesystem::path& folder) : file_(new_file(folder)) {
  file_.append(Message().number(event::kWallTime, now()).text(event::kFileVersion, "brain.Event:2").bytes());
}

void TensorBoard::scalar(const std::string& tag, std::int64_t step, double number) {
  file_.append(summary_event(tag, step, Message().number32(value::kSimpleValue, static_cast<float>(number))).bytes());
}

void TensorBoard::histogram(const std::string& tag, std::int64_t step, const Tensor& values) {
  const TensorStatistics s = statistics_of(values, tag, 30);
  if (s.finite() == 0) return;
  const Histogram& h = s.histogram;
  const double width = (h.high - h.low) / static_cast<double>(h.counts.size());
  // A bucket reaches from the limit before it to its own; the first one, from minus infinity, is empty.
  std::vector<double> limits{h.low}, counts{0};
  for (std::size_t i = 0; i < h.counts.size(); ++i) {
    limits.push_back(i + 1 == h.counts.size() ? h.high : h.low + width * static_cast<double>(i + 1));
    counts.push_back(h.counts[i]);
  }
  const auto count = static_cast<double>(s.finite());
  Message histo;
  histo.number(histogram_field::kMin, s.least)
      .number(histogram_field::kMax, s.most)
      .number(histogram_field::kNum, count)
      .number(histogram_field::kSum, s.mean * count)
      .number(histogram_field::kSumSquares, s.norm * s.norm)
      .numbers(histogram_field::kBucketLimit, limits)
      .numbers(histogram_field::kBucket, counts);
  file_.append(summary_event(tag, step, Message().message(value::kHistogram, histo)).bytes());
}

void TensorBoard::image(const std::string& tag, std::int64_t step, const Tensor& pixels) {
  const NoGrad guard;
  const Shape& shape = pixels.shape();
  const std::int64_t channels = shape.rank() == 3 ? shape[0] : 1;
  if (shape.rank() < 2 || shape.rank() > 3 || (channels != 1 && channels != 3) || pixels.numel() == 0)
    throw ShapeError(fmt::format("TensorBoard::image: {} (want [H, W], [1, H, W] or [3, H, W])", shape.str()));
  const std::int64_t height = shape[shape.rank() - 2], width = shape[shape.rank() - 1];
  const std::vector<double> elements = to(pixels.detach(), f64).to_vector<double>();
  std::vector<std::uint8_t> bytes(elements.size());
  const auto plane = static_cast<std::size_t>(height * width);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const double share = std::isnan(elements[i]) ? 0 : std::clamp(elements[i], 0.0, 1.0);
    bytes[i % plane * static_cast<std::size_t>(channels) + i / plane] =
        static_cast<std::uint8_t>(std::lround(255 * share));
  }
  Message content;
  content.integer(image_field::kHeight, height)
      .integer(image_field::kWidth, width)
      .integer(image_field::kColorspace, channels)
      .text(image_field::kEncoded, png(bytes, width, height, static_cast<int>(channels)));
  file_.append(summary_event(tag, step, Message().message(value::kImage, content)).bytes());
}

void TensorBoard::graph(const Graph& graph) {
  const std::vector<std::string> names = node_names(graph);
  Message def;
  for (Graph::Vertex v = 0; v < graph.size(); ++v) {
    const Node& node = graph.node(v);
    Message one;
    one.text(node_def::kName, names[v]).text(node_def::kOp, node.name());
    std::map<std::uint32_t, std::string> inputs;  // in the order of the op's inputs
    for (const auto& edge : boost::make_iterator_range(boost::in_edges(v, graph.model()))) {
      const GraphEdge& tensor = graph.model()[edge];
      const std::string& from = names[boost::source(edge, graph.model())];
      inputs[tensor.input] = tensor.output == 0 ? from : fmt::format("{}:{}", from, tensor.output);
    }
    for (const auto& [position, input] : inputs) one.text(node_def::kInput, input);
    one.message(node_def::kAttr, attribute("_output_shapes", shapes_of(node)));
    if (const std::string attributes = node.attributes(); !attributes.empty())
      one.message(node_def::kAttr, attribute("attributes", Message().text(attr_value::kString, attributes)));
    def.message(graph_def::kNode, one);
  }
  def.message(graph_def::kVersions, Message().integer(kProducer, 22));
  file_.append(Message().number(event::kWallTime, now()).text(event::kGraphDef, def.bytes()).bytes());
}

}  // namespace dagrad::tools
