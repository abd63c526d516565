// Prefixes: taken off and put on as told, found, proposed, and applied where they are certain.
#include <string>

#include "model/matching/match_builder.h"
#include "model/matching/prefixes.h"

namespace sconce {
namespace {

using model::matching::apply_prefix_changes;
using model::matching::prefix_changes;
using test::error_of;
using test::findings_of;
using test::is_error;
using test::Shapes;
using test::state_dict;
using test::target;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string changed(const std::vector<std::string>& strip, const std::string& name) {
  return apply_prefix_changes(prefix_changes(strip), name, nullptr);
}

/// A model of three layers, each with a name and a shape of its own.
const Shapes kModel = {{"stem.weight", {4, 3}},        {"stem.bias", {4}},      {"body.0.attn.weight", {4, 4}},
                       {"body.1.attn.weight", {4, 4}}, {"head.weight", {2, 4}}, {"head.bias", {2}}};

/// The same with other names.
template <typename Change>
Shapes renamed(Change&& change) {
  Shapes made;
  for (const auto& [name, shape] : kModel) made.emplace_back(change(name), shape);
  return made;
}

Shapes with_prefix(const std::string& prefix) {
  return renamed([&](const std::string& name) { return prefix + name; });
}

MatchOptions automatic() {
  MatchOptions options;
  options.auto_prefix = true;
  return options;
}

TEST(StripPrefix, TakesEachOffOnceInAnyOrderOfNesting) {
  EXPECT_EQ(changed({"module."}, "module.fc.weight"), "fc.weight");
  EXPECT_EQ(changed({"module."}, "fc.module.weight"), "fc.module.weight") << "only from the beginning";
  EXPECT_EQ(changed({"module.", "_orig_mod.", "model."}, "model.module._orig_mod.fc.weight"), "fc.weight");
  EXPECT_EQ(changed({"model.module._orig_mod."}, "model.module._orig_mod.fc.weight"), "fc.weight");
  EXPECT_EQ(changed({"model."}, "model.model.weight"), "model.weight") << "a model may well have a model inside";
  EXPECT_EQ(changed({"module"}, "module.weight"), "weight");
  EXPECT_EQ(changed({"module."}, "module."), "module.") << "nothing would be left";
}

TEST(StripPrefix, TakesComponentsOutWhereverTheyStand) {
  EXPECT_EQ(changed({"*.module."}, "encoder.module.layer.module.weight"), "encoder.layer.weight");
  EXPECT_EQ(changed({"*.module."}, "module.submodule.weight"), "submodule.weight") << "whole components only";
  EXPECT_EQ(changed({"*.module."}, "encoder.module"), "encoder.module");
}

TEST(StripPrefix, PutsOneInPlaceOfAnotherAndBeforeEveryName) {
  EXPECT_EQ(changed({"encoder.module.=encoder."}, "encoder.module.weight"), "encoder.weight");
  EXPECT_EQ(changed({"=model."}, "weight"), "model.weight");
  EXPECT_EQ(changed({"=model.", "module."}, "module.weight"), "model.weight") << "what is put on comes last";
}

TEST(StripPrefix, RefusesWhatCannotBe) {
  for (const std::string wrong : {"", "=", "a.=a.", "*.", "*.module", "*.module.=x."})
    EXPECT_THAT(error_of([&] { (void)prefix_changes(std::vector{wrong}); }),
                is_error(ErrorCode::invalid_argument, "\"" + wrong + "\""))
        << wrong;
}

TEST(ProposePrefix, FindsWhatWrapsTheNames) {
  for (const std::string prefix : {"module.", "_orig_mod.", "model.", "ema.", "ema_model.", "net.", "encoder.",
                                   "model.module._orig_mod.", "_orig_mod.module.", "student.backbone.", "a.b.c.d."}) {
    const Target wanted = target(kModel);
    const Checkpoint source = state_dict(with_prefix(prefix));
    const MatchReport report = match_state_dict(source, wanted);
    EXPECT_FALSE(report.fits);
    ASSERT_FALSE(report.proposed.empty()) << prefix;
    EXPECT_THAT(report.proposed[0].strip, ElementsAre(prefix));
    EXPECT_EQ(report.proposed[0].fits, kModel.size());
    EXPECT_EQ(report.proposed[0].fits_without, 0U);
    EXPECT_TRUE(report.proposed[0].certain);
    EXPECT_TRUE(match_state_dict(source, wanted, automatic()).fits) << prefix;
    MatchOptions told;
    told.strip = report.proposed[0].strip;
    EXPECT_TRUE(match_state_dict(source, wanted, told).fits) << prefix;
  }
}

TEST(ProposePrefix, FindsWhatIsToBePutOn) {
  const Target wanted = target(with_prefix("model."));
  const MatchReport report = match_state_dict(state_dict(kModel), wanted);
  ASSERT_FALSE(report.proposed.empty());
  EXPECT_THAT(report.proposed[0].strip, ElementsAre("=model."));
  EXPECT_TRUE(match_state_dict(state_dict(kModel), wanted, automatic()).fits);
}

TEST(ProposePrefix, FindsOneInPlaceOfAnother) {
  const Target wanted = target(with_prefix("net."));
  const Checkpoint source = state_dict(with_prefix("model.module."));
  EXPECT_THAT(match_state_dict(source, wanted).proposed.at(0).strip, ElementsAre("model.module.=net."));
  EXPECT_TRUE(match_state_dict(source, wanted, automatic()).fits);
}

TEST(ProposePrefix, FindsWrappersInTheMiddle) {
  const Target wanted = target({{"encoder.layer.weight", {3}}, {"encoder.norm.weight", {3}}, {"head.weight", {2}}});
  const Checkpoint source =
      state_dict({{"encoder.module.layer.weight", {3}}, {"encoder.module.norm.weight", {3}}, {"head.weight", {2}}});
  const MatchReport report = match_state_dict(source, wanted);
  EXPECT_EQ(report.proposed.at(0).fits, 3U);
  EXPECT_EQ(report.proposed.at(0).fits_without, 1U);
  EXPECT_TRUE(match_state_dict(source, wanted, automatic()).fits);
}

TEST(ProposePrefix, FindsWrappersAroundEachLayerInsideOfAnother) {
  const Checkpoint source = state_dict(renamed([](const std::string& name) {
    const std::size_t dot = name.rfind('.');
    return "model.module." + name.substr(0, dot) + "._orig_mod" + name.substr(dot);
  }));
  const MatchReport report = match_state_dict(source, target(kModel), automatic());
  EXPECT_TRUE(report.fits) << to_text(report, target(kModel));
}

TEST(ProposePrefix, FindsSeveralForPartsThatWereWrappedApart) {
  const Target wanted =
      target({{"enc.a.weight", {3}}, {"enc.b.weight", {4}}, {"dec.a.weight", {5}}, {"dec.b.weight", {6}}});
  const Checkpoint source = state_dict(
      {{"enc.ddp.a.weight", {3}}, {"enc.ddp.b.weight", {4}}, {"dec.fsdp.a.weight", {5}}, {"dec.fsdp.b.weight", {6}}});
  const MatchReport report = match_state_dict(source, wanted, automatic());
  EXPECT_TRUE(report.fits) << to_text(report, wanted);
}

TEST(ProposePrefix, CountsShapesToo) {
  const Checkpoint source = state_dict({{"a.w", {2}}, {"b.w", {3}}});
  const MatchReport report = match_state_dict(source, target({{"w", {3}}}));
  ASSERT_EQ(report.proposed.size(), 1U);
  EXPECT_THAT(report.proposed[0].strip, ElementsAre("b."));
}

TEST(ProposePrefix, DoesNotChooseBetweenTwoThatFitAsWell) {
  Shapes both = with_prefix("model.");
  for (auto& entry : with_prefix("ema_model.")) both.push_back(entry);
  MatchOptions options = automatic();
  options.strict = false;
  const MatchReport report = match_state_dict(state_dict(both), target(kModel), options);
  ASSERT_GE(report.proposed.size(), 2U);
  EXPECT_FALSE(report.proposed[0].certain);
  EXPECT_THAT(report.matched, IsEmpty()) << "ambiguity is reported, never guessed";
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("none is certain")));
}

TEST(ProposePrefix, DoesNotTakeADecoderForAnEncoder) {
  const MatchReport report =
      match_state_dict(state_dict(with_prefix("decoder.")), target(with_prefix("encoder.")), automatic());
  EXPECT_FALSE(report.fits);
  EXPECT_THAT(report.proposed.at(0).strip, ElementsAre("decoder.=encoder.")) << "it may still be what somebody wants";
}

TEST(ProposePrefix, SaysNothingWhereNamesFit) {
  EXPECT_THAT(match_state_dict(state_dict(kModel), target(kModel)).proposed, IsEmpty());
  Shapes more = kModel;
  more.emplace_back("extra.weight", test::Shape{9});
  EXPECT_THAT(match_state_dict(state_dict(more), target(kModel)).proposed, IsEmpty());
}

TEST(ProposePrefix, AHeadOfAnotherShapeDoesNotHideThePrefix) {
  Shapes source = with_prefix("module.");
  source[4].second = {1000, 4};
  MatchOptions options = automatic();
  options.skip_mismatched = true;
  const MatchReport report = match_state_dict(state_dict(source), target(kModel), options);
  EXPECT_EQ(findings_of(report), "shape head.weight skipped\n");
  EXPECT_TRUE(report.fits);
  EXPECT_THAT(report.applied, ElementsAre("auto strip module. (6 names)"));
}

}  // namespace
}  // namespace sconce
