#include "model/compatibility/planned_source.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "base/fail.h"

namespace sconce::model::compatibility {

namespace {

class PlannedSource final : public ByteSource {
 public:
  explicit PlannedSource(std::shared_ptr<const io::WritePlan> plan) : plan_(std::move(plan)) {
    std::uint64_t at = 0;
    for (const io::Segment& segment : plan_->segments()) {
      begins_.push_back(at);
      at += segment.size;
    }
  }

  [[nodiscard]] std::uint64_t size() const override { return plan_->size(); }
  [[nodiscard]] const std::string& name() const noexcept override { return name_; }

  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (offset > size() || into.size() > size() - offset) fail(ErrorCode::truncated, "the planned file ends before");
    // The last segment that begins at or before the offset.
    auto number = static_cast<std::size_t>(std::ranges::upper_bound(begins_, offset) - begins_.begin());
    for (--number; !into.empty(); ++number) {
      const io::Segment& segment = plan_->segments()[number];
      const std::uint64_t inside = offset - begins_[number];
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(segment.size - inside, into.size()));
      if (segment.kind == io::Segment::Kind::literal)
        std::memcpy(into.data(), plan_->literals().data() + segment.offset + inside, count);
      else
        std::memset(into.data(), 0, count);
      into = into.subspan(count);
      offset += count;
    }
  }

 private:
  std::shared_ptr<const io::WritePlan> plan_;
  std::vector<std::uint64_t> begins_;  // of the segments, in the file
  std::string name_ = "the planned file";
};

}  // namespace

SourcePtr planned_source(std::shared_ptr<const io::WritePlan> plan) {
  return std::make_shared<PlannedSource>(std::move(plan));
}

}  // namespace sconce::model::compatibility
