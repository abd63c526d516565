// What an error looks like to the user, and which exit code it gives.
#pragma once

#include <sconce/error.h>

#include <string>

namespace sconce::cli {

[[nodiscard]] int exit_code(ErrorCode code) noexcept;
/// {"error": {…}} without the end of the line.
[[nodiscard]] std::string error_json(const Error& error);
/// One line on standard error and, where `json`, the object on standard output. Returns the exit code.
int report(const Error& error, bool json);

}  // namespace sconce::cli
