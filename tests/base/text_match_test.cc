#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace sconce {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Pattern {
  const char* pattern;
  const char* text;
  bool matches;
};

void PrintTo(const Pattern& p, std::ostream* out) { *out << p.pattern << " on " << p.text; }

class Matches : public testing::TestWithParam<Pattern> {};

TEST_P(Matches, AsPythonsFnmatchDoes) { EXPECT_EQ(matches(GetParam().pattern, GetParam().text), GetParam().matches); }

INSTANTIATE_TEST_SUITE_P(Literals, Matches,
                         testing::Values(Pattern{"", "", true}, Pattern{"", "a", false}, Pattern{"abc", "abc", true},
                                         Pattern{"abc", "abcd", false}, Pattern{"abcd", "abc", false},
                                         Pattern{"Abc", "abc", false}, Pattern{"a.b", "axb", false},
                                         Pattern{"a\\*", "a\\x", true}));

INSTANTIATE_TEST_SUITE_P(Stars, Matches,
                         testing::Values(Pattern{"*", "", true}, Pattern{"*", "a.b.c", true},
                                         Pattern{"layers.*.weight", "layers.0.attn.weight", true},
                                         Pattern{"layers.*.weight", "layers.0.bias", false},
                                         Pattern{"*.weight", ".weight", true}, Pattern{"a*b*c", "a-b-b-c-c", true},
                                         Pattern{"a*b*c", "a-c-b", false}, Pattern{"**a**", "bab", true},
                                         Pattern{"*ab", "aab", true}, Pattern{"a*", "b", false}));

INSTANTIATE_TEST_SUITE_P(Questions, Matches,
                         testing::Values(Pattern{"?", "a", true}, Pattern{"?", "", false}, Pattern{"?", "ab", false},
                                         Pattern{"?", "é", true}, Pattern{"??", "é", false}, Pattern{"?", "\xE9", true},
                                         Pattern{"*?", "", false}, Pattern{"*?.", "🔥.", true}));

INSTANTIATE_TEST_SUITE_P(
    Classes, Matches,
    testing::Values(Pattern{"[abc]", "b", true}, Pattern{"[abc]", "d", false}, Pattern{"[a-c]x", "bx", true},
                    Pattern{"[a-c]x", "dx", false}, Pattern{"[!a-c]", "d", true}, Pattern{"[!a-c]", "a", false},
                    Pattern{"[]]", "]", true}, Pattern{"[!]]", "]", false}, Pattern{"[!]]", "x", true},
                    Pattern{"[]-a]", "^", true}, Pattern{"[a-]", "-", true}, Pattern{"[-a]", "-", true},
                    Pattern{"[c-a]", "b", false}, Pattern{"[α-ω]", "λ", true}, Pattern{"[^a]", "^", true},
                    Pattern{"[*]", "*", true}, Pattern{"[*]", "a", false}, Pattern{"*[0-9].w", "l10.w", true}));

INSTANTIATE_TEST_SUITE_P(OpenClassesAreLiteral, Matches,
                         testing::Values(Pattern{"[abc", "[abc", true}, Pattern{"[abc", "a", false},
                                         Pattern{"[", "[", true}, Pattern{"[]", "[]", true},
                                         Pattern{"[!]", "[!]", true}, Pattern{"a]", "a]", true}));

TEST(MatchesTime, DoesNotGrowBeyondPatternTimesText) {
  std::string pattern, text(50'000, 'a');
  for (int i = 0; i < 50; ++i) pattern += "*a";
  EXPECT_FALSE(matches(pattern + "b", text));
  EXPECT_FALSE(matches("*" + std::string(1000, '[') + "b", std::string(5'000, '[')));
}

TEST(Nearest, PutsTheSmallestSlipFirstAndEqualOnesInTheirOrder) {
  const std::vector<std::string> names = {"decoder.weight", "encoder.wieght", "encoder.weights", "encoder.bias"};
  EXPECT_THAT(nearest("encoder.weight", names), ElementsAre("encoder.weights", "decoder.weight", "encoder.wieght"));
}

TEST(Nearest, GivesNoMoreThanAsked) {
  const std::vector<std::string> names = {"aaaa1", "aaaa2", "aaaa3", "aaaa4"};
  EXPECT_THAT(nearest("aaaa0", names, 2), ElementsAre("aaaa1", "aaaa2"));
  EXPECT_THAT(nearest("aaaa0", names, 0), IsEmpty());
  EXPECT_THAT(nearest("aaaa0", {}), IsEmpty());
}

TEST(Nearest, LeavesOutWhatIsNoSlip) {
  const std::vector<std::string> names = {"optimizer", "scheduler", "x"};
  EXPECT_THAT(nearest("encoder.weight", names), IsEmpty());
  EXPECT_THAT(nearest("lr", std::vector<std::string>{"wd"}), IsEmpty());
}

TEST(Nearest, FindsAPrefixThatIsMissingOrTooMuch) {
  const std::vector<std::string> wrapped = {"module.layer.0.weight", "module.layer.0.bias"};
  EXPECT_THAT(nearest("layer.0.weight", wrapped), ElementsAre("module.layer.0.weight"));
  const std::vector<std::string> plain = {"layer.0.weight", "layer.0.bias"};
  EXPECT_THAT(nearest("module.layer.0.weight", plain), ElementsAre("layer.0.weight"));
  const std::vector<std::string> deep = {"model.encoder.layer.0.weight"};
  EXPECT_THAT(nearest("layer.0.weight", deep), ElementsAre("model.encoder.layer.0.weight"));
}

TEST(Nearest, FindsTheBeginningOfAName) {
  const std::vector<std::string> names = {"optimizer.state", "optimization"};
  EXPECT_THAT(nearest("optimizer", names), ElementsAre("optimizer.state"));
}

TEST(Nearest, CountsInsertionsDeletionsAndSubstitutionsUpToTheLimit) {
  const auto is_near = [](std::string wanted, std::string name) {
    return !nearest(wanted, std::vector<std::string>{std::move(name)}).empty();
  };
  EXPECT_TRUE(is_near("abcdef", "Xabcde"));                                          // 2: one in front, one less behind
  EXPECT_TRUE(is_near("abcdef", "aXcdYf"));                                          // 2
  EXPECT_FALSE(is_near("abcdef", "aXcdYfZ"));                                        // 3 of 6 letters
  EXPECT_TRUE(is_near("abcdefghi", "aXcdYfghiZ"));                                   // 3 of 9 letters
  EXPECT_TRUE(is_near("abcdefghijklmnopqrstuvwxyz", "ABCDEFghijklmnopqrstuvwxyz"));  // 6 is the most
  EXPECT_FALSE(is_near("abcdefghijklmnopqrstuvwxyz", "ABCDEFGhijklmnopqrstuvwxyz"));
}

TEST(NearestTime, StaysSmallWithManyLongNames) {
  std::vector<std::string> names;
  for (int i = 0; i < 20'000; ++i)
    names.push_back("transformer.h." + std::to_string(i % 97) + ".mlp.c_fc." + std::to_string(i) + ".weight");
  EXPECT_THAT(nearest("transformer.h.96.mlp.c_fc.9999x.weight", names), testing::SizeIs(3));
  // Names that an attacker chose: long, and different all the way.
  const std::vector<std::string> long_names(2'000, std::string(100'000, 'a'));
  EXPECT_THAT(nearest(std::string(100'000, 'b'), long_names), IsEmpty());
}

}  // namespace
}  // namespace sconce
