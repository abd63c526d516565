// Zip archives that torch.save did not make, told apart by the names in them.
#include "formats/foreign/zip_kinds.h"

#include "formats/foreign/foreign_files.h"

namespace sconce::formats::foreign {
namespace {

using namespace testing;
using ::testing::HasSubstr;

std::optional<Finding> finding_of(const std::vector<std::string>& names) {
  archive::testing::ZipBuilder builder;
  for (const std::string& name : names) builder.add(name, "");
  return zip_finding(*archive::testing::open_zip(builder.build().bytes));
}

TEST(ForeignZip, TorchSavesOwnArchivesAreNotForeign) {
  EXPECT_FALSE(finding_of({"archive/data.pkl", "archive/data/0", "archive/version"}));
  EXPECT_FALSE(finding_of({"m/DATA.PKL", "m/version"})) << "PyTorch's lookup ignores case";
}

TEST(ForeignZip, KindsOfArchivesAreNamed) {
  const struct {
    std::vector<std::string> names;
    const char* words;
  } cases[] = {
      {{"m/data.pkl", "m/constants.pkl", "m/code/__torch__.py"}, "a TorchScript archive (torch.jit.save)"},
      {{"m/data.pkl", "m/constants.pkl", "m/bytecode.pkl"}, "for mobile devices"},
      {{"m/version", "m/model.json", "m/tensors/0"}, "PyTorch 1.0 to 1.2"},
      {{"p/.data/extern_modules", "p/.data/version", "p/model/data.pkl"}, "a torch.package archive"},
      {{"a/archive_format", "a/models/model.json", "a/.data/version"}, "an exported program"},
      {{"serialized_exported_program.json", "version"}, "an exported program"},
      {{"metadata.json", "config.json", "model.weights.h5"}, "a Keras model"},
      {{"data", "policy.pth"}, "Stable-Baselines3"},
      {{"x/__init__.py", "x-1.0.dist-info/WHEEL"}, "a Python wheel"},
      {{"META-INF/MANIFEST.MF", "A.class"}, "a Java archive"},
      {{"[Content_Types].xml", "word/document.xml"}, "an Office document"},
      {{"m/saved_model.pb", "m/variables/variables.index"}, "a TensorFlow SavedModel"},
      {{"data.pkl", "data/0", "version"}, "packed again without its folder"},
      {{"x/readme", "x/archive/data.pkl"}, "one folder too deep (x/archive/data.pkl)"},
      {{"readme.txt", "notes.txt"}, "a zip archive of 2 files, none of them a checkpoint"},
  };
  for (const auto& [names, words] : cases) {
    const auto finding = finding_of(names);
    ASSERT_TRUE(finding) << words;
    EXPECT_EQ(finding->code, ErrorCode::unsupported) << words;
    EXPECT_THAT(finding->what, HasSubstr(words));
    EXPECT_NE(finding->advice, "");
  }
}

TEST(ForeignZip, ACheckpointInsideIsPointedOut) {
  EXPECT_THAT(finding_of({"readme.txt", "run/best.pt"})->advice, HasSubstr("give Sconce run/best.pt"));
}

TEST(ForeignZip, ASaveThatDiedBeforeItsPickleIsDamage) {
  const auto finding = finding_of({"archive/.format_version", "archive/.storage_alignment", "archive/byteorder"});
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->code, ErrorCode::damaged);
}

TEST(ForeignZip, StoragesWithoutTheirPickleAreDamage) {
  const auto finding = finding_of({"archive/data/0", "archive/version"});
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->code, ErrorCode::damaged);
  EXPECT_THAT(finding->what, HasSubstr("no record data.pkl"));
}

}  // namespace
}  // namespace sconce::formats::foreign
