// Comparing the leaves that are no tensors, as Python's == does.
#pragma once

#include <sconce/diff.h>

#include "model/diff_side.h"

namespace sconce::model {

/// Whether two leaves are equal: numbers by value whatever their types (1 == 1.0 == True), NaN to NaN, text by its
/// bytes, objects by their class (what is inside of them are leaves of their own). `strict`: their kinds, the flavor of
/// dicts, and the bits of floats, too.
[[nodiscard]] bool leaves_equal(const tree::Document& a, tree::NodeId x, const tree::Document& b, tree::NodeId y,
                                bool strict);

/// "list", "ordered_dict" …
[[nodiscard]] std::string container_kind(const tree::Document& document, tree::NodeId node);

/// Values of both sides by name, in the order of a, then what only b has. Where one side's format can hold no values,
/// those of the other are a note.
void diff_values(const Side& a, const Side& b, bool strict, DiffReport& report);

}  // namespace sconce::model
