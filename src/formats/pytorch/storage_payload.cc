#include "formats/pytorch/storage_payload.h"

#include <unordered_map>
#include <utility>

#include "base/fail.h"
#include "base/slice.h"
#include "base/text.h"
#include "formats/storage_home.h"
#include "tensor/storage_data.h"
#include "tensor/swap.h"
#include "tree/walk.h"

namespace sconce::formats::pytorch {

namespace {

using torch_common::EncodedStorage;

class StoragePayload final : public io::Payload {
 public:
  StoragePayload(Storage storage, const EncodedStorage& encoded)
      : storage_(std::move(storage)), offset_(encoded.offset), nbytes_(encoded.nbytes), unit_(encoded.swap_unit) {}

  [[nodiscard]] SourcePtr open() const override {
    SourcePtr source = open_storage(*storage_.data());
    if (unit_ != 1) source = tensor::swapped_source(std::move(source), unit_);
    return is_whole() ? source : slice(std::move(source), offset_, nbytes_);
  }
  [[nodiscard]] std::optional<std::uint32_t> expected_crc32() const override {
    const auto checksum = is_verbatim() ? storage_.checksum() : std::nullopt;
    return checksum ? std::optional(checksum->crc32) : std::nullopt;
  }
  [[nodiscard]] Home home() const override { return home_of(storage_); }
  [[nodiscard]] std::string record() const override { return storage_.record(); }

  [[nodiscard]] bool is_whole() const noexcept { return offset_ == 0 && nbytes_ == storage_.nbytes(); }
  [[nodiscard]] bool is_verbatim() const noexcept { return is_whole() && unit_ == 1; }

 private:
  Storage storage_;
  std::uint64_t offset_;
  std::uint64_t nbytes_;
  std::size_t unit_;
};

/// Names of the nodes that are missing, as far as a walk meets them.
std::unordered_map<tree::NodeId, std::string> names_of(const PlanContext& context, tree::NodeId root,
                                                       const std::vector<torch_common::Missing>& missing) {
  std::unordered_map<tree::NodeId, std::string> names;
  std::vector<bool> wanted(context.document.node_count(), false);
  for (const torch_common::Missing& one : missing) wanted[one.node] = true;
  tree::Walker walker(context.document, root, tree::walk_limits(context.document, context.limits.paths));
  while (names.size() < missing.size() && walker.next())
    if (wanted[walker.node()]) names.try_emplace(walker.node(), walker.name());
  return names;
}

}  // namespace

std::shared_ptr<const io::Payload> storage_payload(io::WritePlan& plan, const tree::Document& document,
                                                   const EncodedStorage& encoded) {
  const Storage& storage = document.storage_at(encoded.storage);
  auto payload = std::make_shared<StoragePayload>(storage, encoded);
  if (!payload->is_verbatim() && storage.checksum()) {
    EncodedStorage whole;
    whole.nbytes = storage.nbytes();
    plan.add_check(std::make_shared<StoragePayload>(storage, whole), whole.nbytes);
  }
  return payload;
}

torch_common::Encoded encode_root(const PlanContext& context, tree::NodeId root, bool legacy) {
  torch_common::EncodeOptions options;
  options.legacy = legacy;
  options.keep_device = context.options.keep_device;
  options.old_sparse_csr = context.options.old_sparse_csr;
  // A file of arrays becomes a file of tensors, which every PyTorch opens without NumPy; arrays that PyTorch itself
  // had in a pickle stay what they are.
  options.arrays_as_tensors = context.facts.format == "npy" || context.facts.format == "npz";
  torch_common::Encoded encoded = torch_common::encode_torch(context.document, root, options);
  context.report.notes.insert(context.report.notes.end(), encoded.notes.begin(), encoded.notes.end());
  if (encoded.missing.empty()) return encoded;

  const auto names = names_of(context, root, encoded.missing);
  std::vector<std::string> lines;
  for (const torch_common::Missing& missing : encoded.missing) {
    const auto name = names.find(missing.node);
    const std::string where = name == names.end()    ? "(inside of an object)"
                              : name->second.empty() ? "(the root)"
                                                     : name->second;
    lines.push_back(where + ": " + missing.why);
  }
  drop_or_refuse(context, std::move(lines), legacy ? "a legacy stream" : "a PyTorch file");
  return encoded;
}

void drop_or_refuse(const PlanContext& context, std::vector<std::string> missing, std::string_view format) {
  if (missing.empty()) return;
  if (!context.options.drop) {
    fail(ErrorCode::unsupported, std::string(format) + " cannot hold " + listed(missing), {},
         "drop what cannot be written (--drop), or choose another format");
  }
  context.report.dropped.insert(context.report.dropped.end(), missing.begin(), missing.end());
}

}  // namespace sconce::formats::pytorch
