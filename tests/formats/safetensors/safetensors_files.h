// Safetensors files written by hand, and what reading them gives.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sconce/error.h>
#include <sconce/save.h>

#include "base/endian.h"
#include "base/slice.h"
#include "formats/safetensors/reader.h"
#include "formats/safetensors/writer.h"
#include "io/run_plan.h"
#include "tree/document.h"

namespace sconce::test {

/// A file of this header and this data.
inline std::string file_of(std::string_view header, std::string_view data = {}) {
  std::string file;
  append_le<std::uint64_t>(file, header.size());
  file += header;
  file += data;
  return file;
}

inline formats::OpenContext context_of(const std::string& file, const Limits& limits = {}) {
  formats::OpenContext context;
  context.source = string_source(file, "model.safetensors");
  context.limits = limits;
  context.budget = std::make_shared<MemoryBudget>(limits);
  context.document = std::make_shared<tree::Document>(context.budget);
  return context;
}

inline formats::Opened open_file(const std::string& file) {
  formats::Opened opened = formats::safetensors::open_safetensors(context_of(file));
  opened.facts.format = "safetensors";
  return opened;
}

/// The Error that reading ends in; the test fails where there is none.
inline Error error_of(const std::string& file, const Limits& limits = {}) {
  try {
    (void)formats::safetensors::open_safetensors(context_of(file, limits));
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "the file was accepted";
  return Error(ErrorCode::invalid_argument, "accepted");
}

inline bool recognised(const std::string& file) {
  formats::Sniff sniff;
  sniff.source = string_source(file);
  sniff.head = file.substr(0, formats::Sniff::kHead);
  return formats::safetensors::is_safetensors(sniff);
}

struct StringSink final : ByteSink {
  void write(std::span<const std::byte> bytes) override {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::string text;
};

/// What a tree becomes.
struct Saved {
  std::string bytes;
  SaveReport report;
  std::size_t checks = 0;  ///< storages that are read only to be checked
};

inline Saved save_tree(const tree::Document& document, std::vector<tree::NodeId> roots, const SaveOptions& options = {},
                       const FileFacts& facts = {}) {
  Saved saved;
  const formats::PlanContext context{document, roots, facts, options, Limits{}, saved.report};
  const io::WritePlan plan = formats::safetensors::plan_safetensors(context);
  saved.checks = plan.checks().size();
  StringSink sink;
  io::run_plan(plan, sink, {});
  saved.bytes = std::move(sink.text);
  return saved;
}

/// The header's text, without the blanks that fill it up.
inline std::string header_of(const std::string& file) {
  std::string header = file.substr(8, static_cast<std::size_t>(load_le<std::uint64_t>(file.data())));
  header.erase(header.find_last_not_of(' ') + 1);
  return header;
}

}  // namespace sconce::test
