// The description that travels with weights: written, kept, read back, checked, and refused where it is no such thing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sconce/error.h>
#include <sconce/save.h>
#include <sconce/structure.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

namespace sconce {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kFixture = std::string(SCONCE_SOURCE_DIR) + "/tests/fixtures/structure/torch-2.13/";

class Memory final : public ByteSink {
 public:
  void write(std::span<const std::byte> bytes) override {
    text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  [[nodiscard]] Checkpoint open() const { return load(memory_source(std::as_bytes(std::span(text_)))); }

 private:
  std::string text_;
};

Checkpoint saved(const Checkpoint& checkpoint, Memory& memory, std::string_view format, std::string structure = {}) {
  SaveOptions options;
  options.format = std::string(format);
  options.structure = std::move(structure);
  (void)save(checkpoint, memory, options);
  return memory.open();
}

Checkpoint small_model() {
  Checkpoint checkpoint;
  const Tensor weight = Tensor::from(std::vector<float>{1, 2, 3, 4}, {2, 2});
  checkpoint.root().set("a.weight", weight);
  checkpoint.root().set("b.weight", weight);
  checkpoint.root().set("b.bias", Tensor::from(std::vector<float>{1, 2}, {2}));
  return checkpoint;
}

TEST(Description, GivesBackTheTree) {
  for (const char* name : {"kinds.pt", "containers.pt", "quantised.pt"}) {
    const ModuleTree tree = module_tree(load(kFixture + name));
    const std::string json = to_json(tree);
    const ModuleTree again = tree_from_json(json);
    EXPECT_EQ(to_text(again), to_text(tree)) << name;
    EXPECT_EQ(to_json(again), json) << name;
    EXPECT_EQ(again.nodes[0].parameters, tree.nodes[0].parameters);
  }
}

TEST(Description, HasSettingsAsJson) {
  const std::string json = to_json(module_tree(load(kFixture + "kinds.pt")));
  EXPECT_THAT(json, HasSubstr(R"("kernel_size":[3,5],"stride":[2,2],"padding":[0,1])"));
  EXPECT_THAT(json, HasSubstr(R"("padding_mode":"circular")"));
  EXPECT_THAT(json, HasSubstr(R"("eps":0.001,"momentum":0.01)"));
  EXPECT_THAT(json, HasSubstr(R"("momentum":null)"));
  EXPECT_THAT(json, HasSubstr(R"("bias":false)"));
}

TEST(Description, TravelsThroughFormats) {
  const Checkpoint model = small_model();
  const std::string json = to_json(module_tree(model));
  Memory zip;
  Memory safetensors;
  Memory back;
  const Checkpoint pt = saved(model, zip, "pytorch-zip", json);
  EXPECT_EQ(saved_structure(pt), json);
  const Checkpoint st = saved(pt, safetensors, "safetensors");
  EXPECT_EQ(saved_structure(st), json);
  const Checkpoint again = saved(st, back, "pytorch-zip");
  EXPECT_EQ(saved_structure(again), json);
  for (const Checkpoint* checkpoint : {&pt, &st, &again}) EXPECT_THAT(check_structure(*checkpoint, json), IsEmpty());
  EXPECT_EQ(saved_structure(model), std::nullopt);
}

TEST(Description, TakesThePlaceOfTheOneBefore) {
  const Checkpoint model = small_model();
  Memory first;
  Memory second;
  const Checkpoint pt = saved(model, first, "pytorch-zip", "not even JSON");
  const std::string json = to_json(module_tree(model));
  EXPECT_EQ(saved_structure(saved(pt, second, "pytorch-zip", json)), json);
}

TEST(Description, HasNoPlaceInALegacyStream) {
  Memory memory;
  const Checkpoint model = small_model();
  EXPECT_THROW((void)saved(model, memory, "pytorch-legacy", to_json(module_tree(model))), Error);
}

TEST(Description, GivesAStateDictItsKinds) {
  ModuleTree tree = module_tree(small_model());
  for (ModuleNode& node : tree.nodes)
    if (node.path == "b") {
      node.type = node.class_name = "mine.Odd";
      node.inferred = false;
    }
  Memory memory;
  const ModuleTree read = module_tree(saved(small_model(), memory, "safetensors", to_json(tree)));
  EXPECT_TRUE(read.described);
  EXPECT_THAT(to_text(read), HasSubstr("(b): mine.Odd("));
  EXPECT_TRUE(read.nodes.at(1).tensors.at(0).tensor.has_storage());
}

TEST(Description, ThatContradictsIsFound) {
  const std::string json = to_json(module_tree(small_model()));
  Checkpoint other;
  other.root().set("a.weight", Tensor::from(std::vector<float>{1, 2, 3, 4}, {2, 2}));
  other.root().set("b.weight", Tensor::from(std::vector<float>{1, 2, 3, 5}, {2, 2}));
  other.root().set("b.bias", Tensor::from(std::vector<double>{1, 2, 3}, {3}));
  other.root().set("c.weight", Tensor::from(std::vector<float>{1}, {1}));
  EXPECT_THAT(check_structure(other, json),
              ElementsAre("\"b.bias\" is described with the shape [2], and has [3]", "\"c.weight\" is not described",
                          "\"b.bias\" is described as float32, and is float64",
                          "\"b.weight\" and \"a.weight\" are described as one tensor, and have different values"));
  EXPECT_THAT(check_structure(Checkpoint(), json), ElementsAre(HasSubstr("none was found")));
  Memory memory;
  const ModuleTree passed = module_tree(saved(other, memory, "pytorch-zip", json));
  EXPECT_FALSE(passed.described);
  EXPECT_THAT(passed.notes, ElementsAre(HasSubstr("does not fit it, and is passed over")));
}

TEST(Description, OfATensorThatWasSavedTwiceWithTheSameValuesFits) {
  const std::string json = to_json(module_tree(small_model()));
  Checkpoint other = small_model();
  other.root().set("b.weight", Tensor::from(std::vector<float>{1, 2, 3, 4}, {2, 2}));
  EXPECT_THAT(check_structure(other, json), IsEmpty());
}

class HostileDescription : public testing::TestWithParam<const char*> {};

TEST_P(HostileDescription, IsRefused) {
  try {
    (void)tree_from_json(GetParam());
    FAIL() << GetParam();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::damaged) << GetParam();
    EXPECT_EQ(error.place().record, "sconce.structure");
    EXPECT_TRUE(error.place().offset.has_value());
  }
}

#define DESCRIPTION(modules) R"({"format":"sconce.structure","version":1,"modules":)" modules "}"

INSTANTIATE_TEST_SUITE_P(
    All, HostileDescription,
    testing::Values("", "[]", "{", "{}", R"({"format":"other"})", R"({"format":"sconce.structure","version":2})",
                    R"({"format":"sconce.structure","format":"sconce.structure"})", DESCRIPTION("[]"),
                    DESCRIPTION("[{}] "
                                "x"),
                    DESCRIPTION(R"([{"path":"a"}])"), DESCRIPTION(R"([{"parent":0}])"),
                    DESCRIPTION(R"([{"path":"","path":""}])"), DESCRIPTION(R"([{},{"path":"a","name":"a"}])"),
                    DESCRIPTION(R"([{},{"path":"a","name":"a","parent":1}])"),
                    DESCRIPTION(R"([{},{"path":"b","name":"a","parent":0}])"),
                    DESCRIPTION(R"([{},{"path":"a","name":"a","parent":0,"same_as":1}])"),
                    DESCRIPTION(R"([{"tensors":[{"name":"w","dtype":"float32"}]}])"),
                    DESCRIPTION(R"([{"tensors":[{"name":"w","dtype":"float33","shape":[]}]}])"),
                    DESCRIPTION(R"([{"tensors":[{"name":"w","dtype":"int8","shape":[4294967296,4294967296]}]}])"),
                    DESCRIPTION(R"([{"tensors":[{"name":"w","dtype":"int8","shape":[-1]}]}])"),
                    DESCRIPTION(R"([{"settings":{"a":{}}}])"),
                    DESCRIPTION(R"([{"settings":{"a":[[[[[[[[[[1]]]]]]]]]]}}])"),
                    DESCRIPTION(R"([{"settings":{"a":1,"a":1}}])")));

TEST(Description, OfModulesInsideOfThemselvesEnds) {
  // A chain in which every module has the one before twice: 2^30 places of the last.
  std::string modules =
      R"([{"path":""},{"path":"m","name":"m","parent":0,"tensors":[{"name":"w","dtype":"int8","shape":[1]}]})";
  std::size_t last = 1;
  std::size_t count = 2;
  for (int level = 0; level < 30; ++level) {
    const std::string name = "n" + std::to_string(level);
    modules += R"(,{"path":")" + name + R"(","name":")" + name + R"(","parent":0})";
    const std::size_t here = count++;
    for (const char* child : {"a", "b"}) {
      modules += R"(,{"path":")" + name + "." + child + R"(","name":")" + child + R"(","parent":)" +
                 std::to_string(here) + R"(,"same_as":)" + std::to_string(last) + "}";
      ++count;
    }
    last = here;
  }
  const std::string json = R"({"format":"sconce.structure","version":1,"modules":)" + modules + "]}";
  const ModuleTree tree = tree_from_json(json);
  EXPECT_EQ(tree.nodes[0].parameters, 1U);
  for (const auto& ask :
       {+[](const ModuleTree& t) { return to_text(t); },
        +[](const ModuleTree& t) { return std::to_string(check_structure(small_model(), to_json(t)).size()); }}) {
    try {
      (void)ask(tree);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::limit);
    }
  }
}

}  // namespace
}  // namespace sconce
