#include "dagrad/nn/io/npz.h"

#include <fmt/format.h>

#include "dagrad/core/copy.h"
#include "dagrad/nn/io/npy_format.h"
#include "dagrad/nn/io/zip_reader.h"
#include "dagrad/nn/io/zip_writer.h"

namespace dagrad::io {

NamedTensors load_npz(const std::filesystem::path& path) {
  const InputFile file(path);
  const std::vector<ZipMember> members = read_zip_directory(file);
  constexpr std::string_view kSuffix = ".npy";
  for (const ZipMember& member : members) {
    if (!member.name.ends_with(kSuffix)) file.fail(fmt::format("has a member '{}' (want .npy arrays)", member.name));
  }
  NamedTensors result;
  for (const ZipMember& member : members) {
    const auto stream = open_zip_member(file, member);
    result.emplace_back(member.name.substr(0, member.name.size() - kSuffix.size()), read_npy(*stream));
  }
  return result;
}

void save_npz(const NamedTensors& tensors, const std::filesystem::path& file, const NpzOptions& options) {
  check_names("save_npz", tensors);
  std::vector<std::string> headers;
  for (const auto& [name, tensor] : tensors) headers.push_back(npy_header("save_npz", tensor));
  ZipWriter zip(file);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor t = contiguous_data(tensors[i].second);
    zip.begin(tensors[i].first + ".npy", options.compress);
    zip.write(std::as_bytes(std::span(headers[i])));
    zip.write(std::span(static_cast<const std::byte*>(t.raw_data()), t.bytes()));
    zip.end();
  }
  zip.commit();
}

}  // namespace dagrad::io
