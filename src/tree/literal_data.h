// The containers inside a Literal.
#pragma once

#include <vector>

#include <sconce/value.h>

namespace sconce {
inline namespace v0 {

/// Items of a list or tuple; for dicts key, value, key, value …
struct Literal::Sequence {
  Shape shape = Shape::list;
  std::vector<Literal> items;
};

}  // namespace v0
}  // namespace sconce
