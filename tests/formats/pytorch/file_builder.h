// Files of torch.save in memory, piece by piece, and opening them as the registry does.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archive/zip_builder.h"
#include "base/fail.h"
#include "base/slice.h"
#include "formats/pytorch/bare_pickle.h"
#include "formats/pytorch/legacy_reader.h"
#include "formats/pytorch/tar_reader.h"
#include "formats/pytorch/zip_reader.h"
#include "pickle/pickle_builder.h"
#include "tree/walk.h"

namespace sconce::formats::pytorch::testing {

using archive::testing::error_of;
using archive::testing::is_error;
using archive::testing::ZipBuilder;
using pickle::testing::PickleBuilder;

/// The formats of this room only; the registry's order.
inline Opened open_any(const OpenContext& given) {
  OpenContext context = given;
  context.open_nested = &open_any;
  Sniff sniff;
  sniff.source = context.source;
  sniff.head.resize(std::min<std::size_t>(Sniff::kHead, context.source->size()));
  context.source->read_at(0, std::as_writable_bytes(std::span(sniff.head)));
  if (sniff.head.starts_with("PK\3\4"))
    context.zip = sniff.zip = archive::ZipArchive::open(context.source, context.limits, *context.budget);
  if (is_torch_zip(sniff)) return open_torch_zip(context);
  if (is_torch_tar(sniff)) return open_torch_tar(context);
  if (is_legacy_stream(sniff)) return open_legacy_stream(context);
  if (is_bare_pickle(sniff)) return open_bare_pickle(context);
  fail(ErrorCode::unsupported, "no format of PyTorch");
}

struct OpenedTree {
  Opened opened;
  [[nodiscard]] Value root(std::size_t at = 0) const { return {opened.document, opened.roots[at]}; }
  [[nodiscard]] std::vector<float> floats(std::string_view key) const {
    return root()[key].as_tensor().to_vector<float>();
  }
  [[nodiscard]] bool calls(std::string_view name) const {
    for (const CallFact& fact : opened.facts.calls)
      if (fact.name == name && fact.what == CallFact::What::call) return true;
    return false;
  }
  [[nodiscard]] std::string notes() const {
    std::string all;
    for (const std::string& note : opened.facts.notes) all += note + "\n";
    return all;
  }
};

inline OpenedTree open_bytes(std::string bytes) {
  OpenContext context;
  context.source = string_source(std::move(bytes));
  context.budget = std::make_shared<MemoryBudget>(context.limits);
  context.document = std::make_shared<tree::Document>(context.budget);
  return {open_any(context)};
}
inline Error open_error(const std::string& bytes) {
  return error_of([&] { (void)open_bytes(bytes); });
}

inline std::string floats(std::initializer_list<float> values) {
  std::string bytes;
  for (const float value : values) append_le(bytes, std::bit_cast<std::uint32_t>(value));
  return bytes;
}

/// {"w": tensor of float32 over storage "0"}.
inline PickleBuilder weight_pickle(std::int64_t numel = 3, std::string_view cls = "FloatStorage") {
  PickleBuilder builder(2);
  builder.empty_dict().text("w").global("torch._utils", "_rebuild_tensor_v2").mark().storage(cls, "0", numel);
  return builder.integer(0).integers({numel}).integers({1}).boolean(false).hooks().tuple().reduce().setitem();
}

// ------------------------------------------------------------------------------------------------- legacy stream

inline std::string magic() {
  return PickleBuilder(2).raw("\x8a\x0a").raw("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19").stop();
}
inline std::string version_and_info() {
  return PickleBuilder(2).integer(1001).stop() +
         PickleBuilder(2).empty_dict().text("little_endian").boolean(true).setitem().stop();
}
inline std::string keys(const std::vector<std::string>& names) {
  PickleBuilder builder(2);
  builder.empty_list().mark();
  for (const std::string& name : names) builder.text(name);
  return builder.appends().stop();
}
inline std::string payload(std::uint64_t numel, std::string_view bytes) {
  std::string all;
  append_le(all, numel);
  return all.append(bytes);
}
inline std::string weight_stream() {
  return magic() + version_and_info() + weight_pickle().stop() + keys({"0"}) + payload(3, floats({1, 2, 3}));
}

}  // namespace sconce::formats::pytorch::testing
