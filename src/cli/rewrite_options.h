// --for, --weights-only, --plain, --cast without a value: what stands in the way of another PyTorch.
#pragma once

#include <sconce/rewrite.h>

#include <string>
#include <vector>

namespace sconce {
class JsonWriter;
}

namespace sconce::cli {

class Arguments;
class Style;

/// Errors: `invalid_argument` for a command line that contradicts itself, before anything is read.
void check_rewrite(const Arguments& arguments, std::string_view to);
/// Does what the options say, if they say anything. Errors: those of rewrite_for().
[[nodiscard]] RewriteReport rewrite(Checkpoint& checkpoint, const Arguments& arguments, SaveOptions& save);

/// The members "changed" and "remaining" of an object.
void rewrite_json(JsonWriter& json, const RewriteReport& report);
void rewrite_text(std::string& out, const Style& style, const RewriteReport& report, bool quiet);

}  // namespace sconce::cli
