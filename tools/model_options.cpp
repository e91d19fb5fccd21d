#include "tools/model_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/activation_kind.h"
#include "dagrad/nn/init_kind.h"
#include "dagrad/nn/norm_kind.h"
#include "tools/command_line.h"
#include "tools/numbers.h"
#include "tools/suggest.h"

namespace dagrad::tools {
namespace {

constexpr std::int64_t kWidest = 1'000'000;

/// Throws when an option is set although the kind of model does not have it.
void check_belongs(const ModelOptions& o) {
  const ModelOptions plain;
  const auto only = [&](const char* option, bool is_set, bool belongs, const char* kinds) {
    if (is_set && !belongs) throw UsageError(fmt::format("--{}: --model {} has none (want {})", option, o.kind, kinds));
  };
  const bool is_cnn = o.kind == "cnn", is_linear = o.kind == "linear", is_feedforward = is_cnn || o.kind == "mlp";
  only("channels", o.channels != plain.channels, is_cnn, "cnn");
  only("kernel", o.kernel != plain.kernel, is_cnn, "cnn");
  only("pool", o.pool != plain.pool, is_cnn, "cnn");
  only("head", o.head != plain.head, is_cnn, "cnn");
  only("layers", o.layers != plain.layers, o.is_recurrent(), "lstm, gru or rnn");
  only("bidirectional", o.bidirectional, o.is_recurrent(), "lstm, gru or rnn");
  only("hidden", !o.hidden.empty() && o.hidden != "none", !is_linear, "mlp, cnn, lstm, gru or rnn");
  only("activation", o.activation != plain.activation, is_feedforward, "mlp or cnn");
  only("norm", o.norm != plain.norm, is_feedforward, "mlp or cnn");
  only("channel-dropout", o.channel_dropout > 0, is_cnn, "cnn");
  only("dropout", o.dropout > 0, !is_linear, "mlp, cnn, lstm, gru or rnn");
}

/// Throws unless `find` knows the name, which it may do under other names than those listed.
template <class Find>
void check_name(const char* option, const std::string& value, const std::vector<std::string>& names, const Find& find) {
  try {
    find(value);
  } catch (const UsageError&) {
    throw UsageError(
        fmt::format("--{}: '{}' (want {}){}", option, value, fmt::join(names, ", "), suggestion(value, names)));
  }
}

}  // namespace

std::vector<std::int64_t> ModelOptions::hidden_widths() const {
  if (kind == "linear") return {};
  if (hidden.empty()) {
    if (kind == "mlp") return {256, 128};
    return {kind == "cnn" ? 64 : 128};
  }
  return parse_whole_numbers("hidden", hidden, 1, kWidest, "widths");
}

std::vector<std::int64_t> ModelOptions::channel_counts() const {
  return parse_whole_numbers("channels", channels, 1, kWidest, "channels");
}

void describe(ModelOptions& o, OptionList& list) {
  list.add("model", o.kind, "NAME", "mlp, cnn, lstm, gru, rnn or linear")
      .add("hidden", o.hidden, "W,W,...",
           "widths of the hidden layers, or none (mlp: 256,128; cnn: 64, behind the convolutions; lstm, gru, rnn: 128, "
           "the width of the state)")
      .add("activation", o.activation, "NAME", fmt::format("{}", fmt::join(nn::activation_names(), ", ")))
      .add("norm", o.norm, "NAME", "before each activation: none, batch, layer, group (of channels) or rms")
      .add("dropout", o.dropout, "P", "behind each hidden layer, set this share to 0")
      .add("init", o.init, "NAME",
           "how weights start: standard (U(+-1/sqrt fan_in)), he, xavier, lecun, orthogonal, normal:DEVIATION, "
           "constant:VALUE, zeros, ... (any of nn/init.h)")
      .add("channels", o.channels, "C,C,...", "cnn: channels of the convolutions")
      .add("kernel", o.kernel, "K", "cnn: their size")
      .add("pool", o.pool, "K", "cnn: max pooling behind each; 1: none")
      .add("head", o.head, "NAME", "cnn: flatten, or average (each channel's mean) before the linear layers")
      .add("channel-dropout", o.channel_dropout, "P", "cnn: behind each pooling, set this share of the channels to 0")
      .add("layers", o.layers, "N", "lstm, gru, rnn: how many layers")
      .add("bidirectional", o.bidirectional, "lstm, gru, rnn: read in both directions");
}

void check(const ModelOptions& o) {
  check_choice("model", o.kind, {"mlp", "cnn", "lstm", "gru", "rnn", "linear"});
  check_name("activation", o.activation, nn::activation_names(), nn::activation_kind);
  check_choice("norm", o.norm, {"none", "batch", "layer", "group", "rms"});
  check_name("init", o.init, nn::init_names(), nn::weight_init);
  check_choice("head", o.head, {"flatten", "average"});
  check_range("dropout", o.dropout, o.dropout >= 0 && o.dropout < 1, "0 <= p < 1");
  check_range("channel-dropout", o.channel_dropout, o.channel_dropout >= 0 && o.channel_dropout < 1, "0 <= p < 1");
  const auto whole = [](std::int64_t n) { return static_cast<double>(n); };
  check_range("kernel", whole(o.kernel), o.kernel >= 1 && o.kernel <= 1000, "1 to 1000");
  check_range("pool", whole(o.pool), o.pool >= 1 && o.pool <= 1000, "1 to 1000");
  check_range("layers", whole(o.layers), o.layers >= 1 && o.layers <= 1000, "1 to 1000");
  check_belongs(o);
  if (const std::size_t widths = o.hidden_widths().size(); o.is_recurrent() && widths != 1)
    throw UsageError(fmt::format("--hidden: {} widths (want one, that of the state, for --model {})", widths, o.kind));
  if (o.kind == "cnn" && o.channel_counts().empty())
    throw UsageError("--channels: none (want at least one convolution for --model cnn)");
}

}  // namespace dagrad::tools
