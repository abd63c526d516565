// Writes torch's own kinds into a pickle: the inverse of Resolver.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/torch_common/encode.h"
#include "formats/torch_common/encode_numpy.h"
#include "formats/torch_common/encode_storages.h"
#include "formats/torch_common/known_names.h"
#include "pickle/writer.h"

namespace sconce::formats::torch_common {

/// One for each pickle.
class TorchEncoder final : public pickle::Encoder {
 public:
  TorchEncoder(const tree::Document& document, const StorageUses& uses, const EncodeOptions& options);

  void encode(pickle::Writer& writer, tree::NodeId node) override;
  void resume(pickle::Writer& writer, tree::NodeId node, std::uint32_t step) override;
  void check_global(tree::NodeId global) override;
  void check_object(tree::NodeId object) override;

  [[nodiscard]] std::vector<EncodedStorage>& storages() noexcept { return storages_; }
  [[nodiscard]] std::vector<std::string>& notes() noexcept { return notes_; }

 private:
  using NodeId = tree::NodeId;
  using Writer = pickle::Writer;
  enum Step : std::uint32_t {
    kArguments,
    kCoreDone,
    kQuantizerDone,
    kSparseDone,
    kNestedDone,
    kArgumentsDone,
    kTypeDone,
  };

  // encode_values.cc
  void device(Writer& writer, NodeId node);
  void layout(Writer& writer, std::string_view name);
  void memory_format(Writer& writer, NodeId node);
  void size(Writer& writer, NodeId node);
  void dtype(Writer& writer, std::string_view name);
  void named(Writer& writer, std::string_view name, Known what);
  /// A global of torch's, by its name; the memo knows it after the first time.
  void global(Writer& writer, std::string_view module, std::string_view name);
  void empty_ordered_dict(Writer& writer);

  // encode_storage_ids.cc
  void bare_storage(Writer& writer, NodeId node);
  void storage_id(Writer& writer, std::uint32_t storage, const tree::StorageSlice& part, bool is_part);
  void storage_class(Writer& writer, std::optional<DType> dtype);
  [[nodiscard]] std::uint32_t key_of(std::uint32_t storage, const tree::StorageSlice& part, bool is_part);
  void location(Writer& writer, const std::string& tag);

  // encode_tensors.cc
  void tensor(Writer& writer, NodeId node);
  void begin_tensor(Writer& writer, NodeId node);
  void arguments(Writer& writer, NodeId node);
  void core_done(Writer& writer, NodeId node);
  void arguments_done(Writer& writer, NodeId node);
  [[nodiscard]] std::string_view function(const tree::TensorRecord& record) const;
  [[nodiscard]] std::string_view core_function(const tree::TensorRecord& record) const;
  /// Arguments of the core function as a tuple. False where values are scheduled, and kCoreDone after them.
  [[nodiscard]] bool core_arguments(Writer& writer, NodeId node);
  void strided(Writer& writer, const tree::TensorRecord& record);
  void begin_strided(Writer& writer, const tree::TensorRecord& record);
  void metadata(Writer& writer, const tree::TensorRecord& record);
  [[nodiscard]] bool quantized(Writer& writer, NodeId node);
  void end_quantized(Writer& writer, const tree::TensorRecord& record);
  void sparse(Writer& writer, NodeId node);
  void end_sparse(Writer& writer, NodeId node);
  void nested(Writer& writer, NodeId node);
  void meta(Writer& writer, const tree::TensorRecord& record);
  void on_device(Writer& writer, NodeId node);
  [[nodiscard]] bool is_array(const tree::TensorRecord& record) const noexcept;
  [[nodiscard]] bool stays_on_device(const tree::TensorRecord& record) const noexcept;
  [[nodiscard]] bool moves_from_cpu(const tree::TensorRecord& record) const noexcept;
  [[nodiscard]] bool is_untyped(const tree::TensorRecord& record) const noexcept {
    return !uses_.written_dtype(record.storage);
  }

  const tree::Document& document_;
  const StorageUses& uses_;
  const EncodeOptions& options_;
  NumpyEncoder numpy_;
  std::vector<EncodedStorage> storages_;
  std::vector<std::uint32_t> key_of_storage_;  // by number; all ones: none yet
  std::map<std::array<std::uint64_t, 3>, std::uint32_t> key_of_part_;
  std::vector<std::string> notes_;

  std::array<pickle::Memo, kDTypeCount + 1> storage_classes_;
  std::unordered_map<std::string_view, pickle::Memo> globals_;  // by name: no two modules have the same
  std::unordered_map<std::string, pickle::Memo> locations_;
  pickle::Memo ordered_dict_ = pickle::kNoMemo;
  pickle::Memo storage_text_ = pickle::kNoMemo;
  pickle::Memo cpu_ = pickle::kNoMemo;
};

}  // namespace sconce::formats::torch_common
