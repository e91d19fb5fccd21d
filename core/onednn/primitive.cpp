#include "dagrad/core/onednn/primitive.h"

#include <algorithm>
#include <atomic>
#include <dnnl_debug.h>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

#include "dagrad/core/allocator.h"
#include "dagrad/core/error.h"
#include "dagrad/core/onednn/booking.h"
#include "dagrad/core/onednn/onednn.h"
#include "dagrad/core/parallel.h"
#include "dagrad/core/rehearsal.h"

namespace dagrad::onednn {
namespace {

__extension__ using Word128 = unsigned __int128;

std::atomic<std::uint64_t> primitives_created{0};
std::atomic<std::uint64_t> executions_of_ended_threads{0};

}  // namespace

/// An argument that the primitive wants in another layout than its tensor has.
struct Reordered {
  std::size_t argument;
  bool written;
  dnnl::memory tensor;  // as it lies
  dnnl::memory inside;  // as the primitive wants it, in a buffer of its own for the time of a call
  dnnl::reorder primitive;
  Identity identity;
};

/// A primitive ready to run: only the pointers in its memory objects change from call to call.
struct Executable {
  std::vector<std::int64_t> key;
  dnnl::primitive primitive;
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> arguments;
  std::vector<Reordered> reordered;
  std::size_t scratchpad_bytes = 0;
  std::uint64_t last_use = 0;
  Identity identity;
  Clock::duration creation{0};  // for the ledgers, until the first execution

  bool matches(const Key& other) const { return std::equal(key.begin(), key.end(), other.begin(), other.end()); }
};

namespace {

/// One thread's primitives. Memory objects hold pointers, so threads cannot share them.
class Cache {
 public:
  Executable* find(const Key& key) {
    ++executions_;
    const std::uint64_t hash = key.hash();
    if (last_ != nullptr && last_hash_ == hash && last_->matches(key)) return used(*last_);
    auto [entry, end] = entries_.equal_range(hash);
    for (; entry != end; ++entry) {
      if (entry->second->matches(key)) return remember(hash, *entry->second);
    }
    return nullptr;
  }

  Executable& insert(const Key& key, std::unique_ptr<Executable> executable) {
    if (entries_.size() >= kCapacity) drop_older_half();
    const std::uint64_t hash = key.hash();
    return *remember(hash, *entries_.emplace(hash, std::move(executable))->second);
  }

  ~Cache() { executions_of_ended_threads.fetch_add(executions_, std::memory_order_relaxed); }
  std::uint64_t executions() const { return executions_; }
  dnnl_stream_t stream() const { return stream_.get(); }

 private:
  // A net of a thousand layers has a few thousand primitives, of some kilobytes each.
  static constexpr std::size_t kCapacity = 8192;

  Executable* used(Executable& executable) {
    executable.last_use = executions_;
    return &executable;
  }
  Executable* remember(std::uint64_t hash, Executable& executable) {
    last_hash_ = hash;
    last_ = &executable;
    return used(executable);
  }

  void drop_older_half() {
    last_ = nullptr;
    std::vector<std::uint64_t> uses;
    for (const auto& [hash, executable] : entries_) uses.push_back(executable->last_use);
    const auto middle = uses.begin() + static_cast<std::ptrdiff_t>(uses.size() / 2);
    std::nth_element(uses.begin(), middle, uses.end());
    std::erase_if(entries_, [oldest = *middle](const auto& entry) { return entry.second->last_use < oldest; });
  }

  std::unordered_multimap<std::uint64_t, std::unique_ptr<Executable>> entries_;
  std::uint64_t last_hash_ = 0;
  Executable* last_ = nullptr;
  std::uint64_t executions_ = 0;
  dnnl::stream stream_{engine()};
};

Cache& cache() {
  thread_local Cache instance;
  return instance;
}

void check(dnnl_status_t status, const char* what) {
  if (status != dnnl_success)
    throw Error(fmt::format("oneDNN: {} failed with status {}", what, static_cast<int>(status)));
}

Identity identify(const dnnl::primitive& primitive, std::size_t bytes) {
  const_dnnl_primitive_desc_t description = nullptr;
  const char* implementation = nullptr;
  dnnl_primitive_kind_t kind{};
  check(dnnl_primitive_get_primitive_desc(primitive.get(), &description), "describing a primitive");
  check(dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, static_cast<void*>(&implementation)),
        "naming a primitive");
  check(dnnl_primitive_desc_query(description, dnnl_query_primitive_kind, 0, &kind), "asking a primitive's kind");
  return {dnnl_prim_kind2str(kind), implementation, bytes};
}

/// Every execution, and nothing else, goes through here.
void execute(const dnnl::primitive& primitive, const Identity& identity, std::span<const dnnl_exec_arg_t> arguments,
             Clock::duration creation = {}) {
  if (detail::rehearsal != nullptr) return;
  std::optional<Booking> booking;
  if (watched(Watch::ledger)) booking.emplace(identity, creation);
  check(dnnl_primitive_execute(primitive.get(), cache().stream(), static_cast<int>(arguments.size()), arguments.data()),
        "executing a primitive");
}

}  // namespace

Statistics statistics() {
  return {primitives_created.load(), executions_of_ended_threads.load() + cache().executions()};
}

const char* version() {
  static const std::string text = [] {
    const dnnl_version_t* v = dnnl_version();
    return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
  }();
  return text.c_str();
}

dnnl::engine& engine() {
  static dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

dnnl::memory::data_type data_type(DType dtype) {
  switch (dtype) {
    case DType::f32: return dnnl::memory::data_type::f32;
    case DType::bf16: return dnnl::memory::data_type::bf16;
    default: throw DTypeError(fmt::format("oneDNN: {} has no primitives (want f32 or bf16)", name_of(dtype)));
  }
}

dnnl::memory::desc describe(const Tensor& t) {
  if (t.dim() == 0) return {{1}, data_type(t.dtype()), dnnl::memory::dims{1}};
  return {dnnl::memory::dims(t.shape().begin(), t.shape().end()), data_type(t.dtype()),
          dnnl::memory::dims(t.strides().begin(), t.strides().end())};
}

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr result;
  result.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return result;
}

int threads_for(std::int64_t work, std::int64_t worth_forking) {
  return deterministic() || work < worth_forking ? 1 : num_threads();
}

Key& Key::add(const Tensor& t) {
  if (!t.defined()) return add(-1);
  add(static_cast<std::int64_t>(t.dtype()) << 8 | t.dim());
  for (const std::int64_t size : t.shape()) add(size);
  for (const std::int64_t stride : t.strides()) add(stride);
  return *this;
}

std::uint64_t Key::hash() const {
  // Multiply and fold (the mixing step of wyhash), a word at a time.
  std::uint64_t state = 0x9e3779b97f4a7c15u;
  for (const std::int64_t word : words_) {
    const auto product = static_cast<Word128>(state ^ static_cast<std::uint64_t>(word)) * 0xd6e8feb86659fd93u;
    state = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  return state;
}

Executable* find(const Key& key) { return cache().find(key); }

Executable& insert(const Key& key, std::initializer_list<Argument> arguments, Built built, Clock::time_point start) {
  primitives_created.fetch_add(1, std::memory_order_relaxed);
  auto result = std::make_unique<Executable>();
  result->key.assign(key.begin(), key.end());
  result->primitive = std::move(built.primitive);
  result->scratchpad_bytes = built.scratchpad_bytes;
  const auto memory_of = [](const dnnl::memory::desc& descriptor) {
    return dnnl::memory(descriptor, engine(), static_cast<void*>(nullptr));
  };
  const auto add = [&](int role, const dnnl::memory::desc& descriptor) {
    result->memories.push_back(memory_of(descriptor));
    result->arguments.push_back({role, result->memories.back().get()});
  };
  std::size_t i = 0, bytes = 0;
  for (const Argument& argument : arguments) {
    const dnnl::memory::desc& tensor = built.descriptors.at(i);
    const dnnl::memory::desc& wanted = built.wanted.empty() ? tensor : built.wanted.at(i);
    add(argument.role, wanted);
    if (wanted != tensor) {
      Reordered entry{i, argument.written, memory_of(tensor), result->memories.back(), {}, {}};
      const dnnl::memory& from = argument.written ? entry.inside : entry.tensor;
      const dnnl::memory& into = argument.written ? entry.tensor : entry.inside;
      entry.primitive = dnnl::reorder(from, into);
      result->reordered.push_back(std::move(entry));
    }
    bytes += tensor.get_size();
    ++i;
  }
  if (result->scratchpad_bytes > 0) {
    const auto size = static_cast<dnnl::memory::dim>(result->scratchpad_bytes);
    add(DNNL_ARG_SCRATCHPAD, {{size}, dnnl::memory::data_type::u8, dnnl::memory::format_tag::a});
  }
  result->identity = identify(result->primitive, bytes);
  for (Reordered& entry : result->reordered) {
    entry.identity = identify(entry.primitive, entry.tensor.get_desc().get_size() + entry.inside.get_desc().get_size());
    entry.identity.share = static_cast<double>(entry.tensor.get_desc().get_size()) / static_cast<double>(bytes);
  }
  if (watched(Watch::ledger)) result->creation = Clock::now() - start;
  return cache().insert(key, std::move(result));
}

namespace {

void reorder(const Reordered& entry) {
  const bool out = entry.written;
  const std::array<dnnl_exec_arg_t, 2> arguments{{{DNNL_ARG_FROM, (out ? entry.inside : entry.tensor).get()},
                                                  {DNNL_ARG_TO, (out ? entry.tensor : entry.inside).get()}}};
  execute(entry.primitive, entry.identity, arguments);
}

}  // namespace

void execute(Executable& executable, std::initializer_list<Argument> arguments) {
  Storage::Pointer scratchpad;
  if (executable.scratchpad_bytes > 0) scratchpad = Storage::allocate(executable.scratchpad_bytes);
  execute(executable, arguments, scratchpad ? scratchpad->data() : nullptr);
}

void execute(Executable& executable, std::initializer_list<Argument> arguments, void* scratchpad) {
  boost::container::static_vector<Storage::Pointer, 8> buffers;  // until the call ends
  const auto set = [](dnnl_memory_t memory, void* data) {
    check(dnnl_memory_set_data_handle(memory, data), "setting a pointer");
  };
  std::size_t i = 0;
  auto reordered = executable.reordered.begin();
  for (const Argument& argument : arguments) {
    if (reordered != executable.reordered.end() && reordered->argument == i) {
      set(reordered->tensor.get(), argument.data);
      buffers.push_back(Storage::allocate(reordered->inside.get_desc().get_size()));
      set(reordered->inside.get(), buffers.back()->data());
      if (!reordered->written) reorder(*reordered);
      ++reordered;
    } else {
      set(executable.arguments[i].memory, argument.data);
    }
    ++i;
  }
  if (executable.scratchpad_bytes > 0) set(executable.arguments[i].memory, scratchpad);
  execute(executable.primitive, executable.identity, executable.arguments, std::exchange(executable.creation, {}));
  for (const Reordered& entry : executable.reordered) {
    if (entry.written) reorder(entry);
  }
}

std::size_t scratchpad_bytes(const Executable& executable) { return executable.scratchpad_bytes; }

dnnl::memory::desc descriptor(const Executable& executable, std::size_t i) {
  return executable.memories.at(i).get_desc();
}

}  // namespace dagrad::onednn
