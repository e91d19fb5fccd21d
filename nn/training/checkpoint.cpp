#include "dagrad/nn/training/checkpoint.h"

#include <algorithm>
#include <fmt/format.h>

#include "dagrad/core/error.h"
#include "dagrad/nn/saving.h"
#include "dagrad/nn/training/checkpoint_format.h"

namespace dagrad::nn {
namespace {

void set_words(optim::State& state, const std::string& name, std::uint64_t value) {
  state.numbers[name + ".high"] = static_cast<double>(value >> 32);
  state.numbers[name + ".low"] = static_cast<double>(value & 0xffffffff);
}

std::uint64_t words(optim::StateReader& reader, const std::string& name) {
  const auto half = [&](const char* end) { return static_cast<std::uint64_t>(reader.count(name + end)) & 0xffffffff; };
  return half(".high") << 32 | half(".low");
}

void save_generator(optim::State& state, const std::string& prefix, const Generator& generator) {
  set_words(state, prefix + "seed", generator.seed());
  set_words(state, prefix + "position", generator.position());
}

Generator read_generator(optim::StateReader& reader, const std::string& prefix) {
  Generator generator(words(reader, prefix + "seed"));
  generator.set_position(words(reader, prefix + "position"));
  return generator;
}

optim::State generator_state(const Generator& generator) {
  optim::State state{.kind = "Generator", .numbers = {}, .tensors = {}};
  save_generator(state, "", generator);
  return state;
}

std::function<void()> prepare_generator(const optim::State& state, Generator& generator) {
  optim::StateReader reader("Generator", state);
  const Generator loaded = read_generator(reader, "");
  reader.finish();
  return [&generator, loaded] { generator = loaded; };
}

// A generator of a module follows in the names of its numbers; the tensors are those of a state_dict.
optim::State module_state(Module& module) {
  optim::State state{.kind = "Module", .numbers = {}, .tensors = {}};
  for (const auto& [name, tensor] : nn::state(module)) state.tensors[name] = tensor;
  for (const auto& [name, generator] : module.named_generators()) save_generator(state, name + ".", *generator);
  return state;
}

std::function<void()> prepare_module(const optim::State& state, Module& module) {
  std::function<void()> tensors = prepare_state(module, {state.tensors.begin(), state.tensors.end()});
  const optim::State numbers{.kind = state.kind, .numbers = state.numbers, .tensors = {}};
  optim::StateReader reader("Module", numbers);
  std::vector<std::pair<Generator*, Generator>> generators;
  for (const auto& [name, generator] : module.named_generators())
    generators.emplace_back(generator, read_generator(reader, name + "."));
  reader.finish();
  return [tensors = std::move(tensors), generators = std::move(generators)] {
    tensors();
    for (const auto& [to, from] : generators) *to = from;
  };
}

std::string indented(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 3) text.insert(at + 1, "  ");
  return text;
}

}  // namespace

void Checkpoint::add(const std::string& name, Module& module) {
  add(name, {[&module] { return module_state(module); },
             [&module](const optim::State& state) { return prepare_module(state, module); }});
}

void Checkpoint::add(const std::string& name, Generator& generator) {
  add(name, {[&generator] { return generator_state(generator); },
             [&generator](const optim::State& state) { return prepare_generator(state, generator); }});
}

void Checkpoint::add(const std::string& name, CheckpointPart part, bool load_last) {
  if (name.empty() || name == "dagrad" || name == "note" || name.find('.') != std::string::npos)
    throw UsageError(fmt::format("Checkpoint: a part cannot be called '{}' (want a name without a dot)", name));
  if (std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.name == name; }))
    throw UsageError(fmt::format("Checkpoint: there is a part '{}' already (want each name once)", name));
  entries_.push_back({name, std::move(part), load_last});
}

void Checkpoint::save(const std::filesystem::path& file, const io::Metadata& notes) const {
  CheckpointContent content{.parts = {}, .notes = notes};
  for (const Entry& entry : entries_) content.parts[entry.name] = entry.part.state();
  write_checkpoint(content, file);
}

void Checkpoint::load(const std::filesystem::path& file) const { load(read_checkpoint(file), file.string()); }

void Checkpoint::load(const CheckpointContent& content, const std::string& who) const {
  std::string misfits;
  std::vector<std::function<void()>> first, last;
  for (const Entry& entry : entries_) {
    const auto found = content.parts.find(entry.name);
    if (found == content.parts.end()) {
      misfits += fmt::format("\n  there is no part '{}'", entry.name);
      continue;
    }
    try {
      (entry.load_last ? last : first).push_back(entry.part.prepare(found->second));
    } catch (const Error& error) {
      misfits += fmt::format("\n  {}: {}", entry.name, indented(error.what()));
    }
  }
  for (const auto& part : content.parts) {
    if (std::none_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.name == part.first; }))
      misfits += fmt::format("\n  the part '{}' ({}) has no place here", part.first, part.second.kind);
  }
  if (!misfits.empty()) throw UsageError(fmt::format("{}: the checkpoint does not fit:{}", who, misfits));
  for (const auto& commit : first) commit();
  for (const auto& commit : last) commit();
}

}  // namespace dagrad::nn
