// Opening what the command line names.
#pragma once

#include <sconce/byte_source.h>
#include <sconce/checkpoint.h>

#include <string>

namespace sconce::cli {

/// A file, or standard input where the name is "-". Nothing is mapped: a file that others cut short while it is read
/// gives an error, and never a signal.
[[nodiscard]] SourcePtr open_input(const std::string& name);
[[nodiscard]] Checkpoint load_input(const std::string& name);
/// The same for who wants one value of it: the kernel is told not to read ahead, so that no other pages are touched.
[[nodiscard]] Checkpoint load_for_one(const std::string& name);

}  // namespace sconce::cli
