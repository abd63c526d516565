// Writing trees with the writers of this room, into memory.
#pragma once

#include <string>
#include <vector>

#include "formats/pytorch/file_builder.h"
#include "formats/pytorch/legacy_writer.h"
#include "formats/pytorch/zip_writer.h"
#include "io/plan_stream.h"

namespace sconce::formats::pytorch::testing {

struct Written {
  std::string bytes;
  SaveReport report;
};

using Plan = io::WritePlan (*)(const PlanContext&);

inline Written write(Plan make_plan, const Opened& opened, const SaveOptions& options = {}) {
  Written written;
  const PlanContext context{*opened.document, opened.roots, opened.facts, options, {}, written.report};
  const io::WritePlan plan = make_plan(context);
  io::PlanStream stream(plan, options.ignore_checksums);
  std::vector<std::byte> buffer(std::size_t{1} << 16);
  while (const std::size_t size = stream.read(buffer))
    written.bytes.append(reinterpret_cast<const char*>(buffer.data()), size);
  EXPECT_EQ(written.bytes.size(), plan.size());
  return written;
}

/// A tree that a test builds itself.
struct Built {
  std::shared_ptr<tree::Document> document = std::make_shared<tree::Document>();
  tree::NodeId root = document->dict();
  FileFacts facts;

  void set(std::string_view key, tree::NodeId value) {
    EXPECT_TRUE(document->dict_set(root, document->str(key), value));
  }
  [[nodiscard]] Opened opened() const {
    Opened opened;
    opened.document = document;
    opened.roots = {root};
    opened.facts = facts;
    return opened;
  }
};

}  // namespace sconce::formats::pytorch::testing
