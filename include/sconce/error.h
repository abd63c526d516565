// The one exception type of the library, and what its codes mean.
//
// Thread rule: an Error is a plain value; it may be copied and moved between threads.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <sconce/export.h>

namespace sconce {
inline namespace v0 SCONCE_API {

/// What kind of failure an Error is. Every code says when it is used, and when its neighbour is.
enum class ErrorCode : std::uint8_t {
  /// The caller asked for something that makes no sense (a shape that does not fit the data, a negative dimension, an
  /// option out of range). Never used for what a file contains.
  invalid_argument,
  /// A value is not of the type that was asked for: `as_int()` of a string, `data<float>()` of an int64 tensor. The
  /// advice names the call that works.
  wrong_type,
  /// A key, path, tensor or state_dict is not in the tree, or the name is ambiguous. The file itself is fine.
  not_found,
  /// The file ends before what it declares: a download that stopped, an interrupted save. The message says at which
  /// byte of how many.
  truncated,
  /// The bytes contradict themselves or the format: entries that overlap, a view outside its storage, a size that
  /// overflows. `truncated` is used instead where the only fault is a missing end.
  damaged,
  /// A checksum that the file records is not the checksum of its bytes.
  checksum,
  /// The file is well-formed, but writing it on would pass on something that executes, reads, writes or sends when it
  /// is loaded.
  hostile,
  /// The file asks for more than the Limits allow (memory, output of a decompressor, paths). Raise the limit if the
  /// file is trusted.
  limit,
  /// The operating system refused or failed: no such file, no permission, disk full, an I/O error.
  io,
  /// The host or a device has too little memory for what was asked; said before anything is read where it can be known.
  memory,
  /// A device or its driver failed; the message has the driver's name for it. A device that is not there at all is
  /// `unsupported`.
  device,
  /// The target exists and overwriting was not allowed.
  exists,
  /// The input is fine, or is plainly something else (a gzip, a web page, a format without a reader), but asks for
  /// what is not supported; or the target format cannot hold what the tree contains.
  unsupported,
  /// The caller's stop token was set.
  cancelled,
};

/// The stable lower-case name of a code, as `--json` prints it ("damaged", "not_found" …).
[[nodiscard]] std::string_view to_string(ErrorCode code) noexcept;

/// Where in the input a failure lies. Every member may be absent.
struct ErrorPlace {
  std::string file;                      ///< path or name of the source
  std::optional<std::uint64_t> offset;   ///< byte offset: in `record` where one is named, else in `file`
  std::string record;                    ///< entry of the archive ("archive/data.pkl")
  std::string key;                       ///< path of the value in the tree ("optimizer.state.0.step")
};

/// Everything that Sconce throws.
///
/// `what()` is one line with file, offset, record, key, what was expected and what to do, control characters escaped.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string message, ErrorPlace place = {}, std::string advice = {});

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }
  /// What is wrong and what was expected, without the place and the advice.
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const ErrorPlace& place() const noexcept { return place_; }
  /// What to do next; may be empty.
  [[nodiscard]] const std::string& advice() const noexcept { return advice_; }

  [[nodiscard]] const char* what() const noexcept override { return line_.c_str(); }

  /// Fills the members of the place that are still empty. Called while the error travels outwards, by those who know.
  Error& add_place(const ErrorPlace& outer);
  Error& add_advice(std::string advice);

 private:
  void compose();

  ErrorCode code_;
  std::string message_;
  ErrorPlace place_;
  std::string advice_;
  std::string line_;
};

}  // namespace v0
}  // namespace sconce
