#include "formats/pytorch/legacy_writer.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/endian.h"
#include "base/fail.h"
#include "formats/pytorch/storage_payload.h"
#include "pickle/emitter.h"

namespace sconce::formats::pytorch {

namespace {

using pickle::Emitter;
using pickle::Op;

/// The three small pickles before each object: magic number, protocol version, what the saving machine was like.
std::string stream_header() {
  constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
  constexpr std::int64_t kProtocol = 1001;
  Emitter magic;
  magic.big_integer(kMagic);
  Emitter version;
  version.integer(kProtocol);

  Emitter info;
  const auto key = [&](std::string_view name) {
    info.unicode(name);
    (void)info.put();
  };
  info.op(Op::empty_dict);
  (void)info.put();
  info.op(Op::mark);
  key("protocol_version");
  info.integer(kProtocol);
  key("little_endian");
  info.boolean(true);
  key("type_sizes");
  info.op(Op::empty_dict);
  (void)info.put();
  info.op(Op::mark);
  for (const auto& [name, size] : {std::pair("short", 2), std::pair("int", 4), std::pair("long", 4)}) {
    key(name);
    info.integer(size);
  }
  info.op(Op::setitems);
  info.op(Op::setitems);
  return magic.finish() + version.finish() + info.finish();
}

/// Keys in the order of their texts, as torch.save sorts them.
std::vector<std::string> sorted_keys(std::size_t count) {
  std::vector<std::string> keys;
  keys.reserve(count);
  for (std::size_t key = 0; key < count; ++key) keys.push_back(std::to_string(key));
  std::ranges::sort(keys);
  return keys;
}

std::string key_list(const std::vector<std::string>& keys) {
  Emitter list;
  list.op(Op::empty_list);
  (void)list.put();
  if (keys.size() > 1) list.op(Op::mark);
  for (const std::string& key : keys) {
    list.unicode(key);
    (void)list.put();
  }
  if (!keys.empty()) list.op(keys.size() == 1 ? Op::append : Op::appends);
  return list.finish();
}

void add_object(const PlanContext& context, tree::NodeId root, io::WritePlan& plan) {
  const torch_common::Encoded encoded = encode_root(context, root, true);
  plan.add_literal(stream_header());
  plan.add_literal(encoded.pickle);
  const std::vector<std::string> keys = sorted_keys(encoded.storages.size());
  plan.add_literal(key_list(keys));
  for (const std::string& key : keys) {
    const torch_common::EncodedStorage& storage = encoded.storages[std::stoul(key)];
    std::string numel;
    append_le(numel, storage.numel);
    plan.add_literal(numel);
    if (storage.nbytes != 0) (void)plan.add_payload(storage_payload(plan, context.document, storage), storage.nbytes);
  }
}

/// A stream holds objects and nothing beside them.
void leave_extras(const PlanContext& context) {
  std::vector<std::string> missing;
  for (const ExtraPart& part : context.facts.extras) {
    // Source texts of classes only ever served a warning; `format` says of a safetensors file which program wrote it.
    const bool needless = part.name.starts_with("source/") || part.name == "format";
    (needless ? context.report.notes : missing)
        .push_back("(beside the tree) " + part.name + ": a stream has no place for it");
  }
  drop_or_refuse(context, std::move(missing), "a legacy stream");
}

}  // namespace

io::WritePlan plan_legacy_stream(const PlanContext& context) {
  if (context.roots.empty()) fail(ErrorCode::invalid_argument, "nothing to save: there is no object");
  leave_extras(context);
  io::WritePlan plan;
  for (const tree::NodeId root : context.roots) add_object(context, root, plan);
  return plan;
}

}  // namespace sconce::formats::pytorch
