#include "tools/model_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/activation_kind.h"
#include "dagrad/nn/init_kind.h"
#include "dagrad/nn/norm_kind.h"
#include "tools/numbers.h"
#include "tools/option_checks.h"
#include "tools/suggest.h"

namespace dagrad::tools {
namespace {

constexpr std::int64_t kWidest = 1'000'000;

void check_belongs(const ModelOptions& o) {
  const ModelOptions plain;
  const std::vector<std::string> recurrent{"lstm", "gru", "rnn"}, hidden{"mlp", "cnn", "lstm", "gru", "rnn"};
  Beside("model", o.kind)
      .only("channels", o.channels != plain.channels, {"cnn"})
      .only("kernel", o.kernel != plain.kernel, {"cnn"})
      .only("pool", o.pool != plain.pool, {"cnn"})
      .only("head", o.head != plain.head, {"cnn"})
      .only("layers", o.layers != plain.layers, recurrent)
      .only("bidirectional", o.bidirectional, recurrent)
      .only("hidden", !o.hidden.empty() && o.hidden != "none", hidden)
      .only("activation", o.activation != plain.activation, {"mlp", "cnn"})
      .only("norm", o.norm != plain.norm, {"mlp", "cnn"})
      .only("channel-dropout", o.channel_dropout > 0, {"cnn"})
      .only("dropout", o.dropout > 0, hidden);
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
  check_between("kernel", o.kernel, 1, 1000);
  check_between("pool", o.pool, 1, 1000);
  check_between("layers", o.layers, 1, 1000);
  check_belongs(o);
  if (const std::size_t widths = o.hidden_widths().size(); o.is_recurrent() && widths != 1)
    throw UsageError(fmt::format("--hidden: {} widths (want one, that of the state, for --model {})", widths, o.kind));
  if (o.kind == "cnn" && o.channel_counts().empty())
    throw UsageError("--channels: none (want at least one convolution for --model cnn)");
}

}  // namespace dagrad::tools
