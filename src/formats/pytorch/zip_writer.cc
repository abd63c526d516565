#include "formats/pytorch/zip_writer.h"

#include <algorithm>
#include <set>
#include <string>

#include "archive/name_index.h"
#include "archive/zip_writer.h"
#include "base/fail.h"
#include "base/text.h"
#include "formats/pytorch/extra_names.h"
#include "formats/pytorch/storage_payload.h"

namespace sconce::formats::pytorch {

namespace {

/// The folder of the file that the tree came from, where it is one that every PyTorch and every unzip takes.
std::string root_folder(const FileFacts& facts) {
  const std::string& root = facts.root;
  const bool plain = !root.empty() && root != "." && root != ".." && root.size() < 256 && is_utf8(root) &&
                     std::ranges::none_of(root, [](char c) {
                       return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
                     });
  return plain ? root : "archive";
}

constexpr std::size_t kLongestRecord = 32768;

/// Bytes that stood beside the tree in the input.
class ExtraPayload final : public io::Payload {
 public:
  explicit ExtraPayload(const ExtraPart& part) : part_(part) {}
  [[nodiscard]] SourcePtr open() const override { return part_.bytes; }
  [[nodiscard]] std::string record() const override { return part_.name; }

 private:
  ExtraPart part_;
};

void add_extras(const PlanContext& context, archive::ZipWriter& zip) {
  std::vector<std::string> missing;
  std::set<std::string> taken;
  for (const ExtraPart& part : context.facts.extras) {
    std::string record = part.name;
    if (!can_be_record(part.name) || taken.contains(archive::folded(record))) record = escaped_record(part.name);
    if (record.size() > kLongestRecord || !taken.insert(archive::folded(record)).second)
      missing.push_back("(beside the tree) " + part.name.substr(0, 200) +
                        (record.size() > kLongestRecord ? ": the name is too long" : ": another part has that name"));
    else
      zip.add(record, std::make_shared<ExtraPayload>(part), part.bytes->size());
  }
  drop_or_refuse(context, std::move(missing), "a PyTorch file");
}

void check_one_root(const PlanContext& context) {
  if (context.roots.empty()) fail(ErrorCode::invalid_argument, "nothing to save: there is no object");
  std::vector<std::string> missing;
  for (std::size_t at = 1; at < context.roots.size(); ++at)
    missing.push_back("object " + std::to_string(at + 1) + " of " + std::to_string(context.roots.size()) +
                      ": an archive holds one; a legacy stream (--to pytorch-legacy) holds several");
  drop_or_refuse(context, std::move(missing), "a PyTorch file");
}

}  // namespace

io::WritePlan plan_torch_zip(const PlanContext& context) {
  check_one_root(context);
  const torch_common::Encoded encoded = encode_root(context, context.roots.front(), false);
  io::WritePlan plan;
  archive::ZipWriter zip(plan, root_folder(context.facts), context.options.alignment);
  // The records and their order are those of PyTorch 2.1 to 2.6; `.format_version` of later ones is left out, because
  // it makes PyTorch predict where everything lies.
  zip.add("data.pkl", encoded.pickle);
  zip.add("byteorder", "little");
  for (std::size_t key = 0; key < encoded.storages.size(); ++key) {
    const torch_common::EncodedStorage& storage = encoded.storages[key];
    zip.add("data/" + std::to_string(key), storage_payload(plan, context.document, storage), storage.nbytes);
  }
  zip.add("version", "3\n");
  add_extras(context, zip);
  zip.finish();
  return plan;
}

}  // namespace sconce::formats::pytorch
