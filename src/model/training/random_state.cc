// Random state, by its shape: Python's random.getstate(), numpy.random.get_state(), torch.get_rng_state() …
#include <algorithm>
#include <array>

#include "model/training/recognise.h"

namespace sconce::model::training {

namespace {

enum Whose : unsigned { kPython = 1, kNumPy = 2, kTorch = 4, kCuda = 8 };

// Sources: CPython Lib/random.py (VERSION 3: 624 words and a position), numpy/random/mtrand.pyx (legacy tuple of
// get_state), ATen CPUGeneratorImpl.cpp (sizeof(CPUGeneratorImplState) = 5056, 5048 before PyTorch 1.5), ATen
// CUDAGeneratorImpl.cpp (seed and offset: 16 bytes) and THCRandom.cpp before PyTorch 1.6.
constexpr std::size_t kPythonWords = 625;
constexpr std::int64_t kMersenneWords = 624;
constexpr std::int64_t kTorchBytes = 5056;
constexpr std::int64_t kOldTorchBytes = 5048;
constexpr std::int64_t kCudaBytes = 16;
constexpr std::int64_t kOldCudaBytes = 824024;
constexpr std::int64_t kOlderCudaBytes = 816000;  // and more, by what stood behind the states

bool is_python_state(const Document& document, NodeId id) {
  const auto parts = document.elements(id);
  return parts.size() == 3 && document.kind(parts[0]) == Kind::integer && document.kind(parts[1]) == Kind::tuple &&
         document.elements(parts[1]).size() == kPythonWords;
}

bool is_numpy_state(const Document& document, NodeId id) {
  const auto parts = document.elements(id);
  return parts.size() == 5 && text_of(document, parts[0]) == "MT19937" &&
         (document.kind(parts[1]) == Kind::tensor || document.kind(parts[1]) == Kind::list);
}

/// numpy's newer form: {"bit_generator": "MT19937", "state": {…}}; with its array as a list where it went through JSON.
bool is_numpy_dict(const Document& document, NodeId id) {
  return document.kind(id) == Kind::dict && !text_of(document, document.dict_get(id, "bit_generator")).empty() &&
         document.dict_get(id, "state") != kNoNode;
}

unsigned tensor_state(const Document& document, NodeId id) {
  const tree::TensorRecord& record = document.tensor_record(id);
  if (record.ndim != 1) return 0;
  const std::int64_t size = record.shape()[0];
  if (record.dtype == DType::uint32 && size == kMersenneWords && record.numpy) return kNumPy;
  if (record.dtype != DType::uint8) return 0;
  if (size == kTorchBytes || size == kOldTorchBytes) return kTorch;
  if (size == kCudaBytes || (size >= kOlderCudaBytes && size <= kOldCudaBytes + 64)) return kCuda;
  return 0;
}

/// Whose one value is, without a look inside containers.
unsigned single_state(const Document& document, NodeId id) {
  switch (document.kind(id)) {
    case Kind::tensor: return tensor_state(document, id);
    case Kind::tuple:
    case Kind::list:
      if (is_python_state(document, id)) return kPython;
      if (is_numpy_state(document, id)) return kNumPy;
      return 0;
    case Kind::dict:
      if (is_numpy_dict(document, id)) return kNumPy;
      return 0;
    default: return 0;
  }
}

/// A set of states: whose they are, or 0 where anything else is in it. Levels of containers are looked at one after
/// another, and no more of them than anybody saves.
unsigned gathered(const Document& document, NodeId root) {
  constexpr std::size_t kMostValues = 4096;
  constexpr std::uint32_t kMostInDict = 64;
  unsigned whose = 0;
  std::vector<std::pair<NodeId, int>> open{{root, 0}};
  for (std::size_t at = 0; at < open.size(); ++at) {
    const auto [node, depth] = open[at];
    if (const unsigned one = single_state(document, node); one != 0) {
      whose |= one;
      continue;
    }
    const Kind kind = document.kind(node);
    const bool leaf = kind == Kind::none || kind == Kind::integer || kind == Kind::boolean;
    if (leaf && depth != 0) continue;
    if ((kind != Kind::dict && !tree::is_sequence(kind)) || depth == 4) return 0;
    if (kind == Kind::dict && document.dict_record(node).count > kMostInDict) return 0;
    if (kind == Kind::dict)
      for (const tree::Child& child : fields(document, node)) open.emplace_back(child.value, depth + 1);
    else
      for (const NodeId element : document.elements(node)) open.emplace_back(element, depth + 1);
    if (open.size() > kMostValues) return 0;
  }
  return whose;
}

bool says_random(std::string_view name) {
  constexpr std::array<std::string_view, 5> kWords = {"cuda", "rng", "random", "seed", "generator"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

bool says_random_inside(const Document& document, NodeId id) {
  return document.kind(id) == Kind::dict && std::ranges::any_of(fields(document, id), [&](const tree::Child& child) {
           return says_random(tree::step_text(document, child));
         });
}

}  // namespace

std::string random_state(const Document& document, NodeId id, std::string_view key) {
  const unsigned whose = gathered(document, id);
  if (whose == kCuda && !says_random(key) && !says_random_inside(document, id)) return {};
  std::string text;
  const auto add = [&](Whose one, std::string_view name) {
    if ((whose & one) == 0) return;
    if (!text.empty()) text += ", ";
    text += name;
  };
  add(kPython, "Python");
  add(kNumPy, "NumPy");
  add(kTorch, "torch");
  add(kCuda, "CUDA");
  return text;
}

}  // namespace sconce::model::training
