// Values of Python's own types, and torch's small ones, from the calls that build them.
#pragma once

#include "formats/torch_common/arguments.h"
#include "formats/torch_common/known_names.h"

namespace sconce::formats::torch_common {

/// The value that a known call builds; kNoNode where it is none of these, or is called in a way that only Python can
/// follow (then it is kept as an opaque object).
[[nodiscard]] NodeId python_value(Document& document, Known what, const Arguments& arguments);

/// BUILD on a dict: an OrderedDict's attributes (`_metadata`), or the state of an OrderedDict subclass.
void dict_state(Document& document, NodeId dict, NodeId state);

/// The bytes that a text stands for in Latin-1; kNoNode where a character is beyond it.
[[nodiscard]] NodeId latin1_bytes(Document& document, std::string_view utf8, bool mutable_bytes = false);

}  // namespace sconce::formats::torch_common
