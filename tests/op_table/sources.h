// What the sources say about ops in their comments: the op reference takes it from there, where it is kept right.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace dagrad::op_table {

class Sources {
 public:
  /// A function in a public header.
  struct Function {
    std::string signature;  // without the caller's location
    std::string doc;        // shared by those that are declared below one comment
    std::string file;       // `ops/math`
  };

  /// Reads core/ and ops/ below `root`.
  explicit Sources(const std::filesystem::path& root);

  /// The public functions of this name.
  std::vector<Function> functions(const std::string& name) const;
  /// The comment above an op's backward, or above that of the struct it inherits it from; empty when there is none.
  std::string gradient(const std::string& op) const;
  /// Where an op is defined, as `ops/math`; empty for an unknown one.
  std::string file(const std::string& op) const;
  /// The structs and enumerations that a public header declares, with their comments.
  std::string declared_types(const std::string& file) const;
  /// What a file's header opens with.
  std::string title(const std::string& file) const;

 private:
  struct Definition {
    std::string name;
    std::string file;
    std::string bases = {};    // what stands behind the colon
    std::string comment = {};  // above its backward
  };

  void read_header(const std::string& file, const std::vector<std::string>& lines);
  void read_definitions(const std::string& file, const std::vector<std::string>& lines);
  /// The one in this file, or else any; null when there is none.
  const Definition* find(const std::string& name, const std::string& file) const;

  std::multimap<std::string, Function> functions_;
  std::vector<Definition> structs_;
  std::map<std::string, std::size_t> struct_of_;  // an op's name -> its struct
  std::map<std::string, std::string> titles_, types_;
};

}  // namespace dagrad::op_table
