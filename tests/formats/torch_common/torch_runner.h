// Running a pickle of PyTorch's dialect over storages in memory.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/slice.h"
#include "formats/torch_common/call_facts.h"
#include "formats/torch_common/resolver.h"
#include "pickle/machine.h"
#include "pickle/pickle_builder.h"

namespace sconce::formats::torch_common::testing {

using pickle::testing::PickleBuilder;

/// Storages whose bytes nobody reads.
class AnyStorages final : public StorageLoader {
 public:
  using StorageLoader::StorageLoader;

 protected:
  bool takes_views() const noexcept override { return true; }
  std::uint32_t first_seen(const StorageId& id) override {
    StorageData data;
    data.nbytes = id.nbytes;
    data.location = document_.location(id.location);
    data.typed = id.cls.dtype.has_value();
    if (data.typed) data.dtype = *id.cls.dtype;
    return document_.new_storage(data);
  }
};

struct Loaded {
  std::shared_ptr<tree::Document> document = std::make_shared<tree::Document>(std::make_shared<MemoryBudget>());
  NodeId root = kNoNode;
  std::vector<CallFact> calls;
  std::optional<Error> error;

  [[nodiscard]] Value value() const {
    if (error) throw *error;
    return {document, root};
  }
  [[nodiscard]] Tensor tensor() const { return value().as_tensor(); }
  [[nodiscard]] Kind kind() const { return value().kind(); }
  /// What a name is said to do; nothing where it was not met.
  [[nodiscard]] std::optional<CallFact::Effect> effect_of(std::string_view name, CallFact::What what) const {
    for (const CallFact& fact : calls)
      if (fact.name == name && fact.what == what) return fact.effect;
    return std::nullopt;
  }
};

inline Loaded load(const std::string& stream) {
  Loaded loaded;
  AnyStorages storages(*loaded.document);
  Resolver resolver(*loaded.document, storages);
  CallCounter counter(*loaded.document);
  ByteReader reader(string_source(stream));
  try {
    loaded.root = pickle::Machine(reader, *loaded.document, resolver, counter).run().root;
  } catch (const Error& error) {
    loaded.error = error;
  }
  loaded.calls = counter.facts({});
  return loaded;
}
inline Loaded load(const PickleBuilder& builder) { return load(builder.stop()); }

/// The code of the error; nothing where there is none.
inline std::optional<ErrorCode> code_of(const Loaded& loaded) {
  return loaded.error ? std::optional(loaded.error->code()) : std::nullopt;
}

/// A tensor of float32 over storage "0" of 24 elements.
inline PickleBuilder& float_tensor(PickleBuilder& builder, std::initializer_list<std::int64_t> shape = {2, 3},
                                   std::initializer_list<std::int64_t> stride = {3, 1}, std::int64_t offset = 0) {
  builder.global("torch._utils", "_rebuild_tensor_v2").mark().storage("FloatStorage", "0", 24).integer(offset);
  return builder.integers(shape).integers(stride).boolean(false).hooks().tuple().reduce();
}
/// A tensor of int64 over a storage of its own.
inline PickleBuilder& int_tensor(PickleBuilder& builder, std::string_view key,
                                 std::initializer_list<std::int64_t> shape,
                                 std::initializer_list<std::int64_t> stride) {
  builder.global("torch._utils", "_rebuild_tensor_v2").mark().storage("LongStorage", key, 24).integer(0);
  return builder.integers(shape).integers(stride).boolean(false).hooks().tuple().reduce();
}
inline PickleBuilder& layout(PickleBuilder& builder, std::string_view name) {
  return builder.global("torch.serialization", "_get_layout").text(name).tuple1().reduce();
}

}  // namespace sconce::formats::torch_common::testing
