// Features of a file that decide who opens it. They say nothing about versions: facts.cc does.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/checkpoint.h>

#include "model/compatibility/obstacles.h"

namespace sconce::model::compatibility {

/// What facts are about. Each can be met several times in a file, each time with what it concerns.
enum class Trait : std::uint8_t {
  any,  ///< every file has it
  // Containers.
  zip,
  legacy,
  tar,
  bare_pickle,
  safetensors,          ///< by its contents
  safetensors_renamed,  ///< and its name does not end in .safetensors
  npy,
  npz,
  torchscript,
  torchscript_json,  ///< of 1.0 to 1.2, with model.json
  torchscript_mobile,
  mobile_flatbuffer,
  torch_package,
  exported_program,
  distributed,
  onnx,
  gguf,
  not_zip,  ///< torch.load does not take it for a zip archive
  // Of a zip archive.
  file_version_2,  ///< the version record holds at least this
  file_version_3,
  file_version_4,
  file_version_6,
  file_version_7,
  data_version,  ///< .data/version in the place of version
  big_endian,
  big_endian_untyped,
  deflated_storage,
  deflated_past_end,  ///< and as long as it is uncompressed, it would reach behind the end of the file
  // Of a legacy stream.
  several_objects,
  legacy_untyped,
  class_source,  ///< persistent ids of classes, with their source text
  // Of pickles.
  protocol_not_2,
  protocol_3,
  protocol_4,
  protocol_5,
  tensor_metadata,     ///< _rebuild_tensor_v2 with a seventh argument: conjugate and negative bits
  coalesced_flag,      ///< sparse COO with four parts
  sparse_compressed,   ///< CSR, CSC, BSR, BSC by _rebuild_sparse_tensor
  subclass_no_state,   ///< _rebuild_from_type_v2 whose state is None
  slots_state,         ///< a class of torch whose state is a list: a dataclass with slots
  new_allowed_object,  ///< NEWOBJ of a class that weights_only knows, other than Parameter
  legacy_generator,
  build_allowed,   ///< a state for a class that weights_only allows, and that is no tensor or OrderedDict
  build_other,     ///< a state for something that weights_only gives none
  set_item_other,  ///< items for something that is no dict
  append_other,    ///< items for something that is no list
  text_not_ascii,  ///< str of Python 2
  text_not_utf8,
  gpu_location,
  meta_location,
  foreign_location,    ///< a device that this PyTorch may not know
  cuda_storage_class,  ///< torch.cuda.FloatStorage: needs a GPU, even with a map_location
  cuda_tensor_class,   ///< torch.cuda.FloatTensor, made by calling it
  layout_jagged,
  layout_csr,
  layout_blocks,  ///< CSC, BSR, BSC
  numpy_2_names,
  numpy_random,  ///< states of generators
  python_3_13_names,
  untyped_via_torch,  ///< class torch.UntypedStorage in a persistent id
  // Of what C++ makes of it.
  long_integer,        ///< LONG1 of another length than eight
  ordered_dict_items,  ///< an OrderedDict with entries
  odd_dict_key,
  packed_storage,  ///< quint4x2, quint2x4
  shared_storage,
  count_,
};

struct Met {
  Trait trait = Trait::any;
  std::string concerns;
  std::uint64_t offset = 0;
};

/// A name that a pickle imports.
struct ImportedName {
  std::string name;     ///< dotted, as Python 3 has it
  std::string spelled;  ///< dotted, as it stands there
  std::uint64_t offset = 0;
  bool called = false;
};

struct Features {
  std::string format;  ///< as in CheckReport
  std::vector<Met> met;
  std::vector<ImportedName> names;
  std::array<std::uint64_t, 256> opcode_at{};  ///< offset of the first + 1; 0: not there
  std::vector<std::string> locations;          ///< in the order of the file
  bool has_pickle = false;

  /// At most this many for each trait, and of names that nobody knows: a file cannot fill memory with them.
  static constexpr std::size_t kMost = 8;
  static constexpr std::size_t kMostUnknownNames = 256;
  void add(Trait trait, std::string_view concerns = {}, std::uint64_t offset = 0);
  [[nodiscard]] bool has(Trait trait) const noexcept { return seen_[static_cast<std::size_t>(trait)] != 0; }

 private:
  std::array<std::uint8_t, static_cast<std::size_t>(Trait::count_)> seen_{};
};

/// Features of a source, known to be `format` (FileFacts::format) and to hold that many objects. Errors: those of
/// reading.
[[nodiscard]] Features collect(const SourcePtr& source, const std::string& format, std::size_t objects,
                               const LoadOptions& options);
/// Of a file that Sconce does not read but knows by name; null where it is no model file.
[[nodiscard]] std::shared_ptr<const Features> collect_foreign(const SourcePtr& source, const LoadOptions& options);
/// Of a folder that is a model of its own; null where it is none.
[[nodiscard]] std::shared_ptr<const Features> collect_folder(const std::string& path);

}  // namespace sconce::model::compatibility
