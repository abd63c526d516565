#include "io/ordered_writer.h"

#include <cerrno>
#include <utility>

#include "io/pump.h"
#include "io/retry.h"
#include "io/system_error.h"

namespace sconce::io {

OrderedWriter::OrderedWriter(FileSystem& files, int descriptor, std::string name, WriteWay way)
    : files_(files), descriptor_(descriptor), name_(std::move(name)), way_(way) {
  if (way_ == WriteWay::direct && uninterrupted([&] { return files_.set_direct(descriptor_, true); }) < 0)
    way_ = WriteWay::behind;
}

void OrderedWriter::write(std::span<const std::byte> bytes) {
  const std::uint64_t from = offset_;
  if (way_ == WriteWay::direct) {
    const std::size_t blocks = bytes.size() / kBufferAlignment * kBufferAlignment;
    put(bytes.first(blocks));
    bytes = bytes.subspan(blocks);
    if (!bytes.empty()) leave_direct();
  }
  put(bytes);
  if (way_ == WriteWay::behind) start_writeback(from);
}

void OrderedWriter::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::int64_t done = uninterrupted([&] { return files_.write(descriptor_, bytes, offset_); });
    if (done == -EINVAL && way_ == WriteWay::direct) {  // larger blocks, or a file system that only says so now
      leave_direct();
      continue;
    }
    if (done <= 0) fail_system(done == 0 ? EIO : static_cast<int>(-done), "writing", name_, offset_);
    offset_ += static_cast<std::uint64_t>(done);
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    if (way_ == WriteWay::direct && offset_ % kBufferAlignment != 0) leave_direct();
  }
}

void OrderedWriter::leave_direct() {
  const int result = uninterrupted([&] { return files_.set_direct(descriptor_, false); });
  if (result < 0) fail_system(-result, "going on through the page cache", name_, offset_);
  way_ = WriteWay::behind;
}

void OrderedWriter::start_writeback(std::uint64_t from) {
  const int result = uninterrupted([&] { return files_.start_writeback(descriptor_, from, offset_ - from); });
  if (result == -EIO || result == -ENOSPC || result == -EDQUOT) fail_system(-result, "writing", name_, from);
  if (result < 0) way_ = WriteWay::cached;  // only a hint, which this file system does not take
}

}  // namespace sconce::io
