// Checkpoint: what a file holds, and what is said of one that is damaged or somebody else's.
#include "dagrad/nn/training/checkpoint.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

#include "dagrad/core/error.h"
#include "dagrad/ops/ops.h"
#include "expect_error.h"
#include "nn/training/small_run.h"
#include "scratch_folder.h"

namespace dagrad::nn {
namespace {

using CheckpointFile = ScratchFolder;

/// A part that is a state, as it comes.
struct Plain {
  optim::State held;
  optim::State state() const { return held; }
  std::function<void()> prepare_state(const optim::State& loaded) {
    return [this, loaded] { held = loaded; };
  }
};

std::uint64_t bits_of(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// A checkpoint of an Adam that has made a step, of a small net.
struct Small {
  explicit Small(std::int64_t width = 3) : net(Linear(2, width)), adam(net.parameters()) {
    parts.add("model", net);
    parts.add("optimizer", adam);
    parts.add("generator", generator);
  }
  void step() {
    sum(square(net(ones({1, 2})))).backward();
    adam.step();
  }
  Sequential net;
  optim::Adam adam;
  Generator generator{7};
  Checkpoint parts;
};

TEST_F(CheckpointFile, KeepsNumbersToTheBit) {
  const std::vector<double> numbers{
      0.1,        -0.0,    1e-320, std::numeric_limits<double>::max(), -std::numeric_limits<double>::infinity(),
      0x1p53 - 1, -1.0 / 3};
  Plain saved{{.kind = "Plain", .numbers = {}, .tensors = {}}}, loaded = saved;
  for (std::size_t i = 0; i < numbers.size(); ++i) saved.held.numbers[std::to_string(i)] = numbers[i];
  saved.held.numbers["nan"] = std::numeric_limits<double>::quiet_NaN();
  Checkpoint to, from;
  to.add("plain", saved);
  from.add("plain", loaded);
  to.save(folder_ / "c.safetensors");
  from.load(folder_ / "c.safetensors");
  for (std::size_t i = 0; i < numbers.size(); ++i)
    EXPECT_EQ(bits_of(loaded.held.numbers.at(std::to_string(i))), bits_of(numbers[i])) << numbers[i];
  EXPECT_TRUE(std::isnan(loaded.held.numbers.at("nan")));
}

TEST_F(CheckpointFile, IsReadAsSafetensorsWithTheModelUnderItsNames) {
  Small small;
  small.step();
  small.parts.save(folder_ / "c.safetensors", {{"command", "train --epochs 3"}});
  const io::Safetensors plain = io::load_safetensors(folder_ / "c.safetensors");
  EXPECT_EQ(io::find(plain.tensors, "model.0.weight").to_vector<float>(), small.net.parameters()[0].to_vector<float>());
  EXPECT_TRUE(io::find(plain.tensors, "optimizer.0.exp_avg").defined());
  EXPECT_EQ(plain.metadata.at("optimizer"), "Adam");
  EXPECT_EQ(plain.metadata.at("note.command"), "train --epochs 3");
  const CheckpointContent content = read_checkpoint(folder_ / "c.safetensors");
  EXPECT_EQ(content.notes, (io::Metadata{{"command", "train --epochs 3"}}));
  EXPECT_EQ(content.parts.at("optimizer").numbers.at("group0.lr"), 1e-3);
}

TEST_F(CheckpointFile, KeepsEveryBitOfASeedAndAPosition) {
  Generator saved(0xfedcba9876543211), loaded;
  saved.set_position(0x8000000000000001);
  Checkpoint to, from;
  to.add("g", saved);
  from.add("g", loaded);
  to.save(folder_ / "c.safetensors");
  from.load(folder_ / "c.safetensors");
  EXPECT_EQ(loaded.seed(), 0xfedcba9876543211);
  EXPECT_EQ(loaded.position(), 0x8000000000000001);
}

TEST_F(CheckpointFile, OfDamagedBytesIsRefusedOrHoldsTheSame) {
  Small saved;
  saved.step();
  const auto file = folder_ / "c.safetensors", damaged = folder_ / "d.safetensors";
  saved.parts.save(file);
  const std::string bytes = content(file);
  const auto weights = saved.net.parameters()[0].to_vector<float>();
  std::size_t refused = 0, total = 0;
  // A bit of every third byte, and every bit of some.
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (at % 3 != 0) continue;
    const bool every_bit = at % 48 == 0;
    for (int bit = every_bit ? 0 : static_cast<int>(at % 8); bit < 8; bit += every_bit ? 1 : 8) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      write("d.safetensors", changed);
      ++total;
      Small into;
      const auto before = into.net.parameters()[0].to_vector<float>();
      try {
        into.parts.load(damaged);
        EXPECT_EQ(into.net.parameters()[0].to_vector<float>(), weights) << "byte " << at << ", bit " << bit;
      } catch (const IoError&) {
        ++refused;
        EXPECT_EQ(into.net.parameters()[0].to_vector<float>(), before);
      }
    }
  }
  // What does not matter is the filling between header and data, and how a name is quoted.
  EXPECT_GT(refused, total - total / 100);
}

TEST_F(CheckpointFile, CutOffAnywhereIsRefused) {
  Small saved;
  saved.step();
  saved.parts.save(folder_ / "c.safetensors");
  const std::string bytes = content(folder_ / "c.safetensors");
  for (std::size_t length = 0; length < bytes.size(); length += length < 16 ? 1 : 13) {
    write("d.safetensors", bytes.substr(0, length));
    Small into;
    EXPECT_THROW(into.parts.load(folder_ / "d.safetensors"), IoError) << length << " bytes";
  }
}

TEST_F(CheckpointFile, SaysWhatIsWrongWithAFile) {
  Small small;
  const auto load = [&](const char* name) { return [&small, file = folder_ / name] { small.parts.load(file); }; };
  io::save_safetensors({{"a", ones({2})}}, folder_ / "plain.safetensors");
  expect_error_with<IoError>(load("plain.safetensors"), "is no checkpoint: its metadata has no 'dagrad.checkpoint'");
  io::save_safetensors({}, folder_ / "later.safetensors", {{"dagrad.checkpoint", "9"}});
  expect_error_with<IoError>(load("later.safetensors"), "is a checkpoint of format '9' (want 1)");
  io::save_safetensors({}, folder_ / "no_sum.safetensors", {{"dagrad.checkpoint", "1"}});
  expect_error_with<IoError>(load("no_sum.safetensors"), "is damaged: it has no checksum");
  io::save_safetensors({}, folder_ / "sum.safetensors",
                       {{"dagrad.checkpoint", "1"}, {"dagrad.checksum", "crc32:00000000"}});
  expect_error_with<IoError>(load("sum.safetensors"), "is damaged: its content has checksum crc32:");
  expect_error_with<IoError>(load("nothing.safetensors"), "nothing.safetensors");
}

TEST_F(CheckpointFile, ListsEverythingThatDoesNotFitAndChangesNothing) {
  Small saved(4);
  saved.step();
  Plain extra{{.kind = "Plain", .numbers = {}, .tensors = {}}};
  saved.parts.add("extra", extra);
  saved.parts.save(folder_ / "c.safetensors");
  Small into(3);
  into.step();
  Plain missing = extra;
  into.parts.add("missing", missing);
  const auto before = into.net.parameters()[0].to_vector<float>();
  const auto everything = [&] { into.parts.load(folder_ / "c.safetensors"); };
  for (const char* part : {"the checkpoint does not fit:", "'0.weight' has shape [4, 2] (want [3, 2])",
                           "'0.bias' has shape [4] (want [3])", "optimizer: Adam: the state does not fit:",
                           "'0.exp_avg' of the state is f32 of shape [4, 2]", "there is no part 'missing'",
                           "the part 'extra' (Plain) has no place here"}) {
    expect_error_with<UsageError>(everything, part);
  }
  EXPECT_EQ(into.net.parameters()[0].to_vector<float>(), before);
  EXPECT_EQ(into.generator.position(), 0u);
}

TEST_F(CheckpointFile, OfAnotherOptimizerIsRefused) {
  Small saved;
  saved.parts.save(folder_ / "c.safetensors");
  Sequential net(Linear(2, 3));
  optim::SGD sgd(net.parameters(), {.lr = 0.1});
  Generator generator;
  Checkpoint into;
  into.add("model", net);
  into.add("optimizer", sgd);
  into.add("generator", generator);
  expect_error_with<UsageError>([&] { into.load(folder_ / "c.safetensors"); },
                                "optimizer: SGD: the state is that of Adam (want SGD)");
  EXPECT_EQ(generator.seed(), 0u);
}

TEST_F(CheckpointFile, PartsHaveNamesOfTheirOwn) {
  Generator generator;
  Checkpoint parts;
  parts.add("a", generator);
  expect_error<UsageError>([&] { parts.add("a", generator); },
                           "Checkpoint: there is a part 'a' already (want each name once)");
  for (const char* name : {"", "a.b", "dagrad", "note"}) {
    expect_error_with<UsageError>([&] { parts.add(name, generator); }, "(want a name without a dot)");
  }
}

}  // namespace
}  // namespace dagrad::nn
