// load, save, load: the second tree is the first one, less what the save says that it dropped; and saving is
// deterministic.
#include <sconce/diff.h>
#include <sconce/save.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "fuzz.h"

namespace {

using sconce::Checkpoint;

constexpr std::uint64_t kBytes = std::uint64_t{1} << 20;  // of tensors, laid out in full

class StringSink final : public sconce::ByteSink {
 public:
  void write(std::span<const std::byte> bytes) override {
    text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(std::span(text_)); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

bool is_small(const Checkpoint& checkpoint) {
  std::uint64_t total = 0;
  const sconce::WalkResult walked = checkpoint.walk({}, [&](const sconce::Leaf& leaf) {
    if (leaf.is_tensor()) total += std::min(leaf.tensor().nbytes(), kBytes);
    return total < kBytes;
  });
  return walked.complete && total < kBytes;
}

Checkpoint load_small(std::span<const std::byte> bytes) {
  sconce::LoadOptions options;
  options.limits = sconce::fuzzing::small_limits();
  return sconce::load(sconce::memory_source(bytes), options);
}

void round_trip(const Checkpoint& checkpoint, std::string_view format) {
  using sconce::fuzzing::require;
  sconce::SaveOptions options;
  options.format = format;
  options.keep_device = true;
  options.ignore_checksums = true;
  StringSink first;
  const sconce::SaveReport report = save(checkpoint, first, options);
  require(report.bytes == first.text().size(), "the report says how much was written\n");

  // What we wrote ourselves must be read: an Error from here on is a finding.
  try {
    const Checkpoint again = load_small(first.bytes());
    require(diff(checkpoint, again).same, "the saved tree is the same tree\n");
    StringSink second;
    static_cast<void>(save(checkpoint, second, options));
    require(first.text() == second.text(), "saving is deterministic\n");
  } catch (const sconce::Error& error) {
    require(error.code() == sconce::ErrorCode::limit, error.what());
  }
}

}  // namespace

void sconce::fuzzing::fuzz(std::span<const std::byte> bytes) {
  const Checkpoint checkpoint = load_small(bytes);
  if (!is_small(checkpoint)) return;
  for (const std::string_view format : {"pytorch-zip", "pytorch-legacy", "safetensors"}) {
    try {
      round_trip(checkpoint, format);
    } catch (const Error&) {
      continue;  // this format cannot hold it, or the input is damaged where nothing had looked yet
    }
  }
}
